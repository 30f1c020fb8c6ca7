"""What all ways to the packets of a video have in common; each of them has a file of its own."""

from __future__ import annotations

import bisect
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from pipeline import sps
from pipeline.demux.container import BROKEN, DESCRIBING, Opened, cause, opened
from pipeline.fields import Fields
from pipeline.intra import Intra
from pipeline.layout import Layout
from pipeline.outcome import Rejected
from pipeline.source import BLOCK, Range, Source, View

RUN_BYTES, RUN_PACKETS = 64 * 2**20, 1800
"""The most that is read and decoded from one keyframe on: a minute at 30 pictures a second."""
FIRST_KEYFRAMES = 8
"""Where a file does not hold what its index names, this many of the first keyframes are looked for."""
REORDER = 16
"""The most pictures that a codec on the list shows later than it decodes them (H.264 and HEVC: 16)."""

LAST_TICK = 2**62
"""Later than any timestamp, and within the 64 bits that they have."""

Picture: TypeAlias = "tuple[Packet[VideoStream], ...]"
"""A packet, or the two that hold a field each of an interlaced picture."""


@dataclass(frozen=True)
class Run:
    """Packets in decoding order, the first a keyframe, and which of their pictures are wanted."""

    packets: tuple[Packet[VideoStream], ...]
    shown: tuple[int, ...]
    """When each packet's picture is shown, in ticks of the stream."""
    wanted: dict[int, float]
    """The moment of each wanted picture, in seconds as a player counts, by the number of its packet."""

    @property
    def start(self) -> float:
        """The first wanted moment."""
        return min(self.wanted.values())

    @property
    def is_ahead(self) -> bool:
        """Whether something wanted is shown before the keyframe, and so may refer to what lies before that."""
        return min(self.shown[number] for number in self.wanted) < self.shown[0]


@dataclass(frozen=True)
class Keyframe:
    """A place in a video where decoding can start."""

    timestamp: int
    """Ticks; of decoding in an MP4, of showing elsewhere."""
    seconds: float
    """When a player shows it."""
    start: int
    """Bytes from the start of the object."""
    size: int
    """Bytes; 0 where the index does not say."""
    hidden: bool = False
    """Whether it is only decoded for those behind it."""
    picture: Picture | None = None
    """The keyframe itself, where there was no index and it was met in a reading from the start."""


