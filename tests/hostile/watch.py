"""Who touches what nobody may touch: a server and files as bait, and a look at the processes below the handler."""

import os
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from local.processes import descendants
from tests.privileges import SYS_PTRACE, has_capability

from .generate import Bait

T = TypeVar("T")

_JOBS_FILES = 64
"""Files that a worker may have open; tested in `test_confinement`."""
MARKER = "MaRkErOfTheFileThatNobodyReads"


class Trap:
    """Bait that notices whoever takes it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.caught: list[str] = []
        self._tcp, self._udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp.bind(("127.0.0.1", 0))
        self._tcp.listen(64)
        port = int(self._tcp.getsockname()[1])
        self._udp.bind(("127.0.0.1", port))
        fifo, secret = folder / "bait.fifo", folder / "bait.txt"
        os.mkfifo(fifo)
        secret.write_text(f"{MARKER}\n" * 50)
        # Reading a file changes its time of access where that is older than the file itself, whatever the mount says
        # short of `noatime`: `test_the_trap_catches` would fail there.
        os.utime(secret, (1, time.time()))
        self.bait = Bait(port, fifo, secret, MARKER)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._ends.set()
        self._thread.join()
        self._tcp.close()
        self._udp.close()

    def taken(self) -> list[str]:
        """Return what was touched so far."""
        time.sleep(0.05)  # one round of watching
        read = [] if self.bait.secret.stat().st_atime < 2 else ["the file with the marker was read"]
        return [*self.caught, *read]

    def _watch(self) -> None:
        while not self._ends.is_set():
            ready, _, _ = select.select([self._tcp, self._udp], [], [], 0.02)
            for listener in ready:
                if listener is self._tcp:
                    connection, _ = self._tcp.accept()
                    connection.close()
                    self.caught.append("somebody connected")
                else:
                    self._udp.recv(65536)
                    self.caught.append("somebody sent a datagram")
            try:
                # Possible only while somebody has it open for reading, and whoever opens it waits for this.
                os.close(os.open(self.bait.fifo, os.O_WRONLY | os.O_NONBLOCK))
                self.caught.append("the FIFO was opened")
            except OSError:
                continue


@dataclass
class Seen:
    """What was seen of the processes below the handler."""

    files: set[str] = field(default_factory=set)
    """Targets of their open descriptors."""
    ffmpeg: list["Process"] = field(default_factory=list)
    jobs: list["Process"] = field(default_factory=list)


@dataclass(frozen=True)
class Process:
    """A process, as /proc shows it."""

    command: tuple[str, ...]
    environment: bytes | None
    """None, like `folder`, where the process is hidden from these tests: they lack CAP_SYS_PTRACE in a container."""
    limits: dict[str, str]
    """Soft limits by their names."""
    hard: dict[str, str]
    """Hard limits by their names."""
    folder: str | None
    status: dict[str, str]
    """See proc_pid_status(5)."""


class Watch:
    """Samples the processes below one while its context is open."""

    def __init__(self, pid: int) -> None:
        self.seen = Seen()
        self._pid, self._known = pid, set[tuple[int, bool]]()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Seen:
        self._thread.start()
        return self.seen

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._ends.is_set():
            for pid in descendants(self._pid):
                try:
                    self._look_at(Path(f"/proc/{pid}"))
                except OSError:
                    continue  # It has ended meanwhile.
            time.sleep(0.002)

    def _look_at(self, process: Path) -> None:
        for descriptor in _unless_hidden(lambda: list((process / "fd").iterdir())) or []:
            try:
                self.seen.files.add(str(descriptor.readlink()))
            except OSError:
                continue
        command = tuple(part.decode(errors="replace") for part in (process / "cmdline").read_bytes().split(b"\0")[:-1])
        is_ffmpeg = bool(command) and "ffmpeg" in Path(command[0]).name
        limits = _limits((process / "limits").read_text())
        # Limits are set one by one, before anything is read: what counts is how they stand then. Of a job this is the
        # last; FFmpeg is started with those of the job, and gets fewer open files in the end.
        settled = limits["Max cpu time"] != "unlimited"
        settled = settled and (not is_ffmpeg or int(limits["Max open files"]) < _JOBS_FILES)
        if (int(process.name), is_ffmpeg) in self._known or not settled:
            return
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
        # A fork of a job that is about to become FFmpeg has what FFmpeg may use, and still the name of the job.
        if not is_ffmpeg and (int(status["PPid"]), False) in self._known:
            return
        self._known.add((int(process.name), is_ffmpeg))
        found = Process(
            command,
            _unless_hidden((process / "environ").read_bytes),
            limits,
            _limits((process / "limits").read_text(), 1),
            _unless_hidden(lambda: str((process / "cwd").readlink())),
            status,
        )
        (self.seen.ffmpeg if is_ffmpeg else self.seen.jobs).append(found)


def _unless_hidden(look: Callable[[], T]) -> T | None:
    """Return what is seen of a process; None where it is hidden from whoever may not trace it (ptrace(2))."""
    try:
        return look()
    except PermissionError:
        if has_capability(SYS_PTRACE):
            raise
        return None


def _limits(text: str, column: int = 0) -> dict[str, str]:
    return {line[:26].strip(): line[26:].split()[column] for line in text.splitlines()[1:]}
