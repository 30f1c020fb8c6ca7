"""What a program that FFmpeg's place is taken over by can ask of the kernel: decided by asking."""

import errno
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.processes import running
from pipeline import isolation

from .warm import ROOT

ASK = """
import ctypes, json, os, resource, socket, subprocess, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
parent, port = os.getppid(), int(sys.argv[1])

def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")

def thread():
    started = threading.Thread(target=len, args=("",))
    started.start()
    started.join()

asked = {
    "a connection": lambda: socket.create_connection(("127.0.0.1", port), 5),
    "a datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)),
    "a local socket": lambda: socket.socket(socket.AF_UNIX),
    "sockets by io_uring": lambda: call(425, 1, None),
    "a signal to its parent": lambda: os.kill(parent, 0),
    "a look at its parent by its number": lambda: os.pidfd_open(parent),
    "lower limits for its parent": lambda: resource.prlimit(parent, resource.RLIMIT_CORE),
    "a process of its own": os.fork,
    "a session of its own, to outlive the job": os.setsid,
    "a group of its own, to outlive the job": lambda: os.setpgid(0, 0),
    "a user namespace": lambda: libc.unshare(0x10000000) and call(-1),
    "a thread": thread,
    "its own limits": lambda: resource.prlimit(0, resource.RLIMIT_CORE),
}
if sys.argv[2] == "unfiltered":
    asked = {"a connection": asked["a connection"]}
said = {}
for name, ask in asked.items():
    try:
        ask()
        said[name] = 0
    except OSError as refusal:
        said[name] = refusal.errno
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
said["interfaces"] = [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line]
said["rights"] = int(status["CapEff"], 16), int(status["NoNewPrivs"]), int(status["Seccomp"])
print(json.dumps(said))
"""
LEFT = {"a thread", "its own limits"}
HEADER = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
from pipeline import isolation
"""
AS_A_JOB = (
    HEADER
    + """
isolation._FILTER = isolation._FILTER if sys.argv[4] == "filtered" else b""
isolation.renounce()
program = [sys.executable, "-c", *sys.argv[2:]]
print(isolation.start(lambda: subprocess.run(program, stdout=subprocess.PIPE, text=True, check=True)).stdout)
"""
)


@pytest.fixture
def port() -> Iterator[int]:
    """Somebody who would answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def asked(port: int, how: str) -> dict[str, object]:
    """What the kernel answers a program below a job: 0 where it grants, else the error."""
    command = [sys.executable, "-c", AS_A_JOB, str(ROOT / "docker-ffmpeg-thumb"), ASK, str(port), how]
    done = subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert isinstance(said, dict)
    return said


def test_what_a_decoder_has_no_need_of_is_refused(port: int) -> None:
    said = asked(port, "filtered")
    interfaces, rights = said.pop("interfaces"), said.pop("rights")
    assert {name for name, refusal in said.items() if refusal == 0} == LEFT
    assert set(said.values()) == {0, errno.EPERM}
    assert isinstance(rights, list)
    assert rights[1:] == [1, 2]
    assert interfaces


def test_where_the_kernel_allows_namespaces_the_network_is_empty_without_the_filter_too(port: int) -> None:
    allowed = "import ctypes; raise SystemExit(ctypes.CDLL(None).unshare(0x50000000))"
    if subprocess.run([sys.executable, "-c", allowed], check=False).returncode:
        pytest.skip("this kernel allows no namespaces")
    said = asked(port, "unfiltered")
    assert said["a connection"] == errno.ENETUNREACH
    assert said["interfaces"] == ["lo"]
    # In its namespace the job had all rights; a program that it starts has none of them.
    assert said["rights"] == [0, 1, 0]


def test_the_process_that_starts_it_keeps_its_network_and_its_children() -> None:
    before = Path("/proc/self/ns/net").readlink()
    assert isolation.start(lambda: 5) == 5
    assert Path("/proc/self/ns/net").readlink() == before
    assert "Seccomp:\t2" not in Path("/proc/thread-self/status").read_text()
    with running(["/bin/true"], env={}, cwd=Path("/"), output=subprocess.DEVNULL) as process:
        assert process.wait() == 0


def test_what_cannot_be_started_is_said_as_ever() -> None:
    with pytest.raises(FileNotFoundError):
        isolation.start(lambda: subprocess.Popen(["/no/such/program"]))


def test_a_kernel_that_refuses_all_of_it_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def __getattr__(self, name: str) -> object:
            return lambda *_: -1

    monkeypatch.setattr(isolation, "_libc", Refusing())
    isolation.renounce()
    assert isolation.start(lambda: subprocess.run(["/bin/true"], check=False)).returncode == 0


# The filter itself, for the processor of this machine and for the other one


def decided(machine: str, number: int, argument: int = 0, arch: int | None = None) -> int:
    """What a filter returns for a system call, by the rules of classic BPF."""
    rows = list(struct.iter_unpack("HBBI", isolation._filter(machine)))
    data = {0: number, 4: isolation._AUDIT_ARCH[machine] if arch is None else arch, 16: argument & 0xFFFF_FFFF}
    at, word = 0, 0
    while True:
        code, if_so, if_not, operand = rows[at]
        at += 1
        if code == isolation._RETURN:
            return int(operand)
        if code == isolation._LOAD:
            word = data[operand]
            continue
        holds = {
            isolation._EQUAL: word == operand,
            isolation._AT_LEAST: word >= operand,
            isolation._ANY_BIT: bool(word & operand),
        }
        at += if_so if holds[code] else if_not


ALLOW, REFUSE, UNKNOWN = 0x7FFF_0000, 0x0005_0000 | errno.EPERM, 0x0005_0000 | errno.ENOSYS


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_decides_on_either_processor(machine: str) -> None:
    for number in [*isolation._NUMBERS[machine].values(), *isolation._NEWER.values()]:
        assert decided(machine, number) == REFUSE
    clone, prlimit = isolation._CLONE[machine], isolation._PRLIMIT[machine]
    # A thread as glibc makes one, the start of a program as it does that, fork(3), and a child in a new network.
    assert decided(machine, clone, 0x3D0F00) == ALLOW
    assert decided(machine, clone, 0x4111) == ALLOW
    assert decided(machine, clone, 0x1200011) == REFUSE
    assert decided(machine, clone, 0x4000_0000 | 0x4111) == REFUSE
    assert decided(machine, 435) == UNKNOWN
    assert (decided(machine, prlimit, 0), decided(machine, prlimit, 7)) == (ALLOW, REFUSE)
    read, write, mmap, execve = (0, 1, 9, 59) if machine == "x86_64" else (63, 64, 222, 221)
    assert {decided(machine, number) for number in (read, write, mmap, execve)} == {ALLOW}
    # The calls of 32-bit programs have other numbers.
    assert decided(machine, read, arch=0x4000_0003) == REFUSE


def test_calls_by_their_second_numbers_are_refused() -> None:
    assert decided("x86_64", 0x4000_0000 + 41) == REFUSE


def test_the_numbers_are_those_of_this_machine() -> None:
    header = Path("/usr/include") / f"{os.uname().machine}-linux-gnu" / "asm" / "unistd_64.h"
    if not header.exists():
        pytest.skip("the kernel's headers are not here")
    defined = dict(line.split()[1:3] for line in header.read_text().splitlines() if line.startswith("#define __NR_"))
    known = {**isolation._NUMBERS[os.uname().machine], **isolation._NEWER}
    assert {name: defined.get(f"__NR_{name}") for name in known} == {name: str(n) for name, n in known.items()}
