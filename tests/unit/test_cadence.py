"""Keyframes at even distances: whether they are, and when each is shown."""

import pytest

from worker.container.cadence import Cadence

RATE = 25.0


def test_even_keyframes_are_known_everywhere() -> None:
    cadence = Cadence.of([0, 2, 4, 6], [], RATE)
    assert cadence == Cadence(0, 2, 3)
    assert [cadence.nearest(seconds) for seconds in (0.9, 1.1, 100.9, 101.1)] == [0, 2, 100, 102]
    assert [cadence.before(seconds) for seconds in (0, 1.9, 101.1, 102)] == [0, 0, 100, 102]


def test_those_that_lie_far_away_say_more_of_the_period() -> None:
    # Of 24,000 frames in 1001 seconds a keyframe comes every 2.002 s, which ticks of milliseconds round.
    cadence = Cadence.of([0, 2.002, 4.003], [1001.0, 3603.6], 24000 / 1001)
    assert cadence is not None
    assert cadence.nearest(7207) == pytest.approx(7207.2, abs=0.01)


def test_a_first_group_with_some_frames_more_is_left_out() -> None:
    cadence = Cadence.of([0, 2.4, 4.4, 6.4], [], RATE)
    assert cadence is not None
    assert cadence.nearest(100) == pytest.approx(100.4)


@pytest.mark.parametrize(
    ("row", "others"),
    [
        ([], []),
        ([0, 2], [4]),
        ([0, 2, 3], []),
        ([0, 2, 4, 5, 8], []),
        ([0, 2, 4], [11]),
        ([0, 2, 4], [100, 201]),
        ([0, 0, 0], []),
        ([0, 1 / RATE, 2 / RATE], []),
    ],
    ids=[
        "none",
        "too few",
        "uneven",
        "uneven later",
        "uneven elsewhere",
        "uneven far away",
        "all at once",
        "every frame",
    ],
)
def test_others_are_looked_for(row: list[float], others: list[float]) -> None:
    assert Cadence.of(row, others, RATE) is None


def test_as_many_as_are_wanted_are_spread_over_the_video() -> None:
    assert Cadence(0, 2).spread(9, 600) == [0, 2, 4, 6, 8]
    assert Cadence(0, 2).spread(100, 5) == [0, 20, 40, 60, 80]
    assert Cadence(2.4, 2).spread(5, 600) == pytest.approx([0.4, 2.4, 4.4])
    assert Cadence(0, 2).spread(0.5, 600) == [0]
