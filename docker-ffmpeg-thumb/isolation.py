"""Confine the processes that read a file, through the kernel: a file that takes one over should gain little.

- The service is hidden: no process of the same user can look into its memory or its environment (prctl(2),
  PR_SET_DUMPABLE; where that is refused, the mode of the interpreter in the image has the same effect, execve(2)).
- The template of the workers, and so every worker and FFmpeg, has a network of its own with nothing in it
  (network_namespaces(7)), may open no socket and look into no other process (seccomp(2)), and reaches no file but
  programs, libraries and its temporary folder, nor any process outside (landlock(7)).
- FFmpeg besides may start no process, signal none, and reach no file but its program and the system's libraries.
- All have random numbers (/dev/urandom).

Kernels refuse some of this: Docker the network, Lambda's (by public reports) prctl, seccomp and unshare. What is
refused is left out, and `Measures` says so.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x1000_0000, 0x4000_0000
_CLONE_THREAD = 0x1_0000
"""The flag of clone(2) that makes a thread and no process."""
_SET_MODE_FILTER, _SPEC_ALLOW = 1, 4
"""Of seccomp(2). Without the second, older kernels slow down all that a filtered process computes, against attacks on
secrets in its own memory, of which FFmpeg has none."""

_AUDIT_ARCH = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_WORKERS: dict[str, dict[str, int]] = {
    "x86_64": {
        "socket": 41,
        "ptrace": 101,
        "mount": 165,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "unshare": 272,
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
        "socket": 198,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "perf_event_open": 241,
        "setns": 268,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "bpf": 280,
        "userfaultfd": 282,
    },
}
"""System calls refused to workers and to FFmpeg: Linux's `asm/unistd_64.h` and `asm-generic/unistd.h`."""
_WORKERS_NEWER = {"pidfd_send_signal": 424, "io_uring_setup": 425, "pidfd_open": 434, "pidfd_getfd": 438}
"""The same on every processor. Through io_uring a process has sockets without calling socket(2)."""
_DECODERS: dict[str, dict[str, int]] = {
    "x86_64": {
        "fork": 57,
        "vfork": 58,
        "kill": 62,
        "setpgid": 109,
        "setsid": 112,
        "rt_sigqueueinfo": 129,
        "tkill": 200,
        "tgkill": 234,
        "rt_tgsigqueueinfo": 297,
    },
    "aarch64": {
        "kill": 129,
        "tkill": 130,
        "tgkill": 131,
        "rt_sigqueueinfo": 138,
        "setpgid": 154,
        "setsid": 157,
        "rt_tgsigqueueinfo": 240,
    },
}
"""System calls refused to FFmpeg as well."""
_CLONE = {"x86_64": 56, "aarch64": 220}
_PRLIMIT = {"x86_64": 302, "aarch64": 261}
_CLONE3 = 435
_X32 = 0x4000_0000
"""From this number on x86_64 repeats its system calls (the x32 ABI)."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Instructions of classic BPF: load a word, jump if it is equal, at least, has a bit of; return."""
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
"""Places in `struct seccomp_data`; of an argument, the lower half."""
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
"""The calls of landlock(7), the same on every processor."""
_CREATE_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE, _MAKE_REG, _TRUNCATE = (
    1 << 0,
    1 << 1,
    1 << 2,
    1 << 3,
    1 << 5,
    1 << 8,
    1 << 14,
)
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
"""All rights on files, by the version of Landlock: what is not handled is not restricted. The later ones add ioctl(2)
on devices, which no process here has open."""
_NETWORK_RIGHTS, _SCOPES = 3, 3
"""Binding and connecting TCP (version 4); abstract sockets and signals to processes outside (version 6)."""

_TEMPORARY = Path("/tmp")  # noqa: S108 - nothing is written there by name
"""The one folder that Lambda lets a function write to."""
_RANDOM = Path("/dev/urandom")
"""Without it FFmpeg's libraries make their random numbers of the processor's counter, which arm64 lets no program read:
whatever writes Matroska would end with SIGILL (libavutil, `av_get_random_seed`)."""

_libc = ctypes.CDLL(None, use_errno=True)
_MACHINE = platform.machine()


@dataclass(frozen=True)
class Measures:
    """What holds for the processes that meet a file."""

    hidden: bool
    """Their memory and environment cannot be read by others of the same user."""
    network: bool
    """Their network is empty."""
    filter: bool
    """They may not call what is refused."""
    landlock: int
    """The version of Landlock that bounds which files they reach; 0 for none."""


def hide() -> bool:
    """Keep other processes of the same user out of this one and its forks; return whether that holds.

    What they cannot read then is its memory, and its environment, in which the function's credentials stand.
    """
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if (dumpable := _libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0)) >= 0:
        return bool(dumpable == 0)
    # Where prctl is refused: root owns the entries of a hidden process (proc(5)).
    return os.geteuid() != 0 and Path("/proc/self/environ").stat().st_uid == 0


