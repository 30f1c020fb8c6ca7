"""Opens a container by PyAV: with a forced format, and every decoder and protocol shut out."""

from typing import TypeAlias

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from pipeline.codecs import DECODERS
from pipeline.outcome import Rejected, Skipped
from pipeline.source import View

PROBED_BYTES = 2**20
"""What is looked into of a file whose container does not describe its video."""
DESCRIBING = ("mov", "matroska")
"""Only these say at their beginning which tracks they have, and what the copying of packets wants to know."""
BROKEN = (av.FFmpegError, IndexError, AttributeError, ValueError)
"""What PyAV raises at broken files; the last three where libavformat gives it less than it expects."""

Opened: TypeAlias = tuple[InputContainer, VideoStream]
"""A container and its video; all other tracks are left out."""

_OPTIONS = {
    # No decoder has this name: opening a file then probes no picture, in this process or any other.
    "codec_whitelist": "none",
    # Nor has any protocol: what a file refers to outside of itself is never opened.
    "protocol_whitelist": "none",
    "probesize": "32",
    "fpsprobesize": "0",
}
_PROBING = {"codec_whitelist": ",".join(DECODERS.values()), "probesize": str(PROBED_BYTES)}
_WITHOUT_INDEX = {"fflags": "ignidx"}


def opened(view: View, name: str, *, probing: bool = False, without_index: bool = False) -> Opened:
    """Opens a container with the demuxer of this name.

    `probing`: whether its first pictures are looked into. `without_index`: whether its own index is left alone.

    Raises:
        Rejected: it cannot be read, or its video has a codec that is not on the list.
        Skipped: it holds no video.
    """
    options = {**_OPTIONS, **(_WITHOUT_INDEX if without_index else {}), **(_PROBING if probing else {})}
    try:
        container = av.open(view, "r", format=name, container_options=options, metadata_errors="replace")
    except BROKEN as fault:
        raise Rejected(f"its {name} container cannot be read: {cause(fault)}") from fault
    stream = _video_stream(container)
    if stream.codec_context.codec.canonical_name not in DECODERS:
        raise Rejected(f"its video codec, {stream.codec_context.codec.canonical_name}, is not on the list")
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all
    return container, stream


def cause(fault: Exception) -> str:
    """What PyAV says of a fault, or else its name."""
    return str(fault.strerror if isinstance(fault, av.FFmpegError) else type(fault).__name__)


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
