"""Which frame becomes the poster.

`auto` looks at keyframes spread over the video and takes the one that `score` finds best. Where a video has few
keyframes, the frames that follow them are looked at too: of a short clip with a single keyframe all that it shows, or
as much as is decoded quickly. Where all that was seen is blank, more of the video is looked at; with a single keyframe
also where it is text.
"""

from collections.abc import Iterator

from model import MIB, Limits, Rejected
from position import Position
from worker.choose import pick
from worker.choose.score import BLANK, SCENE, WIDTH, best
from worker.container import Demuxer
from worker.decode.ffmpeg import Frame
from worker.decode.graph import Box
from worker.decode.runs import expect, frames_of
from worker.index import Plan, Shot, VideoIndex

BUDGET = 32 * MIB
"""Bytes that are read of a video for all candidates together."""
CANDIDATES = 12
MORE_CANDIDATES = 48
"""Keyframes that are looked at when the first ones show no scene."""
FEW = 6
"""With fewer keyframes than this, frames between them are candidates too."""
DECODED_PIXELS = 15_000_000
"""How much is decoded for these: 12 frames of 1440x810, which takes no longer than the requests for a small video."""
SAMPLES = 4
"""How many of the frames between two keyframes are candidates."""
SINGLE_DECODED_PIXELS, SINGLE_SAMPLES = 5 * DECODED_PIXELS, 8
"""The same of a video with a single keyframe, most often the first frame of a short clip: two seconds of 1440x810."""
MORE_DECODED_PIXELS = 40 * DECODED_PIXELS
PERCENT_SLACK = 0.005
"""A percentage asks for a place, not for a frame: a keyframe this close, as a share of the duration, will do."""


def take(demuxer: Demuxer, position: Position, box: Box, limits: Limits) -> Frame:
    """Return the poster of a video, as large as a box asks for.

    Raises:
        Rejected: no frame could be decoded, or only beyond the limits.
    """
    if position.kind == "auto":
        return _representative(demuxer, box, limits)
    runs = demuxer.read(_asked(demuxer.index, position), lambda: expect(demuxer, [box], limits))
    return next(frames_of(demuxer, runs, box, limits))


def _asked(index: VideoIndex, position: Position) -> Plan:
    """Return the plan of a poster at a time in seconds, or at a share of the duration."""
    if position.kind != "percent" or not len(index):
        return pick.exact(index, position.value)
    duration = index.duration or 0.0
    seconds = duration * position.value / 100
    near = index.nearest(seconds)
    if abs(index.times[near] - seconds) <= duration * PERCENT_SLACK:
        return (Shot(near),)
    return pick.exact(index, seconds)


def _representative(demuxer: Demuxer, box: Box, limits: Limits) -> Frame:
    # The frames of a single GOP are decoded one after another anyway: to decode them again costs more than to scale
    # each of them to the size of the poster.
    single = len(demuxer.index) == 1
    sizes = [box] if single else [Box(WIDTH, rough=True), box]
    candidates: list[Frame] = []
    runs = []
    fault: Rejected | None = None
    found: int | None = None
    for plan, least in _looks(demuxer.index):
        try:
            its_runs = demuxer.read(plan, lambda: expect(demuxer, sizes, limits))
            runs += its_runs
            candidates += frames_of(demuxer, its_runs, sizes[0], limits)
        except Rejected as rejected:
            fault = rejected
        found = best(candidates, least)
        if found is not None:
            break
    if not candidates:
        raise fault or Rejected("its video holds no frame that can be decoded")
    chosen = candidates[best(candidates, 0.0) or 0 if found is None else found]
    if single:
        return chosen
    again = next((part for run in runs if (part := run.only(chosen.seconds))), None)
    return next(frames_of(demuxer, [again] if again else runs, box, limits))


def _looks(index: VideoIndex) -> Iterator[tuple[Plan, float]]:
    """Yield plans of candidates, and what one has to be worth for the next plan not to be needed."""
    pixels = max(1, index.width * index.height)
    budget = BUDGET
    if len(index) < FEW:
        decoded, samples = (SINGLE_DECODED_PIXELS, SINGLE_SAMPLES) if len(index) == 1 else (DECODED_PIXELS, SAMPLES)
        plan = pick.stretches(index, max(1, decoded // pixels), samples, budget)
        # To go on after text means to decode most of the video, which only a short clip is worth.
        yield plan, SCENE if len(index) == 1 else BLANK
        budget -= index.cost(plan)
    else:
        for count in (CANDIDATES, MORE_CANDIDATES):
            plan = pick.spread(index, count, budget)
            # A video of graphics alone has no scene, and would be read twice.
            yield plan, BLANK
            budget -= index.cost(plan)
    yield pick.stretches(index, max(1, MORE_DECODED_PIXELS // pixels), MORE_CANDIDATES, budget), BLANK
