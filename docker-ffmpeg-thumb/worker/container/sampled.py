"""The way to the keyframes of a long video without an index: samples of it tell what is shown where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, pairwise
from statistics import median

from model import Range, Rejected, Skipped
from worker.container.boundaries import Boundary
from worker.container.cadence import FEWEST, Cadence, learned_bytes
from worker.container.demuxer import AccessUnit, PacketDemuxer, Run, shown_at
from worker.container.joined import Joined
from worker.container.opening import Probing, opened
from worker.container.timeline import Timeline, rate_of
from worker.index import Plan, Shot, VideoIndex
from worker.reader import Reader, View

START_BLOCKS = 8
"""How many blocks are read of the start: two seconds of 8 Mbit/s, which show how often keyframes come."""
SAMPLES = 8
"""How many places between the ends are looked at."""
MOMENTS = 600
"""The most that the index names: more than a storyboard has tiles."""
LARGEST_BLOCKS = 16
"""The most blocks in which a keyframe is looked for at once."""
SEARCHED_BYTES = 32 * 2**20
"""The most that one search for a moment reads, and all searches together in addition to what was planned."""
FIRST_PARTS = 16
"""In so many parts of the video it is learned what finding one costs."""
WHOLE = 4
"""Where keyframes would be looked for in most of a video, it is read whole instead if it has at most so many times as
many bytes as are read of any without an index."""
LOOKS = 4
"""The most reads in search of one even keyframe, each of them nearer to it."""
PROBED_FRAMES = 5
"""How many usual frames are as long as what is read to learn when what lies at a place is shown."""
LAGGING = {"ogg", "mpeg"}
"""Formats whose first frame after a gap may have the time of what was read before the gap."""
UNTIMED = {"avi", "h264", "hevc", "m4v", "mpegvideo"}
"""Formats whose frames do not say when they are shown."""


@dataclass(frozen=True)
class Found:
    """A frame and where it lies in the object. Its packets bear the times that a player counts in."""

    place: int
    unit: AccessUnit

    @property
    def shown(self) -> int:
        """Ticks."""
        return shown_at(self.unit[0])


class Sampled(PacketDemuxer):
    """The index names keyframes that were found, or those that are at even distances and will be looked for.

    Where no keyframes are wanted, it names moments: around each a block is fetched, and the nearest keyframe taken.
    The demuxer reads a block as if it followed the start of the object, which says what the streams are.
    """

    def __init__(self, reader: Reader, name: str, head: int, boundary: Boundary, places: int) -> None:
        """`head`, `boundary`: see `boundaries.boundary_of`; `places`: see `open_video`."""
        self._head, self._boundary = head, boundary
        self.is_better_whole = False
        """Whether all of it should be read instead; then there is no index."""
        self._cadence: Cadence | None = None
        self._windows: dict[int, Range] = {}
        """Where keyframes were looked for last, by their numbers: most are there."""
        self._met: dict[int, AccessUnit] = {}
        """Those that were found there, until they are used: a clip gives packets other times."""
        self._largest = self._usual = 0
        """Bytes of the largest keyframe that was met, and of the usual one."""
        self._probe = 0
        """Bytes that are read to learn when what lies at a place is shown."""
        self._timeline: Timeline | None = None
        self._measured: float | None = None
        self._searched = 0
        block = reader.policy.block
        self._start = min(START_BLOCKS * block, reader.size)
        self._gop_bytes = self._block_size = LARGEST_BLOCKS * block
        reader.fetch([(0, self._start)])
        super().__init__(reader, name)
        self.index = self._made_index([], None)
        self._look(places)

    def _look(self, places: int) -> None:
        """Make the index from samples, if there are any frames in them."""
        size, block = self._reader.size, self._reader.policy.block
        between = (self._start + (size - self._start) * n // (SAMPLES + 1) for n in range(1, SAMPLES + 1))
        parts = [(0, self._start), *((place, place + block) for place in between), (size - 2 * block, size)]
        self._reader.fetch(parts)
        beginning, *others = (self._read(start, end) for start, end in parts)
        if len(beginning) < 2 or not any(others):
            return
        self._measured = self._rate_of(beginning)
        self._timeline = timeline = self._timeline_of(beginning, others)
        met = self._measure_gops(beginning, others)
        count = max(1, min(MOMENTS, size // max(1, self._gop_bytes)))
        if met == 1 and self._format == "matroska" and not self._has_key(size // 2):
            count = 1
        duration = timeline.end + 1 / self._rate
        if places > 1 and count > 1:
            if self._format not in UNTIMED and not timeline.restarts:
                self._cadence = self._find_cadence(beginning, others, places)
            if self._cadence is None:
                if size <= WHOLE * self._reader.policy.scan and 3 * places * self._gop_bytes > 2 * size:
                    self.is_better_whole = True
                    return
                self.index = self._index_of(self._find_keyframes(duration, places), duration)
        if not len(self.index):
            moments = [duration * n / count for n in range(count)]
            if self._cadence is not None:
                moments = self._cadence.spread(duration, MOMENTS)
                seconds = min(PROBED_FRAMES / self._rate, self._cadence.period / 4)
                self._probe = max(self._margin, int(seconds * size / duration))
                self._block_size = self._probe + self._usual + 2 * self._margin
            rows = [(0, moment, timeline.place(moment), self._block_size) for moment in moments]
            self.index = self._made_index(rows, duration)
        self.index = replace(self.index, around=sum(self._reach(1, 1)))
        self._note("the video has no index: where its frames lie was estimated from samples of it")
        if timeline.restarts:
            self._note("its clock was set anew within it: its times are estimates")

    def _index_of(self, keys: Sequence[Found], duration: float) -> VideoIndex:
        """Return the index of keyframes that were found, which need not be read again."""
        keys = sorted(keys, key=lambda its: its.shown)
        self._met = dict(enumerate(key.unit for key in keys))
        sizes = [sum(packet.size for packet in key.unit) + self._margin for key in keys]
        self._windows = {
            number: (max(0, key.place - self._margin), min(key.place + size, self._reader.size))
            for number, (key, size) in enumerate(zip(keys, sizes, strict=True))
        }
        rows = ((key.shown, self._seconds(key.shown), key.place, size) for key, size in zip(keys, sizes, strict=True))
        return self._made_index(rows, duration)

    def _find_keyframes(self, duration: float, places: int) -> list[Found]:
        """Find keyframes: one in each of so many parts of the video that has any, or in fewer parts if that is all that
        may be read for them."""
        part, room = duration / places, self._reader.policy.search
        found: dict[int, Found] = {}
        first = range(0, places, max(1, places // FIRST_PARTS))
        others = [number for number in range(places) if number not in first]
        # From the middle of each on, as what stands for it should be near; before that only where there is none.
        for share, numbers in ((0.5, first), (0.5, others), (0.0, range(places))):
            spent = self._reader.policy.search - room
            affordable = room * len(first) // spent if spent else len(numbers)
            having = {int(self._seconds(key.shown) / part) for key in found.values()}
            lacking = [number for number in numbers if number not in having]
            count = min(len(lacking), affordable)
            chosen = [lacking[len(lacking) * n // count] for n in range(count)]
            met, room = self._look_through([((n + share) * part, (n + share + 0.5) * part) for n in chosen], room)
            found |= met
        return list(found.values())

    def _look_through(self, stretches: Sequence[tuple[float, float]], room: int) -> tuple[dict[int, Found], int]:
        """Read on from the beginning of each of some stretches, in seconds, until there is a keyframe in it or it ends.

        Args:
            stretches: when each begins and ends.
            room: how many bytes are read at most.

        Returns:
            All keyframes that were met, by their places; and what is left of the room.
        """
        assert self._timeline is not None
        met: dict[int, Found] = {}
        size, step = self._reader.size, max(self._reader.policy.block, self._gop_bytes // 8)
        places = [self._timeline.place(start) for start, _ in stretches]
        windows = {number: (place, min(place + step, size)) for number, place in enumerate(places)}
        while windows and step * len(windows) <= room:
            room -= step * len(windows)
            self._reader.fetch(windows.values())
            for number, (first, last) in list(windows.items()):
                start, end = stretches[number]
                its = self._read(first, last)
                keys = [each for each in its if self._begins(each.unit)]
                met |= {key.place: key for key in keys}
                windows[number] = first, min(last + step, size)
                is_over = last == size or any(self._seconds(each.shown) >= end for each in its)
                if is_over or any(self._seconds(key.shown) >= start for key in keys):
                    del windows[number]
        return met, room

    def _measure_gops(self, beginning: Sequence[Found], others: Sequence[Sequence[Found]]) -> int:
        """Estimate how many bytes lie from one keyframe to the next, and how many it takes to meet one.

        Returns how many keyframes were met; some browsers record with a single one.
        """
        block = self._reader.policy.block
        keys = [its for its in beginning if self._begins(its.unit)]
        elsewhere = [its for found in others for its in found if self._begins(its.unit)]
        seen, also_seen = beginning[-1].place - beginning[0].place, (len(others) + 1) * block
        if len(keys) + len(elsewhere) > 1:
            # Some encoders begin with many keyframes; where none was met elsewhere, they are far apart.
            apart = max((seen + also_seen) // (len(keys) + len(elsewhere) - 1), also_seen // (len(elsewhere) + 1))
            self._gop_bytes = min(apart, LARGEST_BLOCKS * block)
        self._largest = max((sum(packet.size for packet in key.unit) for key in (*keys, *elsewhere)), default=0)
        self._block_size = max(block, min(self._gop_bytes + 2 * self._largest, LARGEST_BLOCKS * block))
        return len(keys) + len(elsewhere)

    def _find_cadence(
        self, beginning: Sequence[Found], others: Sequence[Sequence[Found]], places: int
    ) -> Cadence | None:
        """Learn from the start, and from what was met elsewhere, whether keyframes come at even distances."""
        keys = [its for its in beginning if self._begins(its.unit)]
        if len(keys) < FEWEST:
            most = learned_bytes(self._reader.policy.block, places * self._block_size)
            most = max(self._start, min(most, self._reader.size))
            apart = keys[1].place - keys[0].place if len(keys) > 1 else most
            end = min(self._start + apart, most)
            if end > self._start:
                self._reader.fetch([(0, end)])
                keys = [its for its in self._read(0, end) if self._begins(its.unit)]
        sizes = [sum(packet.size for packet in key.unit) for key in keys]
        self._largest, self._usual = max(sizes, default=0), int(median(sizes)) if sizes else 0
        elsewhere = [self._clock(its.unit) for found in others for its in found if self._begins(its.unit)]
        return Cadence.of([self._clock(its.unit) for its in keys], elsewhere, self._rate)

    def _has_key(self, place: int) -> bool:
        """Return whether a keyframe lies soon after a place, as far as one is ever looked for."""
        end = place + 2 * LARGEST_BLOCKS * self._reader.policy.block
        self._reader.fetch([(place, end)])
        return any(self._begins(found.unit) for found in self._read(place, end))

    def _timeline_of(self, beginning: Sequence[Found], others: Sequence[Sequence[Found]]) -> Timeline:
        if self._format not in UNTIMED:
            *between, end = others
            samples = [beginning[0], beginning[-1], *(found[0] for found in between if found)]
            samples += [max(end, key=lambda found: found.shown)] if end else []
            return Timeline([(found.place, self._clock(found.unit)) for found in samples])
        # Frames lie as close together between two samples as they do in these.
        dense = [found for found in (beginning, *others) if len(found) > 1]
        points = [(found[0].place, (len(found) - 1) / (found[-1].place - found[0].place)) for found in dense]
        points += [(self._reader.size, points[-1][1])]
        frames = accumulate((to - at) * (its + then) / 2 for (at, its), (to, then) in pairwise(points))
        seconds = (count / self._rate for count in chain([0.0], frames))
        return Timeline([(place, when) for (place, _), when in zip(points, seconds, strict=True)])

    def _rate_of(self, beginning: Sequence[Found]) -> float | None:
        if self._format in UNTIMED:
            return float(self.stream.guessed_rate or 0) or None
        return rate_of(self._clock(found.unit) for found in beginning)

    @property
    def _margin(self) -> int:
        """Bytes that are read before and after the place where an even keyframe is expected."""
        return self._reader.policy.gap // 2

    @property
    def _rate(self) -> float:
        return self._measured or super()._rate

    def _beginning(self) -> View:
        return View(self._reader, self._start)

    # ---- reading

    def _ranges(self, shot: Shot) -> Iterable[Range]:
        return [self._stretch_of(shot.moments) if shot.moments else self._around(shot.keyframe)]

    def _runs(self, plan: Plan) -> list[Run]:
        if self._cadence is not None:
            self._approach({shot.keyframe for shot in plan if not shot.moments} - self._windows.keys())
        return super()._runs(plan)

    def _approach(self, numbers: Iterable[int]) -> None:
        """Look for even keyframes: a few frames near the place where each is expected say where it lies indeed."""
        # Before the keyframe, as its own bytes say nothing of when others are shown.
        before, after = self._probe + self._margin, -self._margin
        windows = {number: self._window(number, before, after) for number in sorted(numbers)}
        for look in range(LOOKS):
            self._reader.fetch(windows.values())
            self._windows |= windows
            nearer = {number: self._nearer(number, window) for number, window in windows.items()}
            # What is read at the first two looks was planned.
            windows = {
                number: window
                for number, window in nearer.items()
                if window and (look == 0 or self._may_search(self._largest))
            }

    def _window(self, number: int, before: int, after: int) -> Range:
        """Return the bytes before and after the place where a keyframe is expected by what was read until now."""
        assert self._timeline is not None
        assert self._cadence is not None
        place = self._timeline.place(self._cadence.nearest(self.index.times[number]))
        return max(0, place - before), min(place + after, self._reader.size)

    def _nearer(self, number: int, window: Range) -> Range | None:
        """Return where to look next for a keyframe, having looked in a window; None if it is there."""
        assert self._cadence is not None
        found = self._read(*window)
        key = self._nearest_key(found, number)
        if key is not None:
            self._met[number] = key.unit
            time = self._seconds(key.shown)
            if self._cadence.fits(time):
                self._cadence = self._cadence.corrected(time)
            return None
        reach = self._largest + self._margin
        (start, end), (first, last) = self._window(number, self._margin, self._usual + self._margin), window
        if end < first - reach or last + reach < start:
            return start, end
        # It is cut off, or lies beside the window; a window without frames is a part of it.
        times, moment = [self._seconds(its.shown) for its in found], self._cadence.nearest(self.index.times[number])
        if not times or min(times) < moment:
            last = end if end > last + self._margin else last + self._largest
        if not times or max(times) > moment:
            first = min(start, first - reach)
        return max(0, first), min(last, self._reader.size)

    def _nearest_key(self, found: Sequence[Found], number: int) -> Found | None:
        """Return the keyframe nearest to that of the index."""
        wanted = self._ticks(self.index.times[number])
        keys = [its for its in found if self._begins(its.unit)]
        return min(keys, key=lambda its: abs(its.shown - wanted), default=None)

    def _around(self, number: int) -> Range:
        """Return the block of a moment of the index."""
        if number in self._windows:
            return self._windows[number]
        start = max(0, self.index.places[number] - (self._block_size // 2 if number else 0))
        return start, min(start + self._block_size, self._reader.size)

    def _stretch_of(self, moments: Sequence[float], before: int = 1, after: int = 1) -> Range:
        """Return where the frames of moments lie, with so many GOPs before and quarters of a GOP after them."""
        assert self._timeline is not None
        first, (back, on) = moments[0], self._reach(before, after)
        if self._cadence is not None:
            first = self._cadence.before(first)
        start = max(0, self._timeline.place(first) - back)
        end = self._timeline.place(moments[-1]) + on
        return start, min(end, start + SEARCHED_BYTES, self._reader.size)

    def _reach(self, before: int, after: int) -> tuple[int, int]:
        """Return how many bytes are read before the first moment, or its keyframe where that is known, and after the
        last."""
        block = self._reader.policy.block
        back = self._gop_bytes if self._cadence is None or before > 1 else self._largest
        return before * back + block, after * self._gop_bytes // 4 + block

    def _run_of(self, shot: Shot) -> Run | None:
        if shot.moments:
            return self._following(shot.keyframe, shot.moments)
        unit = self._keyframe(shot.keyframe)
        if unit is not None and self._recovery(unit):
            return self._following(shot.keyframe, [self._seconds(shown_at(unit[0]))])
        if unit is not None:
            return self._alone(unit)
        moments = [self.index.times[shot.keyframe]]
        start, end = self._stretch_of(moments)
        return self._following(shot.keyframe, moments) if self._may_search(end - start) else None

    def _may_search(self, length: int) -> bool:
        """Return whether so many bytes may be read beyond what was planned."""
        self._searched += length
        return self._searched <= SEARCHED_BYTES

    def _keyframe(self, number: int) -> AccessUnit | None:
        if number in self._met:
            return self._met.pop(number)
        nearest = self._nearest_key(self._read(*self._around(number)), number)
        return nearest.unit if nearest else None

    def _following(self, number: int, moments: Sequence[float]) -> Run | None:
        ticks, before, after = self._all_ticks(moments), 1, 1
        start, end = self._stretch_of(moments)
        while True:
            self._reader.fetch([(start, end)])
            found = self._read(start, end)
            starts = any(its.shown <= ticks[0] and self._begins(its.unit) for its in found) or start <= self._head
            ends = any(its.shown > ticks[-1] for its in found) or end == self._reader.size
            if starts and ends:
                break
            # Twice as far to where it lacks.
            before, after = before if starts else 2 * before, after if ends else 2 * after
            wider = self._stretch_of(moments, before, after)
            more = wider[1] - wider[0] - (end - start)
            if more <= 0 or not self._may_search(more):
                break
            start, end = wider
        if not starts and len(self.index) == 1:
            # There is no nearer one: as far as can be decoded from the first.
            self._reader.fetch([(0, SEARCHED_BYTES)])
            found = self._read(0, SEARCHED_BYTES)
        run = self._cut((its.unit for its in found), ticks)
        if run is not None and run.start > moments[0] + 1:
            self._note(f"no frame could be decoded at a requested time; shown instead: {run.start:.3f} s")
        return run

    def _read(self, start: int, end: int) -> list[Found]:
        """Return the frames in a part of the object, without the last one, which may be cut."""
        end = min(end, self._reader.size)
        at = None if start <= self._head else self._boundary(self._reader.read_all(start, end - start), start)
        if start > self._head and at is None:
            return []
        joined = Joined(self._reader, [(0, end)] if at is None else [(0, self._head), (start + at, end)])
        first = 0 if at is None else self._head
        notes = [*self.notes]
        try:
            container, stream = opened(joined, self._format, Probing.STREAMS, like=self.stream)
        except (Rejected, Skipped):
            return []
        with container:
            units = [unit for unit in self._units(container, stream) if (unit[0].pos or 0) >= first]
        if not self._is_encrypted:
            # What a block breaks off with is no fault of the file.
            self.notes = notes
        if end < self._reader.size:
            del units[-1:]
        if first and self._format in LAGGING:
            del units[:1]
        found = [Found(joined.place(unit[0].pos or 0), unit) for unit in units]
        if self._timeline is not None:
            self._set_times(found, self._timeline)
        return found

    def _set_times(self, found: Sequence[Found], timeline: Timeline) -> None:
        """Let packets bear the times that a player counts in, and the timeline learn from the stream's clock."""
        if self._format in UNTIMED:
            # Frames come at even distances, in another order than they lie.
            times = [timeline.seconds(its.place) for its in found]
            found = sorted(found, key=lambda its: its.shown)
        else:
            for its in (*found[:1], *found[-1:]):
                timeline.add(its.place, self._clock(its.unit))
            times = [timeline.time(its.place, self._clock(its.unit)) for its in found]
        for its, time in zip(found, times, strict=True):
            shift = round((time - self._clock(its.unit)) / self._time_base)
            for packet in its.unit:
                packet.pts = shown_at(packet) + shift
                packet.dts = None if packet.dts is None else packet.dts + shift

    def _clock(self, unit: AccessUnit) -> float:
        """Return the time of a frame by the stream's clock: seconds after its first one."""
        return float(shown_at(unit[0]) * self._time_base - self.origin)
