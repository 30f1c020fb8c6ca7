"""A backfill by the real function, with faults, hostile files, and videos that are uploaded anew meanwhile."""

from collections import Counter

import pytest

from benchmarks.backfill import Result, run, written

COUNT = 30


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return run(COUNT, seed=1, environments=2, folder=tmp_path_factory.mktemp("whole"))


def test_every_object_is_in_the_report_once_with_its_outcome_and_every_thumbnail_is_the_newest(result: Result) -> None:
    assert result.wrong == ()
    assert result.first.lines == result.second.lines == COUNT
    assert result.injected > 0
    assert result.events == 6


def test_the_first_backfill_tells_what_failed_and_the_second_has_it_made(result: Result) -> None:
    assert (result.first.status, result.second.status) == (1, 0)
    assert Counter(result.first.outcomes.values())["failed"] == 2
    assert Counter(result.second.outcomes.values())["failed"] == 0
    assert Counter(result.second.outcomes.values())["made"] == 2


def test_the_page_says_it(result: Result) -> None:
    page = written(result, "python -m benchmarks.backfill")
    assert "Every object is in the report once" in page
    assert "| fault: forbidden for good | 1 |  |  |  |  |  | 1 | 1 made |" in page
    assert "  1  failed: AccessDenied: " in page, "a reason that names its object is counted with no other"
