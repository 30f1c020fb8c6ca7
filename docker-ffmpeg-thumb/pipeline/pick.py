"""Which pictures of a video are taken, for a poster, a storyboard or a preview: moments into runs of packets."""

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.demux import RUN_PACKETS, Demuxer, Run


@dataclass(frozen=True)
class Scenes:
    """Parts of a video, as they move."""

    runs: list[Run]
    count: int
    seconds: float
    """How long they are together."""


def spread(demuxer: Demuxer, count: int) -> list[Run]:
    """Keyframes near `count` moments spread evenly over the video, each once, in order of time."""
    keys, duration = demuxer.keyframes, demuxer.duration
    if not keys:
        return []
    if not duration:
        return demuxer.stills(len(keys) * n // count for n in range(count))
    return demuxer.stills(nearest(demuxer, duration * (n + 0.5) / count) for n in range(count))


def nearest(demuxer: Demuxer, seconds: float) -> int:
    """The number of the keyframe nearest to a moment; the earlier of two."""
    places = [key.seconds for key in demuxer.keyframes]
    after = bisect.bisect_left(places, seconds)
    if after == 0:
        return 0
    if after == len(places) or seconds - places[after - 1] <= places[after] - seconds:
        return after - 1
    return after


def stretches(demuxer: Demuxer, pictures: int, samples: int) -> list[Run]:
    """The beginning of every group of pictures, `samples` pictures of each wanted, some `pictures` decoded altogether.

    For a video whose keyframes are too few to choose from.
    """
    if not demuxer.keyframes:
        return []
    share = max(1, pictures // len(demuxer.keyframes)) / demuxer.rate
    ends = [key.seconds for key in demuxer.keyframes[1:]] + [demuxer.duration or float("inf")]
    moments = []
    for key, end in zip(demuxer.keyframes, ends, strict=True):
        last = max(0.0, min(share, end - key.seconds))
        moments.append([key.seconds + last * n / samples for n in range(samples)])
    return _following(demuxer, dict(enumerate(moments)))


def scenes(demuxer: Demuxer, count: int, seconds: float, rate: float, budget: int) -> Scenes:
    """Moving pictures at `rate` a second from `count` places spread evenly, `seconds` long altogether.

    Shorter where the video is, or where it has more than `budget` bytes in that time.
    """
    duration, keys = demuxer.duration or 0.0, demuxer.keyframes
    if not keys:
        return Scenes([], 0, 0.0)
    if duration <= seconds:
        count, seconds = 1, duration or seconds
    places = [duration * (n + 0.5) / (count + 1) for n in range(count)] if count > 1 else [0.0]
    starts = _starts(demuxer, places, seconds / count, budget)
    length = seconds / len(starts)
    cost = sum(demuxer.cost(number, start + length) - demuxer.cost(number, start) for start, number in starts)
    length *= min(1.0, budget / cost) if cost else 1.0
    moments: dict[int, list[float]] = {}
    for (start, number), (following, _) in zip(starts, [*starts[1:], (float("inf"), 0)], strict=True):
        # Where keyframes lie close together, one scene ends where the next begins.
        end = min(start + length, following)
        its = [start + n / rate for n in range(max(1, round((end - start) * rate)))]
        moments.setdefault(number, []).extend(its)
    return Scenes(_following(demuxer, moments), len(starts), length * len(starts))


def _starts(demuxer: Demuxer, places: Sequence[float], length: float, budget: int) -> list[tuple[float, int]]:
    """When scenes begin and the number of the keyframe that each is decoded from, in order of time.

    That is the keyframe nearest to a place. Where groups of pictures are long and none is near, it is the place itself,
    if what lies before it can be decoded in one go, and `budget` bytes suffice to read that.
    """
    keys = demuxer.keyframes
    near = (places[1] - places[0]) / 2 if len(places) > 1 else float("inf")
    starts: set[tuple[float, int]] = set()
    spent: dict[int, int] = {}
    for place in places:
        number = nearest(demuxer, place)
        before = max(0, bisect.bisect_right([key.seconds for key in keys], place) - 1)
        cost = max(0, demuxer.cost(before, place) - spent.get(before, 0))
        pictures = (place + length - keys[before].seconds) * demuxer.rate
        if abs(keys[number].seconds - place) > near and pictures < RUN_PACKETS and cost <= budget:
            starts.add((place, before))
            spent[before] = spent.get(before, 0) + cost
            budget -= cost
        else:
            starts.add((keys[number].seconds, number))
    return sorted(starts)


def cues(demuxer: Demuxer, bounds: Sequence[float], budget: int) -> list[Run]:
    """One picture for each of the intervals between bounds, in order of time, as few runs as that takes.

    An interval gets the keyframe in it that is nearest to its middle. Where a group of pictures reaches into one that
    has no keyframe, its intervals get the exact pictures of their middles, as long as `budget` bytes suffice for all of
    these, the cheapest first; else none of their own, and the nearest picture stands for them.
    """
    keys = demuxer.keyframes
    if not keys:
        return []
    places = [key.seconds for key in keys]
    numbers: dict[int, float] = {}
    inside: dict[int, list[float]] = {}
    for start, end in pairwise(bounds):
        middle = (start + end) / 2
        number, before = nearest(demuxer, middle), max(0, bisect.bisect_right(places, middle) - 1)
        if start <= places[number] < end:
            numbers[number] = middle if number == before else places[number]
        else:
            inside.setdefault(before, []).append(middle)
    for number in numbers.keys() & inside.keys():
        # It is decoded for others anyway.
        inside[number].append(numbers.pop(number))
    stills = set(numbers)
    affordable = {}
    for cost, number in sorted((demuxer.cost(number, max(moments)), number) for number, moments in inside.items()):
        budget -= cost
        if budget >= 0:
            affordable[number] = inside[number]
        else:
            stills.add(number)
    return sorted(_following(demuxer, affordable) + demuxer.stills(stills), key=lambda run: run.start)


def _following(demuxer: Demuxer, moments: Mapping[int, Sequence[float]]) -> list[Run]:
    """What is shown at moments behind keyframes, by the keyframe's number; fetched all at once, then demuxed."""
    demuxer.fetch((number, max(its)) for number, its in moments.items())
    runs = [demuxer.following(number, its) for number, its in moments.items()]
    return [run for run in runs if run is not None]
