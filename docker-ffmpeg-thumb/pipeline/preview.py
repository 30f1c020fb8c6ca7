"""The preview: a few seconds of several scenes, small and moving."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image

from pipeline import decode, pick
from pipeline.demux import Demuxer
from pipeline.encode import animate, opaque
from pipeline.ffmpeg import Box, Limits

WIDTH = 320
"""Pixels."""
SECONDS = 5.0
SCENES = 4
RATE = 12
"""Pictures a second: smooth to the eye, and half of what a film has."""
QUALITY = 55
BUDGET = 32 * 2**20
"""Bytes that are read for the scenes, and as many again to reach them: five seconds at 50 Mbit/s. What has more is
shown for a shorter time."""
CONTENT_TYPES = {"webp": "image/webp", "mp4": "video/mp4"}
SUFFIXES = {"webp": "preview.webp", "mp4": "preview.m4v"}
"""An MP4 is called `.m4v`, so that it does not trigger the function as a new `.mp4` would."""

_MILLISECOND = Fraction(1, 1000)
_X264 = {"crf": "26", "preset": "fast", "threads": "1", "x264-params": "cpu-independent=1"}
"""Without the last, small pictures are written differently from one time to the next, and by each processor."""


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
    scenes = pick.scenes(demuxer, SCENES, SECONDS, RATE, BUDGET)
    # Of a file that breaks off before the first of them, the picture that there is.
    runs = scenes.runs or demuxer.stills([0])
    frames = list(decode.frames(demuxer, runs, Box(WIDTH), limits))
    size = frames[0].picture.size
    if kind == "mp4":
        # 4:2:0 has a sample of colour for two pixels in either direction.
        size = size[0] // 2 * 2 or 2, size[1] // 2 * 2 or 2
    pictures = [opaque(f.picture if f.picture.size == size else f.picture.resize(size), behind) for f in frames]
    # Some decoders, such as that of Sorenson Video 3, give pictures in their order and with each other's times.
    moments = sorted(frame.seconds for frame in frames)
    shown = _durations(moments, scenes.count, scenes.seconds)
    content = animate(pictures, shown, QUALITY) if kind == "webp" else _film(pictures, shown)
    return Preview(content, *size, moments[0])


def _durations(moments: Sequence[float], scenes: int, total: float) -> list[float]:
    """How long each picture stays, in seconds: until the next of its scene, and the last of each scene for as long as
    they all take together."""
    gaps = [after - before for before, after in pairwise(moments)]
    # Scenes are longer apart than the pictures of one.
    cuts = {*sorted(range(len(gaps)), key=lambda n: gaps[n])[len(gaps) + 1 - scenes :], len(gaps)}
    shown = [1 / RATE if number in cuts else gap for number, gap in enumerate([*gaps, 0.0])]
    # Where pictures change seldom, a scene is little else than its last.
    lacking = max(0.0, total - sum(shown)) / len(cuts)
    return [seconds + lacking if number in cuts else seconds for number, seconds in enumerate(shown)]


def _film(pictures: Sequence[Image.Image], shown: Sequence[float]) -> bytes:
    """H.264 in MP4 as every browser plays it from its first bytes on: 4:2:0, in fragments, with the tags of its
    colours, which are BT.709's."""
    content = io.BytesIO()
    fragmented = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(content, "w", format="mp4", options=fragmented) as output:
        stream = output.add_stream("libx264", rate=RATE, options=_X264)
        stream.width, stream.height = pictures[0].size
        context = stream.codec_context
        context.pix_fmt, context.color_range = "yuv420p", ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        context.colorspace = Colorspace.ITU709
        context.time_base = stream.time_base = _MILLISECOND
        when, last = 0.0, -1
        for picture, seconds in zip(pictures, shown, strict=True):
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            frame = frame.reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=1
            )
            # No two pictures can be shown at the same time.
            last = max(last + 1, round(when * 1000))
            frame.pts, frame.time_base = last, _MILLISECOND
            output.mux(stream.encode(frame))
            when += seconds
        output.mux(stream.encode(None))
    return content.getvalue()
