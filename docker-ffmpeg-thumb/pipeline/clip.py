"""A tiny video in memory, of nothing but the packets that are wanted: what FFmpeg gets on its standard input."""

import io
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from pipeline.demux import Run
from pipeline.disposable import Disposables
from pipeline.outcome import Rejected

_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "strict": "experimental"}
_MP4 = ("mp4", "mov", _FRAGMENTED)
_MOV = ("mov", "mov", _FRAGMENTED)
_MATROSKA = ("matroska", "matroska", {"strict": "experimental"})
_NUT = ("nut", "nut", {"strict": "experimental"})
"""(muxer, the demuxer that reads it, options)"""

_MUXERS = {
    # MP4 wants to know of them what only their pictures tell, and only Matroska carries their transparency.
    "vp8": (_MATROSKA,),
    "vp9": (_MATROSKA, _MP4),
    "rawvideo": (_NUT,),
}
_USUAL_MUXERS = (_MP4, _MOV, _MATROSKA, _NUT)
"""What MP4 has no tag for, QuickTime, Matroska or FFmpeg's own container has; the last knows no rotation."""

_MAYBE_PALETTES = {"cinepak", "msvideo1", "qtrle"}
"""Codecs of the nineties: with 8 bits a pixel or fewer, these number colours."""
_TRANSPARENT = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""The decoders that show the transparency of WebM, which the usual ones leave out."""


@dataclass(frozen=True)
class Clip:
    """A small video, and which of its pictures are wanted."""

    content: bytes
    format: str
    """The demuxer that reads it."""
    codec: str
    decoder: str | None
    """The decoder to use, where that is not the usual one."""
    aspect: Fraction | None
    """The shape of its pixels, where the container of the video says it, and this one cannot."""
    targets: dict[int, float]
    """The moment of each wanted picture, in seconds of the video, by its timestamp here, an even number of ticks;
    pictures that are only decoded for others have odd ones."""
    decoded: int
    """How many pictures are decoded to show the targets."""


TICKS = 1000
"""Ticks in a second of a clip. They only number the pictures: true times may not fit into the fields of an MP4."""


def remux(stream: VideoStream, runs: list[Run]) -> Clip:
    """Copies runs of packets into a clip, one behind the other, less those that no wanted picture is decoded from.

    Pictures are numbered in the order of showing and packets in that of decoding, such that no packet is shown before
    it is decoded, and the wanted ones by even numbers. Rotation, sample aspect ratio and colour tags of the stream
    go along.

    Raises:
        Rejected: no muxer takes the codec, or all that belongs to it.
    """
    codec = stream.codec_context.codec.canonical_name
    if _has_palette(stream):
        raise Rejected(f"its video, {codec}, has colours by a palette, which cannot be copied")
    faults = []
    for muxer, demuxer, options in _MUXERS.get(codec, _USUAL_MUXERS):
        try:
            return _remux(stream, runs, muxer, demuxer, options)
        except (av.FFmpegError, ValueError) as fault:
            faults.append(f"{muxer}: {fault.strerror if isinstance(fault, av.FFmpegError) else fault}")
    raise Rejected(f"its video, {codec}, cannot be copied ({'; '.join(faults)})")


def _remux(stream: VideoStream, runs: list[Run], muxer: str, demuxer: str, options: dict[str, str]) -> Clip:
    content = io.BytesIO()
    targets: dict[int, float] = {}
    with av.open(content, "w", format=muxer, options=options) as output:
        codec = stream.codec_context.codec.canonical_name
        copy = _copy_of(stream, codec, output)
        disposables = Disposables(codec, stream.codec_context.extradata)
        base = decoded = 0
        for run in runs:
            count = len(run.packets)
            order = sorted(range(count), key=lambda n: (run.shown[n], n))
            shown = {place: rank for rank, place in enumerate(order)}
            wanted = {run.shown[place] for place in run.wanted}
            for place, packet in enumerate(run.packets):
                # Two fields of a picture are shown at the same time.
                if run.shown[place] not in wanted and disposables.has(bytes(packet)):
                    continue
                decoded += 1
                packet.stream = copy
                packet.time_base = Fraction(1, TICKS)
                tick = 2 * (base + count + shown[place])
                seconds = run.wanted.get(place)
                if seconds is not None:
                    targets[tick] = seconds
                packet.dts, packet.pts, packet.duration = 2 * (base + place), tick + (seconds is None), 1
                output.mux(packet)
            base += 2 * count
    decoder = _TRANSPARENT.get(codec) if stream.metadata.get("alpha_mode") == "1" else None
    # PyAV sets the shape of pixels where the muxers of MP4 look for it, and no other.
    aspect = _aspect(stream) if demuxer != "mov" else None
    return Clip(content.getvalue(), demuxer, codec, decoder, aspect, targets, decoded)


def _has_palette(stream: VideoStream) -> bool:
    """Whether pixels are numbers of colours: a table that lies beside the packets, and that the muxers leave out."""
    context = stream.codec_context
    if context.codec.canonical_name == "rawvideo":
        return context.pix_fmt == "pal8"
    return context.codec.canonical_name in _MAYBE_PALETTES and 0 < context.bits_per_coded_sample <= 8


def _aspect(stream: VideoStream) -> Fraction | None:
    """The shape of pixels that a container says, which counts for more than what is in the pictures, as for players.

    None where only the pictures say it, which may change from one to the next.
    """
    aspect = stream.sample_aspect_ratio
    return aspect if aspect != stream.codec_context.sample_aspect_ratio else None


def _copy_of(stream: VideoStream, codec: str, output: OutputContainer) -> VideoStream:
    if codec != "rawvideo":
        copy = output.add_stream_from_template(stream, opaque=True)
        if aspect := _aspect(stream):
            copy.codec_context.sample_aspect_ratio = aspect
        return copy
    # Each container has its own tags for the layouts of raw pictures.
    copy = output.add_stream("rawvideo")
    context = stream.codec_context
    copy.width, copy.height, copy.pix_fmt = context.width, context.height, context.pix_fmt
    copy.codec_context.time_base = Fraction(1, TICKS)
    return copy