def confine_template(programs: Iterable[Path]) -> Measures:
    """Confine this process and all that it will start; return what holds.

    For a process with a single thread. `programs`: folders and files, besides Python's own, that it may read and run.
    """
    hidden = hide()
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    network = _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    reads = _EXECUTE | _READ_FILE | _READ_DIR
    python = {Path(path) for path in (sys.prefix, sys.base_prefix, *sys.path) if path}
    reachable = dict.fromkeys((*python, *programs, *map(Path, ("/usr", "/lib", "/lib64", "/etc"))), reads)
    reachable[_TEMPORARY] = _READ_FILE | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE
    reachable[Path("/dev/null")] = _READ_FILE | _WRITE_FILE
    reachable[_RANDOM] = _READ_FILE
    landlock = _landlock(reachable)
    return Measures(hidden, network, _filter(_TEMPLATES_FILTER), landlock)


def confine_decoder(program: Path) -> None:
    """Confine a fork that is about to execute `program`, and does nothing else."""
    # Its loader looks for libraries in folders and in a table of them.
    libraries = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")
    _landlock(dict.fromkeys((program, *map(Path, libraries)), _EXECUTE | _READ_FILE) | {_RANDOM: _READ_FILE})
    _filter(_DECODERS_FILTER)


def _landlock(reachable: dict[Path, int]) -> int:
    """Shut out all files but those below some places, with these rights; return Landlock's version, 0 without it."""
    version: int = _libc.syscall(_LANDLOCK_CREATE, None, 0, _CREATE_VERSION)
    if version < 1:
        return 0
    rights = _FILE_RIGHTS[min(version, 3)]
    scopes = _SCOPES if version >= 6 else 0
    attributes = struct.pack("QQQ", rights, _NETWORK_RIGHTS if version >= 4 else 0, scopes)
    length = 8 if version < 4 else 16 if version < 6 else 24
    ruleset: int = _libc.syscall(_LANDLOCK_CREATE, attributes, length, 0)
    if ruleset < 0:
        return 0
    try:
        for path, allowed in reachable.items():
            try:
                place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            if not path.is_dir():
                allowed &= _EXECUTE | _READ_FILE | _WRITE_FILE | _TRUNCATE
            rule = struct.pack("=Qi", allowed & rights, place)
            _libc.syscall(_LANDLOCK_ADD, ruleset, _PATH_BENEATH, rule, 0)
            os.close(place)
        return version if _libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0 else 0
    finally:
        os.close(ruleset)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _filter(instructions: bytes) -> bool:
    """Have the kernel refuse system calls from now on; return whether it does."""
    if not instructions:
        return False
    program = _Program(len(instructions) // 8, instructions)
    done: int = _libc.syscall(_SECCOMP[_MACHINE], _SET_MODE_FILTER, _SPEC_ALLOW, ctypes.byref(program))
    return done == 0


def _instructions(machine: str, refused: Iterable[int], decoder: bool) -> bytes:
    """Return a filter as `struct sock_filter` after `struct sock_filter`: code, jump if so, jump if not, operand."""
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    allow = (_RETURN, 0, 0, _ALLOW)
    rows = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, _AUDIT_ARCH[machine]), refuse, (_LOAD, 0, 0, _NUMBER)]
    if machine == "x86_64":
        rows += [(_AT_LEAST, 0, 1, _X32), refuse]
    for number in sorted(refused):
        rows += [(_EQUAL, 0, 1, number), refuse]
    if decoder:
        # Its flags lie in memory, where a filter cannot look; the C library then uses clone(2) instead.
        rows += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
        threads = [(_LOAD, 0, 0, _FIRST_ARGUMENT), (_ANY_BIT, 0, 1, _CLONE_THREAD), allow, refuse]
        rows += [(_EQUAL, 0, len(threads), _CLONE[machine]), *threads]
    # Its own limits it may ask for, which the C library does for every thread; others' it could lower.
    own = [(_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 0, 1, 0), allow, refuse]
    rows += [(_EQUAL, 0, len(own), _PRLIMIT[machine]), *own]
    return b"".join(struct.pack("HBBI", *row) for row in (*rows, allow))


def _instructions_of(decoder: bool) -> bytes:
    if _MACHINE not in _SECCOMP:
        return b""
    refused = {*_WORKERS[_MACHINE].values(), *_WORKERS_NEWER.values()}
    return _instructions(_MACHINE, refused | set(_DECODERS[_MACHINE].values()) if decoder else refused, decoder)


_TEMPLATES_FILTER, _DECODERS_FILTER = _instructions_of(decoder=False), _instructions_of(decoder=True)
