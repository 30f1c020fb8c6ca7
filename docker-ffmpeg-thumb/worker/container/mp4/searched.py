"""A fragmented MP4 whose fragments no index names, and that are too many to go from one to the next."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain, pairwise

from model import Range, Rejected
from worker.container.cadence import FEWEST, Cadence, learned_bytes
from worker.container.mp4.demuxer import Task
from worker.container.mp4.edits import plain
from worker.container.mp4.fragmented import Fragmented
from worker.container.mp4.fragments import NOTHING, Kind, origin
from worker.container.mp4.layout import box_at
from worker.container.mp4.movie import Movie, Track
from worker.container.mp4.samples import FragmentSamples
from worker.container.mp4.walks import search
from worker.index import Plan
from worker.reader import Reader

USUAL_GOP = 2.0
"""Seconds between keyframes of live streams."""
LARGEST_GOP = 4 * 2**20
"""Bytes that are read at most to find the keyframe before a moment at once."""
ROUNDS = 8
"""So many rounds of requests look for a moment."""
LOOKS = 6
"""The most reads in search of one even keyframe, each of them nearer to it."""


@dataclass(frozen=True)
class _Island:
    """Fragments that follow one another, found in the middle of the file: where they lie, and their samples."""

    begin: int
    end: int
    samples: FragmentSamples

    @property
    def first(self) -> int:
        """When they begin, in ticks."""
        return self.samples.shown(self.samples.first_shown)

    @property
    def last(self) -> int:
        """When they end, in ticks."""
        return self.samples.end


class Searched(Fragmented):
    """The places of the fragments are not known, and they are many: as live streams of low latency are recorded.

    Fragments are searched for where a moment should lie if each second has as many bytes as another.
    """

    def __init__(self, reader: Reader, movie: Movie, track: Track, kind: Kind, first: int, length: int) -> None:
        """`first`: where the first fragment begins. `length`: of the usual one, in bytes."""
        super().__init__(reader, movie, track, kind)
        self._first = first
        self._islands: list[_Island] = []
        self._wide = max(2 * reader.policy.block, length * 5 // 4)
        self._step = max(reader.policy.hop, min(length * 5 // 4, reader.policy.block))
        self._room = 0
        reader.fetch([(first, first + reader.policy.hop // 4)])
        self._add(first)
        for tail in (reader.policy.tail, 2 * self._wide):
            reader.fetch([(max(first, reader.size - tail), reader.size)])
            if self._search(max(first, reader.size - tail), reader.size):
                break
        if not self._islands:
            raise Rejected(NOTHING)
        its = self._islands[0].samples
        self.stream = self._described(its, 0).stream
        self._refresh()
        usual = int(USUAL_GOP * reader.size / self.index.duration) if self.index.duration else 0
        self._wide = min(max(self._wide, usual), LARGEST_GOP)

    def _refresh(self) -> None:
        """Make the index of what is known."""
        its, last = self._islands[0].samples, self._islands[-1]
        timeline = plain(origin(self._movie, self._track, self._kind, its), last.last, self._kind.timescale)
        self._part, duration = timeline.parts[0], timeline.duration
        if last.end < self._reader.size:
            duration *= self._reader.size / last.end
        self.index = self._made_index(
            its,
            (
                (self._part.seconds(island.samples.shown(number)), island.samples.place(number)[0], size)
                for island in self._islands
                for number in island.samples.syncs
                if (size := island.samples.size(number))
            ),
            duration,
        )

    def look_around(self, count: int) -> None:
        """Find a keyframe near each of so many places, spread evenly over the file, as far as that may be read."""
        self._room = self._reader.policy.search
        cadence = self._find_cadence(count) if self._step < self._reader.policy.block else None
        if cadence is None or not self._approach(cadence, count):
            self._go_on(max(1, min(count, self._room // (self._usual_gop() // 2 + self._step))))
        self._refresh()

    def _find_cadence(self, count: int) -> Cadence | None:
        """Learn from the start of the file whether keyframes are at even distances, if that costs little beside what
        it may save."""
        most = learned_bytes(self._reader.policy.block, count * self.around)
        while len(self._keyframes(self._islands[0])) <= FEWEST:
            end = self._islands[0].end
            if end + self.around > self._first + most or not self._afford([(end, end + self.around)]):
                break
            self._add(self._first)
        row, *others = map(self._keyframes, self._islands)
        return Cadence.of(row, [time for times in others for time in times], self.index.rate)

    def _keyframes(self, island: _Island) -> list[float]:
        """Return when the keyframes of an island are shown, in seconds."""
        return [self._part.seconds(island.samples.shown(number)) for number in island.samples.syncs]

    def _approach(self, cadence: Cadence, count: int) -> bool:
        """Look for the even keyframes nearest to so many places; whether they are even throughout.

        Each look says how far the next one has to go.
        """
        duration = self.index.duration or 0.0
        moments = [duration * (2 * number + 1) / (2 * count) for number in range(count)]
        for _ in range(LOOKS):
            # What begins a little earlier than it is shown must not be taken for the frame before it.
            shown = (cadence.nearest(moment) + 0.5 / self.index.rate for moment in moments)
            windows = {window for seconds in shown if (window := self._near(self._ticks(seconds)))}
            if not windows or not self._afford(windows):
                break
            for window in sorted(windows):
                self._search(*window)
            for time in chain.from_iterable(map(self._keyframes, self._islands)):
                if time > cadence.first and not cadence.fits(time):
                    return False
                cadence = cadence.corrected(time)
        return True

    def _near(self, tick: int) -> Range | None:
        """Return the bytes about the place where a time should lie; None if it was found already."""
        gap = self._gap(tick)
        if gap is None:
            return None
        start, end, place = gap
        slack = self._reader.policy.hop // 2
        first = max(start, place - self._step - slack)
        return start if first < start + self._step else first, min(end, place + slack)

    def _go_on(self, count: int) -> None:
        """Read on from each of so many places until there is a keyframe after it."""
        first, size = self._first, self._reader.size
        places = [first + (size - first) * (2 * number + 1) // (2 * count) for number in range(count)]
        ends = {place: place for place in places}
        while ends and self._afford(windows := [(end, min(size, end + self._step)) for end in ends.values()]):
            for start, end in windows:
                self._search(start, end)
            reached = {place: self._reached(start, end) for place, (start, end) in zip(ends, windows, strict=True)}
            ends = {place: end for place, end in reached.items() if end < size and not self._has_keyframe(place, end)}

    def _reached(self, start: int, end: int) -> int:
        """Return where to read on after a window: at the end of the last island in it, which may lie beyond it."""
        return max((island.end for island in self._islands if start < island.end and island.begin < end), default=end)

    def _afford(self, windows: Collection[Range]) -> bool:
        """Fetch some bytes, if so many may still be read."""
        self._room -= sum(end - start for start, end in windows)
        if self._room >= 0:
            self._reader.fetch(windows)
        return self._room >= 0

    @property
    def knows_gop(self) -> bool:
        """Whether it was seen how far keyframes are apart."""
        return self._gop_bytes() > 0

    @property
    def around(self) -> int:
        """Bytes before and after a place in which most likely keyframes lie."""
        return max(self._reader.policy.hop, self._gop_bytes() or self._wide)

    def _has_keyframe(self, start: int, end: int) -> bool:
        return any(
            start <= island.samples.place(number)[0] < end
            for island in self._islands
            for number in island.samples.syncs
        )

    def _add(self, begin: int) -> None:
        """Take the fragments from a place on, as far as they are here."""
        reader, position = self._reader, begin
        while position + 16 <= reader.size and reader.has(position, position + 16):
            box = box_at(reader, position, reader.size)
            if box is None or (box.kind == b"moof" and not reader.has(box.start, box.end)):
                break
            position = box.end
        samples = self._load(begin, position)
        if samples.count:
            # What was known of the middle of it is part of it.
            others = [each for each in self._islands if not begin <= each.begin < position]
            self._islands = sorted([*others, _Island(begin, position, samples)], key=lambda island: island.begin)

    def _search(self, start: int, end: int) -> bool:
        """Take the fragments that are found between two places of what is here; whether there are any."""
        begin = next((island.end for island in self._islands if island.end == start), None) or self._found(start, end)
        if begin is not None:
            self._add(begin)
        return begin is not None

    def _tasks(self, plan: Plan) -> list[Task]:
        shots = [[self._ticks(m) for m in shot.moments or (self.index.times[shot.keyframe],)] for shot in plan]
        for _ in range(ROUNDS):
            windows = {window for ticks in shots for tick in ticks if (window := self._window(tick))}
            if not windows:
                break
            self._reader.fetch(windows)
            found = [self._search(*window) for window in sorted(windows)]
            if not all(found):
                self._wide *= 2
        tasks: list[Task] = []
        for ticks in shots:
            its: dict[int, list[int]] = {}
            for tick in ticks:
                its.setdefault(self._number(tick), []).append(tick)
            for number, wanted in its.items():
                tasks += self._task(self._islands[number].begin, self._islands[number].end, wanted)
        return tasks

    def _number(self, tick: int) -> int:
        """Return the number of the last island that begins at or before a time."""
        return max(0, bisect_right(self._islands, tick, key=lambda island: island.first) - 1)

    def _gap(self, tick: int) -> tuple[int, int, int] | None:
        """Return between which places nothing was found yet, and where a time should lie there; None if it was."""
        number = self._number(tick)
        island, others = self._islands[number], self._islands[number + 1 :]
        if tick < island.last or not others or others[0].begin <= island.end:
            return None
        following = others[0]
        share = (tick - island.last) / max(1, following.first - island.last)
        return island.end, following.begin, island.end + int((following.begin - island.end) * share)

    def _window(self, tick: int) -> Range | None:
        """Return where a time should lie, with room for the keyframe before it; None if it was found already."""
        gap = self._gap(tick)
        if gap is None:
            return None
        begin, end, place = gap
        start = max(begin, place - max(self._wide, self._gop_bytes()))
        return begin if start - begin < self._wide else start, min(end, place + self._wide // 2)

    def _gop_bytes(self) -> int:
        """Return the most bytes seen from one keyframe to the next, and a quarter more; 0 if no two were seen."""
        return min(max(self._gops(), default=0) * 5 // 4, LARGEST_GOP)

    def _usual_gop(self) -> int:
        """Return how many bytes lie between keyframes on average, as far as that was seen."""
        gops = self._gops()
        return sum(gops) // len(gops) if gops else self._wide

    def _gops(self) -> list[int]:
        """Return how many bytes lie from each keyframe to the next, where both are known."""
        rows = [[island.samples.place(number)[0] for number in island.samples.syncs] for island in self._islands]
        return [after - before for row in rows for before, after in pairwise(row)]

    def _before(self, begin: int, end: int) -> Range | None:
        known = [island for island in self._islands if island.begin < begin]
        if not known:
            return None
        # Each time as much again as was read in vain.
        length = min(max(self._wide, self._gop_bytes(), 2 * (end - begin)), LARGEST_GOP)
        start = max(known[-1].end, begin - length)
        return known[-1].begin if start >= begin else start, begin

    def _found(self, start: int, end: int) -> int | None:
        if any(start in (island.begin, island.end) for island in self._islands):
            return start
        return search(self._reader, start, end)
