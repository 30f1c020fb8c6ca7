"""A tiny video in memory, of nothing but the packets that are wanted: what FFmpeg gets on its standard input."""

import io
from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.stream import VideoStream

from pipeline.demux import Run
from pipeline.disposable import Disposables
from pipeline.outcome import Rejected

_MUXERS = (
    # (muxer, the demuxer that reads it, options). What MP4 has no tag for, QuickTime or Matroska mostly has.
    ("mp4", "mov", {"movflags": "frag_keyframe+empty_moov+default_base_moof", "strict": "experimental"}),
    ("mov", "mov", {"movflags": "frag_keyframe+empty_moov+default_base_moof", "strict": "experimental"}),
    ("matroska", "matroska", {"strict": "experimental"}),
)


@dataclass(frozen=True)
class Clip:
    """A small video, and which of its pictures are wanted."""

    content: bytes
    format: str
    """The demuxer that reads it."""
    codec: str
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
        Rejected: no muxer takes the codec.
    """
    faults = []
    for muxer, demuxer, options in _MUXERS:
        try:
            return _remux(stream, runs, muxer, demuxer, options)
        except (av.FFmpegError, ValueError) as fault:
            faults.append(f"{muxer}: {fault}")
    raise Rejected(f"its video, {stream.codec_context.name}, cannot be copied ({'; '.join(faults)})")


def _remux(stream: VideoStream, runs: list[Run], muxer: str, demuxer: str, options: dict[str, str]) -> Clip:
    content = io.BytesIO()
    targets: dict[int, float] = {}
    with av.open(content, "w", format=muxer, options=options) as output:
        copy = output.add_stream_from_template(stream, opaque=True)
        disposables = Disposables(stream.codec_context.name, stream.codec_context.extradata)
        base = decoded = 0
        for run in runs:
            count = len(run.packets)
            order = sorted(range(count), key=lambda n: (run.shown[n], n))
            shown = {place: rank for rank, place in enumerate(order)}
            for place, packet in enumerate(run.packets):
                if place not in run.wanted and disposables.has(bytes(packet)):
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
    return Clip(content.getvalue(), demuxer, stream.codec_context.name, targets, decoded)
