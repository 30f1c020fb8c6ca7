"""Which pictures are chosen, where all that is known are the times of the keyframes."""

from itertools import pairwise

import pytest

from pipeline import pick
from pipeline.demux import RUN_PACKETS

from .moving import Moving, chosen

EVERY_TEN = [10.0 * n for n in range(12)]


@pytest.mark.parametrize(
    ("seconds", "number"), [(-1, 0), (0, 0), (4.9, 0), (5, 0), (5.1, 1), (14.9, 1), (109, 11), (1e9, 11)]
)
def test_the_nearest_keyframe_is_the_earlier_of_two(seconds: float, number: int) -> None:
    assert pick.nearest(Moving(EVERY_TEN, 120).as_demuxer(), seconds) == number


def test_candidates_are_spread_over_the_whole_video() -> None:
    found = chosen(pick.spread(Moving(EVERY_TEN, 120).as_demuxer(), 4))
    assert [run.number for run in found] == [1, 4, 7, 10]


def test_no_candidate_is_taken_twice() -> None:
    found = chosen(pick.spread(Moving([0, 60], 120).as_demuxer(), 12))
    assert [run.number for run in found] == [0, 1]


def test_without_a_duration_candidates_are_spread_over_the_keyframes() -> None:
    found = chosen(pick.spread(Moving(EVERY_TEN, None).as_demuxer(), 4))
    assert [run.number for run in found] == [0, 3, 6, 9]


def test_a_video_without_keyframes_has_nothing_to_choose() -> None:
    nothing = Moving([], 10).as_demuxer()
    assert pick.spread(nothing, 4) == []
    assert pick.stretches(nothing, 4, 4) == []
    assert pick.cues(nothing, (0, 10), 1) == []
    assert pick.scenes(nothing, 4, 5, 12, 1).runs == []


def test_stretches_share_the_pictures_that_may_be_decoded() -> None:
    found = chosen(pick.stretches(Moving([0, 50], 100).as_demuxer(), 100, 2))
    # Fifty pictures each, two seconds at 25 a second.
    assert [run.moments for run in found] == [(0, 1), (50, 51)]


def test_a_stretch_ends_with_its_group() -> None:
    found = chosen(pick.stretches(Moving([0, 1], 3).as_demuxer(), 1000, 4))
    assert [run.moments for run in found] == [(0, 0.25, 0.5, 0.75), (1, 1.5, 2, 2.5)]


def cues(places: list[float], bounds: tuple[float, ...], budget: int = 10**9) -> list[tuple[int, tuple[float, ...]]]:
    video = Moving(places, bounds[-1])
    return [(run.number, run.moments) for run in chosen(pick.cues(video.as_demuxer(), bounds, budget))]


def test_a_cue_gets_the_keyframe_nearest_to_its_middle() -> None:
    assert cues([0, 4, 9, 13, 19], (0, 10, 20)) == [(1, (4,)), (3, (13,))]


def test_cues_without_a_keyframe_get_the_moments_of_their_middles() -> None:
    assert cues([0, 30], (0, 10, 20, 30, 40)) == [(0, (5, 15, 25)), (1, (30,))]


def test_a_keyframe_behind_the_middle_is_shown_itself() -> None:
    # What is decoded for the second cue begins there.
    assert cues([0, 8], (0, 10, 20)) == [(1, (8, 15))]


@pytest.mark.parametrize(
    ("budget", "second_group", "first_group"), [(149, 0, 0), (150, 1, 0), (499, 1, 0), (500, 1, 1)]
)
def test_the_cheapest_groups_are_decoded_first(budget: int, second_group: bool, first_group: bool) -> None:
    # Of a thousand bytes in a hundred seconds 350 lie before the last middle of the first group, 150 in the second's.
    found = dict(cues([0, 40, 60, 70, 80, 90], tuple(10.0 * n for n in range(11)), budget))
    assert list(found[0]) == ([5, 15, 25, 35] if first_group else [0])
    assert list(found[1]) == ([45, 55] if second_group else [40])


def scenes(video: Moving, count: int = 4, budget: int = 10**9) -> tuple[list[tuple[int, float]], pick.Scenes]:
    """The keyframe and the first moment of each scene, and what was chosen."""
    found = pick.scenes(video.as_demuxer(), count, 5, 10, budget)
    starts = []
    for run in chosen(found.runs):
        fresh = [moment for n, moment in enumerate(run.moments) if n == 0 or moment - run.moments[n - 1] > 0.11]
        starts += [(run.number, moment) for moment in fresh]
    return starts, found


def test_scenes_begin_at_keyframes_spread_over_the_video() -> None:
    starts, found = scenes(Moving(EVERY_TEN, 120))
    assert starts == [(1, 10), (4, 40), (6, 60), (8, 80)]
    assert (found.count, found.seconds) == (4, 5)
    assert [len(run.moments) for run in chosen(found.runs)] == [12] * 4


def test_a_video_as_long_as_a_preview_is_one_scene() -> None:
    starts, found = scenes(Moving([0, 1, 2], 3))
    assert starts == [(0, 0)]
    assert (found.count, found.seconds) == (1, 3)


def test_in_a_long_group_scenes_begin_between_keyframes() -> None:
    starts, found = scenes(Moving([0], 50))
    assert starts == [(0, 0), (0, 15), (0, 25), (0, 35)]
    assert found.count == 4


def test_scenes_too_far_behind_a_keyframe_are_left_out() -> None:
    far = Moving([0], 50, rate=RUN_PACKETS / 20)
    assert scenes(far)[0] == [(0, 0), (0, 15)]


def test_scenes_too_costly_to_reach_are_left_out() -> None:
    # Fifty seconds have a thousand bytes; the second scene begins behind 300 of them, the third behind 500.
    starts, _ = scenes(Moving([0], 50), budget=499)
    assert starts == [(0, 0), (0, 15)]


def test_scenes_with_too_many_bytes_are_shorter() -> None:
    _, found = scenes(Moving(EVERY_TEN, 120, size=120_000), budget=2500)
    assert found.seconds == pytest.approx(2.5)
    assert [len(run.moments) for run in chosen(found.runs)] == [6] * 4


def test_a_scene_ends_where_the_next_begins() -> None:
    _, found = scenes(Moving([0.5 * n for n in range(12)], 5.5))
    ends = [(run.moments[0], run.moments[-1]) for run in chosen(found.runs)]
    assert all(end < following for (_, end), (following, _) in pairwise(ends))


def test_all_that_scenes_need_is_fetched_together() -> None:
    video = Moving(EVERY_TEN, 120)
    scenes(video)
    assert [number for number, _ in video.fetched] == [1, 4, 6, 8]
