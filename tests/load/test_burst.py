"""The simulation of bursts against cases that are computed by hand."""

import math
from pathlib import Path

import pytest

from benchmarks import burst
from benchmarks.burst import CLIP, DOCS, EVENT_AGE_SECONDS, Limits, Prices, Work, cost, simulate

SECOND = Work("a second each, warm", seconds=1, gets=1, puts=1, cold_seconds=0, memory_mb=1024, log_bytes=1000)
WIDE = 1000
"""Prefixes, so many that S3 bounds nothing."""


def test_a_hundred_thousand_seconds_of_work_take_a_thousand_environments_a_hundred_seconds() -> None:
    course = simulate(100_000, Limits("", prefixes=WIDE), SECOND)
    assert (course.seconds, course.made, course.too_old) == (100, 100_000, 0)
    assert (course.environments, course.rate, course.bound_by) == (1000, 1000, "concurrency")


def test_lambda_adds_a_thousand_environments_every_ten_seconds() -> None:
    # 10 s of 1,000 a second, 10 s of 2,000, 10 s of 3,000, 10 s of 4,000 are 100,000.
    course = simulate(100_000, Limits("", account=10_000, prefixes=WIDE), SECOND)
    assert (course.seconds, course.environments) == (40, 4000)
    # Half of the last ten seconds makes half of 4,000 a second.
    assert simulate(80_000, Limits("", account=10_000, prefixes=WIDE), SECOND).seconds == 35


def test_a_limit_between_two_steps_is_reached_and_not_passed() -> None:
    # 10 s of 1,000, then 1,500 a second: (25,000 - 10,000) / 1,500 = 10 s more.
    course = simulate(25_000, Limits("", account=1500, prefixes=WIDE), SECOND)
    assert (course.seconds, course.environments) == (20, 1500)


def test_reserved_concurrency_takes_the_place_of_the_accounts() -> None:
    course = simulate(100_000, Limits("", reserved=100, prefixes=WIDE), SECOND)
    assert (course.seconds, course.environments) == (1000, 100)


@pytest.mark.parametrize("reserved", [0, -1, 901, 1000])
def test_what_lambda_does_not_let_reserve_is_refused(reserved: int) -> None:
    with pytest.raises(ValueError, match="1 to 900 can"):
        simulate(1, Limits("", reserved=reserved), SECOND)


def test_what_has_not_come_to_run_after_six_hours_is_in_the_failure_queue() -> None:
    # 100 a second for 21,600 s are 2,160,000.
    course = simulate(10_000_000, Limits("", reserved=100, prefixes=WIDE), SECOND)
    assert course.seconds == EVENT_AGE_SECONDS == 21_600
    assert (course.made, course.too_old) == (2_160_000, 7_840_000)


def test_the_least_concurrency_lets_no_event_grow_too_old_and_one_less_does() -> None:
    for videos, work in ((10_000_000, SECOND), (100_000, burst.FILM), (3_000_000, CLIP)):
        least = burst.least_concurrency(videos, work)
        assert simulate(videos, Limits("", account=least, prefixes=WIDE), work).too_old < 1
        assert simulate(videos, Limits("", account=least - 1, prefixes=WIDE), work).too_old > 1


def test_one_prefix_gives_5500_gets_and_3500_puts_a_second() -> None:
    gets = Work("", seconds=1, gets=11, puts=1, cold_seconds=0)
    course = simulate(100_000, Limits(""), gets)
    assert (course.rate, course.seconds, course.bound_by) == (500, 200, "S3's GETs a prefix")
    puts = Work("", seconds=1, gets=1, puts=7, cold_seconds=0)
    course = simulate(100_000, Limits(""), puts)
    assert (course.rate, course.seconds, course.bound_by) == (500, 200, "S3's PUTs a prefix")
    assert simulate(100_000, Limits("", prefixes=2), puts).seconds == 100
    assert burst.useful_concurrency(puts) == 500


def test_environments_that_wait_for_s3_are_paid_for() -> None:
    # 500 a second of 1,000 environments: 200 s of all of them, for 100,000 s of work.
    course = simulate(100_000, Limits(""), Work("", seconds=1, gets=11, puts=1, cold_seconds=0))
    assert course.billed == 200_000
    assert simulate(100_000, Limits("", reserved=500), Work("", seconds=1, gets=11, puts=1)).billed == 100_000


def test_short_work_is_bound_by_ten_requests_a_second_for_each_environment() -> None:
    course = simulate(100_000, Limits("", prefixes=WIDE), Work("", seconds=0.01, gets=1, puts=1, cold_seconds=0))
    assert (course.rate, course.bound_by) == (10_000, "requests a second of the account")
    assert course.billed == pytest.approx(1000)


def test_a_cold_start_comes_before_the_first_video() -> None:
    work = Work("", seconds=1, gets=1, puts=1, cold_seconds=3)
    assert simulate(100_000, Limits("", prefixes=WIDE), work).seconds == 103


def test_fewer_videos_than_environments_need_no_more_than_one_each() -> None:
    assert simulate(7, Limits(""), SECOND).environments == 7


def test_dollars_are_those_of_the_price_lists() -> None:
    million = simulate(1_000_000, Limits("", prefixes=WIDE), SECOND)
    paid = cost(million, SECOND)
    assert paid["Lambda, requests"] == pytest.approx(0.20)
    assert paid["Lambda, duration"] == pytest.approx(16.6667)  # a million GB-seconds
    assert paid["Lambda, cold starts"] == 0
    assert paid["S3, GET and HEAD"] == pytest.approx(0.40)
    assert paid["S3, PUT"] == pytest.approx(5.00)
    assert paid["CloudWatch Logs"] == pytest.approx(0.50)  # a GB
    assert paid["X-Ray"] == pytest.approx(0.25)  # 50,000 traces
    assert paid["SQS"] == 0


def test_cold_starts_and_failed_events_are_paid_for() -> None:
    work = Work("", seconds=1, gets=1, puts=1, cold_seconds=6, memory_mb=2048)
    course = simulate(10_000_000, Limits("", reserved=100), work)
    paid = cost(course, work, Prices(lambda_gb_second=1.0, sqs_request=1.0))
    assert paid["Lambda, cold starts"] == pytest.approx(100 * 6 * 2)
    assert paid["SQS"] == pytest.approx(course.too_old)
    assert math.isclose(course.made + course.too_old, 10_000_000)


def test_the_page_in_docs_is_what_the_simulation_says() -> None:
    assert (DOCS / "burst.md").read_text() == burst.written(), "run python -m benchmarks.burst"


def test_one_case_is_printed_and_an_impossible_one_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(burst, "DOCS", tmp_path)
    assert burst.main(["--videos", "100000", "--seconds", "1", "--prefixes", "10"]) == 0
    assert capsys.readouterr().out.startswith("103 s, 1,000 videos a second at the end, bounded by concurrency\n")
    assert burst.main(["--videos", "1", "--reserved", "950"]) == 1
    assert "950 cannot be reserved of 1000" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
