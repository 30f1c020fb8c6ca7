"""Memory and open files of the warm handlers, sampled while they work."""

import statistics
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

EVERY = 0.5
"""Seconds between two samples."""
EMULATOR, CLIENT = "aws-lambda-rie", "awslambdaric"
"""The Runtime Interface Emulator, which is this process's child, and the handler, which is the emulator's."""
MIB = 2**20


@dataclass(frozen=True)
class Sample:
    """One handler at one moment, the jobs that it forked not counted."""

    seconds: float
    """Since the sampling began."""
    pid: int
    rss: int
    """Bytes."""
    pss: int
    """Bytes; falls while a forked job shares the handler's pages."""
    descriptors: int
    answered: int
    """Events that all handlers had answered by then."""


@dataclass(frozen=True)
class Drift:
    """How one handler changed from the second fifth of its samples, when it is warm, to the last."""

    pid: int
    rss_before: float
    """MiB, like the other three: medians."""
    rss_after: float
    pss_before: float
    pss_after: float
    descriptors_before: float
    descriptors_after: float
    descriptors_most: int


@contextmanager
def sampled(answered: Callable[[], int], others: Collection[int] = ()) -> Iterator[list[Sample]]:
    """Sample the handlers of this process while the context is open, but for `others`: those of another stack."""
    samples: list[Sample] = []
    ended, began = threading.Event(), time.monotonic()

    def run() -> None:
        while not ended.wait(EVERY):
            count = answered()
            mine = [pid for pid in handlers() if pid not in others]
            samples.extend(each for pid in mine if (each := _sample(pid, time.monotonic() - began, count)))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def handlers() -> list[int]:
    """Return the warm handlers below this process."""
    emulators = [process for process in psutil.Process().children() if _is(process, EMULATOR)]
    return sorted(child.pid for each in emulators for child in each.children() if _is(child, CLIENT))


def drifts(samples: list[Sample]) -> list[Drift]:
    """Return one for each handler that was sampled ten times at least."""
    found = []
    for pid in sorted({sample.pid for sample in samples}):
        mine = [sample for sample in samples if sample.pid == pid]
        if len(mine) < 10:
            continue
        fifth = len(mine) // 5
        early, last = mine[fifth : 2 * fifth], mine[-fifth:]
        found.append(
            Drift(
                pid,
                rss_before=_median([sample.rss / MIB for sample in early]),
                rss_after=_median([sample.rss / MIB for sample in last]),
                pss_before=_median([sample.pss / MIB for sample in early]),
                pss_after=_median([sample.pss / MIB for sample in last]),
                descriptors_before=_median([sample.descriptors for sample in early]),
                descriptors_after=_median([sample.descriptors for sample in last]),
                descriptors_most=max(sample.descriptors for sample in mine),
            )
        )
    return found


def _median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 2)


def _sample(pid: int, seconds: float, answered: int) -> Sample | None:
    try:
        process = psutil.Process(pid)
        memory = process.memory_full_info()
        return Sample(round(seconds, 2), pid, memory.rss, memory.pss, process.num_fds(), answered)
    except psutil.NoSuchProcess:  # It ended meanwhile.
        return None


def _is(process: psutil.Process, command: str) -> bool:
    try:
        return command in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
