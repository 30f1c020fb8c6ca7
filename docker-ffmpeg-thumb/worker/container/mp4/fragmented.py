"""A fragmented MP4, of which only some fragments are read: where they lie says an index, a walk or a search."""

from __future__ import annotations

from abc import abstractmethod
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from model import Range, Rejected
from worker.container.mp4.boxes import Box
from worker.container.mp4.demuxer import Mp4, Task
from worker.container.mp4.edits import Part, plain
from worker.container.mp4.fragments import NOTHING, Fragments, Kind, load, origin, search
from worker.container.mp4.layout import box_at, walk
from worker.container.mp4.movie import Movie, Track
from worker.container.mp4.samples import FragmentSamples
from worker.container.mp4.table import outstanding
from worker.index import RUN_BYTES, RUN_FRAMES, Plan, Shot, VideoIndex
from worker.reader import Reader

SHORT = 0.25
"""Seconds. Fragments shorter than this, as live streams of low latency have them, do not each begin with a keyframe,
whatever an index says."""
REGULAR, REGULAR_LEAST = 0.9, 3
"""What share of the keyframes that sizes tell has to be as far apart, and how many, for them to be believed."""
AHEAD = 16
"""So many fragments of a shot are looked at before it is known how long their samples are."""
USUAL_GOP = 2.0
"""Seconds between keyframes of live streams."""
LARGEST_GOP = 4 * 2**20
"""Bytes that are read at most to find the keyframe before a moment at once."""
ROUNDS = 8
"""So many rounds of requests look for a moment in a file that has no index."""


@dataclass
class FragmentTask(Task):
    """Samples of the fragments between two places of the object."""

    begin: int = 0
    end: int = 0


class Fragmented(Mp4):
    """Fragments are read as far as a plan wants them: first what describes their samples, then the samples."""

    _kind: Kind
    _part: Part
    _entries: Sequence[int]
    """Where the fragments of the index's keyframes begin, in bytes of the object."""

    def __init__(self, reader: Reader, movie: Movie, track: Track, kind: Kind) -> None:
        super().__init__(reader, movie, track)
        self._kind = kind
        self._loaded: dict[Range, FragmentSamples] = {}

    def _load(self, begin: int, end: int) -> FragmentSamples:
        """Return the samples of the fragments between two places, at the first of which one begins."""
        known = self._loaded.get((begin, end))
        if known is None:
            known = self._loaded[begin, end] = load(self._reader, self._kind, begin, end, self._decoded_at(begin))
        return known

    def _decoded_at(self, _place: int) -> int:
        """Return when the fragment at a place is decoded, in ticks, if it does not say so itself."""
        return 0

    def _made_index(
        self, first: FragmentSamples, entries: Iterable[tuple[float, int, int]], duration: float
    ) -> VideoIndex:
        """Return the index of keyframes: the moment in seconds, the place and the size in bytes of each.

        `first`: samples that tell the rate.
        """
        rows = sorted(entries)
        self._entries = array("q", (place for _, place, _ in rows))
        context = self.stream.codec_context
        lasts = first.end - first.decoded(0) if first.count else 0
        return VideoIndex(
            container="mov",
            codec=context.codec.canonical_name,
            width=context.width,
            height=context.height,
            rate=first.count * self._kind.timescale / lasts if lasts > 0 else 25.0,
            duration=duration,
            end=self._reader.size,
            times=array("d", (max(0.0, seconds) for seconds, _, _ in rows)),
            places=self._entries,
            sizes=array("q", (size for _, _, size in rows)),
        )

    def _ticks(self, seconds: float) -> int:
        return self._part.first + int(seconds * self._kind.timescale + 1e-6)

    def _task(self, begin: int, end: int, ticks: Sequence[int]) -> list[Task]:
        """Return tasks that show what is on the screen at some times, or else the first keyframe, of the fragments
        there."""
        samples = self._load(begin, end)
        if not samples.count:
            return []
        numbers = [samples.on_screen(tick) for tick in ticks] or [samples.syncs[0] if samples.syncs else 0]
        wanted = {number: self._part.seconds(samples.shown(number)) for number in numbers}
        return [
            FragmentTask(each.samples, each.part, each.wanted, each.first, each.start, begin=begin, end=end)
            for each in self._divided(samples, self._part, wanted)
        ]

    # ---- where the fragments that are read turn out to have no keyframe

    def _look_back(self, task: Task, floor: int) -> bool:
        if super()._look_back(task, floor):
            return True
        assert isinstance(task, FragmentTask)
        before = self._before(task.begin, task.end) if floor == 0 else None
        if before is None or task.end - before[0] > RUN_BYTES or max(task.wanted) >= RUN_FRAMES:
            return False
        task.awaited = (before,)
        return True

    def _settle(self, task: Task) -> None:
        if task.awaited:
            assert isinstance(task, FragmentTask)
            ((start, end),) = task.awaited
            task.awaited = ()
            begin = self._found(start, end)
            if begin is None:
                task.is_settled = True
                return
            more = self._load(begin, task.end)
            shift = more.count - task.samples.count
            task.samples, task.begin = more, begin
            task.wanted = {number + shift: seconds for number, seconds in task.wanted.items()}
            sync = more.sync_before(min(task.wanted))
            task.first = task.start = sync or 0
            self._reader.fetch(map(more.place, task.needed))
        super()._settle(task)

    @abstractmethod
    def _before(self, begin: int, end: int) -> Range | None:
        """Return what is read to find an earlier fragment than those between two places; None if there is none."""

    @abstractmethod
    def _found(self, start: int, end: int) -> int | None:
        """Return the first place of a fragment in what was read because `_before` said so."""


