"""Asks the kernel for what a hostile file may want, as a worker or as FFmpeg: `python confined.py ROLE PORT`.

It is no test itself. Prints the answers as JSON: 0 where the kernel grants, else the error; and what holds.
"""

import ctypes
import json
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "docker-ffmpeg-thumb"
sys.path.insert(0, str(ROOT))

import isolation  # noqa: E402

libc = ctypes.CDLL(None, use_errno=True)
VFORK, CLONE_AS_VFORK = 58, (56, 0x4111)
"""On x86_64: vfork(2), and clone(2) as the C library starts programs."""


def call(number: int, *arguments: int | None) -> object:
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
    return None


def thread() -> None:
    started = threading.Thread(target=len, args=("",))
    started.start()
    started.join()


def opened(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY))


def questions(service: int, port: int) -> dict[str, Callable[[], object]]:
    """Return what is asked, by name; `service` is the number of a process outside."""
    return {
        "a connection": lambda: socket.create_connection(("127.0.0.1", port), 5),
        "a datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)),
        "a local socket": lambda: socket.socket(socket.AF_UNIX),
        "sockets by io_uring": lambda: call(425, 1, None),
        "a signal to the service": lambda: os.kill(service, signal.SIG_DFL),
        "a look at the service by its number": lambda: os.pidfd_open(service),
        "lower limits for the service": lambda: resource.prlimit(service, resource.RLIMIT_CORE),
        "the service's environment": lambda: opened(f"/proc/{service}/environ"),
        "the service's memory": lambda: opened(f"/proc/{service}/mem"),
        "a file of the machine": lambda: opened("/var/lib/dpkg/status"),
        "a user namespace": lambda: libc.unshare(0x10000000) and call(-1),
        "a process": lambda: os.fork() or os._exit(0),
        "a process as programs are started": lambda: call(CLONE_AS_VFORK[0], CLONE_AS_VFORK[1], 0, 0, 0, 0),
        "a session of its own": os.setsid,
        "a thread": thread,
        "random numbers": lambda: opened("/dev/urandom"),
        "its own limits": lambda: resource.prlimit(0, resource.RLIMIT_CORE),
    }


def main() -> None:
    role, port = sys.argv[1], int(sys.argv[2])
    service = os.getpid()
    reader, writer = os.pipe()
    if (template := os.fork()) == 0:
        measures = isolation.confine_template([ROOT])
        answers: dict[str, object] = {"measures": vars(measures)}
        if role == "decoder":
            isolation.confine_decoder(Path(sys.executable))
        for name, ask in questions(service, port).items():
            try:
                ask()
                answers[name] = 0
            except OSError as refusal:
                answers[name] = refusal.errno
        os.write(writer, json.dumps(answers).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(template, 0)
    with os.fdopen(reader) as said:
        print(said.read())


if __name__ == "__main__":
    main()
