"""Memory and open files of the warm handlers, sampled from Linux's /proc while they work."""

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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
def sampled(answered: Callable[[], int]) -> Iterator[list[Sample]]:
    """Samples all handlers of this process while the context is open."""
    samples: list[Sample] = []
    ended, began = threading.Event(), time.monotonic()

    def run() -> None:
        while not ended.wait(EVERY):
            count = answered()
            samples.extend(each for pid in handlers() if (each := _sample(pid, time.monotonic() - began, count)))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def handlers() -> list[int]:
    """The warm handlers below this process."""
    parents = _parents()
    emulators = {pid for pid, parent in parents.items() if parent == os.getpid() and EMULATOR in _command(pid)}
    return sorted(pid for pid, parent in parents.items() if parent in emulators and CLIENT in _command(pid))


def drifts(samples: list[Sample]) -> list[Drift]:
    """One for each handler that was sampled ten times at least."""
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
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - a count, of a folder that changes meanwhile
    except OSError:  # It ended meanwhile.
        return None
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith(("Rss:", "Pss:"))}
    return Sample(round(seconds, 2), pid, sizes["Rss"], sizes["Pss"], descriptors, answered)


def _parents() -> dict[int, int]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The command, in parentheses, may hold anything; the parent is second after it (proc(5)).
            found[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
