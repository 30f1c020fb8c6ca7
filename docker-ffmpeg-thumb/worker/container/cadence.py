"""Keyframes at even distances, as cameras, broadcasters and encoders of live streams place them.

Where some of them are known to be even, the time of any other is known without looking for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

FEWEST = 3
"""How many keyframes in a row have to be even to be taken for all."""
_LEARNED_BLOCKS = 64
"""The most blocks that are read of the start to learn whether keyframes are even."""
_LEARNED_SHARE = 3
"""They are never more than one of so many parts of what is read if nothing is learned."""
_OFF = 0.25
"""The share of a period by which one elsewhere may be off: clocks drift, and editors join."""


def learned_bytes(block: int, otherwise: int) -> int:
    """Return how many bytes of the start may be read to learn whether keyframes are even.

    Args:
        block: what an unforeseen read fetches, in bytes.
        otherwise: what is read of a video of which that is not known, in bytes.
    """
    return min(_LEARNED_BLOCKS * block, otherwise // _LEARNED_SHARE)


@dataclass(frozen=True)
class Cadence:
    """When keyframes are shown: one at `first`, and one every `period` before and after it, in seconds."""

    first: float
    period: float
    measured: int = 1
    """Over how many periods that was measured."""

    @staticmethod
    def of(row: Sequence[float], others: Sequence[float], rate: float) -> Cadence | None:
        """Return the cadence of keyframes; None if they are not even, or too few to tell.

        Args:
            row: the times of some that follow each other, in seconds.
            others: the times of some elsewhere, in order.
            rate: frames a second.
        """
        frame = 1 / rate
        # Where frames are shown in another order than they lie in, the first group has some more.
        if len(row) > FEWEST and abs((row[1] - row[0]) - (row[2] - row[1])) > frame:
            row = row[1:]
        if len(row) < FEWEST:
            return None
        gaps = [after - before for before, after in pairwise(row)]
        if min(gaps) <= frame or max(gaps) - min(gaps) >= frame:
            return None
        cadence = Cadence(row[0], (row[-1] - row[0]) / len(gaps), len(gaps))
        for time in others:
            if not cadence.fits(time):
                return None
            cadence = cadence.corrected(time)
        return cadence

    def fits(self, time: float) -> bool:
        """Return whether a keyframe at a time is one of these."""
        return abs(self.nearest(time) - time) <= _OFF * self.period

    def corrected(self, time: float) -> Cadence:
        """Return the cadence that has one of these keyframes at a time: the farther away, the more it says."""
        count = self._number(time)
        return Cadence(self.first, (time - self.first) / count, count) if count > self.measured else self

    def nearest(self, seconds: float) -> float:
        """Return the time of the keyframe nearest to a moment, in seconds."""
        return self.first + self._number(seconds) * self.period

    def before(self, seconds: float) -> float:
        """Return the time of the last keyframe before a moment, in seconds."""
        time = self.nearest(seconds)
        return time if time <= seconds else time - self.period

    def spread(self, duration: float, most: int) -> list[float]:
        """Return the times of `most` keyframes spread evenly over so many seconds, or of all if these are fewer."""
        first = self.first % self.period
        count = 1 + int(max(0.0, duration - first) / self.period)
        numbers = range(count) if count <= most else [count * n // most for n in range(most)]
        return [first + number * self.period for number in numbers]

    def _number(self, seconds: float) -> int:
        return round((seconds - self.first) / self.period)
