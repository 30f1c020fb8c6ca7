"""Time, processor time and memory of a tree of processes, and shares of a processor."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLED_EVERY = 0.005
"""Seconds between two samples of memory."""
PERIOD = 20_000
"""Microseconds in which a share of a processor is counted: what is reported of Lambda."""
_CGROUPS = Path("/sys/fs/cgroup")


class BenchFailure(Exception):
    """What could not be measured, why, and what to do, in one line."""


def processors() -> tuple[int, ...]:
    """Return the processors of this machine that may be used. Everything that is measured runs on the first, the S3
    stand-in on the last: the same if there is but one."""
    return tuple(sorted(os.sched_getaffinity(0)))


@contextmanager
def running_on(processor: int) -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, on one processor."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [processor])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def family(pids: Iterable[int]) -> list[psutil.Process]:
    """Return these processes and all below them that are there now."""
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        try:
            root = psutil.Process(pid)
            found |= {process.pid: process for process in (root, *root.children(recursive=True))}
        except psutil.NoSuchProcess:
            continue
    return list(found.values())


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time that these processes and all below them, those that have ended included, have used."""
    total = 0.0
    for process in family(pids):
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total


def pss_bytes(pids: Iterable[int]) -> int:
    """Memory of these processes and all below them, each page that several share counted once: their proportional set
    sizes."""
    total = 0
    for process in family(pids):
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total


@dataclass
class Peak:
    """The largest sample so far, in bytes."""

    bytes: int = 0


@contextmanager
def sampled(roots: Callable[[], list[int]]) -> Iterator[Peak]:
    """Sample the memory of the trees below `roots` (which they are part of) while the context is open.

    It takes processor time from what is measured, so times are not taken of a run that is sampled.
    """
    peak, ended = Peak(), threading.Event()

    def sample() -> None:
        while not ended.is_set():
            peak.bytes = max(peak.bytes, pss_bytes(roots()))
            time.sleep(SAMPLED_EVERY)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


@contextmanager
def limited(share: float) -> Iterator[list[str]]:
    """Yield what to put before a command so that it gets this share of a processor, with all that it starts.

    Raises:
        BenchFailure: the kernel's control groups cannot be written.
    """
    second = (_CGROUPS / "cgroup.controllers").exists()
    group = (_CGROUPS if second else _CGROUPS / "cpu") / f"benchmark-{uuid.uuid4().hex[:8]}"
    try:
        group.mkdir()
        if second:
            (group / "cpu.max").write_text(f"{share * PERIOD:.0f} {PERIOD}")
        else:
            (group / "cpu.cfs_period_us").write_text(f"{PERIOD}")
            (group / "cpu.cfs_quota_us").write_text(f"{share * PERIOD:.0f}")
    except OSError as error:
        raise BenchFailure(
            f"a share of a processor cannot be set: {error}; run it as root, on the machine itself"
        ) from error
    try:
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        # Its last process may take a moment to go.
        deadline = time.monotonic() + 5
        while (group / "cgroup.procs").read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        group.rmdir()


def pinned(processors: Iterable[int]) -> list[str]:
    """Return what to put before a command so that it runs on these processors alone."""
    return ["taskset", "--cpu-list", ",".join(map(str, processors))]
