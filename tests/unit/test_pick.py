"""Which frames are chosen, where all that is known are the times and places of the keyframes."""

import pytest

from worker.choose import pick
from worker.index import Plan, Shot

from .moving import all_intra, moving

EVERY_TEN = [10.0 * n for n in range(12)]
PLENTY = 10**9


def keyframes(plan: Plan) -> list[int]:
    """Return the numbers of the keyframes of a plan that wants nothing else."""
    assert all(shot.moments == () for shot in plan)
    return [shot.keyframe for shot in plan]


@pytest.mark.parametrize(
    ("seconds", "number"), [(-1, 0), (0, 0), (4.9, 0), (5, 0), (5.1, 1), (14.9, 1), (109, 11), (1e9, 11)]
)
def test_the_nearest_keyframe_is_the_earlier_of_two(seconds: float, number: int) -> None:
    assert moving(EVERY_TEN, 120).nearest(seconds) == number


@pytest.mark.parametrize(("seconds", "number"), [(-1, 0), (0, 0), (9.99, 0), (10, 1), (1e9, 11)])
def test_a_moment_is_decoded_from_the_keyframe_at_or_before_it(seconds: float, number: int) -> None:
    assert pick.exact(moving(EVERY_TEN, 120), seconds) == (Shot(number, (seconds,)),)


def test_candidates_are_spread_over_the_whole_video() -> None:
    assert keyframes(pick.spread(moving(EVERY_TEN, 120), 4, PLENTY)) == [1, 4, 7, 10]


def test_no_candidate_is_taken_twice() -> None:
    assert keyframes(pick.spread(moving([0, 60], 120), 12, PLENTY)) == [0, 1]


def test_without_a_duration_candidates_are_spread_over_the_keyframes() -> None:
    assert keyframes(pick.spread(moving(EVERY_TEN, None), 4, PLENTY)) == [0, 3, 6, 9]


def test_a_video_without_keyframes_has_nothing_to_choose() -> None:
    nothing = moving([], 10)
    assert pick.exact(nothing, 3) == ()
    assert pick.spread(nothing, 4, 1) == ()
    assert pick.stretches(nothing, 4, 4, 1) == ()


def test_stretches_share_the_frames_that_may_be_decoded() -> None:
    # Fifty frames each, two seconds at 25 a second.
    assert pick.stretches(moving([0, 50], 100), 100, 2, PLENTY) == (Shot(0, (0, 1)), Shot(1, (50, 51)))


def test_a_stretch_ends_with_its_gop() -> None:
    found = pick.stretches(moving([0, 1], 3), 1000, 4, PLENTY)
    assert found == (Shot(0, (0, 0.25, 0.5, 0.75)), Shot(1, (1, 1.5, 2, 2.5)))


@pytest.mark.parametrize(("count", "taken"), [(60, range(60)), (1000, range(0, 1000, 10))])
def test_where_keyframes_are_as_many_as_may_be_decoded_or_more_stretches_are_single_keyframes(
    count: int, taken: range
) -> None:
    assert keyframes(pick.stretches(all_intra(count, 10), 100, 4, PLENTY)) == list(taken)


@pytest.mark.parametrize("gops", [1, 5, 100, 1000])
def test_no_more_frames_are_looked_at_together_than_can_be_compared(gops: int) -> None:
    plan = pick.stretches(moving([2.0 * n for n in range(gops)], 2.0 * gops), 10**6, 48, PLENTY)
    assert min(48, pick.MOST // 2) <= sum(max(1, len(shot.moments)) for shot in plan) <= pick.MOST


@pytest.mark.parametrize("budget", [1, 10_000, 10_000_000, PLENTY])
def test_no_plan_of_keyframes_costs_more_than_its_budget_or_a_single_keyframe(budget: int) -> None:
    index = all_intra(180_000, 100_000)
    for plan in (pick.spread(index, 48, budget), pick.stretches(index, 500, 4, budget)):
        assert 1 <= len(plan) <= pick.MOST
        assert index.cost(plan) <= max(budget, 100_000)


def test_what_a_budget_leaves_is_spread_over_the_video() -> None:
    assert keyframes(pick.spread(all_intra(120, 10), 12, 30)) == [25, 65, 105]
