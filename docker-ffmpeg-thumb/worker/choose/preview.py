"""Which frames a moving preview shows, and how long it shows each. Nothing is read here."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from model import MIB, Wanted
from worker.index import RUN_FRAMES, Plan, Shot, VideoIndex

BUDGET = 32 * MIB
"""Bytes that are read for the scenes, and as many again to reach them: five seconds at 50 Mbit/s. What has more is
shown for a shorter time."""


@dataclass(frozen=True)
class Scene:
    """A part of a video, as it moves."""

    start: float
    """Seconds of the video, like `end`."""
    end: float
    earliest: float
    """Half a frame before the keyframe that it is decoded from: what is shown before that is another scene's."""


@dataclass(frozen=True)
class Scenes:
    """What is read for some scenes, and the scenes themselves, in order of time."""

    plan: Plan
    scenes: tuple[Scene, ...]


def scenes(index: VideoIndex, wanted: Wanted, budget: int = BUDGET) -> Scenes:
    """Choose the requested number of scenes, of the requested length together, spread evenly over a video.

    They are shorter if the video is, or if it has more than `budget` bytes in that time.
    """
    duration = index.duration or 0.0
    if not len(index):
        return Scenes((), ())
    count, seconds, rate = wanted.preview_scenes, wanted.preview_seconds, wanted.preview_rate
    if duration <= seconds:
        count, seconds = 1, duration or seconds
    places = [duration * (n + 0.5) / (count + 1) for n in range(count)] if count > 1 else [0.0]
    starts = _starts(index, places, seconds / count, budget)
    length = seconds / len(starts)
    cost = sum(index.distance(number, start + length) - index.distance(number, start) for start, number in starts)
    length *= min(1.0, budget / cost) if cost else 1.0
    found = []
    moments: dict[int, list[float]] = {}
    for (start, number), (following, _) in zip(starts, [*starts[1:], (float("inf"), 0)], strict=True):
        # Where keyframes lie close together, one scene ends where the next begins.
        end = min(start + length, following, duration if duration > start else float("inf"))
        found.append(Scene(start, end, index.times[number] - 0.5 / index.rate))
        its = [start + n / rate for n in range(max(1, round((end - start) * rate)))]
        moments.setdefault(number, []).extend(its)
    return Scenes(tuple(Shot(number, tuple(its)) for number, its in sorted(moments.items())), tuple(found))


def shown(chosen: Scenes, moments: Sequence[float]) -> list[tuple[int, float]]:
    """Return which frames follow one another, and how many seconds each of them stays.

    A frame stays until the next frame of its scene, or until the scene ends: the preview is as long as its scenes, and
    what stands still in the video stands still in it. `moments`: when the video shows each frame, in order.
    """
    timeline: list[tuple[int, float]] = []
    for scene in chosen.scenes:
        # On the screen when the scene begins is what was shown last before.
        first = max((n for n, moment in enumerate(moments) if moment <= scene.start), default=0)
        its = [n for n in range(first, len(moments)) if scene.earliest <= moments[n] < scene.end]
        # Frames that a decoder gives the same time share it.
        groups = [list(group) for _, group in groupby(its, key=lambda n: max(scene.start, moments[n]))]
        begins = [scene.start, *(moments[group[0]] for group in groups[1:]), scene.end]
        for group, (start, end) in zip(groups, pairwise(begins), strict=False):
            timeline += [(number, (end - start) / len(group)) for number in group]
    if not timeline:
        # The file holds others than its index says.
        length = sum(scene.end - scene.start for scene in chosen.scenes)
        timeline = [(number, length / len(moments)) for number in range(len(moments))]
    # A frame may be in two scenes, one after the other.
    return [(number, sum(stays for _, stays in its)) for number, its in groupby(timeline, key=lambda entry: entry[0])]


def _starts(index: VideoIndex, places: Sequence[float], length: float, budget: int) -> list[tuple[float, int]]:
    """Return when scenes begin and the number of the keyframe that each is decoded from, in order of time.

    That is the keyframe nearest to a place. Where GOPs are long and none is near, it is the place itself, if what lies
    before it can be decoded in one run, and `budget` bytes suffice to read that.
    """
    near = (places[1] - places[0]) / 2 if len(places) > 1 else float("inf")
    starts: set[tuple[float, int]] = set()
    spent: dict[int, int] = {}
    for place in places:
        number, before = index.nearest(place), index.before(place)
        cost = max(0, index.distance(before, place) - spent.get(before, 0))
        frames = (place + length - index.times[before]) * index.rate
        if abs(index.times[number] - place) > near and frames < RUN_FRAMES and cost <= budget:
            starts.add((place, before))
            spent[before] = spent.get(before, 0) + cost
            budget -= cost
        else:
            starts.add((index.times[number], number))
    return sorted(starts)
