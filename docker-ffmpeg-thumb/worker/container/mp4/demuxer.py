"""Reads the samples of an MP4 or MOV by their places: exact ranges, all of a plan at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import cast

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from model import Range, Rejected
from worker.bitstream.fields import Fields
from worker.bitstream.keyframes import EntryPoints
from worker.bitstream.unreferenced import Disposables
from worker.container.demuxer import FIRST_KEYFRAMES, Demuxer, Run, wants_first_keyframe
from worker.container.mp4 import movie
from worker.container.mp4.edits import Part
from worker.container.mp4.movie import Movie, Track
from worker.container.mp4.samples import Samples
from worker.container.opening import Probing, opened, palette
from worker.index import RUN_BYTES, RUN_FRAMES, Plan, Shot
from worker.reader import Reader

LOOKED_BACK = 16
"""Where decoding cannot begin at a sample that the file calls a sync sample, so many before it are looked at; then
more, twice as many each time."""


LOOKED_AHEAD = 8
"""Where decoding can begin at none of them, so many sync samples after it are."""


@dataclass(frozen=True)
class Description:
    """A sample description: how libavformat reads it, and what tells its samples apart."""

    container: InputContainer
    stream: VideoStream
    entry_points: EntryPoints
    fields: Fields
    disposables: Disposables


@dataclass
class Task:
    """Samples that are decoded in one run."""

    samples: Samples
    part: Part
    wanted: dict[int, float]
    """The moment of each wanted sample, in seconds as a player counts."""
    first: int
    """The sample at which decoding begins."""
    start: int
    """The first sample that is looked at: decoding begins there or later."""
    is_settled: bool = False
    """Whether decoding can begin at `first`, as far as that can be told."""
    moved: int = 0
    """How many times a later sample was taken, because what was wanted cannot be decoded."""
    awaited: tuple[Range, ...] = ()
    """What is read to find what comes before its samples."""

    def want(self, number: int) -> None:
        """Show one sample instead of all others."""
        self.wanted = {number: self.part.seconds(self.samples.shown(number))}

    @property
    def needed(self) -> range:
        """The samples that are read."""
        return range(min(self.start, self.first), max(self.wanted) + 1)


class Mp4(Demuxer):
    """An open MP4 or MOV: one track of it.

    The marks of sync samples are checked against what the samples hold, wherever one is used.
    """

    def __init__(self, reader: Reader, its_movie: Movie, track: Track) -> None:
        super().__init__(reader)
        self._movie, self._track = its_movie, track
        self._descriptions: dict[int, Description] = {}
        self._is_encrypted = False

    def close(self) -> None:
        for description in self._descriptions.values():
            description.container.close()

    def _runs(self, plan: Plan) -> list[Run]:
        tasks = self._settled(self._tasks(plan))
        runs = [run for task in tasks if (run := self._run(task)) is not None]
        runs = sorted(runs, key=lambda run: run.start) or self._any()
        return [*self._leading(runs), *runs]

    @abstractmethod
    def _tasks(self, plan: Plan) -> list[Task]:
        """Return what is to be read for a plan, in the order of its shots."""

    # ---- how samples become runs

    def _divided(self, samples: Samples, part: Part, wanted: dict[int, float]) -> list[Task]:
        """Return tasks for some samples of a part, each of which begins at the sync sample before what it shows."""
        tasks: list[Task] = []
        for number in sorted(wanted):
            if self._track.is_encrypted(samples.description(number)):
                self._is_encrypted = True
                self._note("frames of it are encrypted, and were left out")
                continue
            described = samples.described_from(number)
            sync = samples.sync_before(number)
            first = described if sync is None else max(sync, described)
            if tasks and first <= max(tasks[-1].wanted):
                tasks[-1].wanted[number] = wanted[number]
            else:
                tasks.append(Task(samples, part, {number: wanted[number]}, first, first))
        for task in tasks:
            self._limit(task)
        return tasks

    def _limit(self, task: Task) -> None:
        """Leave out of a task what lies too far after its beginning, and show the last frame before that instead."""
        samples, first, last = task.samples, task.first, max(task.wanted)
        reached = min(last, first + RUN_FRAMES - 1)
        room = RUN_BYTES
        for number in range(first, reached + 1):
            room -= samples.size(number)
            if room < 0 and number > first:
                reached = number - 1
                break
        if reached == last:
            return
        seconds = task.part.seconds(samples.shown(reached))
        task.wanted = {n: at for n, at in task.wanted.items() if n < reached} | {reached: seconds}
        self._note(f"a requested time lies too far after its keyframe to be decoded; shown instead: {seconds:.3f} s")

    def _settled(self, tasks: Sequence[Task]) -> list[Task]:
        """Return the tasks with what they need fetched; those that begin at the same sample are made one."""
        pending = list(tasks)
        while pending:
            places = (task.samples.place(number) for task in pending for number in task.needed)
            self._reader.fetch(chain(places, *(task.awaited for task in pending)))
            for task in pending:
                self._settle(task)
            pending = [task for task in pending if not task.is_settled]
        merged: dict[tuple[int, Part, int], Task] = {}
        for task in tasks:
            same = merged.setdefault((id(task.samples), task.part, task.first), task)
            same.wanted |= task.wanted
        return list(merged.values())

    def _settle(self, task: Task) -> None:
        """Find where the decoding of a task can begin in what is read of it, or else have more of it read."""
        samples, target = task.samples, min(task.wanted)
        floor = samples.described_from(target)
        refreshed: tuple[int, int] | None = None
        for candidate in _backwards(samples, target, task.start, floor):
            whole = self._whole_from(samples, candidate, max(task.wanted))
            if whole is None:
                continue
            is_ahead = min(map(samples.shown, task.wanted)) < samples.shown(candidate)
            if whole <= target and not (is_ahead and candidate > floor):
                task.first, task.is_settled = candidate, True
                return
            refreshed = candidate, whole
        if not task.moved and self._look_back(task, floor):
            return
        # Nothing before it is any better: the file was cut in mid-GOP, and what comes first cannot be decoded.
        following = samples.sync_after(target)
        if refreshed is not None:
            task.first, whole = refreshed
            if whole > target:
                task.want(min(whole, samples.count - 1))
                self._reader.fetch(map(samples.place, task.needed))
            task.is_settled = True
        elif following is not None and task.moved < LOOKED_AHEAD:
            task.moved += 1
            task.first = task.start = following
            task.want(following)
        else:
            task.is_settled = True

    def _look_back(self, task: Task, floor: int) -> bool:
        """Have more read before what was read of a task; return whether there is more, and within the limits."""
        samples, last = task.samples, max(task.wanted)
        start = max(floor, task.start - max(LOOKED_BACK, last + 1 - task.start))
        sync = samples.sync_before(start)
        start = max(floor, sync) if sync is not None else floor
        if start == task.start or last - start >= RUN_FRAMES or samples.bytes(start, last) > RUN_BYTES:
            return False
        task.start = start
        return True

    def _whole_from(self, samples: Samples, number: int, last: int) -> int | None:
        """Return the first sample that is whole if decoding begins at one; None if decoding cannot begin there.

        `last`: the last sample that was read.
        """
        description = self._described(samples, number)
        recovery = description.entry_points.recovery(self._content(samples, number))
        if not recovery:
            return number if recovery == 0 else None
        while recovery and number < last:
            number += 1
            recovery -= not description.disposables.has(self._content(samples, number))
        return number + recovery

    def _run(self, task: Task) -> Run | None:
        samples = task.samples
        description = self._described(samples, task.first)
        packets: list[Packet[VideoStream]] = []
        shown: list[int] = []
        wanted: dict[int, float] = {}
        for number in range(task.first, max(task.wanted) + 1):
            packet = self._packet(samples, number)
            if packet is not None:
                packet.is_keyframe = not packets
                packets.append(packet)
                shown.append(samples.shown(number))
            if number in task.wanted and packets:
                # In place of one that is empty, the one before it stays on the screen.
                wanted[len(packets) - 1] = task.wanted[number]
        if not packets:
            return None
        if description.fields.is_one(bytes(packets[0])):
            wanted = self._pair(description.fields, task, packets, shown, wanted)
        return Run(tuple(packets), tuple(shown), wanted, description.stream)

    def _pair(
        self,
        fields: Fields,
        task: Task,
        packets: list[Packet[VideoStream]],
        shown: list[int],
        wanted: dict[int, float],
    ) -> dict[int, float]:
        """Give the two fields of a frame the same time, where each is a sample; what is wanted then."""
        following = max(task.wanted) + 1
        if following < task.samples.count:
            self._reader.fetch([task.samples.place(following)])
            packet = self._packet(task.samples, following)
            if packet is not None and fields.are_two(bytes(packets[-1]), bytes(packet)):
                packets.append(packet)
                shown.append(shown[-1])
        moved: dict[int, float] = {}
        second = False
        for number, packet in enumerate(packets):
            second = number > 0 and not second and fields.are_two(bytes(packets[number - 1]), bytes(packet))
            if second:
                shown[number] = shown[number - 1]
            if number in wanted:
                moved.setdefault(number - second, wanted[number])
        return moved

    def _packet(self, samples: Samples, number: int) -> Packet[VideoStream] | None:
        """Return a sample as a packet; None if it is empty, or the file ends before it does."""
        content = self._content(samples, number)
        if not content or len(content) < samples.size(number):
            return None
        # APV's samples begin with their length (libavformat/mov.c), which is not part of the packet.
        prefix = 4 if self.index.codec == "apv" else 0
        return cast("Packet[VideoStream]", Packet(content[prefix:]))

    def _content(self, samples: Samples, number: int) -> bytes:
        start, end = samples.place(number)
        return self._reader.read_all(start, end - start)

    # ---- what stands before the runs, or in their place

    def _any(self) -> list[Run]:
        """Return the first frame that the file holds, where it does not hold what was looked for."""
        for number in range(min(len(self.index), FIRST_KEYFRAMES)):
            for task in self._settled(self._tasks((Shot(number),))):
                run = self._run(task)
                if run is not None:
                    self._note(f"frames that were looked for are not in the file; shown instead: {run.start:.3f} s")
                    return [run]
        if self._is_encrypted:
            raise Rejected("its video is encrypted")
        return []

    def _leading(self, runs: Sequence[Run]) -> list[Run]:
        """Return what a decoder has to see before the runs, though no frame of it is wanted: mostly nothing."""
        if not runs or not wants_first_keyframe(runs[0].stream or self.stream):
            return []
        first = [run for task in self._settled(self._tasks((Shot(0),))) if (run := self._run(task)) is not None]
        if not first or first[0].shown[0] >= runs[0].shown[0] or first[0].stream is not runs[0].stream:
            return []
        return [Run(first[0].packets, first[0].shown, {}, first[0].stream)]

    def _described(self, samples: Samples, sample: int) -> Description:
        """Return the description of a sample, which may have to be looked into for it."""
        number = samples.description(sample)
        known = self._descriptions.get(number)
        if known is not None:
            return known
        container, stream = opened(movie.head(self._movie, [self._track], number), "mov", Probing.NOTHING)
        if stream.codec_context.width == 0:
            # What the description does not tell, libavformat learns of a sample.
            container.close()
            self._reader.fetch([samples.place(sample)])
            content = movie.head(self._movie, [self._track], number, self._content(samples, sample))
            container, stream = opened(content, "mov", Probing.FRAMES)
        elif 0 < stream.codec_context.bits_per_coded_sample <= 8:
            # libavformat says the colours that pixels are numbers of with the first sample, whatever that is.
            container.close()
            container, stream = opened(movie.head(self._movie, [self._track], number, b"\0"), "mov", Probing.NOTHING)
            self.palette = self.palette or palette(container, stream)
        codec, extradata = stream.codec_context.codec.canonical_name, stream.codec_context.extradata
        self._descriptions[number] = Description(
            container, stream, EntryPoints(codec, extradata), Fields(codec, extradata), Disposables(codec, extradata)
        )
        return self._descriptions[number]


def _backwards(samples: Samples, target: int, start: int, floor: int) -> Iterator[int]:
    """Yield the sync samples from a sample back to another; at last the one that nothing comes before, called one or
    not."""
    number = samples.sync_before(target)
    last = target + 1
    while number is not None and number >= max(start, floor):
        yield (last := number)
        number = samples.sync_before(number - 1)
    if start == floor < last:
        yield floor
