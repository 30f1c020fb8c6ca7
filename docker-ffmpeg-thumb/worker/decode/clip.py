"""A tiny video in memory, of nothing but the packets that are wanted: what FFmpeg gets on its standard input."""

from __future__ import annotations  # PyAV's packets are generic for the type checker alone

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import av
from av.packet import Packet
from av.video.stream import VideoStream

from model import Rejected
from worker.bitstream.keyframes import EntryPoints
from worker.bitstream.unreferenced import Disposables
from worker.codecs import DECODERS
from worker.container import Run


class _Muxer(NamedTuple):
    name: str
    demuxer: str
    """The name of the demuxer that reads what it writes."""
    options: dict[str, str]
    keeps_tag: bool = False
    """Whether the tag by which a container calls the codec goes along: some decoders want to know which of several."""


_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "strict": "experimental"}
_MP4 = _Muxer("mp4", "mov", _FRAGMENTED)
_MOV, _MOV_WITH_TAG = _Muxer("mov", "mov", _FRAGMENTED), _Muxer("mov", "mov", _FRAGMENTED, keeps_tag=True)
_MATROSKA = _Muxer("matroska", "matroska", {"strict": "experimental"})
_NUT = _Muxer("nut", "nut", {"strict": "experimental"}, keeps_tag=True)

_MUXERS = {
    # For MP4 one must know what only their frames tell, and only Matroska carries their transparency.
    "vp8": (_MATROSKA,),
    "vp9": (_MATROSKA, _MP4),
    # FFmpeg 9 writes a head for fragments of it that it cannot read.
    "apv": (),
}
_USUAL_MUXERS = (_MP4, _MOV_WITH_TAG, _MOV, _MATROSKA)
"""What MP4 has no tag for, QuickTime or Matroska has."""

_STEREO_MODES = {
    "left_right": "side by side",
    "right_left": "side by side",
    "top_bottom": "top and bottom",
    "bottom_top": "top and bottom",
}
"""Names that libavformat gives to Matroska's."""
_STEREO_3D = {1: "top and bottom", 2: "side by side"}
"""Numbers in the box `st3d` of Google's Spherical Video V2."""
_OWN_COLOURS = {5, 10}
"""Dolby Vision's profiles that may have no layer for other players (Dolby Vision Profiles and Levels, table 2)."""

_TRANSPARENT = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""The decoders that show the transparency of WebM, which the usual ones leave out."""

_OPAQUE = {
    *("h261", "h263", "flv1", "h264", "vvc", "av1", "mpeg1video", "mpeg2video", "mpeg4", "wmv1", "wmv2", "wmv3"),
    *("vc1", "theora", "vp3", "cavs"),
}
"""Codecs that have no transparency, or whose decoders leave it out."""


@dataclass(frozen=True)
class Clip:
    """A small video, and which of its frames are wanted."""

    content: bytes
    format: str
    """The demuxer that reads it."""
    codec: str
    decoder: str | None
    """The decoder to use, where that is not the usual one."""
    aspect: Fraction | None
    """The shape of its pixels, where the container of the video says it, and this one cannot."""
    targets: dict[int, float]
    """The moment of each wanted frame, in seconds of the video, by its timestamp here, an even number of ticks; frames
    that are only decoded for others have odd ones, or are no targets."""
    decoded: int
    """How many frames are decoded to show the targets."""
    turn: str = ""
    """The filters that turn a frame upright, each with a comma after it, where the clip itself cannot say it."""
    packing: str = ""
    """How two views lie in a frame of stereo video, where the container says it; see `Sequence`."""
    is_spherical: bool = False
    """Whether frames are projections of a sphere."""
    is_opaque: bool = False
    """Whether its frames have no transparency, or only something that looks like it."""
    is_ipt: bool = False
    """Whether colours are Dolby Vision's own, without a layer that other players can show."""


_PALETTES = {"rawvideo", "msrle", "msvideo1", "cinepak", "tscc"}
"""Codecs in AVI whose pixels may be numbers of colours."""
_TURNS = {
    (0, 1, -1, 0): "transpose=clock,",
    (-1, 0, 0, -1): "hflip,vflip,",
    (0, -1, 1, 0): "transpose=cclock,",
    (-1, 0, 0, 1): "hflip,",
    (1, 0, 0, -1): "vflip,",
    (0, 1, 1, 0): "transpose=cclock_flip,",
    (0, -1, -1, 0): "transpose=clock_flip,",
}
"""Filters by the signs of a matrix: what becomes of a step to the right, and of one down."""
_BOTTOM_UP = b"BottomUp\0"

TICKS = 1000
"""Ticks in a second of a clip. They only number the frames: true times may not fit into the fields of an MP4."""


