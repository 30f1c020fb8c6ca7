"""A process of its own for each job, under limits, killed with all its children when its time is up.

A file that crashes, bombs or stalls a demuxer or a decoder takes its own job with it and nothing else: the handler
lives on and states the outcome. The process is forked from the warm handler, so it starts in milliseconds; it answers
in JSON over a pipe, because Lambda has no shared memory for the queues of `multiprocessing`, and because what a process
that was taken over by a hostile file sends must not be unpickled.
"""

import ctypes
import errno
import json
import os
import resource
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pipeline import isolation
from pipeline.outcome import REJECTED, Outcome

_ANSWER = 2**20
"""Bytes that are accepted of an answer."""
_PR_SET_DUMPABLE = 4
WRITTEN = 16 * 2**20
"""Bytes that a child of a job may write to a file, such as FFmpeg's messages; the job itself writes none."""
_OPEN_FILES = 256
"""Of a job: some 70 connections to S3 at the most, and pipes."""
_STACK = 2**19
"""Bytes for the stack of a thread."""
_LOOKS, _BETWEEN_LOOKS = 5, 0.02
"""How often it is looked whether a process works, and seconds between: one that does may pause for a page of memory."""
_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS}


class JobFailed(Exception):
    """A job ended without an outcome; the event must be tried again."""


@dataclass(frozen=True)
class Allowance:
    """What a job may use."""

    seconds: float
    """Of wall-clock time."""
    memory: int
    """Bytes of data of the demuxing process, beyond what the handler has when it is forked.

    Data (`RLIMIT_DATA`) and not address space: the C library reserves 64 MiB of address space for each thread, and a
    limit tight enough to protect anything would be spent by what is never touched.
    """
    memory_of_children: int = 0
    """Bytes of data that its children may be given, where that is more; if taken over, the process can reach it too."""


def hide() -> None:
    """Keeps other processes of the same user out of this one and its forks (prctl(2), PR_SET_DUMPABLE).

    FFmpeg, whatever a file makes it do, cannot read the function's credentials in their memory or environment then.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the handler could not be hidden from its children")


def run(job: Callable[[], Outcome], bucket: str, key: str, allowance: Allowance) -> Outcome:
    """Runs a job in a process of its own and returns its outcome.

    A crash of that process and an excess of its limits are outcomes too, `rejected`: they are the file's doing.

    Raises:
        JobFailed: the job raised, was killed from outside, or waited for S3 until its time was up.
    """
    began = time.monotonic()
    try:
        reader, writer = os.pipe()
    except OSError as fault:
        raise JobFailed(f"s3://{bucket}/{key}: no process could be made for it: {fault}") from fault
    try:
        pid = os.fork()
    except OSError as fault:
        os.close(reader)
        os.close(writer)
        raise JobFailed(f"s3://{bucket}/{key}: no process could be made for it: {fault}") from fault
    if pid == 0:
        os.close(reader)
        _child(job, writer, allowance)
    os.close(writer)
    try:
        answer, late = _answer(reader, began + allowance.seconds)
        busy = late and _is_busy(pid)
    finally:
        os.close(reader)
        # The group: FFmpeg too. It is gone already where the job ended by itself.
        _kill_group(pid)
        _, status = os.waitpid(pid, 0)
        _reap_orphans(pid)
    if answer is not None and "failed" in answer:
        raise JobFailed(f"s3://{bucket}/{key}: {answer['failed']}")
    if answer is not None and "outcome" in answer:
        try:
            outcome = Outcome.from_json(answer["outcome"])
            # Whatever took the process over, it answers for this object and no other.
            if (outcome.bucket, outcome.key) != (bucket, key):
                raise ValueError(f"an outcome of s3://{outcome.bucket}/{outcome.key}")
            return outcome
        except (ValueError, TypeError, KeyError, AttributeError) as fault:
            raise JobFailed(f"s3://{bucket}/{key}: its process gave an answer that is none: {fault!r}") from fault
    seconds = time.monotonic() - began
    reason = str(answer["rejected"]) if answer else _reason(status, late, busy, allowance)
    if reason is None:
        how = "its time was up while it waited" if late else f"its process ended with wait status {status}"
        raise JobFailed(f"s3://{bucket}/{key}: {how}; most likely S3 did not answer, or memory ran out")
    return Outcome(bucket, key, REJECTED, reason, seconds=round(seconds, 3))


def _is_busy(group: int) -> bool:
    """Whether a group of processes works, or would if it had a processor, and does not just wait for S3."""
    for _ in range(_LOOKS):
        for stat in Path("/proc").glob("[0-9]*/task/*/stat"):
            try:
                # After the name, which may hold anything: the state, the parent, the group (proc_pid_stat(5)).
                state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue  # It ended meanwhile.
            if int(its_group) == group and state == "R":
                return True
        time.sleep(_BETWEEN_LOOKS)
    return False


def _reason(status: int, late: bool, busy: bool, allowance: Allowance) -> str | None:
    """Why a process that gave no answer ended, where that is the file's doing."""
    if late:
        # A file that keeps a demuxer busy will do so again; S3 may be faster the next time.
        return f"it took longer than {allowance.seconds:.0f} s to work on" if busy else None
    if os.WIFSIGNALED(status):
        number = signal.Signals(os.WTERMSIG(status))
        if number == signal.SIGXCPU:
            return f"it took longer than {allowance.seconds:.0f} s to work on"
        if number in _CRASHES:
            return f"it crashed the demuxer ({number.name})"
    return None


