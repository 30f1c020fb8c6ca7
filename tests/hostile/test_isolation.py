"""What a program that takes over a worker or FFmpeg can ask of the kernel: decided by asking."""

import errno
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import isolation

from .refusing import HARSH, NUMBERS, REPORTED

HERE = Path(__file__).parent
OWN = {"a thread", "its own limits", "random numbers"}
"""The last: on arm64 FFmpeg's libraries crash where they cannot be had."""
STARTS = {"a process", "a process as programs are started", "a session of its own"}
"""What a worker needs to start FFmpeg, and to end it with all that it started."""
CONFINED_BY_LANDLOCK = {
    "a signal to the service",
    "the service's environment",
    "the service's memory",
    "a file of the machine",
}


@pytest.fixture
def port() -> Iterator[int]:
    """Somebody who would answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def asked(role: str, port: int, refused: list[str]) -> tuple[dict[str, int], dict[str, Any]]:
    """Return what a kernel that refuses some calls answers, by question; and which measures hold there."""
    confined = [sys.executable, str(HERE / "confined.py"), role, str(port)]
    command = [sys.executable, str(HERE / "refusing.py"), ",".join(refused), *confined]
    done = subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    return said, said.pop("measures")


def test_a_worker_may_do_what_it_needs_and_nothing_else(port: int) -> None:
    said, measures = asked("worker", port, [])
    assert measures["filter"], "this kernel has no seccomp, or this container refuses it"
    granted = {name for name, refusal in said.items() if refusal == 0}
    assert granted >= OWN | STARTS
    outside = set() if measures["landlock"] >= 6 else CONFINED_BY_LANDLOCK
    assert granted - OWN - STARTS <= outside


def test_a_decoder_may_compute_and_nothing_else(port: int) -> None:
    said, measures = asked("decoder", port, [])
    assert measures["filter"], "this kernel has no seccomp, or this container refuses it"
    granted = {name for name, refusal in said.items() if refusal == 0}
    outside = set() if measures["landlock"] else {"a file of the machine"}
    assert granted - outside == OWN


@pytest.mark.parametrize("refused", [REPORTED, HARSH], ids=["as reported", "with what is not known refused too"])
@pytest.mark.parametrize("role", ["worker", "decoder"])
def test_where_a_kernel_refuses_nothing_fails_and_what_holds_is_said(port: int, role: str, refused: list[str]) -> None:
    said, measures = asked(role, port, refused)
    assert not measures["filter"]
    assert not measures["network"]
    assert bool(measures["landlock"]) is ("landlock_create_ruleset" not in refused and isolation_has_landlock())
    assert said["a thread"] == 0


def isolation_has_landlock() -> bool:
    version: int = isolation._libc.syscall(isolation._LANDLOCK_CREATE, None, 0, isolation._CREATE_VERSION)
    return version > 0


def test_a_hidden_process_knows_that_it_is() -> None:
    program = "import sys; sys.path.insert(0, sys.argv[1]); import isolation; print(isolation.hide())"
    folder = str(Path(isolation.__file__).parent)
    done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


# The filter itself, for the processor of this machine and for the other one


NAMED = {
    machine: {**isolation._WORKERS[machine], **isolation._WORKERS_NEWER, **isolation._DECODERS[machine]}
    for machine in ("x86_64", "aarch64")
}
REFUSED = {machine: set(named.values()) for machine, named in NAMED.items()}


def decided(machine: str, number: int, argument: int = 0, arch: int | None = None) -> int:
    """Return what a filter returns for a system call, by the rules of classic BPF."""
    rows = list(struct.iter_unpack("HBBI", isolation._instructions(machine, REFUSED[machine], decoder=True)))
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
    for number in REFUSED[machine]:
        assert decided(machine, number) == REFUSE
    clone, prlimit = isolation._CLONE[machine], isolation._PRLIMIT[machine]
    # A thread as glibc makes one, the start of a program as it does that, fork(3), and a child in a new network.
    assert decided(machine, clone, 0x3D0F00) == ALLOW
    assert decided(machine, clone, 0x4111) == REFUSE
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
        pytest.skip(f"{header} was not found: install the kernel's headers (Debian: apt-get install linux-libc-dev)")
    defined = dict(line.split()[1:3] for line in header.read_text().splitlines() if line.startswith("#define __NR_"))
    known = {**NAMED[os.uname().machine], **NUMBERS[os.uname().machine]}
    assert {name: defined.get(f"__NR_{name}") for name in known} == {name: str(n) for name, n in known.items()}
