"""Which pictures of a video are taken, for a poster, a storyboard or a preview: moments into runs of packets."""

import bisect
from collections.abc import Mapping, Sequence
from itertools import pairwise

from pipeline.demux import Demuxer, Run


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


def scenes(demuxer: Demuxer, count: int, seconds: float, rate: float) -> list[Run]:
    """Moving pictures, `seconds` long altogether at `rate` pictures a second, from `count` keyframes spread evenly."""
    duration, keys = demuxer.duration or 0.0, demuxer.keyframes
    if not keys:
        return []
    if duration <= seconds:
        count = 1
    numbers = sorted({nearest(demuxer, duration * (n + 0.5) / (count + 1)) for n in range(count)}) if count > 1 else [0]
    length = seconds / len(numbers)
    moments = {}
    for number, following in zip(numbers, [*numbers[1:], None], strict=True):
        start = keys[number].seconds
        # Where keyframes lie close together, one scene ends where the next begins.
        end = min(start + length, keys[following].seconds if following is not None else start + length)
        moments[number] = [start + n / rate for n in range(max(1, round((end - start) * rate)))]
    return _following(demuxer, moments)


def cues(demuxer: Demuxer, bounds: Sequence[float], budget: int) -> list[Run]:
    """One picture for each of the intervals between bounds, in order of time, as few runs as that takes.

    An interval gets the keyframe in it that is nearest to its middle. One without a keyframe, where a group of pictures
    is longer than the interval, gets the exact picture of its middle, as long as `budget` bytes suffice for all of
    these, the cheapest first; else none of its own, and the nearest picture stands for it.
    """
    keys = demuxer.keyframes
    if not keys:
        return []
    places = [key.seconds for key in keys]
    numbers: set[int] = set()
    inside: dict[int, list[float]] = {}
    for start, end in pairwise(bounds):
        middle = (start + end) / 2
        number = nearest(demuxer, middle)
        if start <= places[number] < end:
            numbers.add(number)
        else:
            inside.setdefault(max(0, bisect.bisect_right(places, middle) - 1), []).append(middle)
    for number in numbers & inside.keys():
        inside[number].append(places[number])
    numbers -= inside.keys()
    affordable = {}
    for cost, number in sorted((demuxer.cost(number, max(moments)), number) for number, moments in inside.items()):
        budget -= cost
        if budget >= 0:
            affordable[number] = inside[number]
        else:
            numbers.add(number)
    return sorted(_following(demuxer, affordable) + demuxer.stills(numbers), key=lambda run: run.start)


def _following(demuxer: Demuxer, moments: Mapping[int, Sequence[float]]) -> list[Run]:
    """What is shown at moments behind keyframes, by the keyframe's number; fetched all at once, then demuxed."""
    demuxer.fetch((number, max(its)) for number, its in moments.items())
    runs = [demuxer.following(number, its) for number, its in moments.items()]
    return [run for run in runs if run is not None]
