"""Opens a container by PyAV: with a forced format, and every decoder and protocol shut out."""

import io
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from itertools import islice
from typing import TypeAlias, cast

import av
from av import VideoCodecContext
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from model import Rejected, Skipped
from worker.codecs import DECODERS
from worker.container import film
from worker.reader import View

PROBED_BYTES = 2**20
"""What is looked into of a file whose container does not describe its video."""
DESCRIBING = ("mov", "matroska", "avi")
"""Only these say at their beginning which tracks they have, and what the copying of packets wants to know."""
BROKEN = (av.FFmpegError, IndexError, AttributeError, ValueError)
"""What PyAV raises at broken files; the last three where libavformat gives it less than it expects."""

COUNTED_PACKETS = 2000
"""The most packets that are counted to tell the film from other streams of video."""
_STILLS = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image

Opened: TypeAlias = tuple[InputContainer, VideoStream]
"""A container and its video; all other tracks are left out."""


class Probing(Enum):
    """How far a demuxer looks into a file when it opens it."""

    NOTHING = "32"
    """Bytes. No further than its headers."""
    STREAMS = str(64 * 2**10)
    """Until it has seen its streams; no frame is decoded."""
    FRAMES = str(PROBED_BYTES)
    """Until it knows all of its streams; frames may be decoded for that."""


_OPTIONS = {
    # No decoder has this name: opening a file then probes no picture, in this process or any other.
    "codec_whitelist": "none",
    # Nor has any protocol: what a file refers to outside of itself is never opened.
    "protocol_whitelist": "none",
    "fpsprobesize": "0",
}


def opened(
    view: View | io.BytesIO,
    name: str,
    probing: Probing,
    *,
    like: VideoStream | None = None,
) -> Opened:
    """Open a container with the demuxer of this name.

    `like`: the video, where it was opened before.

    Raises:
        Rejected: it cannot be read, or its video has a codec that is not supported.
        Skipped: it holds no video.
    """
    options = {**_OPTIONS, "probesize": probing.value}
    if probing is Probing.FRAMES:
        options["codec_whitelist"] = ",".join(DECODERS.values())
    container = _open(view, name, options)
    stream = _same(container, like) if like else None
    if stream is None:
        counts = {stream.index: stream.frames for stream in container.streams.video}
        if len(counts) > 1 and not any(counts.values()) and name != "mov":
            counts = _counted(container)
            container.close()
            view.seek(0)
            container = _open(view, name, options)
        stream = _film(container, counts)
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all
    return container, stream


def _same(container: InputContainer, like: VideoStream) -> VideoStream | None:
    """Return the stream of another opening."""
    streams = [stream for stream in container.streams.video if (stream.index, stream.id) == (like.index, like.id)]
    return streams[0] if streams and _codec(streams[0]) == _codec(like) else None


def _open(view: View | io.BytesIO, name: str, options: dict[str, str]) -> InputContainer:
    try:
        return av.open(view, "r", format=name, container_options=options, metadata_errors="replace")
    except BROKEN as fault:
        raise Rejected(f"its {name} container cannot be read: {cause(fault)}") from fault


def _counted(container: InputContainer) -> dict[int, int]:
    """Return how many packets of each video stream stand at the beginning: some streams of a table are not in the
    file."""
    counts = dict.fromkeys((stream.index for stream in container.streams.video), 0)
    try:
        for packet in islice(container.demux(), COUNTED_PACKETS):
            if packet.stream_index in counts and packet.size:
                counts[packet.stream_index] += 1
            if (packet.pos or 0) > PROBED_BYTES:
                break
    except BROKEN:
        pass  # What was counted before that decides.
    return counts


def began(name: str, container: InputContainer, beginning: View) -> Fraction | None:
    """Return when the first of the streams begins, in seconds of the container's clock: what a player calls 0.

    None if nothing tells. `beginning`: of the file, for a Matroska, whose headers do not say it.
    """
    if name == "matroska":
        return _first_time(beginning)
    start = cast("int | None", container.start_time)
    if start is None:
        return None
    # libavformat rounds it to microseconds; what the stream says is exact.
    rounded = Fraction(start, av.time_base)
    exact = (s.start_time * s.time_base for s in container.streams if s.start_time is not None and s.time_base)
    return next((time for time in exact if abs(time - rounded) < Fraction(1, av.time_base)), rounded)


def _first_time(beginning: View) -> Fraction | None:
    times: dict[int, Fraction] = {}
    try:
        with _open(beginning, "matroska", {**_OPTIONS, "probesize": Probing.NOTHING.value}) as container:
            streams = [*container.streams.video, *container.streams.audio]
            for packet in islice(container.demux(streams), COUNTED_PACKETS):
                if packet.pts is not None and packet.stream_index not in times:
                    # Opus begins a little before 0, with sound that is never heard.
                    times[packet.stream_index] = max(packet.pts, 0) * packet.time_base
                if len(times) == len(streams):
                    break
    except (Rejected, *BROKEN):
        pass  # What was seen before that decides.
    return min(times.values(), default=None)


def palette(container: InputContainer, stream: VideoStream) -> bytes | None:
    """Return the palette of QuickTime's and Matroska's video of 8 bits a pixel or fewer, 256 colours of four bytes.

    libavformat says it with the very first packet, which it has read already and would drop in a seek.
    """
    if not 0 < stream.codec_context.bits_per_coded_sample <= 8:
        return None
    try:
        packet = next(container.demux(stream), None)
    except BROKEN:
        return None
    return bytes(packet.get_sidedata("palette")) if packet and packet.has_sidedata("palette") else None


def cause(fault: Exception) -> str:
    """Return what PyAV says of a fault, or else its name."""
    return str(fault.strerror if isinstance(fault, av.FFmpegError) else type(fault).__name__)


def _film(container: InputContainer, counts: Mapping[int, int]) -> VideoStream:
    """Return the video of a container. `counts`: the number of frames of each stream by its index, 0 if not known."""
    streams = container.streams.video
    number = film.choose([_candidate(stream, counts.get(stream.index, 0)) for stream in streams])
    if number is None:
        kinds = ", ".join(sorted({"still images" if s.type == "video" else s.type for s in container.streams}))
        if not kinds:
            raise Rejected("its container holds no tracks: it was cut off, or never finished")
        raise Skipped(f"it holds no video, only {kinds}")
    codec = _codec(streams[number])
    if codec not in DECODERS:
        raise Rejected(
            f"its video codec{f', {codec},' if codec else ''} is not supported; the README lists those that are"
        )
    return streams[number]


def _candidate(stream: VideoStream, frames: int) -> film.Candidate:
    codec = _codec(stream)
    return film.Candidate(
        is_supported=codec in DECODERS,
        is_film=not stream.disposition & _STILLS,
        is_default=bool(stream.disposition & Disposition.default),
        frames=frames,
        width=stream.codec_context.width if codec else 0,
        height=stream.codec_context.height if codec else 0,
    )


def _codec(stream: VideoStream) -> str | None:
    """Return the name of a stream's codec; PyAV has no context for one that FFmpeg does not know or a broken header
    omits."""
    context: VideoCodecContext | None = stream.codec_context
    return context.codec.canonical_name if context else None
