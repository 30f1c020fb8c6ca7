"""The preview: a few seconds of several scenes, small and moving."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av
from PIL import Image

from pipeline import clip, ffmpeg, pick
from pipeline.colours import Colours
from pipeline.demux import Demuxer
from pipeline.encode import animate, opaque
from pipeline.ffmpeg import Box, Frame, Limits
from pipeline.outcome import Rejected

WIDTH = 320
"""Pixels."""
SECONDS = 5.0
SCENES = 4
RATE = 12
"""Pictures a second: smooth to the eye, and half of what a film has."""
QUALITY = 55
CONTENT_TYPES = {"webp": "image/webp", "mp4": "video/mp4"}
SUFFIXES = {"webp": "preview.webp", "mp4": "preview.m4v"}
"""An MP4 is called `.m4v`, so that it does not trigger the function as a new `.mp4` would."""

_MILLISECOND = Fraction(1, 1000)


@dataclass(frozen=True)
class Preview:
    """A moving picture as a file."""

    content: bytes
    width: int
    """Pixels, like `height`."""
    height: int
    start: float
    """The first moment that it shows, in seconds."""


def take(demuxer: Demuxer, kind: str, behind: str, limits: Limits) -> Preview:
    """Makes the preview of a video, `webp` or `mp4`.

    Raises:
        Rejected: no picture could be decoded, or only beyond the limits.
    """
    runs = pick.scenes(demuxer, SCENES, SECONDS, RATE)
    if not runs:
        raise Rejected("its video holds no picture")
    copied = clip.remux(demuxer.stream, runs)
    frames = list(ffmpeg.frames(copied, Box(WIDTH), Colours.of(demuxer.stream), limits))
    size = frames[0].picture.size
    pictures = [opaque(f.picture if f.picture.size == size else f.picture.resize(size), behind) for f in frames]
    shown = _durations(frames)
    content = animate(pictures, shown, QUALITY) if kind == "webp" else _film(pictures, shown)
    return Preview(content, *size, frames[0].seconds)


def _durations(frames: Sequence[Frame]) -> list[float]:
    """How long each picture stays: until the next of its scene, and the last of a scene as long as any."""
    usual = 1 / RATE
    gaps = [after.seconds - before.seconds for before, after in pairwise(frames)]
    return [gap if 0 < gap <= 1 else usual for gap in gaps] + [usual]


def _film(pictures: Sequence[Image.Image], shown: Sequence[float]) -> bytes:
    """H.264 in MP4 as every browser plays it from its first bytes on: 4:2:0, even sizes, in fragments."""
    width, height = (max(2, side // 2 * 2) for side in pictures[0].size)
    content = io.BytesIO()
    fragmented = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(content, "w", format="mp4", options=fragmented) as output:
        stream = output.add_stream("libx264", rate=RATE, options={"crf": "26", "preset": "fast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = stream.time_base = _MILLISECOND
        when = 0.0
        for picture, seconds in zip(pictures, shown, strict=True):
            frame = av.VideoFrame.from_image(picture.crop((0, 0, width, height)))  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = round(when * 1000), _MILLISECOND
            output.mux(stream.encode(frame))
            when += seconds
        output.mux(stream.encode(None))
    return content.getvalue()
