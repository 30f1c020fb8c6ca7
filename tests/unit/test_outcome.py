"""Outcomes: they cross a pipe as JSON, and arrive as they were."""

import json

import pytest

from pipeline.outcome import Image, Outcome, Reading, Rejected, Settled, Skipped, Superseded, Unchanged


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("b", "k", "skipped", "it holds no video"),
        Outcome(
            "b",
            "häst\n☃",
            "made",
            images=(Image("poster", "k.jpg", 640, 360, 1000, 1.5), Image("storyboard", "k.vtt", None, None, 9, 0.0)),
            notes=("one", "two"),
            read=Reading(10, 2, 1),
            seconds=0.25,
        ),
    ],
)
def test_an_outcome_survives_json(outcome: Outcome) -> None:
    assert Outcome.from_json(json.loads(json.dumps(outcome.as_json()))) == outcome


@pytest.mark.parametrize(
    ("settled", "outcome"),
    [(Unchanged, "unchanged"), (Superseded, "superseded"), (Skipped, "skipped"), (Rejected, "rejected")],
)
def test_each_early_end_has_its_outcome_and_its_reason(settled: type[Settled], outcome: str) -> None:
    end = settled("because")
    assert (end.outcome, end.reason, str(end)) == (outcome, "because", "because")
