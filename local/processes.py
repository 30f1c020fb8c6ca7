"""Child processes that are gone, with everything they started, when their context ends, or this process itself."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil

from local.failure import LocalFailure

# What waits for the end of its input ends when whoever holds the other end of the pipe does, however that came about.
_GUARD = 'read -r _; kill -s TERM -- "-$1"; sleep 2; kill -s KILL -- "-$1"'


@contextmanager
def running(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, output: IO[bytes] | int
) -> Iterator[subprocess.Popen[bytes]]:
    """Start `command` in a session of its own, so that Ctrl-C reaches this program alone and the end is orderly."""
    try:
        process = subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise LocalFailure(f"{command[0]} could not be started: {error}") from error
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "guard", str(process.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        stop(process)
        stop(guard)
        assert guard.stdin is not None
        guard.stdin.close()


def stop(process: subprocess.Popen[bytes], grace_seconds: float = 5) -> None:
    """End `process` and all that descends from it: politely, then by force."""
    family = [process.pid, *descendants(process.pid)]
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            family += descendants(process.pid)
    # A job of the handler has a process group of its own, so the group of `process` does not hold all of them.
    for pid in family[1:]:
        _kill(pid)
    if process.poll() is None:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below `pid`, parents first."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> bool:
    """Return whether something accepts connections on `port` of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers_http(port: int) -> bool:
    """Return whether a request to `port` of 127.0.0.1 is answered, by whatever status: Docker's proxy accepts
    connections before anything in the container does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def wait_until_up(
    process: subprocess.Popen[bytes],
    port: int,
    what: str,
    log: Path,
    seconds: float,
    is_up: Callable[[int], bool] = listening,
) -> None:
    """Return when `process` is up on `port`; fail when it ends or `seconds` pass before that."""
    deadline = time.monotonic() + seconds
    while not is_up(port):
        if process.poll() is not None:
            raise LocalFailure(f"{what} ended with status {process.returncode}; see {log}")
        if time.monotonic() > deadline:
            raise LocalFailure(f"{what} did not answer on port {port} within {seconds:.0f} s; see {log}")
        time.sleep(0.05)


def last_line(text: str) -> str:
    """Return the last line of a tool's output that says something: mostly the error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def require(tool: str, why: str) -> str:
    """Return the path of `tool`, or one line that says why it is needed."""
    path = shutil.which(tool)
    if path is None:
        raise LocalFailure(f"{tool} was not found on PATH: {why}")
    return path
