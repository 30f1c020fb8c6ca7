"""Runs a program on a kernel that refuses system calls: `python refusing.py prctl,seccomp PROGRAM [ARGUMENT …]`.

It is no test itself. What Lambda's kernel refuses, by public reports: ClickHouse 43589, tini 218 and 227,
terraform-exec 172, sentry-native 925, codex 38779 (issues of these projects on GitHub).
"""

import ctypes
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docker-ffmpeg-thumb"))

import isolation

HARSH = [
    "prctl",
    "seccomp",
    "unshare",
    "setns",
    "ptrace",
    "chroot",
    "fallocate",
    "mount",
    "bpf",
    "io_uring_setup",
    "process_vm_readv",
]
REPORTED = [*HARSH, "memfd_create", "landlock_create_ruleset", "landlock_restrict_self"]
NUMBERS = {
    "x86_64": {
        **{"prctl": 157, "seccomp": 317, "unshare": 272, "setns": 308, "ptrace": 101, "chroot": 161, "fallocate": 285},
        **{"mount": 165, "bpf": 321, "io_uring_setup": 425, "process_vm_readv": 310, "memfd_create": 319},
        **{"landlock_create_ruleset": 444, "landlock_restrict_self": 446},
    },
    "aarch64": {
        **{"prctl": 167, "seccomp": 277, "unshare": 97, "setns": 268, "ptrace": 117, "chroot": 51, "fallocate": 47},
        **{"mount": 40, "bpf": 280, "io_uring_setup": 425, "process_vm_readv": 270, "memfd_create": 279},
        **{"landlock_create_ruleset": 444, "landlock_restrict_self": 446},
    },
}
NO_NEW_PRIVILEGES = 38


def refuse(names: list[str]) -> None:
    """From now on the kernel answers these calls with EPERM, in this process and all that it starts."""
    machine = platform.machine()
    ctypes.CDLL(None).prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    numbers = [NUMBERS[machine][name] for name in names]
    assert isolation._filter(isolation._instructions(machine, numbers, decoder=False))


if __name__ == "__main__":
    refuse(sys.argv[1].split(",") if sys.argv[1] else [])
    os.execvp(sys.argv[2], sys.argv[2:])
