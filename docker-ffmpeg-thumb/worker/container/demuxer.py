"""What all ways to the packets of a video have in common; each of them has a file of its own."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import TypeAlias

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from model import Range, Rejected
from worker.bitstream import h264
from worker.bitstream.fields import Fields
from worker.bitstream.keyframes import EntryPoints
from worker.bitstream.order import REORDER, Order, ranked
from worker.container.opening import BROKEN, DESCRIBING, Opened, Probing, began, cause, opened, palette
from worker.index import ROUNDING, RUN_BYTES, RUN_FRAMES, Plan, Shot, VideoIndex
from worker.reader import Reader, View

FIRST_KEYFRAMES = 8
"""Where a file does not hold what its index names, this many of the first keyframes are looked for."""
HIGHEST_RATE = 240
"""Frames a second. A higher rate that was not stated but guessed is that of a clock."""
UNNUMBERED = {"h264", "hevc"}
"""Formats whose frames have no times at all."""

LAST_TICK = 2**62
"""Later than any timestamp, and within the 64 bits that they have."""

AccessUnit: TypeAlias = "tuple[Packet[VideoStream], ...]"
"""The packets of one frame: one, or the two that hold a field each of an interlaced frame."""


@dataclass(frozen=True)
class Run:
    """Packets in decoding order, the first a keyframe, and which of their frames are wanted."""

    packets: tuple[Packet[VideoStream], ...]
    shown: tuple[int, ...]
    """When each packet's frame is shown, in ticks of the stream."""
    wanted: dict[int, float]
    """The moment of each wanted frame, in seconds as a player counts, by the number of its packet."""
    stream: VideoStream | None = None
    """What describes these packets, where the video has several descriptions; None if it is that of the demuxer."""

    @property
    def start(self) -> float:
        """The first wanted moment."""
        return min(self.wanted.values())

    @property
    def is_ahead(self) -> bool:
        """Whether a wanted frame is shown before the keyframe (open GOP), and so may refer to what lies before that."""
        return min(self.shown[number] for number in self.wanted) < self.shown[0]

    def only(self, seconds: float) -> Run | None:
        """Return the part of the run that is decoded to show its wanted frame of this moment; None if it has none."""
        number = next((number for number, moment in self.wanted.items() if moment == seconds), None)
        if number is None:
            return None
        count = number + 1
        while count < len(self.packets) and self.shown[count] == self.shown[number]:
            count += 1
        return replace(self, packets=self.packets[:count], shown=self.shown[:count], wanted={number: seconds})