def _answer(reader: int, deadline: float) -> tuple[dict[str, Any] | None, bool]:
    """Reads the answer until the pipe closes; whether the deadline came first."""
    content = b""
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([reader], [], [], left)
        if not ready:
            break
        chunk = os.read(reader, 65536)
        if not chunk or len(content) > _ANSWER:
            return _parsed(content), False
        content += chunk
    return None, True


def _parsed(content: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) and answer.keys() & {"outcome", "failed", "rejected"} else None


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # The group is made by the child itself, which may not have come so far.


def _reap_orphans(group: int) -> None:
    """Takes leave of an FFmpeg that outlived its parent, where the handler is the first process of its container and so
    inherits orphans; they would stay as zombies."""
    try:
        while True:
            os.waitpid(-group, 0)
    except ChildProcessError:
        return


def _child(job: Callable[[], Outcome], writer: int, allowance: Allowance) -> NoReturn:
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        # Stacks count as data, and the usual 8 MiB for each thread that reads would be most of what is allowed.
        threading.stack_size(_STACK)
        isolation.renounce()
        data, seconds = _data() + allowance.memory, int(allowance.seconds) + 1
        _limit(resource.RLIMIT_CORE, 0, 0)
        _limit(resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES)
        _limit(resource.RLIMIT_FSIZE, 0, WRITTEN)
        _limit(resource.RLIMIT_DATA, data, max(data, allowance.memory_of_children))
        _limit(resource.RLIMIT_CPU, seconds, seconds * (os.cpu_count() or 1) + 1)
        answer = _worked(job, allowance)
        with open(writer, "wb") as pipe:
            pipe.write(json.dumps(answer).encode())
    finally:
        # Not sys.exit: what the handler has registered to be done at its end is not the child's to do.
        os._exit(0)


def _data() -> int:
    """Bytes of data of this process (proc_pid_status(5), VmData)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmData:")[2].split()[0]) * 1024


def _worked(job: Callable[[], Outcome], allowance: Allowance) -> dict[str, Any]:
    try:
        return {"outcome": job().as_json()}
    except Exception as fault:
        if _is_out_of_memory(fault):
            return {"rejected": f"its index or its packets need more than {allowance.memory // 2**20} MiB of memory"}
        place = traceback.extract_tb(fault.__traceback__)[-1]
        return {"failed": f"{type(fault).__name__}: {fault} ({Path(place.filename).name}:{place.lineno})"}


def _is_out_of_memory(fault: Exception) -> bool:
    # A thread that has no memory for its stack is all that Python says of it.
    return (
        isinstance(fault, MemoryError)
        or (isinstance(fault, OSError) and fault.errno == errno.ENOMEM)
        or (isinstance(fault, RuntimeError) and "can't start new thread" in str(fault))
    )


def _limit(kind: int, value: int, most: int) -> None:
    """Sets a limit, and how far it and those of the children can be raised again: for FFmpeg, whose may be higher."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value, most = min(value, hard), min(most, hard)
    resource.setrlimit(kind, (value, most))
