"""When the samples of a track are shown: what its edit list makes of the times of the media.

An edit list cuts parts out of the media, repeats them, leaves time empty between them, or holds a frame (ISO/IEC
14496-12, 8.6.6; QuickTime File Format, "Edit list atom"). What it leaves out is never shown.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from model import Rejected
from worker.container.mp4.boxes import Box, integer
from worker.index import ROUNDING

MOST_PARTS = 10_000


@dataclass(frozen=True)
class Part:
    """A part of the media that is shown without a break."""

    start: Fraction
    """Seconds of the presentation."""
    end: Fraction
    first: int
    """Ticks: the part shows the media from here on, up to but not including `last`."""
    last: int
    rate: Fraction
    """Ticks of the media in a second; negative if it runs backwards, 0 if `first` is held."""

    def tick(self, seconds: Fraction) -> int:
        """Return the time of the media at a moment within the part."""
        if not self.rate:
            return self.first
        passed = int((seconds - self.start) * abs(self.rate))
        tick = self.first + passed if self.rate > 0 else self.last - 1 - passed
        return max(self.first, min(tick, self.last - 1))

    def seconds(self, tick: int) -> float:
        """Return when the part shows a time of the media."""
        if not self.rate:
            return float(self.start)
        passed = tick - self.first if self.rate > 0 else self.last - 1 - tick
        return float(self.start) + max(0, passed) / float(abs(self.rate))


@dataclass(frozen=True)
class Timeline:
    """The parts of a presentation in their order; there is at least one."""

    parts: Sequence[Part]
    duration: float
    """Seconds."""

    def at(self, seconds: float) -> tuple[int, int]:
        """Return the number of the part, and the time of the media in ticks, that is on the screen at a moment.

        In empty time that is the end of the part before, or the beginning of the first; after the end it is the end.
        """
        moment = Fraction(seconds) + ROUNDING
        number = max(0, bisect.bisect_right(self.parts, moment, key=lambda part: part.start) - 1)
        part = self.parts[number]
        if moment >= part.end:
            return number, max(part.first, part.last - 1) if part.rate >= 0 else part.first
        return number, part.tick(max(moment, part.start))


def plain(first: int, end: int, timescale: int) -> Timeline:
    """Return the timeline of media without an edit list, from one time to another, in ticks."""
    last = max(end, first + 1)
    length = Fraction(last - first, timescale)
    return Timeline([Part(Fraction(0), length, first, last, Fraction(timescale))], float(length))


def entries(content: bytes, elst: Box, movie_timescale: int) -> Iterator[tuple[Fraction, int, Fraction]]:
    """Yield the rows of an edit list: seconds that each takes, ticks of the media with which it begins (negative where
    nothing is shown), and its speed."""
    count, wide = _rows(content, elst)
    for at in range(elst.body + 8, elst.body + 8 + count * (2 * wide + 4), 2 * wide + 4):
        length = Fraction(integer(content, at, wide), movie_timescale)
        first, speed = (
            int.from_bytes(content[place:end], "big", signed=True)
            for place, end in ((at + wide, at + 2 * wide), (at + 2 * wide, at + 2 * wide + 4))
        )
        yield length, first, Fraction(speed, 2**16)


def _rows(content: bytes, elst: Box) -> tuple[int, int]:
    """Return how many rows an edit list has, and the bytes of a length and of a time in it."""
    wide = 8 if integer(content, elst.body, 1) == 1 else 4
    return min(integer(content, elst.body + 4), (elst.end - elst.body - 8) // (2 * wide + 4)), wide


def edited(content: bytes, elst: Box, movie_timescale: int, timescale: int, end: int) -> Timeline | None:
    """Return the timeline that an edit list makes of media that ends at `end`, in ticks; None if it shows nothing.

    Raises:
        Rejected: it has too many parts.
    """
    count, _ = _rows(content, elst)
    if count > MOST_PARTS:
        raise Rejected(f"its edit list has {count} parts; the limit is {MOST_PARTS}")
    parts: list[Part] = []
    now = Fraction(0)
    for number, (length, first, speed) in enumerate(entries(content, elst, movie_timescale)):
        is_last = number + 1 == count
        if first < 0 or (first >= end and speed):
            # Nothing is shown for a while.
            now += length
            continue
        rate = speed * timescale
        if rate and ((is_last and not length) or (is_last and abs(rate) * length > end - first)):
            # A length of 0 means the rest of the media; no part is longer than that.
            length = (end - first) / abs(rate)
        if not length:
            continue
        last = min(end, first + max(1, int(length * abs(rate)))) if rate else first + 1
        parts.append(Part(now, now + length, first, last, rate))
        now += length
    return Timeline(parts, float(now)) if parts else None