def remux(stream: VideoStream, runs: list[Run], palette: bytes | None = None) -> Clip:
    """Concatenate runs of packets into a clip, less those that no wanted frame is decoded from.

    Frames are numbered in the order of showing and packets in that of decoding, such that no packet is shown before it
    is decoded, and the wanted ones by even numbers. Rotation, sample aspect ratio and colour tags of the stream go
    along. `palette`: see `Demuxer`.

    Raises:
        Rejected: no muxer takes the codec, or all that belongs to it.
    """
    codec = stream.codec_context.codec.canonical_name
    if codec == "rawvideo" or _palette(stream, palette):
        return _avi(stream, codec, runs, palette)
    faults = []
    # AVI takes all of these, but no frame that is shown later than one after it.
    in_order = all(list(run.shown) == sorted(run.shown) for run in runs)
    for muxer in (*_MUXERS.get(codec, _USUAL_MUXERS), *(() if in_order else (_NUT,))):
        try:
            return _remux(stream, runs, muxer)
        except (av.FFmpegError, ValueError) as fault:
            faults.append(f"{muxer.name}: {fault.strerror if isinstance(fault, av.FFmpegError) else fault}")
    if in_order:
        return _avi(stream, codec, runs, palette)
    raise Rejected(f"its video, {codec}, cannot be copied ({'; '.join(faults)})")


@dataclass(frozen=True)
class _Numbered:
    """A packet and its place in a clip."""

    packet: Packet[VideoStream]
    decoded: int
    """Ticks; `shown` likewise, an odd number if the frame is not wanted."""
    shown: int
    seconds: float | None
    """The moment of a wanted frame."""


def _numbered(stream: VideoStream, runs: list[Run]) -> Iterator[_Numbered]:
    context = stream.codec_context
    codec, record = context.codec.canonical_name, context.extradata
    entry_points, disposables = EntryPoints(codec, record), Disposables(codec, record)
    base = 0
    for run in runs:
        if codec == "h264" and entry_points.recovery(bytes(run.packets[0])):
            # FFmpeg drops a frame whose references are all missing, and the part that it refreshes stays missing.
            first = Packet(bytes(run.packets[0]))
            yield _Numbered(first, 2 * base, 2 * base + 1, None)  # type: ignore[arg-type]
            base += 1
        count = len(run.packets)
        order = sorted(range(count), key=lambda n: (run.shown[n], n))
        shown = {place: rank for rank, place in enumerate(order)}
        wanted = {run.shown[place] for place in run.wanted}
        for place, packet in enumerate(run.packets):
            # Two fields of a frame are shown at the same time.
            is_needed = run.shown[place] in wanted or not (context.codec.intra_only or disposables.has(bytes(packet)))
            # The first of all may be there for the decoder alone; see `Demuxer.read`.
            if is_needed or not wanted:
                tick, seconds = 2 * (base + count + shown[place]), run.wanted.get(place)
                yield _Numbered(packet, 2 * (base + place), tick + (seconds is None), seconds)
        base += 2 * count


def _remux(stream: VideoStream, runs: list[Run], muxer: _Muxer) -> Clip:
    content = io.BytesIO()
    targets: dict[int, float] = {}
    decoded = 0
    with av.open(content, "w", format=muxer.name, options=muxer.options) as output:
        copy = output.add_stream_from_template(stream, opaque=True)
        if muxer.keeps_tag:
            copy.codec_context.codec_tag = stream.codec_context.codec_tag
        if aspect := _aspect(stream):
            copy.codec_context.sample_aspect_ratio = aspect
        for its in _numbered(stream, runs):
            decoded += 1
            its.packet.stream = copy
            its.packet.time_base = Fraction(1, TICKS)
            its.packet.dts, its.packet.pts, its.packet.duration = its.decoded, its.shown, 1
            if its.seconds is not None:
                targets[its.shown] = its.seconds
            output.mux(its.packet)
    codec, made = stream.codec_context.codec.canonical_name, content.getvalue()
    # The head of an MP4 or MOV has what any container said of the video, in boxes of known forms.
    end = made.find(b"moof") if decoded else len(made)
    head = made[:end] if muxer.demuxer == "mov" else b""
    stereo_3d = head.partition(b"st3d\0\0\0\0")[2][:1]
    return Clip(
        made,
        muxer.demuxer,
        codec,
        decoder=_TRANSPARENT.get(codec) if stream.metadata.get("alpha_mode") == "1" else None,
        # PyAV sets the shape of pixels where the muxers of MP4 look for it, and no other.
        aspect=_aspect(stream) if muxer.demuxer != "mov" else None,
        targets=targets,
        decoded=decoded,
        packing=_STEREO_MODES.get(stream.metadata.get("stereo_mode", "")) or _STEREO_3D.get(sum(stereo_3d), ""),
        is_spherical=b"sv3d" in head,
        is_opaque=codec in _OPAQUE,
        is_ipt=_is_ipt(head),
    )


