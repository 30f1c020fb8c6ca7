"""The way to the keyframes of a video without an index: one reading from its start."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain

from model import Range
from worker.container.demuxer import AccessUnit, PacketDemuxer, Run, shown_at
from worker.container.timeline import Clock, rate_of
from worker.index import Plan, Shot
from worker.reader import Reader

KEPT_GOPS = 4
"""How many GOPs a reading keeps: it is read on a little into the next one to see that one has ended."""
RESTARTING = {"mpegts", "mpeg", "flv"}
"""Formats that are joined by joining files, each with its own clock."""


class _Reading:
    """A reading from the start that can go on from a little before the place that it reached."""

    def __init__(self, units: Iterator[AccessUnit], begins: Callable[[AccessUnit], bool]) -> None:
        self._units, self._begins = units, begins
        self._kept: deque[list[AccessUnit]] = deque([[]], maxlen=KEPT_GOPS)
        """The last GOPs; the first of all holds what comes before the first keyframe."""
        self._passed = 0
        """How many keyframes were met."""

    def reaches(self, number: int) -> bool:
        """Return whether it can go on before the GOP that comes before the keyframe with a number, which may be needed
        to show that one as a whole."""
        return self._passed - len(self._kept) < number - 1

    def frames(self) -> Iterator[AccessUnit]:
        """Yield the frames from there on."""
        yield from [*chain.from_iterable(self._kept)]
        for unit in self._units:
            if self._begins(unit):
                self._kept.append([])
                self._passed += 1
            self._kept[-1].append(unit)
            yield unit


class Scan(PacketDemuxer):
    """The keyframes that the reading meets are kept with it."""

    _is_whole = False
    """Whether the reading came to the end."""
    _measured: float | None = None

    def __init__(self, reader: Reader, name: str, limit: int, origin: Fraction | None = None) -> None:
        """`limit`: how many bytes are read at most. `origin`: when the video begins, where that is known."""
        self._limit = limit
        self._reading: _Reading | None = None
        reader.fetch([(0, self._limit)])
        super().__init__(reader, name)
        if origin is not None:
            self.origin = origin
        self._kept: list[AccessUnit] = []
        times: list[int] = []
        keyframes = list(self._find_keyframes(times))
        self._measured = rate_of(float(ticks * self._time_base) for ticks in times)
        # What was read says more than the containers without an index.
        is_known = self._is_whole and len(times) > 0
        duration = self._seconds(max(times)) + 1 / self._rate if is_known else self._stated_duration()
        self.index = self._made_index(keyframes, duration)

    def _find_keyframes(self, times: list[int]) -> Iterator[tuple[int, float, int, int]]:
        """Yield keyframes for the index; `times` gets those of all frames, in ticks."""
        passed = 0
        for unit in self._from_start():
            first, shown = unit[0], shown_at(unit[0])
            passed += sum(packet.size for packet in unit)
            times.append(shown)
            if self._begins(unit):
                self._kept.append(unit)
                yield shown, self._seconds(shown), first.pos or 0, first.size
            if max(passed, first.pos or 0) > self._limit:
                limit = f"{self._limit // 2**20} MiB, to {self._seconds(shown):.3f} s"
                self._note(f"the video has no index, so only its first {limit} were looked at")
                return
        self._is_whole = True

    @property
    def _rate(self) -> float:
        return self._measured or super()._rate

    def _runs(self, plan: Plan) -> list[Run]:
        # What an earlier plan took was copied since, and bears the times of that copy.
        self._reading = None
        return super()._runs(plan)

    def _ranges(self, shot: Shot) -> Iterable[Range]:
        return []

    def _keyframe(self, number: int) -> AccessUnit | None:
        return self._kept[number]

    def _following(self, number: int, moments: Sequence[float]) -> Run | None:
        if self._reading is None or not self._reading.reaches(number):
            self._reading = _Reading(self._from_start(), self._begins)
        return self._cut(self._reading.frames(), self._all_ticks(moments), self._limit)

    def _run_of(self, shot: Shot) -> Run | None:
        if shot.moments:
            return super()._run_of(shot)
        if self._recovery(self._kept[shot.keyframe]):
            return super()._run_of(Shot(shot.keyframe, (self.index.times[shot.keyframe],)))
        # Their packets may have been copied before, and then bear the times of that copy.
        return self._alone(self._kept[shot.keyframe], self._ticks_of[shot.keyframe])

    def _from_start(self) -> Iterator[AccessUnit]:
        """Yield all frames.

        The container is opened anew: a seek looks for a time, and misses what lies before the first time that it finds.
        """
        container, stream = self._open(self._beginning())
        with container:
            units = self._units(container, stream)
            yield from self._on_one_clock(units) if self._format in RESTARTING else units

    def _on_one_clock(self, units: Iterable[AccessUnit]) -> Iterator[AccessUnit]:
        """Let times grow where the clock was set anew."""
        clock = Clock(self._time_base)
        for unit in units:
            first = unit[0]
            clock.read(shown_at(first) if first.dts is None else first.dts, first.duration or 0)
            for packet in unit if clock.shift else ():
                packet.pts = shown_at(packet) + clock.shift
                packet.dts = None if packet.dts is None else packet.dts + clock.shift
            yield unit
        if clock.restarts:
            self._note("its clock was set anew within it: its times count on from there")
