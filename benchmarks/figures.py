"""What one way took for one video, in figures: of its repetitions, the medians."""

import statistics
from dataclasses import dataclass

from standin_s3.log import Counted


@dataclass(frozen=True)
class Run:
    """One repetition."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of processor time, user and system, of the whole tree of processes."""
    counted: Counted
    """By the S3 stand-in."""
    note: str = ""
    """What a handler said of its run."""


@dataclass(frozen=True)
class Figures:
    """One row of the results."""

    group: str
    """What it was measured in turn with."""
    way: str
    object_bytes: int
    runs: int
    bytes: int
    """The median; like the others."""
    requests: int
    gets: int
    chain: int
    connections: int
    """Opened by one call."""
    wall: float
    """Seconds."""
    fastest: float
    late: float
    """Seconds: the 95th percentile."""
    slowest: float
    cpu: float
    peak: int
    """Bytes: the largest sample of memory of the tree of processes."""
    note: str

    def line(self) -> str:
        """Return the row as progress shows it."""
        return (
            f"{self.way:<22} {self.wall:8.3f} s  CPU {self.cpu:6.2f} s  peak {self.peak / 1e6:6.0f} MB"
            f"  read {self.bytes / 1e6:9.3f} MB  {self.requests:4} requests  {self.gets:4} GETs  chain {self.chain}"
            f"  {self.connections} connections  {self.note}"
        )


def of_runs(group: str, way: str, object_bytes: int, runs: list[Run], peak: int) -> Figures:
    """Return the figures of all repetitions of one way."""
    walls = sorted(run.wall for run in runs)
    return Figures(
        group=group,
        way=way,
        object_bytes=object_bytes,
        runs=len(runs),
        bytes=_median([run.counted.bytes for run in runs]),
        requests=_median([run.counted.requests for run in runs]),
        gets=_median([run.counted.gets for run in runs]),
        chain=_median([run.counted.chain for run in runs]),
        connections=_median([run.counted.connections for run in runs]),
        wall=statistics.median(walls),
        fastest=walls[0],
        late=walls[min(len(walls) - 1, int(0.95 * len(walls)))],
        slowest=walls[-1],
        cpu=statistics.median(run.cpu for run in runs),
        peak=peak,
        note=runs[-1].note,
    )


def _median(values: list[int]) -> int:
    return int(statistics.median(values))
