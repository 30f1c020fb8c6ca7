"""An MP4 or MOV of which every sample is known: by its sample table, or by all its fragments."""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Iterator, Sequence
from statistics import median

from worker.container.mp4.demuxer import Mp4, Task
from worker.container.mp4.edits import Timeline
from worker.container.mp4.movie import Movie, Track
from worker.container.mp4.samples import Samples
from worker.index import Plan, Shot, VideoIndex
from worker.reader import Reader

KEYFRAMES = 4096
"""Of a video with more keyframes than this, evenly spread ones are listed: one in two seconds of two hours."""
OUTSTANDING = 1.5
"""A sample of so many times the size that is usual around it is most likely a keyframe."""
AROUND = 24
"""How many samples on either side that is."""


class Table(Mp4):
    """A track whose samples are all known."""

    def __init__(self, reader: Reader, movie: Movie, track: Track, samples: Samples, timeline: Timeline) -> None:
        super().__init__(reader, movie, track)
        self._samples, self._timeline = samples, timeline
        self.stream = self._described(samples, 0).stream
        self._parts, self._numbers = array("q"), array("q")
        self.index = self._made_index()

    def _tasks(self, plan: Plan) -> list[Task]:
        samples = self._samples
        tasks: list[Task] = []
        for shot in plan:
            wanted: dict[int, dict[int, float]] = {}
            for part, number, seconds in self._targets(shot):
                wanted.setdefault(part, {})[number] = seconds
            for part, its in wanted.items():
                tasks += self._divided(samples, self._timeline.parts[part], its)
        return tasks

    def _targets(self, shot: Shot) -> Iterator[tuple[int, int, float]]:
        """Yield the part, the sample and the moment of each frame that a shot shows."""
        if not shot.moments:
            yield self._entry(shot.keyframe)
        for moment in shot.moments:
            part, tick = self._timeline.at(moment)
            number = self._samples.on_screen(tick)
            if self._samples.place(number)[1] > self._reader.size:
                part, number, seconds = self._entry(self.index.before(moment))
                self._note(f"the file breaks off before a requested time; shown instead: {seconds:.3f} s")
                yield part, number, seconds
                continue
            its = self._timeline.parts[part]
            yield part, number, its.seconds(self._samples.shown(number)) if its.rate > 0 else moment

    def _entry(self, keyframe: int) -> tuple[int, int, float]:
        return self._parts[keyframe], self._numbers[keyframe], self.index.times[keyframe]

    def _made_index(self) -> VideoIndex:
        samples, timeline = self._samples, self._timeline
        times, places, sizes = array("d"), array("q"), array("q")
        for part, number, seconds in _entries(samples, timeline, self._keyframes()):
            sync = samples.sync_before(number)
            first = number if sync is None else max(sync, samples.described_from(number))
            # A part may begin between keyframes: what lies before it is read and not shown.
            place, size = samples.place(first)[0], samples.bytes(first, number)
            if place + size <= self._reader.size and (not times or seconds > times[-1]):
                times.append(seconds)
                places.append(place)
                sizes.append(size)
                self._parts.append(part)
                self._numbers.append(number)
        context, count = self.stream.codec_context, samples.count
        # How long the last one stays says nothing of the others.
        lasts = samples.decoded(count - 1) - samples.decoded(0)
        return VideoIndex(
            container="mov",
            codec=context.codec.canonical_name,
            width=context.width,
            height=context.height,
            rate=(count - 1) * self._track.timescale / lasts if lasts else 25.0,
            duration=timeline.duration,
            end=self._reader.size,
            times=times,
            places=places,
            sizes=sizes,
        )

    def _keyframes(self) -> Sequence[int]:
        """Return the sync samples; where the file does not tell them, those that most likely are."""
        samples = self._samples
        tells = len(samples.syncs) < samples.count or samples.count < 2
        if tells or self.stream.codec_context.codec.intra_only:
            return samples.syncs
        self._reader.fetch(map(samples.place, (0, 1)))
        if all(self._whole_from(samples, number, number) == number for number in (0, 1)):
            return samples.syncs
        return outstanding([samples.size(number) for number in range(samples.count)])


def _entries(samples: Samples, timeline: Timeline, keyframes: Sequence[int]) -> Iterator[tuple[int, int, float]]:
    """Yield the part, the sample and the moment of all frames that an index lists: where parts begin, and keyframes."""
    room = max(1, KEYFRAMES // len(timeline.parts))
    step = -(-len(keyframes) // room)
    shown = sorted((samples.shown(number), number) for number in keyframes[::step]) if keyframes else []
    for place, part in enumerate(timeline.parts):
        yield place, samples.on_screen(part.first if part.rate >= 0 else part.last - 1), float(part.start)
        inner = shown[bisect.bisect_left(shown, (part.first, 0)) : bisect.bisect_left(shown, (part.last, 0))]
        if part.rate:
            for tick, number in inner if part.rate > 0 else reversed(inner):
                yield place, number, part.seconds(tick)


def outstanding(sizes: Sequence[int]) -> list[int]:
    """Return the numbers of samples that are so much larger than those around them that they most likely are keyframes.

    The first sample is one of them, and wherever none stands out for long, some sample is.
    """
    found = [0]
    longest = 10 * AROUND
    for number in range(1, len(sizes)):
        if number - found[-1] >= longest:
            found.append(number)
            continue
        size = sizes[number]
        if size <= sizes[number - 1]:
            continue
        around = sizes[max(0, number - AROUND) : number + AROUND + 1]
        if size >= OUTSTANDING * median(around) and size == max(sizes[max(0, number - 4) : number + 5]):
            found.append(number)
    return found
