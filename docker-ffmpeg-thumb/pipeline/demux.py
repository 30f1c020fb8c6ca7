"""Finds and copies the packets of a video by its index, where it has one. Nothing is decoded here.

PyAV demuxes with a forced format and with every decoder shut out. Each container has its own way to its keyframes;
each way is bounded, and says in `notes` where it had to stop short of what was asked:

- an MP4 or MOV with a sample table: the table names place and size of every picture, fetched together as exact ranges;
- a fragmented MP4: the fragments that `sidx`, `mfra` or a bounded walk name, a block from the start of each;
- Matroska and WebM with cues: the cues name places, a block is fetched from each;
- anything else: one reading from the start, up to `SCAN_BYTES`, which keeps the keyframes that it meets.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

import av
from av.container import InputContainer
from av.index import IndexEntries
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from pipeline import layout
from pipeline.codecs import DECODERS
from pipeline.fields import Fields
from pipeline.outcome import Rejected, Skipped
from pipeline.source import BLOCK, CONNECTIONS, Range, Source, View

SCAN_BYTES = 32 * 2**20
"""What is read from the start of a video without an index."""
RUN_BYTES, RUN_PACKETS = 64 * 2**20, 1800
"""The most that is read and decoded from one keyframe on: a minute at 30 pictures a second."""
FIRST_KEYFRAMES = 8
"""Where a file does not hold what its index names, this many of the first keyframes are looked for."""
REORDER = 16
"""The most pictures that a codec on the list shows later than it decodes them (H.264 and HEVC: 16)."""

_LAST_TICK = 2**62
"""Later than any timestamp, and within the 64 bits that they have."""

PROBED_BYTES = 2**20
"""What is looked into of a file whose container does not describe its video."""

_BROKEN = (av.FFmpegError, IndexError, AttributeError, ValueError)
"""What PyAV raises at broken files; the last three where libavformat gives it less than it expects."""

_OPEN_OPTIONS = {
    # No decoder has this name: opening a file then probes no picture, in this process or any other.
    "codec_whitelist": "none",
    # Nor has any protocol: what a file refers to outside of itself is never opened.
    "protocol_whitelist": "none",
    "probesize": "32",
    "fpsprobesize": "0",
}


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


class Demuxer:
    """An open video.

    Raises:
        Rejected: the content is no container or codec on the list, or is broken.
        Skipped: it holds no video.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.notes: list[str] = []
        self._layout = layout.look(source)
        self._zeros: list[Range] = []
        # Only these say at their beginning which tracks they have, and what the copying of packets wants to know.
        self._probing = self._layout.format not in ("mov", "matroska")
        if self._layout.ready:
            # Opening reads a first packet without looking into it, which is not worth a request.
            with source.zeros_for_unread() as self._zeros:
                self._container, self.stream = self._open(self._view(0, 0))
        else:
            self._container, self.stream = self._open(self._view(0, 0))
        if not self._probing and (self.stream.codec_context.width == 0 or self.codec == "rawvideo"):
            self._container.close()
            self._probing = True
            self._container, self.stream = self._open(self._view(0, 0))
        self._fields = Fields(self.codec, self.stream.codec_context.extradata)
        self._end: int | None = None
        self._is_encrypted = False
        self._time_base = self.stream.time_base or Fraction(1, av.time_base)
        self._origin = Fraction(self._container.start_time or 0, av.time_base)
        if self._layout.unread is not None:
            # Sound begins with the presentation, and is not there to say so.
            self._origin = min(self._origin, Fraction(0))
        self.keyframes: Sequence[Keyframe] = self._find_keyframes()
        if not self._layout.complete and self.keyframes:
            reached = f"{self.keyframes[-1].seconds:.3f} s"
            self._note(f"the video has no index, so only its beginning was looked at, to {reached}")

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
        if self._layout.fragments:
            return self._length_of_fragments
        if self._end is not None:
            # What was read says more than the containers without an index.
            return self._seconds(self._end)
        if self.stream.duration:
            return float(self.stream.duration * self._time_base)
        if self._container.duration:
            # Matroska's duration counts from 0, wherever the video begins.
            offset = float(self._origin) if self._layout.format == "matroska" else 0.0
            return max(0.0, self._container.duration / av.time_base - offset)
        return self.keyframes[-1].seconds if self.keyframes else None

    @property
    def size(self) -> int:
        """Bytes of the object."""
        return self._source.size

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

    def _stills(self, numbers: list[int]) -> list[Run]:
        if self._layout.fragments:
            starts = [self._layout.fragments[number].start for number in numbers]
            self._source.fetch((start, start + BLOCK) for start in starts)
            with ThreadPoolExecutor(CONNECTIONS) as pool:
                found = list(pool.map(self._fragment_keyframe, numbers))
        elif self._is_scanned:
            keys = [self.keyframes[number] for number in numbers]
            # Their packets may have been copied before, and then bear the times of that copy.
            return [self._run([*key.picture], [key.timestamp] * len(key.picture)) for key in keys if key.picture]
        else:
            if numbers and self.keyframes[numbers[0]].hidden:
                first = self.following(numbers[0], [0.0])
                return ([first] if first else []) + self._stills(numbers[1:])
            keys = [self.keyframes[number] for number in numbers]
            self._source.fetch((key.start, key.start + (key.size or BLOCK)) for key in keys)
            found = [self._indexed_keyframe(number) for number in numbers]
        return [self._run([*picture], [_shown(picture[0])] * len(picture)) for picture in found if picture is not None]

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

    def _following(self, number: int, moments: Sequence[float]) -> Run | None:
        ticks = [self._ticks(moment) for moment in sorted(moments)]
        if self._layout.fragments:
            return self._following_in_fragments(number, max(moments), ticks)
        if self._is_scanned:
            return self._cut(self._from_start(), ticks)
        self.fetch([(number, max(moments))])
        ticks = self._within_limits(number, ticks)
        self._seek_keyframe(number)
        return self._cut(self._packets(self._container, self.stream), ticks)

    def fetch(self, wanted: Iterable[tuple[int, float]]) -> None:
        """Fetches what `following` is going to read for keyframes and the last of their moments, all at once."""
        ranges: list[Range] = []
        for number, seconds in wanted:
            if self._layout.indexed:
                entries = self.stream.index_entries
                first, last = self._entries_of(number, self._ticks(seconds))
                # One more, which the demuxer looks at to see that the moment is past.
                ranges += [
                    (e.pos, e.pos + e.size) for e in (entries[n] for n in range(first, last + 2) if n < len(entries))
                ]
            elif not self._is_scanned:
                start = self.keyframes[number].start
                # A keyframe takes more than its share, and bit rates vary; what still lacks, the demuxer waits for.
                ranges.append((start, start + 2 * BLOCK + min(RUN_BYTES, self.cost(number, seconds) * 9 // 8)))
        self._source.fetch(ranges)

    def cost(self, number: int, seconds: float) -> int:
        """About how many bytes lie between a keyframe and a moment behind it."""
        key, following = self.keyframes[number], self.keyframes[number + 1 : number + 2]
        end = following[0].seconds if following else self.duration
        end_byte = following[0].start if following else self._source.size
        if not end or end <= key.seconds:
            return 0
        return int(max(0, end_byte - key.start) * (seconds - key.seconds) / (end - key.seconds))

    # ---- the ways to the keyframes

    @cached_property
    def _length_of_fragments(self) -> float | None:
        """Seconds from the beginning of the first fragment to the end of the last one, as its own tables say."""
        fragments, first = self._layout.fragments, self.stream.index_entries
        if not self._layout.complete:
            # What was not looked at lasts about as long for its bytes as what was.
            seen = fragments[-1].end / self._source.size
            return self._layout.seconds / seen if self._layout.seconds else None
        if not layout.is_described(self._source, fragments[-1]) or not len(first):
            return self._layout.seconds
        try:
            with self._source.zeros_for_unread():
                container, stream = self._open(self._view(len(fragments) - 1, len(fragments) - 1))
        except (Rejected, Skipped):
            return self._layout.seconds
        with container:
            end = stream.duration
        return float((end - first[0].timestamp) * self._time_base) if end else self._layout.seconds

    @property
    def _is_scanned(self) -> bool:
        return not self._layout.fragments and (not self.keyframes or self.keyframes[0].picture is not None)

    def _find_keyframes(self) -> list[Keyframe]:
        if fragments := self._layout.fragments:
            times = [f.seconds if f.seconds is not None else float(number) for number, f in enumerate(fragments)]
            # Their times count from where the media begins.
            return [Keyframe(0, s - times[0], f.start, 0) for f, s in zip(fragments, times, strict=True)]
        if self._layout.indexed:
            return self._from_sample_table()
        if self._layout.format == "matroska":
            keyframes = self._from_cues()
            if len(keyframes) > 2:
                # To find the last cue, libavformat would first read on to the end of the file.
                return keyframes[:-1]
        return list(self._scan())

    def _from_sample_table(self) -> list[Keyframe]:
        entries = self.stream.index_entries
        if not len(entries):
            return []
        # An edit list may cut in behind a keyframe, which is then decoded and not shown.
        first = next((number for number, entry in enumerate(entries) if not entry.is_discard), 0)
        # The table holds decoding times, and pictures are shown later.
        delay = (self.stream.start_time or 0) - entries[first].timestamp
        if not 0 <= delay <= REORDER / self.rate / self._time_base:
            delay = 0
        keyframes: list[Keyframe] = []
        hidden: list[Keyframe] = []
        for number in _keyframe_numbers(entries, first):
            entry = entries[number]
            if not entry.is_discard or number < first:
                seconds = self._seconds(entry.timestamp + delay)
                key = Keyframe(entry.timestamp, seconds, entry.pos, entry.size, hidden=number < first)
                (hidden if key.hidden else keyframes).append(key)
        # libavformat keeps one of these only where what is shown first is decoded from it.
        return hidden[-1:] + keyframes

    def _from_cues(self) -> list[Keyframe]:
        # Cues that stand at the end are read by the first seek.
        self._rewind()
        entries = self.stream.index_entries
        if len(entries):
            self._origin = entries[0].timestamp * self._time_base
        return [
            Keyframe(entry.timestamp, self._seconds(entry.timestamp), entry.pos, entry.size)
            for entry in entries
            if entry.is_keyframe
        ]

    def _scan(self) -> Iterator[Keyframe]:
        """The keyframes that a reading from the start meets, as far as the limit."""
        passed = end = 0
        for picture in self._pictures(self._from_start()):
            first, shown = picture[0], _shown(picture[0])
            passed += sum(packet.size for packet in picture)
            end = max(end, shown + (first.duration or 0))
            if first.is_keyframe:
                yield Keyframe(shown, self._seconds(shown), first.pos or 0, first.size, picture=picture)
            if max(passed, first.pos or 0) > SCAN_BYTES:
                limit = f"{SCAN_BYTES // 2**20} MiB, to {self._seconds(shown):.3f} s"
                self._note(f"the video has no index, so only its first {limit} were looked at")
                return
        self._end = end

    def _indexed_keyframe(self, number: int) -> Picture | None:
        self._seek_keyframe(number)
        for count, picture in enumerate(self._pictures(self._packets(self._container, self.stream))):
            is_there = picture[0].pos == self.keyframes[number].start or not self._layout.indexed
            if picture[0].is_keyframe and is_there:
                return picture
            if count == REORDER:
                break
        return None

    def _seek_keyframe(self, number: int) -> None:
        wanted, place = self.keyframes[number].timestamp, self.keyframes[number].start
        if any(start <= place <= end for start, end in self._zeros):
            # What libavformat has read last it keeps, and here that would be the zeros.
            self._container.close()
            self._container, self.stream = self._open(self._view(0, 0))
        self._zeros = []
        if self._layout.indexed:
            # A seek compares with the time of showing: just before the next keyframe is decoded, this one has been.
            following = self.keyframes[number + 1 : number + 2]
            wanted = following[0].timestamp - 1 if following else _LAST_TICK
        try:
            self._container.seek(wanted, stream=self.stream, backward=True)
        except _BROKEN as fault:
            raise Rejected(f"its index leads nowhere: {_cause(fault)}") from fault

    def _fragment_keyframe(self, number: int) -> Picture | None:
        with self._open(self._view(number, number))[0] as container:
            pictures = self._pictures(self._packets(container, _video_stream(container)))
            return next((picture for picture in pictures if picture[0].is_keyframe), None)

    # ---- the ways on from a keyframe

    def _entries_of(self, number: int, tick: int) -> tuple[int, int]:
        """The first and the last entry of the index from a keyframe up to a moment, as far as the limits allow."""
        entries = self.stream.index_entries
        key = self.keyframes[number]
        first = entries.search_timestamp(key.timestamp, backward=True)
        last = max(first, entries.search_timestamp(tick, backward=True, any_frame=True))
        allowed = min(last, first + RUN_PACKETS)
        while allowed > first and entries[allowed].pos - key.start > RUN_BYTES:
            allowed -= 1
        return first, allowed

    def _within_limits(self, number: int, ticks: list[int]) -> list[int]:
        """The moments, those behind what the limits allow to decode brought down to that."""
        if not self._layout.indexed:
            return ticks
        entries = self.stream.index_entries
        last = self._entries_of(number, ticks[-1])[1] + 1
        if last >= len(entries) or entries[last].timestamp > ticks[-1]:
            return ticks
        reached = entries[last - 1].timestamp
        self._fell_short(reached)
        return [min(tick, reached) for tick in ticks]

    def _following_in_fragments(self, number: int, seconds: float, ticks: list[int]) -> Run | None:
        fragments = self._layout.fragments
        last = max(number, bisect.bisect_right([key.seconds for key in self.keyframes], seconds) - 1)
        while last > number and fragments[last].end - fragments[number].start > RUN_BYTES:
            last -= 1
        run = None
        # Not every fragment begins with a keyframe.
        for first in range(number, max(-1, number - RUN_PACKETS), -1):
            self.fetch([(first, seconds)])
            with self._open(self._view(first, last))[0] as container:
                run = self._cut(self._packets(container, _video_stream(container)), ticks)
            if run is not None and self._ticks(run.start) <= ticks[0]:
                break
            if fragments[last].end - fragments[first].start > RUN_BYTES:
                break
        return run

    def _cut(self, packets: Iterable[Packet[VideoStream]], ticks: list[int]) -> Run | None:
        """From the last keyframe at or before the first of some moments up to the last picture that is needed."""
        run: list[Packet[VideoStream]] = []
        shown: list[int] = []
        later = passed = 0
        for picture in self._pictures(packets):
            packet = picture[0]
            if packet.is_keyframe and (not run or _shown(packet) <= ticks[0]):
                run, shown, passed = [], [], 0
            elif not run:
                continue
            run += picture
            shown += [_shown(packet)] * len(picture)
            passed += sum(its.size for its in picture)
            later = later + 1 if shown[-1] > ticks[-1] else 0
            # Decoding times only grow; where a container has none, no picture is shown more than REORDER later.
            if (packet.dts is not None and packet.dts > ticks[-1]) or later > REORDER:
                break
            if passed > RUN_BYTES or len(run) > RUN_PACKETS or (self._is_scanned and (packet.pos or 0) > SCAN_BYTES):
                self._fell_short(max(shown))
                break
        if not run:
            return None
        wanted = {_shown_at(shown, tick) for tick in ticks}
        count = max(wanted) + 1
        while count < len(run) and shown[count] == shown[count - 1]:
            count += 1
        return self._run(run[:count], shown[:count], wanted)

    def _run(self, packets: list[Packet[VideoStream]], shown: list[int], wanted: Iterable[int] = (0,)) -> Run:
        return Run(tuple(packets), tuple(shown), {n: self._seconds(shown[n]) for n in sorted(wanted)})

    # ---- PyAV

    def _view(self, first: int, last: int) -> View:
        """The object; where it is a fragmented MP4, one that seems to hold only these fragments, each at its own place.

        A `free` box in the place of what comes behind the head leads to the first of them; places stay as they are,
        because older fragments name those of their samples from the start of the file. A track that was not fetched
        is such a box too.
        """
        fragments, head_end, unread = self._layout.fragments, self._layout.head[1], self._layout.unread
        if unread is not None:
            return View(self._source, patch=(unread + 4, b"free"))
        if not fragments:
            return View(self._source)
        distance = fragments[first].start - head_end
        if distance < 16:
            return View(self._source, fragments[last].end)
        return View(self._source, fragments[last].end, (head_end, b"\0\0\0\1free" + distance.to_bytes(8, "big")))

    def _open(self, view: View) -> tuple[InputContainer, VideoStream]:
        options = {**_OPEN_OPTIONS, **({"fflags": "ignidx"} if self._layout.fragments else {})}
        if self._probing:
            options |= {"codec_whitelist": ",".join(DECODERS.values()), "probesize": str(PROBED_BYTES)}
        try:
            container = av.open(
                view, "r", format=self._layout.format, container_options=options, metadata_errors="replace"
            )
        except _BROKEN as fault:
            raise Rejected(f"its {self._layout.format} container cannot be read: {_cause(fault)}") from fault
        stream = _video_stream(container)
        if stream.codec_context.codec.canonical_name not in DECODERS:
            raise Rejected(f"its video codec, {stream.codec_context.codec.canonical_name}, is not on the list")
        for other in container.streams:
            if other is not stream:
                other.discard = Discard.all
        return container, stream

    def _rewind(self) -> None:
        try:
            self._container.seek(0, backward=True)
        except av.FFmpegError:
            return  # What cannot be rewound is read from where it stands, which is its start.

    def _packets(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        """The packets of the video until the end, or until the file breaks off."""
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.EOFError):
                return
            except _BROKEN as fault:
                self._note(f"the file is broken ({_cause(fault)}); what stands before that was used")
                return
            if packet.has_sidedata("encryption_info"):
                self._is_encrypted = True
                self._note("pictures of it are encrypted, and were left out")
            elif packet.size and (packet.pts is not None or packet.dts is not None):
                yield packet

    def _from_start(self) -> Iterator[Packet[VideoStream]]:
        """The packets of a video that has no index.

        It is opened anew: a seek looks for a time, and misses what lies before the first time that it finds.
        """
        container, stream = self._open(self._view(0, 0))
        with container:
            yield from self._packets(container, stream)

    def _pictures(self, packets: Iterable[Packet[VideoStream]]) -> Iterator[Picture]:
        """Packets, those together that hold the two fields of a picture."""
        waiting: Packet[VideoStream] | None = None
        for packet in packets:
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

    def _ticks(self, seconds: float) -> int:
        ticks = int((Fraction(seconds).limit_denominator(1_000_000) + self._origin) / self._time_base)
        return max(-_LAST_TICK, min(ticks, _LAST_TICK))

    def _seconds(self, timestamp: int) -> float:
        return max(0.0, float(timestamp * self._time_base - self._origin))

    def _fell_short(self, reached: int) -> None:
        shown = f"{self._seconds(reached):.3f} s"
        self._note(f"a moment asked for lies too far behind its keyframe to be decoded; shown is {shown}")

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _video_stream(container: InputContainer) -> VideoStream:
    """The video of a container: the default track, never its cover art."""
    streams = [
        stream
        for stream in container.streams.video
        # PyAV has no context for a codec that FFmpeg does not know, or a broken header does not name.
        if stream.codec_context is not None  # type: ignore[redundant-expr]
        and not stream.disposition & Disposition.attached_pic
    ]
    if not streams and any(stream.codec_context is None for stream in container.streams.video):
        raise Rejected("its video codec is not known")
    if not streams:
        kinds = ", ".join(sorted({stream.type for stream in container.streams} - {"video"}))
        if not kinds:
            raise Rejected("its container holds no tracks: it was cut off, or never finished")
        raise Skipped(f"it holds no video, only {kinds}")
    return next((stream for stream in streams if stream.disposition & Disposition.default), streams[0])


def _keyframe_numbers(entries: IndexEntries, first: int) -> Iterator[int]:
    """The numbers of the keyframes in an index; `first` is the first entry that is shown.

    From one to the next by libavformat's own search: two hours of video have 180,000 entries, 720 of them keyframes.
    """
    # The search leaves out what is not shown.
    yield from (number for number in range(first) if entries[number].is_keyframe)
    number = entries.search_timestamp(entries[first].timestamp, backward=False)
    while number >= 0:
        yield number
        number = entries.search_timestamp(entries[number].timestamp + 1, backward=False)


def _cause(fault: Exception) -> str:
    return str(fault.strerror if isinstance(fault, av.FFmpegError) else type(fault).__name__)


def _shown(packet: Packet[VideoStream]) -> int:
    timestamp = packet.pts if packet.pts is not None else packet.dts
    assert timestamp is not None
    return timestamp


def _shown_at(shown: list[int], tick: int) -> int:
    """The number of the picture that is on the screen at a moment: the last at or before it, or else the first."""
    before = [n for n, when in enumerate(shown) if when <= tick]
    return max(before, key=lambda n: shown[n]) if before else min(range(len(shown)), key=lambda n: shown[n])
