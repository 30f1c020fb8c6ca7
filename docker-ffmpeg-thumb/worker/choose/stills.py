"""Which frames are written for people to choose their poster from: good ones, spread over the video.

Nothing is read here.
"""

from collections.abc import Sequence

from model import MIB, Tiling
from worker.choose import storyboard
from worker.choose.score import BLANK, Candidate, judge
from worker.index import Plan, VideoIndex

BUDGET = 32 * MIB
"""Bytes that are read for candidates at keyframes, and as many again for those between them."""
CANDIDATES, MOST_CANDIDATES = 4, 48
"""How many frames there are to choose from for each still, and about how many there are together."""
DECODED_PIXELS = 1_000_000_000
"""How much is decoded for candidates between keyframes, and once more for those that are chosen."""


def plan(index: VideoIndex, count: int) -> Plan:
    """Choose the candidates for `count` stills: as many in each of `count` equal parts of the video."""
    seconds = max(0.001, index.duration or 0.0)
    each = max(2, min(CANDIDATES, MOST_CANDIDATES // count))
    parts = max(1, min(count * each, round(seconds * index.rate)))
    bounds = Tiling(parts, seconds / parts, seconds).bounds
    return storyboard.choose(index, bounds, BUDGET, BUDGET, DECODED_PIXELS).plan


def best(candidates: Sequence[Candidate], count: int, seconds: float) -> list[int]:
    """Return the numbers of the candidates that become stills of a video of so many seconds, in order of time.

    One for each of `count` equal parts of the video, the best one there that is not close to that of another part;
    where a part shows nothing, one more of what is best elsewhere. Fewer only where there are fewer candidates.
    """
    verdicts = judge(candidates)
    part = seconds / count
    # A frame may be there twice, where it stays on the screen for long.
    numbers = {candidate.seconds: number for number, candidate in enumerate(candidates)}.values()
    ranked = sorted(numbers, key=lambda number: (verdicts[number].worth < BLANK, -verdicts[number].value))
    chosen: dict[int, int] = {}
    for number in ranked:
        moment = candidates[number].seconds
        is_close = any(abs(candidates[other].seconds - moment) < part / 2 for other in chosen.values())
        if verdicts[number].worth >= BLANK and not is_close:
            chosen.setdefault(min(count - 1, int(moment / part)) if part else 0, number)
    others = [number for number in ranked if number not in chosen.values()]
    taken = [*chosen.values(), *others[: count - len(chosen)]]
    return sorted(taken, key=lambda number: candidates[number].seconds)
