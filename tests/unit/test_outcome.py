"""Outcomes: the exceptions that end the work on an object early, and what crosses to a worker and back."""

import json

import pytest

from model import Job, Limits, ReadPolicy, Rejected, Settled, Skipped, Superseded, Unchanged, Wanted
from position import Position


def test_a_job_survives_json() -> None:
    wanted = Wanted(position=Position("percent", 25), widths=(640, 0), storyboard=True, preview="webp")
    job = Job(2**40, "häst\n☃", wanted, Limits(2**30, 12.5, 2), ReadPolicy(whole=1))
    assert Job.from_json(json.loads(json.dumps(job.as_json()))) == job


@pytest.mark.parametrize(
    ("settled", "outcome"),
    [(Unchanged, "unchanged"), (Superseded, "superseded"), (Skipped, "skipped"), (Rejected, "rejected")],
)
def test_each_early_end_has_its_outcome_and_its_reason(settled: type[Settled], outcome: str) -> None:
    end = settled("because")
    assert (end.outcome, end.reason, str(end)) == (outcome, "because", "because")
