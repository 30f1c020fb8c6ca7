"""The events that outcomes are announced by, as docs/events.md and its schema describe them."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import ValidationError

from model import MADE, REJECTED, UNCHANGED, File, Outcome, Reading
from service.announce import DETAIL_TYPES, LARGEST_EVENT, detail
from service.events import SOURCE

from .schemas import DOCS, check

POSTER = File("poster", "a/cat.jpg", "image/jpeg", 640, 360, 50_000, 2.5)
CUES = File("storyboard", "a/cat.storyboard.vtt", "text/vtt", None, None, 900, 0.0)
OUTCOME = Outcome(
    "films", "uploads/cat.mp4", MADE, images=(POSTER,), texts=(CUES,), read=Reading(500, 2, 1), seconds=0.2, etag="abc"
)


def event(outcome: Outcome) -> dict[str, Any]:
    return {
        "source": SOURCE,
        "detail-type": DETAIL_TYPES[outcome.outcome],
        "detail": json.loads(json.dumps(detail(outcome))),
        "resources": [f"arn:aws:s3:::{outcome.bucket}/{outcome.key}"],
    }


def documented(name: str) -> dict[str, Any]:
    """Return the block of JSON that a comment in docs/events.md names."""
    found = re.search(rf"<!-- {name} -->\n```json\n(.*?)```", (DOCS / "events.md").read_text(), re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


@pytest.mark.parametrize("outcome", DETAIL_TYPES)
def test_every_outcome_is_announced_as_the_schema_says(outcome: str) -> None:
    files = (OUTCOME.images, OUTCOME.texts) if outcome == MADE else ((), ())
    said = replace(OUTCOME, outcome=outcome, images=files[0], texts=files[1], reason="" if outcome == MADE else "why")
    check(event(said), "events")
    check(event(replace(said, etag=None)), "events")


def test_the_schema_knows_which_outcome_has_which_type() -> None:
    with pytest.raises(ValidationError):
        check({**event(OUTCOME), "detail-type": DETAIL_TYPES[REJECTED]}, "events")


def test_the_documented_example_is_an_event() -> None:
    check(documented("event"), "events")


def matches(pattern: Any, value: Any) -> bool:
    """Whether an event matches a pattern, as far as EventBridge's patterns are used in the documentation."""
    if isinstance(pattern, dict):
        return all(name in value and matches(its, value[name]) for name, its in pattern.items())
    return any(
        str(value).startswith(each["prefix"]) if isinstance(each, dict) and "prefix" in each else value == each
        for each in pattern
    )


def test_the_documented_rule_takes_what_it_says() -> None:
    rule = documented("rule")
    assert matches(rule, event(OUTCOME))
    assert matches(rule, event(replace(OUTCOME, outcome=REJECTED, images=(), reason="no container")))
    assert matches(rule, event(replace(OUTCOME, outcome=UNCHANGED, images=())))
    assert not matches(rule, event(replace(OUTCOME, key="elsewhere/cat.mp4")))
    assert not matches(rule, event(replace(OUTCOME, outcome="skipped")))


def test_a_repetition_has_the_same_id_and_anything_else_another() -> None:
    again = replace(OUTCOME, seconds=9.0, read=Reading(1, 1, 1))
    assert detail(again)["id"] == detail(OUTCOME)["id"]
    others = [
        replace(OUTCOME, key="b"),
        replace(OUTCOME, bucket="b"),
        replace(OUTCOME, etag="b"),
        replace(OUTCOME, version="b"),
        replace(OUTCOME, outcome=UNCHANGED),
        replace(OUTCOME, images=()),
    ]
    assert len({detail(other)["id"] for other in (OUTCOME, *others)}) == len(others) + 1


def test_an_outcome_that_is_too_large_for_an_event_is_cut() -> None:
    many = tuple(replace(POSTER, key=f"{'x' * 1000}/{number}.jpg") for number in range(300))
    said = detail(replace(OUTCOME, images=many, notes=("n" * 2000,) * 32))
    assert len(json.dumps(said)) <= LARGEST_EVENT
    assert len(said["images"]) == 50
    check(event(replace(OUTCOME, images=many)), "events")
