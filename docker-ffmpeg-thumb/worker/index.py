"""What is known of a video before its frames are read, and the plan of what will be read of it.

A container module makes a `VideoIndex`. Choosing is pure: it turns an index into a `Plan`, and reads nothing. The
container's demuxer then fetches the whole plan at once.
"""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

RUN_BYTES, RUN_FRAMES = 64 * 2**20, 1800
"""The most that is read and decoded from one keyframe on: a minute at 30 frames a second."""
ROUNDING = Fraction(1, 1_000_000)
"""Seconds. A frame that begins no later than this after a moment is on the screen then: moments are floats, and some of
them come from times that libavformat rounded to microseconds."""


@dataclass(frozen=True)
class Shot:
    """One run of decoding: the keyframe with this number, or what the video shows at some moments after it."""

    keyframe: int
    moments: tuple[float, ...] = ()
    """Seconds, in order; where there are none, the keyframe itself is wanted."""


Plan: TypeAlias = tuple[Shot, ...]
"""Shots in the order of the video."""


@dataclass(frozen=True)
class VideoIndex:
    """A video's facts and its keyframes: the frames at which decoding can start.

    Keyframes are numbered from 0 in the order in which they are shown. Their times, places and sizes are arrays: every
    frame of a video may be a keyframe, and two hours have 200,000 of them.
    """

    container: str
    """As FFmpeg names its demuxer."""
    codec: str
    """As FFmpeg names it."""
    width: int
    """Pixels, like `height`: as coded, before rotation and before the shape of pixels is applied. 0 if not known."""
    height: int
    rate: float
    """Frames a second, or a guess at it."""
    duration: float | None
    """Seconds; None if neither the container nor its index tells."""
    end: int
    """Bytes: where the last frame ends, at the latest."""
    times: array[float] = field(default_factory=lambda: array("d"))
    """Seconds, as a player counts, when each keyframe is shown."""
    places: array[int] = field(default_factory=lambda: array("q"))
    """Bytes from the start of the object."""
    sizes: array[int] = field(default_factory=lambda: array("q"))
    """Bytes that are read for each keyframe alone."""
    around: int = 0
    """Bytes that are read for moments after a keyframe besides what lies between, because its place is an estimate."""

    def __len__(self) -> int:
        return len(self.times)

    def nearest(self, seconds: float) -> int:
        """Return the number of the keyframe nearest to a moment; the earlier of two."""
        times = self.times
        after = bisect.bisect_left(times, seconds)
        if after == 0:
            return 0
        if after == len(times) or seconds - times[after - 1] <= times[after] - seconds:
            return after - 1
        return after

    def before(self, seconds: float) -> int:
        """Return the number of the last keyframe at or before a moment; the first one if there is none."""
        return max(0, bisect.bisect_right(self.times, seconds) - 1)

    def distance(self, keyframe: int, seconds: float) -> int:
        """Return about how many bytes lie between a keyframe and a moment after it, assuming a constant bitrate."""
        following = keyframe + 1
        is_last = following == len(self)
        until = (self.duration or 0.0) if is_last else self.times[following]
        length = (self.end if is_last else self.places[following]) - self.places[keyframe]
        lasts = until - self.times[keyframe]
        return int(max(0, length) * (seconds - self.times[keyframe]) / lasts) if lasts > 0 else 0

    def cost(self, shots: Iterable[Shot]) -> int:
        """Return about how many bytes are read for some shots."""
        return sum(
            max(self.sizes[shot.keyframe], self.around + self.distance(shot.keyframe, shot.moments[-1]))
            if shot.moments
            else self.sizes[shot.keyframe]
            for shot in shots
        )
