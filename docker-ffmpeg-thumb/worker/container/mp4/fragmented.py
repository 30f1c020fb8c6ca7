"""A fragmented MP4, of which only some fragments are read."""

from __future__ import annotations

from abc import abstractmethod
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from model import Range, Rejected
from worker.container.mp4.boxes import Box
from worker.container.mp4.demuxer import Mp4, Task
from worker.container.mp4.edits import Part, plain
from worker.container.mp4.fragments import NOTHING, Fragments, Kind, load, origin
from worker.container.mp4.layout import walk
from worker.container.mp4.movie import Movie, Track
from worker.container.mp4.samples import FragmentSamples
from worker.container.mp4.table import outstanding
from worker.index import ROUNDING, RUN_BYTES, RUN_FRAMES, Plan, Shot, VideoIndex
from worker.reader import Reader

SHORT = 0.25
"""Seconds. Fragments shorter than this, as live streams of low latency have them, do not each begin with a keyframe,
whatever an index says."""
REGULAR, REGULAR_LEAST = 0.9, 3
"""What share of the keyframes that sizes tell has to be as far apart, and how many, for them to be believed."""
LATEST = 2.0
"""Seconds. What is shown later than this after it was decoded has another reason than the order of frames."""
ALIKE = 0.5
"""Seconds. An index that is wrong of the first and the last fragment by as much as this is wrong of all alike."""
AHEAD = 16
"""So many fragments of a shot are looked at before it is known how long their samples are."""


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
        return self._part.first + int((Fraction(seconds) + ROUNDING) * self._kind.timescale)

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
            if begin is None or (more := self._load(begin, task.end)).count <= task.samples.count:
                task.is_settled = True
                return
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
        self._times, self._delay = found.times, 0.0
        samples = self._load(found.starts[0], found.ends[0])
        if not samples.count:
            raise Rejected(NOTHING)
        self.stream = self._described(samples, 0).stream
        begin = origin(movie, track, kind, samples)
        ending = self._load(found.starts[last], found.ends[last])
        first, lasts = samples.shown(samples.first_shown) / kind.timescale, samples.end - samples.decoded(0)
        if min(found.times) < 0:
            self._times = array("d", (first + number * max(1, lasts) / kind.timescale for number in range(len(found))))
        else:
            # An index may say when a fragment is decoded, or count as the edit list does.
            late = first - found.times[0]
            lately = ending.shown(ending.first_shown) / kind.timescale - found.times[last] if ending.count else 0.0
            if 0 < late < LATEST or abs(lately - late) < ALIKE:
                self._delay = first - samples.decoded(0) / kind.timescale
                self._times = array("d", (seconds + late for seconds in found.times))
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
        return int((self._times[number] - self._delay) * self._kind.timescale)

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
