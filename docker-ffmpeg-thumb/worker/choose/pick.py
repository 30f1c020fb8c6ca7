"""Which frames of a video are looked at for its poster. Nothing is read here.

Each function turns the index of a video into a plan whose reading costs at most so many bytes, by `VideoIndex.cost`.
"""

from collections.abc import Sequence

from worker.index import Plan, Shot, VideoIndex

MOST = 144
"""The most frames of a video that are looked at together: each is compared with all others."""


def exact(index: VideoIndex, seconds: float) -> Plan:
    """Return what the video shows at a moment; after its end, the last frame."""
    return (Shot(index.before(seconds), (seconds,)),) if len(index) else ()


def spread(index: VideoIndex, count: int, budget: int) -> Plan:
    """Return the keyframes nearest to `count` moments spread evenly over the video, each once; fewer if they cost too
    much."""
    if not len(index):
        return ()
    if index.duration:
        numbers = {index.nearest(index.duration * (n + 0.5) / count) for n in range(count)}
    else:
        numbers = {len(index) * n // count for n in range(count)}
    return thinned(index, [Shot(number) for number in sorted(numbers)], budget)


def stretches(index: VideoIndex, frames: int, samples: int, budget: int) -> Plan:
    """Return the beginning of each GOP, `samples` frames of each wanted and about `frames` decoded in total.

    For a video whose keyframes are too few to choose from. Where they are more than `frames` or `MOST`, or cost more
    than `budget`, evenly spread ones stand for all.
    """
    count, most = len(index), min(frames, MOST)
    numbers = range(count) if count <= most else [count * n // most for n in range(most)]
    each = frames // max(1, count)
    share = each / index.rate if each > 1 else 0.0
    samples = max(1, min(samples, MOST // max(1, len(numbers))))
    shots = []
    for number in numbers:
        start = index.times[number]
        end = index.times[number + 1] if number + 1 < count else index.duration or float("inf")
        length = max(0.0, min(share, end - start))
        shots.append(Shot(number, tuple(start + length * n / samples for n in range(samples)) if length else ()))
    return thinned(index, shots, budget)


def thinned(index: VideoIndex, shots: Sequence[Shot], budget: int) -> Plan:
    """Return as many shots, spread evenly over these, as can be read for `budget` bytes; one at the least."""
    kept = list(shots)
    while len(kept) > 1 and (cost := index.cost(kept)) > budget:
        count = max(1, min(len(kept) - 1, len(kept) * budget // cost))
        kept = [kept[(2 * n + 1) * len(kept) // (2 * count)] for n in range(count)]
    return tuple(kept)