class Demuxer(ABC):
    """An open video."""

    keyframes: Sequence[Keyframe] = ()
    origin: Fraction
    """What a player calls 0, in seconds of the container's own time."""
    _without_index = False
    """Whether libavformat is to leave the container's own index alone."""

    def __init__(self, source: Source, layout: Layout) -> None:
        self._source, self._layout = source, layout
        self.notes: list[str] = []
        self._zeros: list[Range] = []
        self._probing = layout.format not in DESCRIBING
        if layout.ready:
            # Opening reads a first packet without looking into it, which is not worth a request.
            with source.zeros_for_unread() as self._zeros:
                self._container, self.stream = self._open(self._beginning())
        else:
            self._container, self.stream = self._open(self._beginning())
        if not self._probing and (self.stream.codec_context.width == 0 or self.codec == "rawvideo"):
            self._container.close()
            self._probing = True
            self._container, self.stream = self._open(self._beginning())
        self._fields = Fields(self.codec, self.stream.codec_context.extradata)
        self._intra = Intra(self.codec, self.stream.codec_context.extradata)
        self._is_encrypted = False
        self._time_base = self.stream.time_base or Fraction(1, av.time_base)
        self.origin = Fraction(self._container.start_time or 0, av.time_base)

    @property
    def codec(self) -> str:
        """The name of the codec, as FFmpeg calls it."""
        return self.stream.codec_context.codec.canonical_name

    @property
    def format(self) -> str:
        """The name of the container, as its demuxer is called."""
        return self._layout.format

    @property
    def duration(self) -> float | None:
        """Seconds, where the container or its index says."""
        if self.stream.duration:
            return float(self.stream.duration * self._time_base)
        if self._container.duration:
            # Matroska's duration counts from 0, wherever the video begins.
            offset = float(self.origin) if self._layout.format == "matroska" else 0.0
            return max(0.0, self._container.duration / av.time_base - offset)
        return self.keyframes[-1].seconds if self.keyframes else None

    @property
    def rate(self) -> float:
        """Pictures a second, or a guess at it."""
        return float(self.stream.average_rate or self.stream.base_rate or 25)

    def close(self) -> None:
        """Frees what the demuxer holds."""
        self._container.close()

    def stills(self, numbers: Iterable[int]) -> list[Run]:
        """The keyframes with these numbers, each alone, in order; less those that the file turns out not to hold.

        Of a file that holds none of them, such as one that breaks off, the first picture that it does hold.
        """
        numbers = sorted(set(numbers))
        return self._stills(numbers) or self._first() if numbers and self.keyframes else []

    def exact(self, seconds: float) -> Run | None:
        """What a player shows at a moment, with all that it is decoded from; past the end, the last picture."""
        number = max(0, bisect.bisect_right([key.seconds for key in self.keyframes], seconds) - 1)
        run = self.following(number, [seconds])
        # An index may name a keyframe a little earlier than it is shown.
        if run is not None and number > 0 and run.start > seconds + 0.5 / self.rate:
            run = self.following(number - 1, [seconds]) or run
        return run or next(iter(self._first()), None)

    def _first(self) -> list[Run]:
        """The first picture that the file holds, where it does not hold what was looked for."""
        for number, key in enumerate(self.keyframes[:FIRST_KEYFRAMES]):
            run = self.following(number, [key.seconds])
            if run is not None:
                self._note(f"pictures that were looked for are not in the file; shown is {run.start:.3f} s")
                return [run]
        if self._is_encrypted:
            raise Rejected("its video is encrypted")
        return []

    def following(self, number: int, moments: Sequence[float]) -> Run | None:
        """What is shown at moments at or behind the keyframe with this number, decoded in one go."""
        run = self._following(number, moments)
        if run is not None and number > 0 and run.is_ahead:
            run = self._following(number - 1, moments) or run
        return run

    def fetch(self, wanted: Iterable[tuple[int, float]]) -> None:
        """Fetches what `following` is going to read for keyframes and the last of their moments, all at once."""
        self._source.fetch(part for number, seconds in wanted for part in self._ranges(number, seconds))

    def cost(self, number: int, seconds: float) -> int:
        """About how many bytes lie between a keyframe and a moment behind it."""
        key, following = self.keyframes[number], self.keyframes[number + 1 : number + 2]
        end = following[0].seconds if following else self.duration
        end_byte = following[0].start if following else self._source.size
        if not end or end <= key.seconds:
            return 0
        return int(max(0, end_byte - key.start) * (seconds - key.seconds) / (end - key.seconds))

    def leading(self, runs: Sequence[Run]) -> list[Run]:
        """What a decoder has to see before these runs, though no picture of it is wanted: mostly nothing.

        Before its build 151 x264 wrote H.264 of the profile High 4:4:4 Predictive in a way of its own. FFmpeg's decoder
        knows both ways (libavcodec/h264_mb.c), but which build it was stands only with the first picture of a stream.
        """
        parameters = sps.read(self.stream.codec_context.extradata or b"") if self.codec == "h264" else None
        if parameters is None or parameters.profile != sps.HIGH_444_PREDICTIVE:
            return []
        first = self.stills([0])
        return [Run(run.packets, run.shown, {}) for run in first if runs and run.shown[0] < runs[0].shown[0]]

    # ---- what each way does in its own manner

    @abstractmethod
    def _stills(self, numbers: list[int]) -> list[Run]:
        """The keyframes with these numbers, which are in order."""

    @abstractmethod
    def _following(self, number: int, moments: Sequence[float]) -> Run | None:
        """What is shown at moments, decoded from the keyframe with this number."""

    def _ranges(self, number: int, seconds: float) -> list[Range]:
        """What has to be read from a keyframe up to a moment, as far as that can be told."""
        start = self.keyframes[number].start
        # A keyframe takes more than its share, and bit rates vary; what still lacks, the demuxer waits for.
        return [(start, start + 2 * BLOCK + min(RUN_BYTES, self.cost(number, seconds) * 9 // 8))]

    def _beginning(self) -> View:
        """What is opened first."""
        return View(self._source)

    # ---- what they have in common

    def _open(self, view: View) -> Opened:
        return opened(view, self._layout.format, probing=self._probing, without_index=self._without_index)

    def _seek(self, timestamp: int, place: int) -> None:
        """Goes to the keyframe at or before a time; the byte where it lies is `place`."""
        if any(start <= place <= end for start, end in self._zeros):
            # What libavformat has read last it keeps, and here that would be the zeros.
            self._container.close()
            self._container, self.stream = self._open(self._beginning())
        self._zeros = []
        try:
            self._container.seek(timestamp, stream=self.stream, backward=True)
        except BROKEN as fault:
            raise Rejected(f"its index leads nowhere: {cause(fault)}") from fault

    def _pictures(self, container: InputContainer, stream: VideoStream) -> Iterator[Picture]:
        """The pictures of the video from where it stands until the end, or until the file breaks off."""
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

    def _begins(self, picture: Picture) -> bool:
        """Whether decoding can begin at a picture: its container says so, and it does not deny that."""
        return bool(picture[0].is_keyframe) and self._intra.may_be(bytes(picture[0]))

    def _packets(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        packets = container.demux(stream)
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
                self._note("pictures of it are encrypted, and were left out")
            elif packet.size and (packet.pts is not None or packet.dts is not None):
                yield packet

    def _cut(self, pictures: Iterable[Picture], ticks: list[int], farthest: int = sys.maxsize) -> Run | None:
        """From the last keyframe at or before the first of some moments up to the last picture that is needed.

        Not beyond a place in the object, `farthest`, in bytes from its start.
        """
        run: list[Packet[VideoStream]] = []
        shown: list[int] = []
        later = passed = 0
        for picture in pictures:
            packet = picture[0]
            if self._begins(picture) and (not run or shown_at(packet) <= ticks[0]):
                run, shown, passed = [], [], 0
            elif not run:
                continue
            run += picture
            shown += [shown_at(packet)] * len(picture)
            passed += sum(its.size for its in picture)
            later = later + 1 if shown[-1] > ticks[-1] else 0
            # Decoding times only grow; where a container has none, no picture is shown more than REORDER later.
            if (packet.dts is not None and packet.dts > ticks[-1]) or later > REORDER:
                break
            if passed > RUN_BYTES or len(run) > RUN_PACKETS or (packet.pos or 0) > farthest:
                self._fell_short(max(shown))
                break
        if not run:
            return None
        wanted = {_on_screen(shown, tick) for tick in ticks}
        count = max(wanted) + 1
        while count < len(run) and shown[count] == shown[count - 1]:
            count += 1
        return self._run(run[:count], shown[:count], wanted)

    def _alone(self, picture: Picture, shown: int | None = None) -> Run:
        """A keyframe by itself; `shown`: when, in ticks, where that is not what its packet says."""
        return self._run([*picture], [shown_at(picture[0]) if shown is None else shown] * len(picture))

    def _run(self, packets: list[Packet[VideoStream]], shown: list[int], wanted: Iterable[int] = (0,)) -> Run:
        return Run(tuple(packets), tuple(shown), {n: self._seconds(shown[n]) for n in sorted(wanted)})

    def _all_ticks(self, moments: Sequence[float]) -> list[int]:
        return [self._ticks(moment) for moment in sorted(moments)]

    def _ticks(self, seconds: float) -> int:
        ticks = int((Fraction(seconds).limit_denominator(1_000_000) + self.origin) / self._time_base)
        return max(-LAST_TICK, min(ticks, LAST_TICK))

    def _seconds(self, timestamp: int) -> float:
        return max(0.0, float(timestamp * self._time_base - self.origin))

    def _fell_short(self, reached: int) -> None:
        shown = f"{self._seconds(reached):.3f} s"
        self._note(f"a moment asked for lies too far behind its keyframe to be decoded; shown is {shown}")

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def block(start: int) -> Range:
    """What is fetched at a place where the size of what lies there is not known."""
    return start, start + BLOCK


def shown_at(packet: Packet[VideoStream]) -> int:
    """When the picture in a packet is shown, in ticks."""
    timestamp = packet.pts if packet.pts is not None else packet.dts
    assert timestamp is not None
    return timestamp


def _on_screen(shown: list[int], tick: int) -> int:
    """The number of the picture that is on the screen at a moment: the last at or before it, or else the first."""
    before = [n for n, when in enumerate(shown) if when <= tick]
    return max(before, key=lambda n: shown[n]) if before else min(range(len(shown)), key=lambda n: shown[n])