def _is_ipt(head: bytes) -> bool:
    """Return whether a record of Dolby Vision says that the colours are its own.

    Its profile stands in the upper bits of the third byte, and what other players can show in those of the fifth.
    """
    record = (head.partition(b"dvcC")[2] or head.partition(b"dvvC")[2])[:5]
    return len(record) == 5 and record[2] >> 1 in _OWN_COLOURS and record[4] >> 4 == 0


def _avi(stream: VideoStream, codec: str, runs: list[Run], palette: bytes | None) -> Clip:
    """Return a clip as AVI, for raw video and palettes: no other container takes all that another said of pixels.

    The tags of QuickTime's and Matroska's layouts are read there as well.
    """
    context = stream.codec_context
    tag, bits, record = context.codec_tag.encode("latin-1"), context.bits_per_coded_sample, context.extradata or b""
    # Without a tag, rows stand from the bottom up; libavformat says so at the end of the record.
    height = context.height if any(tag) or record.endswith(_BOTTOM_UP) else -context.height
    record = _palette(stream, palette) or record.removesuffix(_BOTTOM_UP)
    targets: dict[int, float] = {}
    frames = []
    for number, its in enumerate(_numbered(stream, runs)):
        frames.append(_chunk(b"00dc", bytes(its.packet)))
        if its.seconds is not None:
            targets[2 * number] = its.seconds
    # Frames have no times of their own: they follow one another, two ticks each.
    count, scale, rate = len(frames), 2, TICKS
    size = context.width, context.height
    header = struct.pack("<14I", 10**6 * scale // rate, 0, 0, 0, count, 0, 1, 0, *size, 0, 0, 0, 0)
    timing = struct.pack("<4s4s10I8x", b"vids", tag, 0, 0, 0, scale, rate, 0, count, 0, 0, 0)
    layout = struct.pack("<IiiHH4s5I", 40 + len(record), context.width, height, 1, bits, tag, 0, 0, 0, 0, 0) + record
    described = _chunk(b"LIST", b"strl", _chunk(b"strh", timing), _chunk(b"strf", layout))
    head = _chunk(b"LIST", b"hdrl", _chunk(b"avih", header), described)
    content = _chunk(b"RIFF", b"AVI ", head, _chunk(b"LIST", b"movi", *frames))
    # The decoder is named, as AVI has no tag for some of these codecs.
    return Clip(
        content,
        "avi",
        codec,
        DECODERS[codec],
        _aspect(stream),
        targets,
        count,
        turn=_turn(stream),
        # The fourth byte of a pixel has no meaning in Windows.
        is_opaque=not any(tag),
    )


def _turn(stream: VideoStream) -> str:
    """Return the filters that turn a frame upright, where a container says so and AVI cannot: by the matrix of an MP4's
    head.

    Where neither MP4 nor QuickTime has a tag for the codec, hardly any other container has a rotation for it.
    """
    content = io.BytesIO()
    try:
        with av.open(content, "w", format="mov", options=_FRAGMENTED) as output:
            output.add_stream_from_template(stream, opaque=True)
            output.start_encoding()
    except (av.FFmpegError, ValueError):
        return ""
    # The header of a track (ISO/IEC 14496-12, 8.3.2) in its version 0: two rows of three numbers.
    matrix = content.getvalue().partition(b"tkhd\0")[2][39:63]
    a, b, _, c, d, _ = struct.unpack(">6i", matrix.ljust(24, b"\0"))
    return _TURNS.get(((a > 0) - (a < 0), (b > 0) - (b < 0), (c > 0) - (c < 0), (d > 0) - (d < 0)), "")


def _palette(stream: VideoStream, palette: bytes | None) -> bytes:
    """Return the colours that pixels are numbers of, four bytes each; empty if pixels hold colours themselves.

    AVI has them at the end of the configuration record, from where libavformat reads them once more.
    """
    context = stream.codec_context
    size = 4 << context.bits_per_coded_sample if 0 < context.bits_per_coded_sample <= 8 else 0
    if palette or context.codec.canonical_name not in _PALETTES:
        return (palette or b"")[:size]
    return (context.extradata or b"").removesuffix(_BOTTOM_UP)[-size:] if size else b""


def _chunk(kind: bytes, *parts: bytes) -> bytes:
    size = sum(map(len, parts))
    return b"".join((kind, size.to_bytes(4, "little"), *parts, bytes(size % 2)))


def _aspect(stream: VideoStream) -> Fraction | None:
    """Return the shape of pixels that a container says, which counts for more than what is in the frames, as for
    players.

    None where only the frames say it, which may change from one to the next.
    """
    aspect = stream.sample_aspect_ratio
    return aspect if aspect != stream.codec_context.sample_aspect_ratio else None