class Mapped(Fragmented):
    """The places of the fragments are known, with the times at which they begin."""

    is_sure = True
    """Whether the keyframes of the index most likely are all that there are."""

    def __init__(self, reader: Reader, movie: Movie, track: Track, kind: Kind, found: Fragments) -> None:
        super().__init__(reader, movie, track, kind)
        self._fragments, last = found, len(found) - 1
        hop = reader.policy.hop
        unknown = [number for number in (0, last) if self._moof(number) is None]
        reader.fetch((found.starts[n], min(found.ends[n], found.starts[n] + hop)) for n in unknown)
        self._times = found.times
        samples = self._load(found.starts[0], found.ends[0])
        if not samples.count:
            raise Rejected(NOTHING)
        self.stream = self._described(samples, 0).stream
        begin = origin(movie, track, samples)
        if min(found.times) < 0:
            lasts = max(1, samples.end - samples.decoded(0)) / kind.timescale
            self._times = array("d", (begin / kind.timescale + number * lasts for number in range(len(found))))
        ending = self._load(found.starts[last], found.ends[last])
        end = ending.end if ending.count else int((found.end or self._times[last]) * kind.timescale)
        timeline = plain(begin, end, kind.timescale)
        self._part, duration = timeline.parts[0], timeline.duration
        if not found.is_complete:
            self._note(f"the video has no index, so only its beginning was looked at, to {duration:.3f} s")
            # What was not looked at lasts about as long for its bytes as what was.
            duration *= reader.size / found.ends[last]
        block, start = reader.policy.block, begin / kind.timescale
        self.index = self._made_index(
            samples,
            (
                (self._times[n] - start, found.starts[n], min(block, found.ends[n] - found.starts[n]))
                for n in self._keyframes()
            ),
            duration,
        )

    def _decoded_at(self, place: int) -> int:
        number = max(0, bisect_right(self._fragments.starts, place) - 1)
        return int(self._times[number] * self._kind.timescale)

    def _keyframes(self) -> Sequence[int]:
        """Return the fragments that begin with a keyframe, as far as that can be told without reading each of them."""
        found, times = self._fragments, self._times
        marked = [number for number in range(len(found)) if found.marked[number]]
        if 0 < len(marked) < len(found):
            return marked
        looked_at = self._looked_at()
        if all(looked_at.values()) and (len(found) < 2 or (times[-1] - times[0]) / (len(found) - 1) >= SHORT):
            return range(len(found))
        likely = set(outstanding([end - start for start, end in zip(found.starts, found.ends, strict=True)]))
        keyframes = [number for number in range(len(found)) if looked_at.get(number, number in likely)]
        apart = Counter(after - before for before, after in pairwise(keyframes))
        (_, most), *_ = apart.most_common(1) or [(0, 0)]
        self.is_sure = most >= max(REGULAR_LEAST, REGULAR * (len(keyframes) - 1))
        return keyframes

    def _looked_at(self) -> dict[int, bool]:
        """Return whether each of the fragments whose descriptions are here begins with a keyframe."""
        looked_at = {}
        for number, start in enumerate(self._fragments.starts):
            moof = self._moof(number)
            if moof is not None:
                samples = self._load(start, moof.end)
                if samples.count:
                    looked_at[number] = 0 in samples.syncs
        return looked_at

    def _moof(self, number: int) -> Box | None:
        """Return what describes the samples of a fragment, if it is here."""
        boxes = walk(self._reader, self._fragments.starts[number], self._fragments.ends[number])
        moof = next((box for box in boxes if box.kind == b"moof"), None)
        return moof if moof and self._reader.has(moof.start, moof.end) else None

    def _tasks(self, plan: Plan) -> list[Task]:
        groups = [(shot, *self._span(shot)) for shot in plan]
        self._reader.fetch(part for shot, first, last in groups for part in self._ranges(shot, first, last))
        found = self._fragments
        tasks: list[Task] = []
        for shot, first, last in groups:
            # For a keyframe alone, what describes the beginning of its fragment will do.
            moof = None if shot.moments else self._moof(first)
            end = moof.end if moof else found.ends[last]
            tasks += self._task(found.starts[first], end, [self._ticks(moment) for moment in shot.moments])
        return tasks

    def _span(self, shot: Shot) -> tuple[int, int]:
        """Return the first and the last fragment of a shot."""
        found = self._fragments
        first = bisect_right(found.starts, self._entries[shot.keyframe]) - 1
        last = first
        if shot.moments:
            last = max(first, self._at(max(shot.moments)))
        while last > first and (found.ends[last] - found.starts[first] > RUN_BYTES or last - first > RUN_FRAMES):
            last -= 1
        return first, last

    def _at(self, seconds: float) -> int:
        return max(0, bisect_right(self._times, seconds + self._part.first / self._kind.timescale + 1e-6) - 1)

    def _ranges(self, shot: Shot, first: int, last: int) -> Iterable[Range]:
        found, policy = self._fragments, self._reader.policy
        start, end = found.starts[first], found.ends[last]
        if not shot.moments:
            # Where its samples are described already, they are read by their places.
            if self._moof(first) is None:
                yield start, min(end, start + policy.block)
            return
        for number in range(first, min(last, first + AHEAD) + 1):
            yield found.starts[number], min(found.ends[number], found.starts[number] + policy.hop)
        # A keyframe takes more than its share, and bit rates vary; what still lacks is fetched when it is known.
        about = self.index.distance(shot.keyframe, max(shot.moments)) * 9 // 8 + 2 * policy.block
        yield start, min(end, start + about)

    def _before(self, begin: int, end: int) -> Range | None:
        keyframe = bisect_right(self._entries, begin - 1) - 1
        if keyframe >= 0:
            return self._entries[keyframe], begin
        return (self._fragments.starts[0], begin) if begin > self._fragments.starts[0] else None

    def _found(self, start: int, end: int) -> int | None:
        return start


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
        timeline = plain(origin(self._movie, self._track, its), last.last, self._kind.timescale)
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
        """Find keyframes around so many places spread evenly over the file."""
        first, size, around = self._first, self._reader.size, self.around
        places = [first + (size - first) * (2 * number + 1) // (2 * count) for number in range(count)]
        windows = [(max(first, place - around), min(size, place + around)) for place in places]
        room = self._reader.policy.scan
        while windows and (room := room - sum(end - start for start, end in windows)) >= 0:
            self._reader.fetch(windows)
            for start, end in windows:
                self._search(start, end)
            # Where there is no keyframe yet, as much again.
            windows = [
                (end, min(size, 2 * end - start)) for start, end in windows if not self._has_keyframe(start, end)
            ]
        self._refresh()

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

    def _window(self, tick: int) -> Range | None:
        """Return where a time should lie, with room for the keyframe before it; None if it was found already."""
        number = self._number(tick)
        island, others = self._islands[number], self._islands[number + 1 :]
        if tick < island.last or not others or others[0].begin <= island.end:
            return None
        following = others[0]
        share = (tick - island.last) / max(1, following.first - island.last)
        place = island.end + int((following.begin - island.end) * share)
        start = max(island.end, place - max(self._wide, self._gop_bytes()))
        if start - island.end < self._wide:
            start = island.end
        return start, min(following.begin, place + self._wide // 2)

    def _gop_bytes(self) -> int:
        """Return about how many bytes lie between keyframes; 0 if that was not seen yet."""
        most = 0
        for island in self._islands:
            places = [island.samples.place(number)[0] for number in island.samples.syncs]
            most = max([most, *(after - before for before, after in pairwise(places))])
        return min(most * 5 // 4, LARGEST_GOP)

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
