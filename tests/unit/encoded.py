"""Tiny videos in memory."""

from __future__ import annotations  # PyAV's packets are generic for the type checker alone

import io
from collections.abc import Iterable
from fractions import Fraction
from random import Random

import av
from av.packet import Packet
from av.video.stream import VideoStream

SIZE = (64, 48)


def encoded(
    codec: str,
    options: dict[str, str],
    size: tuple[int, int] = SIZE,
    layout: str = "yuv420p",
    container: str = "matroska",
    rate: int = 10,
) -> io.BytesIO:
    """Twelve pictures of noise that moves."""
    content = io.BytesIO()
    noise = Random(1).randbytes(2 * size[0] * size[1])
    with av.open(content, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, layout
        for number in range(12):
            frame = av.VideoFrame(*size, layout)
            for plane in frame.planes:
                plane.update(bytes(noise[number * 40 :][: plane.buffer_size]).ljust(plane.buffer_size, b"\x80"))
            frame.pts, frame.time_base = number, Fraction(1, rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    content.seek(0)
    return content


def packets(video: io.BytesIO) -> tuple[VideoStream, list[Packet[VideoStream]]]:
    """Return the stream of a video, and its packets."""
    container = av.open(video, "r")
    stream = container.streams.video[0]
    return stream, [packet for packet in container.demux(stream) if packet.size]


def decoded(stream: VideoStream, found: Iterable[Packet[VideoStream]]) -> dict[int, bytes]:
    """Return the brightness of the pictures by their times, as far as there are any."""
    context = av.VideoCodecContext.create(stream.codec_context.codec.canonical_name, "r")
    assert isinstance(context, av.VideoCodecContext)
    context.extradata = stream.codec_context.extradata
    context.thread_count = 1
    frames = [frame for packet in found for frame in context.decode(packet)] + context.decode(None)
    return {frame.pts: bytes(frame.planes[0]) for frame in frames if frame.pts is not None}
