"""What one way took for one video, in figures: of its repetitions, the medians."""

import statistics
from dataclasses import dataclass

from benchmarks.store import Counted


@dataclass(frozen=True)
class Run:
    """One repetition."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of processor time, user and system, of the whole tree of processes."""
    counted: Counted
    """By the store."""
    note: str = ""
    """What a handler said of its stages."""


@dataclass(frozen=True)
class Figures:
    """One row of the results."""

    group: str
    """What it was measured in turn with."""
    way: str
    object_bytes: int
    runs: int
    wall: float
    """Seconds, the median; like the others."""
    fastest: float
    slowest: float
    cpu: float
    peak: int
    """Bytes: the largest sample of memory of the tree of processes."""
    bytes: int
    requests: int
    gets: int
    chain: int
    note: str

    def line(self) -> str:
        """The row as progress shows it."""
        return (
            f"{self.way:<17} {self.wall:8.3f} s  CPU {self.cpu:6.2f} s  peak {self.peak / 1e6:6.0f} MB"
            f"  read {self.bytes / 1e6:9.3f} MB  {self.requests:4} requests  {self.gets:4} GETs  chain {self.chain}"
            f"  {self.note}"
        )


def of_runs(group: str, way: str, object_bytes: int, runs: list[Run], peak: int) -> Figures:
    """The figures of all repetitions of one way."""
    walls = sorted(run.wall for run in runs)
    return Figures(
        group=group,
        way=way,
        object_bytes=object_bytes,
        runs=len(runs),
        wall=statistics.median(walls),
        fastest=walls[0],
        slowest=walls[-1],
        cpu=statistics.median(run.cpu for run in runs),
        peak=peak,
        bytes=int(statistics.median(run.counted.bytes for run in runs)),
        requests=int(statistics.median(run.counted.requests for run in runs)),
        gets=int(statistics.median(run.counted.gets for run in runs)),
        chain=int(statistics.median(run.counted.chain for run in runs)),
        note=runs[-1].note,
    )
