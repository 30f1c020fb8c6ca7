"""Events late, twice, out of order and at once: the newest video has its picture in the end."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from standin_s3.faults import Fault
from standin_s3.s3 import BUCKET, S3
from tests.hostile.warm import Answer, Warm

from .videos import colour

_WIDTH = 10
"""Handlers at a time; each is an environment of the function of its own."""


def _shown(store: S3, key: str) -> str:
    found = store.get(key)
    assert found is not None
    return colour(found[1])


def test_an_overwrite_while_reading_is_superseded_and_the_newer_picture_comes(
    store: S3, warm: Warm, long: bytes, blue: bytes
) -> None:
    older = store.put("overwritten.mp4", long)
    del older["s3"]["object"]["versionId"]  # a bucket without versions
    store.fail(Fault("replace", "GET", 1, skip=2, content=blue))
    answer = warm.call(older, block=65536)
    assert answer.outcome == "superseded", answer.reason
    store.fail()
    newer = store.put("overwritten.mp4", blue)
    assert warm.call(newer).outcome == "made"
    assert _shown(store, "overwritten.jpg") == "blue"
    assert warm.call(older).outcome == "superseded"
    assert _shown(store, "overwritten.jpg") == "blue"


def test_events_in_reverse_order_end_in_the_newest_picture(store: S3, warm: Warm, red: bytes, blue: bytes) -> None:
    events = [store.put("reverse.mp4", content) for content in (red, red, blue)]
    outcomes = [warm.call(event).outcome for event in reversed(events)]
    # Versions are kept, so each could still be read: what counts is the order of S3's sequencers.
    assert outcomes == ["made", "superseded", "superseded"]
    assert _shown(store, "reverse.jpg") == "blue"


def test_each_event_reads_the_version_that_it_names(store: S3, warm: Warm, red: bytes, blue: bytes) -> None:
    events = [store.put("versions.mp4", content) for content in (red, blue)]
    assert warm.call(events[0]).outcome == "made"
    assert _shown(store, "versions.jpg") == "red"
    assert warm.call(events[1]).outcome == "made"
    assert _shown(store, "versions.jpg") == "blue"


def test_an_older_job_that_ends_late_does_not_undo_the_newer_picture(
    store: S3, warm: Warm, red: bytes, blue: bytes, tmp_path: Path
) -> None:
    older, newer = (store.put("late.mp4", content) for content in (red, blue))
    with Warm(store.url(), tmp_path, job_seconds=60, memory=1024) as slow:
        # The older job reads, and its write fails at first; meanwhile the newer one is done.
        store.fail(Fault("503", "PUT", 2))
        slow.send(older)
        slow_answer = slow.receive()
        store.fail()
        assert slow_answer.outcome in ("made", "superseded")
        assert warm.call(newer).outcome == "made"
        assert slow.call(older).outcome == "superseded"
    assert _shown(store, "late.jpg") == "blue"


def _is_writing(store: S3, key: str) -> None:
    deadline = time.monotonic() + 60
    while ("PUT", f"{BUCKET}/{key}") not in store.under_way():
        assert time.monotonic() < deadline, "no write came in"
        time.sleep(0.02)


def _writes(store: S3, key: str) -> list[int]:
    """Return what became of the writes of an object, in the order in which they were decided."""
    return [each.status for each in store.requests() if (each.method, each.name) == ("PUT", f"{BUCKET}/{key}")]


@pytest.mark.parametrize("shown_before", [False, True], ids=["nothing there before", "a picture there before"])
def test_a_write_of_an_older_event_that_arrives_after_that_of_a_newer_one_is_given_up(
    store: S3, warm: Warm, red: bytes, blue: bytes, long: bytes, shown_before: bool, tmp_path: Path
) -> None:
    name = f"race {shown_before}"
    if shown_before:
        assert warm.call(store.put(f"{name}.mp4", long)).outcome == "made"
    older, newer = (store.put(f"{name}.mp4", content) for content in (red, blue))
    with Warm(store.url(), tmp_path, job_seconds=60, memory=1024) as slow:
        # Both found the same there; the older one is at its write while the newer one does all of its work.
        store.fail(Fault("wait", "PUT", 1, seconds=60))
        slow.send(older)
        _is_writing(store, f"{name}.jpg")
        assert warm.call(newer).outcome == "made"
        store.lift()
        answer = slow.receive()
    assert answer.outcome == "superseded", answer.reason
    assert _writes(store, f"{name}.jpg") == [200, 412]
    assert _shown(store, f"{name}.jpg") == "blue"


def test_a_late_event_of_other_bytes_does_not_undo_the_same_bytes_uploaded_again(
    store: S3, warm: Warm, red: bytes, blue: bytes
) -> None:
    first, between, again = (store.put("again.mp4", content) for content in (blue, red, blue))
    # The images of the last upload are there already, of the first: that must be said of it, or the event between the
    # two, which is delivered last, would seem the newest.
    assert [warm.call(event).outcome for event in (first, again, between, first, again)] == [
        "made",
        "unchanged",
        "superseded",
        "superseded",
        "unchanged",
    ]
    assert _shown(store, "again.jpg") == "blue"
    found = store.get("again.jpg")
    assert found is not None
    assert found[0]["content-type"] == "image/jpeg"
    assert found[0]["x-amz-meta-seconds"]


def test_a_write_of_a_newer_event_that_meets_that_of_an_older_one_goes_over_it(
    store: S3, warm: Warm, red: bytes, blue: bytes, tmp_path: Path
) -> None:
    older, newer = (store.put("over.mp4", content) for content in (red, blue))
    with Warm(store.url(), tmp_path, job_seconds=60, memory=1024) as slow:
        store.fail(Fault("wait", "PUT", 1, seconds=60))
        slow.send(newer)
        _is_writing(store, "over.jpg")
        assert warm.call(older).outcome == "made"
        assert _shown(store, "over.jpg") == "red"
        store.lift()
        answer = slow.receive()
    assert answer.outcome == "made", answer.reason
    assert _shown(store, "over.jpg") == "blue"


def test_the_same_event_fifty_times_at_once_makes_one_picture(store: S3, red: bytes, tmp_path: Path) -> None:
    event = store.put("fifty.mp4", red)
    handlers = [Warm(store.url(), tmp_path / str(number), job_seconds=30, memory=1024) for number in range(_WIDTH)]
    try:
        with ThreadPoolExecutor(_WIDTH) as pool:

            def five_times(handler: Warm) -> list[Answer]:
                return [handler.call(event, seconds=60) for _ in range(5)]

            answers = [answer for row in pool.map(five_times, handlers) for answer in row]
    finally:
        for handler in handlers:
            handler.close()
    assert len(answers) == 50
    assert {answer.outcome for answer in answers} <= {"made", "unchanged"}, [a.reason for a in answers if a.raised]
    found = store.get("fifty.jpg")
    assert found is not None
    assert colour(found[1]) == "red"
    assert 1 <= _writes(store, "fifty.jpg").count(200) <= _WIDTH


def test_writes_at_once_by_many_end_without_an_error(store: S3, red: bytes, tmp_path: Path) -> None:
    event = store.put("crowd.mp4", red)
    handlers = [Warm(store.url(), tmp_path / str(number), job_seconds=30, memory=1024) for number in range(_WIDTH)]
    try:
        for handler in handlers:
            handler.call(store.put("warming.txt", b"x"))
        for handler in handlers:
            handler.send(event)
        answers = [handler.receive() for handler in handlers]
    finally:
        for handler in handlers:
            handler.close()
    assert {answer.outcome for answer in answers} <= {"made", "unchanged"}, [a.reason for a in answers if a.raised]
