"""Picks the packets that are wanted out of a video, by its index where it has one. Nothing is decoded here.

PyAV demuxes with a forced format and with every decoder shut out. How the packets of a moment are found depends on the
container; each way is bounded, and says in `notes` where it had to stop short of what was asked:

- an MP4 or MOV with a sample table: the table names place and size of every keyframe, fetched together as exact ranges;
- a fragmented MP4: the fragments that `sidx`, `mfra` or a bounded walk name, a block from the start of each;
- Matroska and WebM with cues: the cues name places, a block is fetched from each;
- anything else: read from the start, up to `SEQUENTIAL_LIMIT` bytes.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from pipeline import layout
from pipeline.outcome import Rejected, Skipped
from pipeline.source import BLOCK, CONNECTIONS, Source, View

SEQUENTIAL_LIMIT = 32 * 2**20
"""Bytes that are read from the start of a video without an index."""
RUN_BYTES, RUN_PACKETS = 64 * 2**20, 1800
"""The most that is read and decoded to reach one moment: a minute at 30 pictures a second."""
REORDER = 16
"""The most pictures that a codec on the list shows later than it decodes them (H.264 and HEVC: 16)."""

CODECS = frozenset(
    [
        "h264",
        "hevc",
        "vvc",
        "av1",
        "vp8",
        "vp9",
        "mpeg1video",
        "mpeg2video",
        "mpeg4",
        "msmpeg4v1",
        "msmpeg4v2",
        "msmpeg4v3",
        "h261",
        "h263",
        "h263p",
        "flv1",
        "wmv1",
        "wmv2",
        "wmv3",
        "vc1",
        "theora",
        "mjpeg",
        "prores",
        "dnxhd",
        "dvvideo",
        "cinepak",
        "svq1",
        "svq3",
        "qtrle",
        "rpza",
        "8bps",
        "png",
        "rawvideo",
        "vp6f",
        "cfhd",
        "ffv1",
        "huffyuv",
        "ffvhuff",
        "utvideo",
        "jpeg2000",
        "rv10",
        "rv20",
        "rv30",
        "rv40",
        "apv",
        "hap",
    ]
)
"""Video codecs that are decoded; what else FFmpeg knows (images, screens, games, text) no camera or editor writes."""

_OPEN_OPTIONS = {
    # No decoder has this name: opening a file then probes no picture, in this process or any other.
    "codec_whitelist": "none",
    "probesize": "32",
    "fpsprobesize": "0",
}


@dataclass(frozen=True)
class Run:
    """Packets in decoding order, the first a keyframe, and which of their pictures are wanted."""

    packets: tuple[Packet[VideoStream], ...]
    wanted: dict[int, float]
    """The moment of each wanted picture, in seconds as a player counts, by the number of its packet."""


@dataclass(frozen=True)
class Keyframe:
    """An entry of a container's index."""

    timestamp: int
    """Ticks; of decoding in an MP4, of showing in Matroska."""
    start: int
    size: int
    """Bytes; 0 where the index does not say."""


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
        if self._layout.indexed:
            # Opening reads a first packet without looking into it, which is not worth a request.
            with source.zeros_for_unread():
                self._container, self.stream = self._open(View(source))
        elif self._layout.fragments:
            self._container, self.stream = self._open(self._view(0, 0))
        else:
            self._container, self.stream = self._open(View(source))
        context = self.stream.codec_context
        if context.name not in CODECS:
            raise Rejected(f"its video codec, {context.name}, is not on the list")
        assert self.stream.time_base is not None
        self.time_base: Fraction = self.stream.time_base
        self._origin = Fraction(self._container.start_time or 0, av.time_base)
        self._keyframes = [] if self._layout.fragments else self._read_index()

    @property
    def format(self) -> str:
        """The name of the container, as its demuxer is called."""
        return self._layout.format

    @property
    def duration(self) -> float | None:
        """Seconds, where the container or its index says."""
        if self._layout.fragments:
            return self._layout.seconds
        if self.stream.duration:
            return float(self.stream.duration * self.time_base)
        if self._container.duration:
            return self._container.duration / av.time_base
        return self._seconds(self._keyframes[-1].timestamp) if self._keyframes else None

    @property
    def keyframe_count(self) -> int | None:
        """How many keyframes, or fragments, an index names; None without one."""
        return len(self._layout.fragments) or len(self._keyframes) or None

    def close(self) -> None:
        """Frees what the demuxer holds."""
        self._container.close()

    # ---- choosing packets

    def spread(self, count: int) -> list[Run]:
        """Keyframes at `count` moments spread evenly over the video, each once, in order of time."""
        duration = self.duration
        if self._layout.fragments or self._keyframes:
            places = self._places()
            if duration:
                wanted = {_nearest(places, duration * (n + 0.5) / count) for n in range(count)}
            else:
                wanted = {len(places) * n // count for n in range(count)}
            return self._keyframe_runs(sorted(wanted))
        self._rewind()
        runs = [self._still(packet) for packet in self._first_keyframes()]
        step = max(1.0, len(runs) / count)
        return [runs[int(n * step)] for n in range(min(count, len(runs)))]

    def nearest(self, seconds: float) -> Run | None:
        """The keyframe nearest to a moment; None where no index names one."""
        places = self._places()
        if not places:
            return None
        runs = self._keyframe_runs([_nearest(places, seconds)])
        return runs[0] if runs else None

    def exact(self, seconds: float) -> Run | None:
        """The picture that a player shows at a moment, with all that it is decoded from; the last one past the end."""
        wanted = int((Fraction(seconds).limit_denominator(1_000_000) + self._origin) / self.time_base)
        if self._layout.fragments:
            return self._exact_in_fragments(seconds, wanted)
        if not self._keyframes:
            self._rewind()
            return self._cut(self._packets(self._container, self.stream), wanted)
        if self._layout.indexed:
            wanted = self._fetch_run(wanted)
        self._container.seek(wanted, stream=self.stream, backward=True)
        return self._cut(self._packets(self._container, self.stream), wanted)

    def stretches(self, pictures: int, samples: int) -> list[Run]:
        """The beginning of every group of pictures, `samples` pictures of each wanted, `pictures` decoded altogether.

        For a video whose keyframes are too few to choose from. None where that would need reading in sequence.
        """
        if self._layout.indexed and self._keyframes:
            share = max(1, pictures // len(self._keyframes))
            groups = [self._following(key, share) for key in self._keyframes[:pictures]]
        elif self._source.has(0, self._source.size):
            groups = self._groups()
            share = max(1, pictures // max(1, len(groups)))
            groups = [group[:share] for group in groups[:pictures]]
        else:
            return []
        return [self._stretch(group, samples) for group in groups if group]

    def _following(self, key: Keyframe, count: int) -> list[Packet[VideoStream]]:
        entries = self.stream.index_entries
        first = entries.search_timestamp(key.timestamp, backward=True)
        last = min(first + count, len(entries))
        self._source.fetch((entry.pos, entry.pos + entry.size) for entry in (entries[n] for n in range(first, last)))
        self._container.seek(key.timestamp, stream=self.stream, backward=True)
        found: list[Packet[VideoStream]] = []
        for packet in self._packets(self._container, self.stream):
            if packet.is_keyframe and packet.pos == key.start:
                found = []
            found.append(packet)
            if len(found) >= last - first:
                break
        return found if found and found[0].is_keyframe else []

    def _groups(self) -> list[list[Packet[VideoStream]]]:
        self._rewind()
        groups: list[list[Packet[VideoStream]]] = []
        for packet in self._packets(self._container, self.stream):
            if packet.is_keyframe:
                groups.append([])
            if groups:
                groups[-1].append(packet)
        return groups

    def _stretch(self, packets: list[Packet[VideoStream]], samples: int) -> Run:
        shown = sorted(range(len(packets)), key=lambda n: _shown(packets[n]))
        step = max(1.0, len(shown) / samples)
        chosen = {shown[int(n * step)] for n in range(min(samples, len(shown)))}
        return Run(tuple(packets), {n: self._seconds(_shown(packets[n])) for n in sorted(chosen)})

    # ---- the ways to the packets

    def _places(self) -> list[float]:
        """Seconds of all that an index names."""
        if self._layout.fragments:
            known = [fragment.seconds for fragment in self._layout.fragments]
            return [seconds if seconds is not None else float(number) for number, seconds in enumerate(known)]
        return [self._seconds(keyframe.timestamp) for keyframe in self._keyframes]

    def _keyframe_runs(self, numbers: list[int]) -> list[Run]:
        """The keyframes with these numbers in the index."""
        if self._layout.fragments:
            starts = [self._layout.fragments[number].start for number in numbers]
            self._source.fetch((start, start + BLOCK) for start in starts)
            with ThreadPoolExecutor(CONNECTIONS) as pool:
                found = list(pool.map(self._fragment_keyframe, numbers))
        else:
            chosen = [self._keyframes[number] for number in numbers]
            self._source.fetch((key.start, key.start + (key.size or BLOCK)) for key in chosen)
            found = [self._indexed_keyframe(number) for number in numbers]
        return [self._still(packet) for packet in found if packet is not None]

    def _still(self, packet: Packet[VideoStream]) -> Run:
        return Run((packet,), {0: self._seconds(_shown(packet))})

    def _indexed_keyframe(self, number: int) -> Packet[VideoStream] | None:
        key = self._keyframes[number]
        wanted = key.timestamp
        if self._layout.indexed and number + 1 < len(self._keyframes):
            # The index of an MP4 holds decoding times, and a seek compares with the time of showing, which is later.
            wanted = self._keyframes[number + 1].timestamp - 1
        elif self._layout.indexed:
            wanted = 2**62
        self._container.seek(wanted, stream=self.stream, backward=True)
        for count, packet in enumerate(self._packets(self._container, self.stream)):
            if packet.is_keyframe and (packet.pos == key.start or not self._layout.indexed):
                return packet
            if count == REORDER:
                break
        return None

    def _fetch_run(self, wanted: int) -> int:
        """Fetches from the keyframe before a moment up to it, as far as the limits allow; returns how far that is."""
        entries = self.stream.index_entries
        times = [key.timestamp for key in self._keyframes]
        first = max(0, bisect.bisect_right(times, wanted) - 1)
        start = self._keyframes[first].start
        begin = entries.search_timestamp(times[first], backward=True)
        end = max(begin, entries.search_timestamp(wanted, backward=True, any_frame=True))
        allowed = begin
        while allowed < end and allowed - begin < RUN_PACKETS and entries[allowed + 1].pos - start < RUN_BYTES:
            allowed += 1
        if allowed < end:
            wanted = entries[allowed].timestamp
            self._fell_short(wanted)
        spans = [(entry.pos, entry.pos + entry.size) for entry in (entries[n] for n in range(begin, allowed + 1))]
        self._source.fetch(spans)
        return wanted

    def _exact_in_fragments(self, seconds: float, wanted: int) -> Run | None:
        fragments = self._layout.fragments
        number = max(0, bisect.bisect_right(self._places(), seconds) - 1)
        if number == len(fragments) - 1 and not self._layout.complete:
            self._fell_short(None)
        for first in range(number, max(-1, number - RUN_PACKETS), -1):
            if fragments[number].end - fragments[first].start > RUN_BYTES and first < number:
                break
            self._source.fetch(
                [(fragments[first].start, min(fragments[first].end, fragments[first].start + RUN_BYTES))]
            )
            with self._open(self._view(first, number))[0] as container:
                stream = _video_stream(container)
                run = self._cut(self._packets(container, stream), wanted)
            if run is not None and (min(run.wanted.values()) <= seconds or first == 0):
                return run
        return None

    def _fragment_keyframe(self, number: int) -> Packet[VideoStream] | None:
        with self._open(self._view(number, number))[0] as container:
            return next((p for p in self._packets(container, _video_stream(container)) if p.is_keyframe), None)

    def _first_keyframes(self) -> Iterator[Packet[VideoStream]]:
        """The keyframes of a video without an index, as far as the limit."""
        passed = 0
        for packet in self._packets(self._container, self.stream):
            passed += packet.size
            if packet.is_keyframe:
                yield packet
            if max(passed, packet.pos or 0) > SEQUENTIAL_LIMIT:
                self._fell_short(_shown(packet))
                return

    def _cut(self, packets: Iterable[Packet[VideoStream]], wanted: int) -> Run | None:
        """From the last keyframe at or before a moment up to the last picture at or before it."""
        run: list[Packet[VideoStream]] = []
        best = later = passed = 0
        for packet in packets:
            shown = _shown(packet)
            if packet.is_keyframe and (not run or shown <= wanted):
                run, best, passed = [], 0, 0
            elif not run:
                continue
            run.append(packet)
            passed += packet.size
            if shown <= wanted and shown >= _shown(run[best]):
                best = len(run) - 1
            later = later + 1 if shown > wanted else 0
            # Decoding times only grow; where a container has none, no picture is shown more than REORDER later.
            if (packet.dts is not None and packet.dts > wanted) or later > REORDER:
                break
            if passed > RUN_BYTES or len(run) > RUN_PACKETS or (packet.pos or 0) > self._sequential_end():
                self._fell_short(_shown(run[best]))
                break
        return Run(tuple(run[: best + 1]), {best: self._seconds(_shown(run[best]))}) if run else None

    def _sequential_end(self) -> int:
        return self._source.size if self._keyframes or self._layout.fragments else SEQUENTIAL_LIMIT

    def _fell_short(self, reached: int | None) -> None:
        note = "the moment asked for lies behind what the limits allow to read"
        if not self._keyframes and not self._layout.fragments:
            note = f"the video has no index, so only its first {SEQUENTIAL_LIMIT // 2**20} MiB were looked at"
        elif not self._layout.complete:
            note = f"the video has no index, so only its first {layout.HOPS} fragments were looked at"
        if reached is not None:
            note += f", to {self._seconds(reached):.3f} s"
        if note not in self.notes:
            self.notes.append(note)

    # ---- PyAV

    def _view(self, first: int, last: int) -> View:
        """A fragmented MP4 that seems to hold only these fragments, each at its own place.

        A `free` box in the place of what comes behind the head leads to the first of them; places stay as they are,
        because older fragments name those of their samples from the start of the file.
        """
        fragments, head_end = self._layout.fragments, self._layout.head[1]
        distance = fragments[first].start - head_end
        patch = (distance).to_bytes(8, "big") if distance >= 16 else b""
        return View(
            self._source,
            end=fragments[last].end,
            patch=(head_end, b"\x00\x00\x00\x01free" + patch) if patch else (0, b""),
        )

    def _open(self, view: View) -> tuple[InputContainer, VideoStream]:
        options = {**_OPEN_OPTIONS, **({"fflags": "ignidx"} if self._layout.fragments else {})}
        try:
            container = av.open(view, "r", format=self._layout.format, container_options=options)
        except av.FFmpegError as fault:
            raise Rejected(f"its {self._layout.format} container cannot be read: {fault.strerror}") from fault
        stream = _video_stream(container)
        for other in container.streams:
            if other is not stream:
                other.discard = Discard.all
        return container, stream

    def _rewind(self) -> None:
        _forgiving(lambda: self._container.seek(0, backward=True))

    def _read_index(self) -> list[Keyframe]:
        if not self._layout.indexed and self._layout.format != "matroska":
            return []
        if self._layout.format == "matroska":
            # Cues that stand at the end are read by the first seek.
            _forgiving(lambda: self._container.seek(0, stream=self.stream))
        entries = self.stream.index_entries
        keyframes = [Keyframe(e.timestamp, e.pos, e.size) for e in entries if e.is_keyframe and not e.is_discard]
        if self._layout.indexed:
            return keyframes
        # To find the last cue, libavformat would first read on to the end of the file.
        return keyframes[:-1] if len(keyframes) > 2 else []

    def _packets(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        """The packets of the video until the end, or until the file breaks off."""
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.EOFError):
                return
            except av.InvalidDataError:
                self.notes.append("the file is broken; what stands before that was used")
                return
            if packet.size and (packet.pts is not None or packet.dts is not None):
                yield packet

    def _seconds(self, timestamp: int) -> float:
        return max(0.0, float(timestamp * self.time_base - self._origin))


def _video_stream(container: InputContainer) -> VideoStream:
    """The video of a container: the default track, never its cover art."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        kinds = ", ".join(sorted({stream.type for stream in container.streams}))
        raise Skipped(f"it holds no video, only {kinds or 'an empty container'}")
    return next((stream for stream in streams if stream.disposition & Disposition.default), streams[0])


def _shown(packet: Packet[VideoStream]) -> int:
    timestamp = packet.pts if packet.pts is not None else packet.dts
    assert timestamp is not None
    return timestamp


def _nearest(places: list[float], seconds: float) -> int:
    after = bisect.bisect_left(places, seconds)
    if after == 0:
        return 0
    if after == len(places) or seconds - places[after - 1] <= places[after] - seconds:
        return after - 1
    return after


def _forgiving(action: Callable[[], Any]) -> None:
    try:
        action()
    except av.FFmpegError:
        return
