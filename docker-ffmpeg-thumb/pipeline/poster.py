"""Which picture becomes the poster.

`auto` looks at keyframes spread over the video and takes the one that scores best; see `score`. Where a video has few
keyframes, the pictures that follow them are looked at too: of a short clip with a single keyframe all that it shows, or
as much as is decoded quickly. Where all that was seen is blank, more of the video is looked at.
"""

import math
from dataclasses import dataclass
from functools import partial

from PIL import Image, ImageFilter, ImageStat

from pipeline import decode, pick
from pipeline.demux import Demuxer
from pipeline.encode import opaque
from pipeline.ffmpeg import Box, Frame, Limits
from pipeline.outcome import Rejected
from pipeline.position import Position

CANDIDATES = 12
MORE_CANDIDATES = 48
"""Keyframes that are looked at when the first ones are all blank."""
FEW = 6
"""With fewer keyframes than this, pictures between them are candidates too."""
DECODED_PIXELS = 15_000_000
"""How much is decoded for these: 12 pictures of 1440x810, which takes no longer than the requests for a small video."""
SAMPLES = 4
"""How many of the pictures between two keyframes are candidates."""
SINGLE_DECODED_PIXELS, SINGLE_SAMPLES = 5 * DECODED_PIXELS, 8
"""The same of a video with a single keyframe, most often the first picture of a short clip: two seconds of 1440x810."""
MORE_DECODED_PIXELS = 40 * DECODED_PIXELS
PERCENT_SLACK = 0.005
"""A percentage asks for a place, not for a picture: a keyframe this close, as a share of the duration, will do."""

_SCORED_WIDTH = 160
_BLANK = 0.02
"""The score below which a picture shows nothing: black, white, one colour, a fade nearly over."""
_GOOD = 0.5
"""The score from which a scene's picture needs no better one: detailed, sharp and well exposed."""


@dataclass(frozen=True)
class Scored:
    """A candidate and its score."""

    frame: Frame
    score: float


def take(demuxer: Demuxer, position: Position, box: Box, limits: Limits) -> Frame:
    """The poster of a video, as large as a box asks for.

    Raises:
        Rejected: no picture could be decoded, or only beyond the limits.
    """
    if position.kind == "auto":
        return _representative(demuxer, box, limits)
    duration = demuxer.duration
    seconds = position.value
    if position.kind == "percent":
        seconds = (duration or 0.0) * position.value / 100
        near = demuxer.stills([pick.nearest(demuxer, seconds)]) if demuxer.keyframes else []
        if near and duration and abs(near[0].start - seconds) <= duration * PERCENT_SLACK:
            return next(decode.frames(demuxer, near, box, limits))
    run = demuxer.exact(seconds)
    return next(decode.frames(demuxer, [run] if run else [], box, limits))


def _representative(demuxer: Demuxer, box: Box, limits: Limits) -> Frame:
    context = demuxer.stream.codec_context
    pixels = max(1, context.width * context.height)
    few, single = len(demuxer.keyframes) < FEW, len(demuxer.keyframes) == 1
    decoded, samples = (SINGLE_DECODED_PIXELS, SINGLE_SAMPLES) if single else (DECODED_PIXELS, SAMPLES)
    looks = (
        *([partial(pick.stretches, demuxer, max(1, decoded // pixels), samples)] if few else []),
        partial(pick.spread, demuxer, CANDIDATES),
        partial(pick.spread, demuxer, MORE_CANDIDATES),
        partial(pick.stretches, demuxer, max(1, MORE_DECODED_PIXELS // pixels), MORE_CANDIDATES),
    )
    best: Scored | None = None
    fault: Rejected | None = None
    for look in looks:
        runs = look()
        if not runs:
            continue
        try:
            for frame in decode.frames(demuxer, runs, box, limits):
                scored = Scored(frame, score(frame.picture))
                best = scored if best is None or scored.score > best.score else best
                # Encoders begin a new scene with a keyframe: what follows a single one is more of the same.
                if single and best.score >= _GOOD:
                    return best.frame
        except Rejected as rejected:
            fault = rejected
        if best is not None and best.score >= _BLANK:
            break
    if best is None:
        raise fault or Rejected("its video holds no picture")
    return best.frame


def score(picture: Image.Image) -> float:
    """How well a picture stands for its video, from 0 (it shows nothing) to 1.

    The product of three measures of its luma, taken at a width of 160 pixels so that noise and resolution do not count.
    They are those of Song et al., "To Click or Not To Click: Automatic Selection of Beautiful Thumbnails from Videos"
    (CIKM 2016, section 3.1: dark, blurry and uniform frames are discarded), made smooth so that frames can be ranked:

    - detail: the entropy of the histogram, as a share of 8 bits; low for one colour, fades, credits, slides of text;
    - sharpness: the root mean square of the differences between neighbours, which blur and dissolves take away;
    - exposure: what share of the picture is neither black nor white to the eye.
    """
    height = max(1, round(picture.height * _SCORED_WIDTH / picture.width))
    luma = opaque(picture, "#000000").resize((_SCORED_WIDTH, height), Image.Resampling.BOX, reducing_gap=2).convert("L")
    if ImageStat.Stat(luma).stddev[0] < 4:
        return 0.0
    histogram, pixels = luma.histogram(), luma.width * luma.height
    exposure = 1 - (sum(histogram[:20]) + sum(histogram[245:])) / pixels
    edges = luma.filter(_LAPLACIAN).crop((1, 1, luma.width - 1, luma.height - 1)) if luma.height > 2 else luma
    sharpness = math.tanh(ImageStat.Stat(edges).rms[0] / 24)
    return luma.entropy() / 8 * sharpness * exposure


_LAPLACIAN = ImageFilter.Kernel((3, 3), (0, -1, 0, -1, 4, -1, 0, -1, 0), scale=1)