class Demuxer(ABC):
    """An open video: its index, and the way to its packets."""

    index: VideoIndex
    stream: VideoStream
    """What describes its packets."""
    palette: bytes | None = None
    """The colours that pixels are numbers of, 256 of four bytes (B, G, R and A), where the stream itself has none."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.notes: list[str] = []
        """Where what was read falls short of what was asked, and why."""

    def read(self, plan: Plan, meanwhile: Callable[[], None] = lambda: None) -> list[Run]:
        """Fetch all that a plan needs at the same time, then demux it.

        `meanwhile` is done while the first of it is on its way, and not at all where everything is here already.

        Returns runs in the order of their first wanted moments. What the file turns out not to hold is left out; of a
        file that holds nothing of the plan, such as one that breaks off, the first frame that it does hold is returned.
        A first run of which nothing is wanted may stand before the others: a decoder has to see it.

        Raises:
            Rejected: the video is encrypted, its index leads nowhere, or more of the object was asked for than may be
                read.
        """
        with self._reader.while_waiting(meanwhile):
            return self._runs(plan)

    @abstractmethod
    def _runs(self, plan: Plan) -> list[Run]:
        """See `read`."""

    @abstractmethod
    def close(self) -> None:
        """Free what the demuxer holds."""

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def wants_first_keyframe(stream: VideoStream) -> bool:
    """Return whether a decoder has to see the first keyframe of a video before any other frame, which is rare.

    Before its build 151 x264 wrote H.264 of the profile High 4:4:4 Predictive in a way of its own. FFmpeg's decoder
    knows both ways (libavcodec/h264_mb.c), but which build it was stands only with the first frame of a stream.
    """
    context = stream.codec_context
    parameters = h264.of(context.extradata or b"") if context.codec.canonical_name == "h264" else None
    return parameters is not None and parameters.profile == h264.HIGH_444_PREDICTIVE


class PacketDemuxer(Demuxer):
    """A video whose packets libavformat demuxes."""

    origin: Fraction
    """What a player calls 0, in seconds of the container's own time."""
    _ticks_of: array[int]
    """The times of the index's keyframes in ticks of the stream."""

    def __init__(self, reader: Reader, name: str) -> None:
        """`name`: that of the container's demuxer, which is forced.

        Raises:
            Rejected: it cannot be read, or its video has a codec that is not supported.
            Skipped: it holds no video.
        """
        super().__init__(reader)
        self._format = name
        self._ticks_of = array("q")
        self._like: VideoStream | None = None
        self._probing = Probing.NOTHING if name in DESCRIBING else Probing.FRAMES
        self._container, self.stream = self._open(self._beginning())
        if self._probing is Probing.NOTHING and self.stream.codec_context.width == 0:
            self._container.close()
            self._probing = Probing.FRAMES
            self._container, self.stream = self._open(self._beginning())
        self._like = self.stream
        self.palette = palette(self._container, self.stream)
        self._fields = Fields(self.codec, self.stream.codec_context.extradata)
        self._entry_points = EntryPoints(self.codec, self.stream.codec_context.extradata)
        self._is_encrypted = False
        self._time_base = self.stream.time_base or Fraction(1, av.time_base)
        self._began = began(name, self._container, reader.beginning())
        self.origin = self._began or Fraction(0)

    @property
    def codec(self) -> str:
        """The name of the codec, as FFmpeg calls it."""
        return self.stream.codec_context.codec.canonical_name

    def close(self) -> None:
        self._container.close()

    def _runs(self, plan: Plan) -> list[Run]:
        self._reader.fetch(part for shot in plan for part in self._ranges(shot))
        runs = [run for shot in plan if (run := self._run_of(shot)) is not None]
        runs = sorted(runs, key=lambda run: run.start) or self._first()
        return [*self._leading(runs), *runs]

    def _first(self) -> list[Run]:
        """Return the first frame that the file holds, where it does not hold what was looked for."""
        for number in range(min(len(self.index), FIRST_KEYFRAMES)):
            run = self._run_of(Shot(number, (self.index.times[number],)))
            if run is not None:
                self._note(f"frames that were looked for are not in the file; shown instead: {run.start:.3f} s")
                return [run]
        if self._is_encrypted:
            raise Rejected("its video is encrypted")
        return []

    def _run_of(self, shot: Shot) -> Run | None:
        number = shot.keyframe
        if not shot.moments:
            unit = self._keyframe(number)
            if unit and not self._recovery(unit):
                return self._alone(unit)
            # Where the picture is refreshed part by part, no frame is whole by itself.
            return self._run_of(Shot(number, (self.index.times[number],))) if unit else None
        run = self._following(number, shot.moments)
        # An index may name a keyframe a little earlier than it is shown.
        is_late = run is not None and run.start > shot.moments[0] + 0.5 / self.index.rate
        if run is not None and number > 0 and (run.is_ahead or is_late):
            number -= 1
            self._reader.fetch(self._ranges(Shot(number, shot.moments)))
            run = self._following(number, shot.moments) or run
        return run

    def _leading(self, runs: Sequence[Run]) -> list[Run]:
        """Return what a decoder has to see before these runs, though no frame of it is wanted: mostly nothing."""
        if not runs or not wants_first_keyframe(self.stream):
            return []
        self._reader.fetch(self._ranges(Shot(0)))
        first = self._run_of(Shot(0))
        return [Run(first.packets, first.shown, {})] if first and first.shown[0] < runs[0].shown[0] else []

    # ---- what each way does in its own manner

    @abstractmethod
    def _ranges(self, shot: Shot) -> Iterable[Range]:
        """Return what has to be read for a shot, as far as that can be told."""

    @abstractmethod
    def _keyframe(self, number: int) -> AccessUnit | None:
        """Return the keyframe with this number; None if the file does not hold it."""

    @abstractmethod
    def _following(self, number: int, moments: Sequence[float]) -> Run | None:
        """Return what is shown at moments, decoded from the keyframe with this number."""

    def _beginning(self) -> View:
        """Return what is opened first."""
        return View(self._reader)

    # ---- what they have in common

    def _made_index(self, keyframes: Iterable[tuple[int, float, int, int]], duration: float | None) -> VideoIndex:
        """Return the index of keyframes: (ticks, seconds, place, size) of each, in order."""
        times, places, sizes = array("d"), array("q"), array("q")
        for ticks, seconds, place, size in keyframes:
            self._ticks_of.append(ticks)
            times.append(seconds)
            places.append(place)
            sizes.append(size)
        context = self.stream.codec_context
        if duration is None and times:
            duration = times[-1]
        return VideoIndex(
            container=self._format,
            codec=self.codec,
            width=context.width,
            height=context.height,
            rate=self._rate,
            duration=duration,
            end=self._reader.size,
            times=times,
            places=places,
            sizes=sizes,
        )

    @property
    def _rate(self) -> float:
        """Frames a second, or a guess at it."""
        guessed = self.stream.base_rate
        return float(self.stream.average_rate or (guessed if guessed and guessed <= HIGHEST_RATE else 25))

    def _stated_duration(self) -> float | None:
        """Return the duration in seconds, where the container says it."""
        if self.stream.duration:
            stated = self.stream.duration * self._time_base
        elif self._container.duration:
            stated = Fraction(self._container.duration, av.time_base)
        else:
            return None
        # Matroska's durations count from 0, wherever the video begins.
        return max(0.0, float(stated - self.origin if self._format == "matroska" else stated))

    def _stretch(self, number: int, seconds: float) -> Range:
        """Return where the frames from a keyframe up to a moment lie, as far as that can be told from the index."""
        start = self.index.places[number]
        # A keyframe takes more than its share, and bit rates vary; what still lacks, the demuxer waits for.
        about = self.index.distance(number, seconds) * 9 // 8
        return start, start + 2 * self._reader.policy.block + min(RUN_BYTES, about)

    def _block(self, start: int) -> Range:
        """Return what is fetched at a place where the size of what lies there is not known."""
        return start, start + self._reader.policy.block

    def _open(self, view: View) -> Opened:
        return opened(view, self._format, self._probing, like=self._like)

    def _seek(self, timestamp: int) -> None:
        """Go to the keyframe at or before a time."""
        try:
            self._container.seek(timestamp, stream=self.stream, backward=True)
        except BROKEN as fault:
            raise Rejected(f"its index leads nowhere: {cause(fault)}") from fault

    def _units(self, container: InputContainer, stream: VideoStream) -> Iterator[AccessUnit]:
        """Return the frames of the video from where it stands until the end, or until the file breaks off."""
        return self._in_order(self._paired(container, stream))

    def _paired(self, container: InputContainer, stream: VideoStream) -> Iterator[AccessUnit]:
        waiting: Packet[VideoStream] | None = None
        for packet in self._packets(container, stream):
            if waiting is not None and self._fields.are_two(bytes(waiting), bytes(packet)):
                yield waiting, packet
                waiting = None
                continue
            if waiting is not None:
                yield (waiting,)
            waiting = packet if self._fields.is_one(bytes(packet)) else None
            if waiting is None:
                yield (packet,)
        if waiting is not None:
            yield (waiting,)

    def _in_order(self, units: Iterator[AccessUnit]) -> Iterator[AccessUnit]:
        """Give frames the times when they are shown, where their container only says when they are decoded."""
        first = next(units, None)
        if first is None or first[0].pts is not None:
            yield from units if first is None else chain([first], units)
            return
        order = Order(self.codec, self.stream.codec_context.extradata)
        times: list[int] = []

        def number(unit: AccessUnit) -> tuple[bool, int] | None:
            times.append(unit[0].dts or 0)
            return order.number(bytes(unit[0]))

        for unit, rank in ranked(chain([first], units), number):
            for packet in unit:
                packet.pts, packet.dts = times[rank], None
            yield unit

    def _begins(self, unit: AccessUnit) -> bool:
        """Return whether decoding can begin at a frame: its container says so, and it does not deny that."""
        return self._recovery(unit) is not None

    def _recovery(self, unit: AccessUnit) -> int | None:
        """Return after how many more frames what is shown is whole, if decoding begins at one; None if it cannot."""
        return self._entry_points.recovery(bytes(unit[0])) if unit[0].is_keyframe else None

    def _packets(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        packets = container.demux(stream)
        decoded = 0
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.EOFError):
                return
            except BROKEN as fault:
                self._note(f"the file is broken ({cause(fault)}); what stands before that was used")
                return
            if packet.has_sidedata("encryption_info"):
                self._is_encrypted = True
                self._note("frames of it are encrypted, and were left out")
            elif packet.size:
                if self._format in UNNUMBERED:
                    packet.dts, decoded = decoded, decoded + (packet.duration or 1)
                elif self._format == "avi":
                    packet.pts = None  # What libavformat guesses.
                elif self._format == "matroska" and packet.pts is not None:
                    packet.dts = None  # Likewise.
                if packet.pts is not None or packet.dts is not None:
                    yield packet

    def _cut(self, units: Iterable[AccessUnit], ticks: list[int], farthest: int = sys.maxsize) -> Run | None:
        """From the last keyframe at or before the first of some moments up to the last frame that is needed.

        Not beyond a place in the object, `farthest`, in bytes from its start.
        """
        run: list[Packet[VideoStream]] = []
        shown: list[int] = []
        refresh: tuple[int, int] | None = None
        later = passed = 0
        whole = -LAST_TICK
        for unit in units:
            packet, recovery = unit[0], self._recovery(unit)
            if recovery == 0 and (not run or shown_at(packet) <= ticks[0]):
                run, shown, passed, refresh, whole = [], [], 0, None, -LAST_TICK
            elif recovery and (not run or refresh is None):
                # It goes on part by part, and is whole after so many frames.
                refresh, whole = (len(run), recovery + 1), whole if run else LAST_TICK
            elif not run:
                continue
            run += unit
            shown += [shown_at(packet)] * len(unit)
            passed += sum(its.size for its in unit)
            if refresh and self._entry_points.counts(bytes(packet)):
                start, left = refresh
                refresh = (start, left - 1) if left > 1 else None
                if refresh is None and (start == 0 or shown[-1] <= ticks[0]):
                    run, shown, whole = run[start:], shown[start:], shown[-1]
                    passed = sum(its.size for its in run)
            later = later + 1 if shown[-1] > ticks[-1] else 0
            # Decoding times only grow; where a container has none, no frame is shown more than REORDER later.
            is_past = (packet.dts is not None and packet.dts > ticks[-1]) or later > REORDER
            if is_past and whole < LAST_TICK:
                break
            if passed > RUN_BYTES or len(run) > RUN_FRAMES or (packet.pos or 0) > farthest:
                self._fell_short(max(shown))
                break
        if not run:
            return None
        wanted = {_on_screen(shown, max(tick, whole)) for tick in ticks}
        count = max(wanted) + 1
        while count < len(run) and shown[count] == shown[count - 1]:
            count += 1
        return self._run(run[:count], shown[:count], wanted)

    def _alone(self, unit: AccessUnit, shown: int | None = None) -> Run:
        """Return a keyframe by itself; `shown`: when, in ticks, where that is not what its packet says."""
        return self._run([*unit], [shown_at(unit[0]) if shown is None else shown] * len(unit))

    def _run(self, packets: list[Packet[VideoStream]], shown: list[int], wanted: Iterable[int] = (0,)) -> Run:
        return Run(tuple(packets), tuple(shown), {n: self._seconds(shown[n]) for n in sorted(wanted)})

    def _all_ticks(self, moments: Sequence[float]) -> list[int]:
        return [self._ticks(moment) for moment in sorted(moments)]

    def _ticks(self, seconds: float) -> int:
        ticks = int((Fraction(seconds) + ROUNDING + self.origin) / self._time_base)
        return max(-LAST_TICK, min(ticks, LAST_TICK))

    def _seconds(self, timestamp: int) -> float:
        return max(0.0, float(timestamp * self._time_base - self.origin))

    def _fell_short(self, reached: int) -> None:
        shown = f"{self._seconds(reached):.3f} s"
        self._note(f"a requested time lies too far after its keyframe to be decoded; shown instead: {shown}")


def shown_at(packet: Packet[VideoStream]) -> int:
    """Return when the frame in a packet is shown, in ticks."""
    timestamp = packet.pts if packet.pts is not None else packet.dts
    assert timestamp is not None
    return timestamp


def _on_screen(shown: list[int], tick: int) -> int:
    """Return the number of the frame that is on the screen at a moment: the last at or before it, or else the first."""
    before = [n for n, when in enumerate(shown) if when <= tick]
    return max(before, key=lambda n: shown[n]) if before else min(range(len(shown)), key=lambda n: shown[n])
