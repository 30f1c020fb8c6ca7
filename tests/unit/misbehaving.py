"""A template whose workers do what a hostile file may make of them; which, the stem of the object's name says.

It is no test itself: `test_workers` starts it in the place of `worker.template`.
"""

import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2] / "docker-ffmpeg-thumb"
sys.path.insert(0, str(ROOT))

from channel import Channel  # noqa: E402
from model import WorkerLimits  # noqa: E402
from worker import process, template  # noqa: E402

POSTER = {"kind": "poster", "number": 0, "width": 64, "height": 36, "seconds": 0.0}
FACTS = {
    "container": "mp4",
    "codec": "h264",
    "width": 64,
    "height": 36,
    "coded_width": 64,
    "coded_height": 36,
    "seconds": 1.0,
    "placeholder": None,
    "storyboard": None,
}


def burn() -> NoReturn:
    while True:
        pass


def misbehave(end: socket.socket, limits: WorkerLimits) -> None:
    channel = Channel(end)
    message, _ = channel.receive()
    while "at" in (part := channel.receive()[0]):
        assert part["at"] >= 0
    what, _, argument = str(message["job"]["stem"]).partition(" ")
    if what == "after":
        channel.send({"output": POSTER}, b"x")
        channel.send({"made": {"video": FACTS, "notes": []}})
        what, _, argument = argument.partition(" ")
    if what == "crash":
        os.kill(os.getpid(), signal.Signals[argument])
    elif what == "leave":
        os._exit(3)
    elif what == "burn":
        burn()
    elif what == "stubborn":
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU):
            signal.signal(number, signal.SIG_IGN)
        burn()
    elif what == "overdue":
        # The kernel kills it before the service looks.
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        burn()
    elif what == "sleep":
        time.sleep(60)
    elif what == "orphan":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        os._exit(3)
    elif what == "parent":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).wait()
    elif what == "child":
        # As FFmpeg does: it is at work when the deadline comes.
        if os.fork() == 0:
            burn()
        time.sleep(60)
    elif what == "bytes":
        end.sendall(bytes.fromhex(argument))
    elif what == "flood":
        while True:
            end.sendall(bytes(65536))
    elif what == "long":
        end.sendall(struct.pack(">II", 2**31, 2**31))
        time.sleep(60)
    elif what == "fail":
        channel.send({"failed": "ValueError: it has a bug"})
    elif what == "say":
        channel.send({argument: None})
    elif what == "get":
        channel.send({"get": [[int(place) for place in argument.split(",")]]})
        while "at" in channel.receive()[0]:
            pass
        channel.send({"settled": "skipped", "reason": "it was answered"})
    elif what == "output":
        name, value = argument.split("=")
        channel.send({"output": {**POSTER, name: value}}, b"x")
        channel.send({"done": {"video": FACTS, "notes": []}})
    elif what == "none":
        channel.send({"done": {"video": FACTS, "notes": []}})
    elif what == "many":
        channel.send({"output": POSTER}, b"x")
        channel.send({"output": {**POSTER, "number": 1}}, b"x")
        channel.send({"done": {"video": FACTS, "notes": []}})
    elif what == "facts":
        channel.send({"output": POSTER}, b"x")
        channel.send({"done": {"video": {**FACTS, argument: "x" * 10 + "\ud800"}, "notes": ["a"]}})
    elif what == "notes":
        channel.send({"output": POSTER}, b"x")
        channel.send({"done": {"video": FACTS, "notes": ["n" * 5_000] * 100}})
    elif what == "write":
        Path("/tmp/misbehaving").write_bytes(bytes(20 * 2**20))
    elif what == "files":
        names = [str(Path(place)) for place in ("/proc/1/environ", "/root", "/home", "/var/tmp") if _opens(place)]
        channel.send({"settled": "skipped", "reason": f"opened {names}"})
    elif what == "limits":
        kind = getattr(resource, argument)
        try:
            resource.setrlimit(kind, (2**40, 2**40))
        except ValueError as fault:
            channel.send({"settled": "skipped", "reason": str(fault)})
        else:
            channel.send({"settled": "skipped", "reason": "raised"})
    elif what == "template":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    elif what == "environment":
        found = sorted(os.environ)
        maps = Path("/proc/self/environ")
        channel.send({"settled": "skipped", "reason": f"{found} {_opens(str(maps))}"})
    else:
        raise ValueError(f"nobody knows how to {what}")


def _opens(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError:
        return False
    return True


if __name__ == "__main__":
    process.run = misbehave
    template.main()
