"""Times of streams without an index: from samples, and from clocks that were set anew."""

from fractions import Fraction

import pytest

from worker.container.timeline import Clock, Timeline

TICK = Fraction(1, 1000)
FRAME = 40


def read(times: list[int]) -> tuple[list[int], int]:
    clock, grown = Clock(TICK), []
    for time in times:
        clock.read(time, FRAME)
        grown.append(time + clock.shift)
    return grown, clock.restarts


def test_a_clock_that_goes_on_is_left_alone() -> None:
    times = [*range(0, 4000, FRAME), *range(4500, 9000, FRAME), 9300, 9010, 9400]
    assert read(times) == (times, 0)


@pytest.mark.parametrize("second", [0, 1400, 3000, 50_000, 95_443_717])
def test_a_clock_that_was_set_anew_goes_on_where_it_was(second: int) -> None:
    times = [*range(1400, 5400, FRAME), *range(second, second + 4000, FRAME)]
    assert read(times) == (list(range(1400, 9400, FRAME)), 1)


def test_each_of_many_recordings_goes_on_where_the_one_before_it_ends() -> None:
    grown, restarts = read([*range(0, 2000, FRAME)] * 5)
    assert (grown, restarts) == (list(range(0, 10_000, FRAME)), 4)


def test_between_samples_time_goes_by_bytes() -> None:
    timeline = Timeline([(100, 0.0), (1100, 10.0), (3100, 20.0)])
    assert timeline.seconds(600) == 5.0
    assert timeline.place(15.0) == 2100
    assert (timeline.place(-1), timeline.place(99.0), timeline.end) == (100, 3100, 20.0)
    assert (timeline.seconds(0), timeline.seconds(9999)) == (0.0, 20.0)


def test_further_samples_make_it_more_exact() -> None:
    timeline = Timeline([(0, 0.0), (1000, 100.0)])
    timeline.add(100, 70.0)
    assert timeline.place(70.0) == 100
    assert timeline.place(85.0) == 550
    timeline.add(100, 71.0)
    timeline.add(200, 60.0)
    assert timeline.place(70.0) == 100


def test_where_a_clock_was_set_anew_time_goes_on() -> None:
    # Ten bytes a second; the clock begins anew at 1,500.
    timeline = Timeline([(0, 5.0), (500, 55.0), (1000, 105.0), (2000, 50.0), (3000, 150.0)])
    assert timeline.restarts == 1
    assert timeline.end == 305.0
    assert timeline.time(1490, 154.0) == 154.0
    assert timeline.time(1510, 1.0) == 156.0
    assert timeline.place(255.0) == 2500
    assert timeline.time(2500, 100.0) == 255.0


def test_a_clock_that_was_set_far_ahead_goes_on_too() -> None:
    timeline = Timeline([(0, 0.0), (500, 50.0), (1000, 95_000.0), (2000, 95_100.0)])
    assert (timeline.restarts, timeline.end) == (1, 200.0)


def test_a_long_pause_is_no_other_clock() -> None:
    timeline = Timeline([(0, 0.0), (500, 50.0), (1000, 4000.0), (2000, 4100.0)])
    assert (timeline.restarts, timeline.end) == (0, 4100.0)


def test_samples_that_say_nothing_are_no_fault() -> None:
    for samples in ([(0, 0.0), (100, 0.0)], [(0, 5.0), (100, 4.0)], [(7, 0.0)], [(0, 0.0), (0, 0.0), (9, 1e300)]):
        timeline = Timeline(samples)
        timeline.add(50, 3.0)
        assert timeline.end >= 0
        assert isinstance(timeline.place(1.0), int)
