"""Workers: processes that meet a video in the service's place, one for each object, under limits.

A worker is forked from a template, a process that was started with an empty environment, before the function's
credentials were read, and that has everything imported. So it starts in milliseconds and no credential is in its
memory. The template is the parent of its workers: it ends them with all that they started, and tells how they ended.
If it dies itself, the next object gets another.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from channel import Channel
from model import Rejected, WorkerLimits

_ROOT = Path(__file__).resolve().parent.parent
_MESSAGE = 2**16
"""Bytes of one message of the template."""
_END = 10.0
"""Seconds that the template may take to end a worker; one that takes longer is not alive."""
_STANDSTILL = 0.05
"""A worker that used less than this share of its time stood still: even a busy machine gives it more."""
_TEMPLATE_KILLED = "the process that starts workers was killed, most likely for memory"
_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS}


class JobFailed(Exception):
    """An object was left without an outcome; its event must be tried again."""


class Workers:
    """Starts workers, one at a time."""

    def __init__(self, command: Sequence[str] = (sys.executable, "-m", "worker.template")) -> None:
        """`command` starts the template."""
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._worker: int | None = None
        self.isolation: dict[str, Any] | None = None
        """What the kernel allows to shut FFmpeg in with, by name; None until the first worker was ended."""

    def start_template(self) -> None:
        """Start the template, which gets ready while the service goes on."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Where the C library's loader finds Python's own library is no secret, and without it nothing starts.
        kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                [*self._command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=kept,
                cwd=_ROOT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._control = ours

    def start(self, limits: WorkerLimits) -> "Worker":
        """Start a worker.

        Raises:
            JobFailed: no process could be made.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            message = json.dumps({"fork": asdict(limits)}).encode()
            for attempt in (1, 2):
                try:
                    if self._control is None:
                        self.start_template()
                    assert self._control is not None
                    self._control.settimeout(_END)
                    socket.send_fds(self._control, [message], [theirs.fileno()])
                    break
                except OSError as fault:
                    self.close()
                    if attempt == 2:
                        ours.close()
                        raise JobFailed(f"no process could be made for it: {fault}") from fault
        return Worker(self, Channel(ours), limits)

    def end(self) -> dict[str, Any]:
        """End the worker that was started last, with all that it started; tell how it ended by itself, if it had.

        Returns:
            `status`, a wait status (None where nothing is known), `cpu`, the seconds of processor time that it and its
            children took, and `peak`, the most bytes of memory that one of them had; or `failed`, why there was none.
        """
        try:
            assert self._control is not None
            self._control.settimeout(_END)
            self._control.send(b'{"end": true}')
            while True:
                said = self._control.recv(_MESSAGE)
                if not said:
                    raise ConnectionError
                message = json.loads(said)
                self._note(message)
                if "ended" in message:
                    self._worker = None
                    return dict(message["ended"])
        except (OSError, ValueError, TypeError):
            self.close()
            return {"status": None}

    def close(self) -> None:
        """End the template, and the worker that it may have left behind."""
        if self._control is not None:
            self._control.setblocking(False)
            try:
                while said := self._control.recv(_MESSAGE):
                    self._note(json.loads(said))
            except (OSError, ValueError, TypeError):
                pass  # There is nothing more, or nothing that can be read.
            self._control.close()
        for group in (self._worker, self._process.pid if self._process else None):
            if group is not None:
                try:
                    os.killpg(group, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    pass
        if self._process is not None:
            self._process.wait()
        self._process = self._control = self._worker = None

    def _note(self, message: dict[str, Any]) -> None:
        if "isolation" in message:
            self.isolation = message["isolation"]
        if type(message.get("forked")) is int and message["forked"] > 1:
            self._worker = message["forked"]


class Worker:
    """A process that works on one object; ends with its context."""

    def __init__(self, workers: Workers, channel: Channel, limits: WorkerLimits) -> None:
        self._workers, self._limits = workers, limits
        self.channel = channel
        self._began = time.monotonic()
        self._ended: dict[str, Any] | None = None

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def peak(self) -> int:
        """Bytes: the most memory that it, or FFmpeg, had; 0 while it lives."""
        return int(self._ended.get("peak", 0)) if self._ended else 0

    def end(self) -> dict[str, Any]:
        """End it; see `Workers.end`."""
        if self._ended is None:
            self.channel.close()
            self._ended = self._workers.end()
        return self._ended

    def why_it_is_late(self) -> Exception:
        """End it when its time is up, and return what that means: the file's doing where it kept a processor busy."""
        seconds = time.monotonic() - self._began
        ended = self.end()
        if ended.get("status", 0) is None:
            return JobFailed(_TEMPLATE_KILLED)
        cpu = ended.get("cpu")
        if cpu is not None and cpu < seconds * _STANDSTILL:
            return JobFailed(f"its worker stood still for {seconds:.0f} s")
        return Rejected(f"it took longer than {self._limits.seconds:.0f} s to work on")

    def why_it_ended(self) -> Exception:
        """End it, and return what its end without an answer means: the file's doing, or somebody else's."""
        ended = self.end()
        if "failed" in ended:
            return JobFailed(f"no process could be made for it: {ended['failed']}")
        status = ended["status"]
        if status is None:
            return JobFailed(_TEMPLATE_KILLED)
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGXCPU:
                return Rejected(f"it took longer than {self._limits.seconds:.0f} s to work on")
            if number in _CRASHES:
                return Rejected(f"it crashed the demuxer ({signal.Signals(number).name})")
            if number == signal.SIGKILL and ended.get("cpu", 0) >= self._limits.seconds:
                # Killed at the kernel's hard limit of processor time, because it ignored SIGXCPU.
                return self.why_it_is_late()
            return JobFailed(
                f"its worker was killed by signal {number}, most likely for memory; raise memorySize if this stays"
            )
        return JobFailed(f"its worker ended without an answer (exit status {os.WEXITSTATUS(status)})")
