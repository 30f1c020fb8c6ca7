"""The fuzzer's share in every run of the tests: five hundred mutants, the same ones each time; more by `make fuzz`."""

import pytest

from .fuzz import Report, run
from .mutate import boxes, mutant
from .seeds import SEEDS, make

MUTANTS, SECONDS = 500, 600.0
"""It takes about a minute on two cores that are free; the limit is for those that others use too."""


def test_a_mutant_is_made_from_its_number_alone() -> None:
    seeds = {name: make(name) for name in ("last.mp4", "vp8.webm", "stream.ts")}
    again = {name: make(name) for name in seeds}
    assert [mutant(number, seeds) for number in range(50)] == [mutant(number, again) for number in range(50)]


def test_mutants_differ_from_their_seeds_and_from_each_other() -> None:
    seeds = {name: make(name) for name in ("last.mp4", "film.mkv")}
    made = [mutant(number, seeds) for number in range(200)]
    assert len({one.content for one in made}) > 180
    assert sum(one.content not in seeds.values() for one in made) > 180


def test_the_walk_over_boxes_sees_into_the_index() -> None:
    kinds = {kind for _, _, kind in boxes(make("last.mp4"))}
    assert {b"moov", b"trak", b"stbl", b"stsz", b"mdat"} <= kinds


@pytest.mark.timeout(SECONDS + 100)
def test_five_hundred_mutants_are_stated_within_the_budget_and_leave_the_handler_as_it_was() -> None:
    report: Report = run(MUTANTS, SECONDS)
    assert report.faults == [], "\n".join(report.lines())
    assert report.mutants == MUTANTS, "the machine was too slow for all of them"
    # Less than 1 MiB; over so few calls the limit of a long run would let a leak of 64 KiB a call pass.
    assert report.growth < 4 * 2**20
    assert set(report.seeds) == set(SEEDS)
    # Half of them are read by ranges, as large objects are; few of these end with what is read first.
    assert report.ranged > MUTANTS // 3
    # A fuzzer whose mutants are all thrown out at the door would try nothing behind it.
    assert report.outcomes["made"] > MUTANTS // 4
    assert report.outcomes["rejected"] > MUTANTS // 10
