"""Which frames a storyboard shows: one for each of many equal parts of the video. Nothing is read here.

How many is Mux's rule (https://www.mux.com/docs/guides/create-timeline-hover-previews): 50 tiles for a video of up to
15 minutes, 100 for a longer one.
"""

import bisect
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from model import MIB, Tiling, Wanted
from worker.choose.pick import thinned
from worker.index import Plan, Shot, VideoIndex

TILES, LONG_TILES, LONG = 50, 100, 15 * 60.0
"""How many tiles a video has, how many a long one has, and from how many seconds on it is long."""
MOST_TILES = 500
"""However short the interval is that was asked for."""
FASTEST = 500
"""Frames a second: tiles are at least two of WebVTT's milliseconds apart."""
KEYFRAME_BUDGET = 64 * MIB
"""Bytes that are read for tiles that show a keyframe: a hundred keyframes of 4K video."""
LEAST_BYTES = 8
"""Bytes of a frame, at the least, in which nothing moves."""
DECODED_PIXELS = 4_000_000_000
"""How much is decoded for tiles between keyframes: a minute of 1920x1080, which takes one processor some 20 s."""


def tiling(index: VideoIndex, wanted: Wanted) -> Tiling:
    """Divide a video into the parts that tiles stand for: never more of them than it has frames."""
    seconds = max(0.001, round(index.duration or 0.0, 3))
    usual = MOST_TILES if wanted.storyboard_interval else LONG_TILES if seconds > LONG else TILES
    count = max(1, min(wanted.storyboard_tiles or usual, round(seconds * min(index.rate, FASTEST))))
    interval = wanted.storyboard_interval
    # A last part of a millisecond is what rounding makes of none.
    if interval and (needed := math.ceil((seconds - 0.001) / interval)) <= count:
        return Tiling(max(1, needed), interval, seconds)
    return Tiling(count, round(seconds / count, 6), seconds)


@dataclass(frozen=True)
class Choice:
    """What is read for a storyboard, and what each of its tiles shows of it."""

    plan: Plan
    moments: tuple[float, ...]
    """Seconds: each tile shows what a player would at its moment, had the video no other frames than the plan's."""
    beside: int = 0
    """How many tiles show the nearest keyframe, which is not of their part, as their own frame would cost too much."""


def choose(
    index: VideoIndex,
    bounds: Sequence[float],
    budget: int,
    keyframe_budget: int = KEYFRAME_BUDGET,
    pixels: int = DECODED_PIXELS,
) -> Choice:
    """Choose a frame for each of the parts between bounds, with as few shots as that takes.

    A part gets the keyframe in it that is nearest to its middle. Where a GOP reaches into a part that has no keyframe,
    the part gets the exact frame of its middle, as long as `budget` bytes and `pixels` to decode suffice for all of
    these, the cheapest GOPs first; otherwise the nearest keyframe stands in. Where keyframes cost more than
    `keyframe_budget` bytes, evenly spread ones stand for all.
    """
    if not len(index):
        return Choice((), ())
    keyframes, moments = [], []
    cut: dict[int, list[int]] = {}
    for part, (start, end) in enumerate(pairwise(bounds)):
        middle = (start + end) / 2
        nearest, before = index.nearest(middle), index.before(middle)
        has_keyframe = start <= index.times[nearest] < end
        keyframes.append(nearest if has_keyframe else before)
        moments.append(index.times[nearest] if has_keyframe and nearest != before else middle)
        if not has_keyframe:
            cut.setdefault(before, []).append(part)
    lacking = [part for parts in cut.values() for part in parts]
    for part, number in enumerate(keyframes):
        if number in cut and part not in cut[number]:
            # It is decoded for others anyway.
            cut[number].append(part)
    shots = [Shot(number, tuple(sorted(moments[part] for part in parts))) for number, parts in cut.items()]
    exact: dict[int, Shot] = {}
    for shot in sorted(shots, key=lambda shot: (index.cost([shot]), shot.keyframe)):
        cost, decoded = index.cost([shot]), _decoded(index, shot)
        if cost <= budget and decoded <= pixels:
            budget -= cost
            pixels -= decoded
            exact[shot.keyframe] = shot
    beside = sum(keyframes[part] not in exact for part in lacking)
    alone: dict[int, Shot] = {}
    for part, number in enumerate(keyframes):
        if number not in exact:
            number = index.nearest(moments[part])
            if number in exact:
                moments[part] = exact[number].moments[0]
            else:
                alone[number] = Shot(number)
                moments[part] = _on_keyframe(index, number)
        elif moments[part] == index.times[number]:
            # As late as it may be shown: see `_on_keyframe`.
            later = [moment for moment in exact[number].moments if moment > moments[part]]
            moments[part] = (moments[part] + later[0]) / 2 if later else _on_keyframe(index, number)
    return Choice(
        _in_order([*thinned(index, _in_order(alone.values()), keyframe_budget), *exact.values()]),
        tuple(moments),
        beside,
    )


def shown(choice: Choice, frames: Sequence[float]) -> list[int]:
    """Return for each tile which frame it shows; `frames`: when the video shows each of them, in seconds.

    That is the last one at or before the tile's moment, or else the first one.
    """
    order = sorted(range(len(frames)), key=frames.__getitem__)
    times = [frames[number] for number in order]
    # Times go through the ticks of the container, and may lose a little there.
    return [order[max(0, bisect.bisect_right(times, moment + 1e-4) - 1)] for moment in choice.moments]


def _on_keyframe(index: VideoIndex, number: int) -> float:
    """Return a moment at which a keyframe is on the screen, even if the index is off by some frames.

    Containers that say when frames are decoded, but not when they are shown, have their keyframes a little early.
    """
    start = index.times[number]
    until = index.times[number + 1] if number + 1 < len(index) else index.duration or 0.0
    return (start + until) / 2 if until > start else start + 0.5 / index.rate


def _decoded(index: VideoIndex, shot: Shot) -> int:
    """Return about how many pixels are decoded for a shot."""
    last = shot.moments[-1]
    # A frame may stay for hours: there are no more than so few bytes can hold.
    frames = min((last - index.times[shot.keyframe]) * index.rate, index.cost([shot]) / LEAST_BYTES)
    return round(max(1.0, frames + 1) * index.width * index.height)


def _in_order(shots: Iterable[Shot]) -> Plan:
    return tuple(sorted(shots, key=lambda shot: shot.keyframe))
