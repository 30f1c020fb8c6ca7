"""What the FFmpeg child cannot ask of the kernel, whatever a file makes of it.

Sockets, other processes' memory and signals, processes of its own and sessions are refused by a system call filter
(seccomp(2)), which Docker allows to everybody. On a kernel that allows it the child has a network of its own besides,
with nothing in it (network_namespaces(7)); Docker and Lambda refuse that. What is refused, the child goes without.

Both bind the thread that asks for them and what that thread starts, and nothing else of the process. So a thread made
for it starts FFmpeg, while the others go on with S3. Python's own place for such calls, `preexec_fn`, copies the whole
process first. Until FFmpeg is started that takes 3 ms with 100 MiB in it, this 1 ms, a bare start 0.2 ms.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x1000_0000, 0x4000_0000
_CLONE_THREAD, _VFORK = 0x1_0000, 0x4111
"""Flags of clone(2): of a thread; and all those with which the C library starts a program, as FFmpeg itself is."""
_SET_MODE_FILTER, _SPEC_ALLOW = 1, 4
"""Of seccomp(2). Without the second, older kernels slow down all that a filtered process computes, against attacks on
secrets in its own memory, of which FFmpeg has none."""

_AUDIT_ARCH = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_NUMBERS: dict[str, dict[str, int]] = {
    "x86_64": {
        "socket": 41,
        "fork": 57,
        "kill": 62,
        "ptrace": 101,
        "setpgid": 109,
        "setsid": 112,
        "rt_sigqueueinfo": 129,
        "mount": 165,
        "tkill": 200,
        "tgkill": 234,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "unshare": 272,
        "rt_tgsigqueueinfo": 297,
        "perf_event_open": 298,
        "setns": 308,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "bpf": 321,
        "userfaultfd": 323,
    },
    "aarch64": {
        "mount": 40,
        "unshare": 97,
        "ptrace": 117,
        "kill": 129,
        "tkill": 130,
        "tgkill": 131,
        "rt_sigqueueinfo": 138,
        "setpgid": 154,
        "setsid": 157,
        "socket": 198,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "rt_tgsigqueueinfo": 240,
        "perf_event_open": 241,
        "setns": 268,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "bpf": 280,
        "userfaultfd": 282,
    },
}
"""What is refused: Linux's `asm/unistd_64.h` and `asm-generic/unistd.h`."""
_NEWER = {"pidfd_send_signal": 424, "io_uring_setup": 425, "pidfd_open": 434, "pidfd_getfd": 438}
"""The same on every processor. Through io_uring a process has sockets without calling socket(2)."""
_CLONE = {"x86_64": 56, "aarch64": 220}
_PRLIMIT = {"x86_64": 302, "aarch64": 261}
_CLONE3 = 435
_X32 = 0x4000_0000
"""From this number on x86_64 has its calls a second time."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Instructions of classic BPF: load a word, jump if it is equal, at least, has a bit of; return."""
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
"""Places in `struct seccomp_data`; of an argument, the lower half."""
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000

_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_NAMESPACES_ARE_EMPTY = os.getuid() != 0 and _APPARMOR.exists() and _APPARMOR.read_text().strip() == "1"
"""Ubuntu since 23.10 lets everybody make a namespace and gives no right in it: nothing is won, and AppArmor watches all
that is done there."""

_libc = ctypes.CDLL(None, use_errno=True)
_Made = TypeVar("_Made")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _filter(machine: str) -> bytes:
    """The filter as `struct sock_filter` after `struct sock_filter`: code, jump if so, jump if not, operand."""
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    allow = (_RETURN, 0, 0, _ALLOW)
    rows = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, _AUDIT_ARCH[machine]), refuse, (_LOAD, 0, 0, _NUMBER)]
    if machine == "x86_64":
        rows += [(_AT_LEAST, 0, 1, _X32), refuse]
    for number in sorted({*_NUMBERS[machine].values(), *_NEWER.values()}):
        rows += [(_EQUAL, 0, 1, number), refuse]
    # Its flags lie in memory, where a filter cannot look; told that there is no such call, the C library uses clone(2).
    rows += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    threads = [(_LOAD, 0, 0, _FIRST_ARGUMENT), (_ANY_BIT, 1, 0, _CLONE_THREAD), (_EQUAL, 0, 1, _VFORK), allow, refuse]
    rows += [(_EQUAL, 0, len(threads), _CLONE[machine]), *threads]
    # Its own limits it may ask for, which the C library does for every thread; others' it could lower.
    own = [(_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 0, 1, 0), allow, refuse]
    rows += [(_EQUAL, 0, len(own), _PRLIMIT[machine]), *own, allow]
    return b"".join(struct.pack("HBBI", *row) for row in rows)


_MACHINE = platform.machine()
_FILTER = _filter(_MACHINE) if _MACHINE in _SECCOMP else b""


def renounce() -> None:
    """For a process with a single thread: no program that it starts has more rights than it has itself, and where the
    kernel allows it, the process may make networks without being root (user_namespaces(7))."""
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if not _NAMESPACES_ARE_EMPTY:
        _libc.unshare(_CLONE_NEWUSER)


def start(make: Callable[[], _Made]) -> _Made:
    """What `make` returns, run where all that it starts is isolated. What the kernel refuses, it goes without."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_isolated, make).result()


def _isolated(make: Callable[[], _Made]) -> _Made:
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _libc.unshare(_CLONE_NEWNET)
    if _FILTER:
        program = _Program(len(_FILTER) // 8, _FILTER)
        _libc.syscall(_SECCOMP[_MACHINE], _SET_MODE_FILTER, _SPEC_ALLOW, ctypes.byref(program))
    return make()
