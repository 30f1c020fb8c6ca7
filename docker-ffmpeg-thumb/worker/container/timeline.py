"""What is shown when in a stream without an index: by samples of it, and where its clock was set anew."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median

_LONGEST_PAUSE = Fraction(10)
"""Seconds. A clock that is this far ahead at the next frame was set, as for FFmpeg (`-dts_delta_threshold`)."""
_STEP_BACK = Fraction(1, 2)
"""Seconds. A clock that goes back by more than this was set; by less, its times are guesses."""
_LONGEST_GAP = 6 * 3600.0
"""Seconds. Samples farther apart than this, though little lies between them, are of two clocks."""
_UNLIKELY = 20
"""How many times as long as the others a part of an object may last for its bytes before its clock is doubted."""


def rate_of(times: Iterable[float]) -> float | None:
    """Return how many frames are shown a second, by when some of them are; None if these do not tell."""
    gaps = [after - before for before, after in pairwise(sorted(times)) if after > before]
    return 1 / median(gaps) if gaps else None


class Clock:
    """Lets the times of a stream grow where its clock was set anew, as in recordings that were joined."""

    def __init__(self, time_base: Fraction) -> None:
        self._pause, self._back = int(_LONGEST_PAUSE / time_base), int(_STEP_BACK / time_base)
        self._expected: int | None = None
        self.shift = 0
        """Ticks to be added to the times of the frame that was read last."""
        self.restarts = 0

    def read(self, decoded: int, lasts: int) -> None:
        """Take the next frame's time of decoding and how long it lasts, in ticks."""
        time = decoded + self.shift
        if self._expected is not None and not -self._back <= time - self._expected <= self._pause:
            self.shift += self._expected - time
            self.restarts += 1
            time = self._expected
        self._expected = max(time + lasts, self._expected or time)


class Timeline:
    """Which moment lies where in an object: straight lines between samples, more exact with each that is added."""

    def __init__(self, samples: Sequence[tuple[int, float]]) -> None:
        """Take at least two samples in order: bytes from the start of the object, and seconds by the stream's clock."""
        self._places = [samples[0][0]]
        self._times = [samples[0][1]]
        self._shifts = [0.0]
        self.restarts = 0
        steps = [(to - at, then - when) for (at, when), (to, then) in pairwise(samples)]
        rates = [seconds / length for length, seconds in steps if length > 0 and 0 < seconds < _LONGEST_GAP]
        usual = median(rates) if rates else 0.0
        for (length, seconds), (place, clock) in zip(steps, samples[1:], strict=True):
            likely = length * usual
            if seconds < 0 or (seconds > _LONGEST_GAP and seconds > _UNLIKELY * likely):
                self.restarts += 1
                seconds = likely
            self._insert(len(self._places), place, self._times[-1] + seconds, clock)

    @property
    def end(self) -> float:
        """Seconds: the last sample's time."""
        return self._times[-1]

    def add(self, place: int, clock: float) -> None:
        """Add a sample."""
        number = bisect.bisect_left(self._places, place)
        time = self.time(place, clock)
        before = self._times[number - 1] if number else float("-inf")
        after = self._times[number] if number < len(self._times) else float("inf")
        is_known = number < len(self._places) and self._places[number] == place
        if before < time < after and not is_known:
            self._insert(number, place, time, clock)

    def time(self, place: int, clock: float) -> float:
        """Return when what lies at a place is shown, by what the stream's clock says there: seconds."""
        number = max(0, bisect.bisect_right(self._places, place) - 1)
        following = min(number + 1, len(self._shifts) - 1)
        likely = self.seconds(place)
        # Between samples with different shifts the clock was set; which of the two holds, the place tells.
        return min((clock + self._shifts[n] for n in (number, following)), key=lambda time: abs(time - likely))

    def seconds(self, place: int) -> float:
        """Return about when what lies at a place is shown."""
        return _between(self._places, self._times, place)

    def place(self, seconds: float) -> int:
        """Return about where a moment lies: bytes from the start of the object."""
        return int(_between(self._times, self._places, seconds))

    def _insert(self, number: int, place: int, time: float, clock: float) -> None:
        self._places.insert(number, place)
        self._times.insert(number, time)
        self._shifts.insert(number, time - clock)


def _between(inputs: Sequence[float], outputs: Sequence[float], value: float) -> float:
    """Return the output at a value, on straight lines between those that are known; outside of them, that of the
    nearest."""
    after = bisect.bisect_right(inputs, value)
    if after == 0 or after == len(inputs):
        return outputs[0 if after == 0 else -1]
    low, high = inputs[after - 1], inputs[after]
    share = (value - low) / (high - low)
    return outputs[after - 1] + share * (outputs[after] - outputs[after - 1])
