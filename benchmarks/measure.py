"""Time, processor time and memory of a tree of processes, from Linux's /proc."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.processes import descendants

SAMPLED_EVERY = 0.005
"""Seconds between two samples of memory."""
_TICK = 1 / os.sysconf("SC_CLK_TCK")


class BenchFailure(Exception):
    """What could not be measured, why, and what to do, in one line."""


def cpu_seconds(pids: list[int]) -> float:
    """User and system time that these processes, and their children that have ended, have used so far."""
    total = 0
    for pid in pids:
        try:
            # Behind the command in parentheses; utime, stime, cutime and cstime are fields 14 to 17 (proc(5)).
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(fields[number]) for number in range(11, 15))
    return total * _TICK


def pss_bytes(pids: list[int]) -> int:
    """Memory of these processes, each page shared among several counted once: their proportional set sizes."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:  # It ended meanwhile.
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


@dataclass
class Peak:
    """The largest sample so far, in bytes."""

    bytes: int = 0


@contextmanager
def sampled(roots: Callable[[], list[int]]) -> Iterator[Peak]:
    """Samples the memory of the trees below `roots` (which they are part of) while the context is open.

    It takes processor time from what is measured, so times are not taken of a run that is sampled.
    """
    peak, ended = Peak(), threading.Event()

    def sample() -> None:
        while not ended.is_set():
            pids = {pid for root in roots() for pid in (root, *descendants(root))}
            peak.bytes = max(peak.bytes, pss_bytes(sorted(pids)))
            time.sleep(SAMPLED_EVERY)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()
