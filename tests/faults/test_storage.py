"""Faults between the handler and S3: a picture after a retry, or an error that names bucket and key."""

import pytest

from standin_s3.faults import Fault
from standin_s3.s3 import BUCKET, S3
from tests.hostile.warm import Answer, Warm

from .videos import colour

PASSING = [
    Fault(kind, method, count)
    for kind, count in (("500", 2), ("503", 2), ("SlowDown", 3), ("429", 2), ("reset", 2))
    for method in ("GET", "HEAD", "PUT")
] + [
    Fault("reset", "GET", 3, after=1000),
    Fault("short", "GET", 3, after=1000),
    Fault("short", "GET", 2),
    Fault("shifted", "GET", 2),
    Fault("whole", "GET", 2),
    Fault("long", "GET", 2),
    Fault("grown", "GET", 1),
]
"""What a few attempts get over."""

LASTING = [
    *(Fault(kind, "GET") for kind in ("500", "SlowDown", "429", "reset")),
    *(Fault(kind, "HEAD") for kind in ("503", "reset")),
    *(Fault(kind, "PUT") for kind in ("500", "SlowDown")),
    Fault("403", "GET"),
    Fault("403", "PUT"),
    Fault("short", "GET", after=100),
    Fault("reset", "GET", after=100),
    Fault("shifted", "GET"),
    Fault("whole", "GET"),
]
"""What no attempt gets over."""

_QUICK = {"job_seconds": 15, "memory": 1024}


def _name(fault: Fault) -> str:
    return f"{fault.method} {fault.kind}{f' after {fault.after}' if fault.after else ''} {min(fault.count, 99)}"


def _names_the_object(answer: Answer, key: str) -> bool:
    return f"s3://{BUCKET}/{key}" in answer.message


@pytest.mark.parametrize("fault", PASSING, ids=_name)
def test_a_fault_that_passes_costs_attempts_and_no_picture(store: S3, warm: Warm, red: bytes, fault: Fault) -> None:
    key = f"passing {_name(fault)}.mp4"
    record = store.put(key, red)
    store.fail(fault)
    answer = warm.call(record, settings=_QUICK)
    if answer.raised:
        # Lambda hands the event over again.
        assert _names_the_object(answer, key), answer.message
        store.fail()
        answer = warm.call(record, settings=_QUICK)
    assert answer.outcome == "made", answer.reason
    found = store.get(answer.outcomes[0]["images"][0]["key"])
    assert found is not None
    assert colour(found[1]) == "red"


@pytest.mark.parametrize("fault", LASTING, ids=_name)
def test_a_fault_that_lasts_is_raised_with_the_name_of_the_object(
    store: S3, warm: Warm, red: bytes, fault: Fault
) -> None:
    key = f"lasting {_name(fault)}.mp4"
    record = store.put(key, red)
    store.fail(fault)
    answer = warm.call(record, settings=_QUICK)
    assert answer.raised, f"{answer.outcome}: {answer.reason}"
    assert _names_the_object(answer, key), answer.message
    assert store.get(key.replace(".mp4", ".jpg")) is None
    store.fail()
    assert warm.call(record, settings=_QUICK).outcome == "made"


@pytest.mark.parametrize(
    "fault", [Fault("stall", "GET", after=100), Fault("drip", "GET"), Fault("stall", "HEAD")], ids=_name
)
def test_an_answer_that_does_not_come_is_ended_at_the_jobs_deadline_and_raised(
    store: S3, warm: Warm, red: bytes, fault: Fault
) -> None:
    key = f"waiting {_name(fault)}.mp4"
    record = store.put(key, red)
    store.fail(fault)
    answer = warm.call(record, settings={"job_seconds": 5, "memory": 1024})
    assert answer.raised, f"{answer.outcome}: {answer.reason}"
    assert _names_the_object(answer, key), answer.message
    assert answer.seconds < 8
    assert answer.children == 0
    store.fail()
    assert warm.call(record, settings=_QUICK).outcome == "made"


def test_a_stalled_connection_is_given_up_and_the_next_one_brings_the_rest(store: S3, warm: Warm, red: bytes) -> None:
    record = store.put("stalls once.mp4", red)
    store.fail(Fault("stall", "GET", 1, after=500))
    answer = warm.call(record, settings={"job_seconds": 20, "memory": 1024})
    assert answer.outcome == "made", answer.reason


def test_a_large_object_is_read_through_broken_ranges(store: S3, warm: Warm, long: bytes) -> None:
    record = store.put("large.mp4", long)
    store.fail(
        Fault("reset", "GET", 2, after=3000),
        Fault("short", "GET", 2, after=10),
        Fault("SlowDown", "GET", 2),
        Fault("shifted", "GET", 1),
    )
    answer = warm.call(record, settings=_QUICK, block=65536)
    assert answer.outcome == "made", answer.reason
    whole = warm.call(store.put("large again.mp4", long), settings=_QUICK, block=65536)
    pictures = [store.get(name) for name in ("large.jpg", "large again.jpg")]
    assert all(picture is not None for picture in pictures)
    assert whole.outcome == "made"
    assert len({picture[1] for picture in pictures if picture is not None}) == 1


def test_an_archived_object_and_a_deleted_one_are_stated(store: S3, warm: Warm, red: bytes) -> None:
    record = store.put("archived.mp4", red)
    store.fail(Fault("archived", "GET"))
    archived = warm.call(record)
    assert (archived.outcome, "archive" in archived.reason) == ("rejected", True)
    store.fail()
    record = store.put("deleted.mp4", red)
    store.remove("deleted.mp4")
    deleted = warm.call(record)
    assert (deleted.outcome, "no such object" in deleted.reason) == ("rejected", True)


def test_of_several_records_only_the_failed_one_is_raised(store: S3, warm: Warm, red: bytes) -> None:
    records = [store.put(f"several {number}.mp4", red) for number in range(3)]
    # The first request that fails is the reading of the second video; its attempts are all that fail.
    store.fail(Fault("403", "GET", 1, skip=1))
    answer = warm.call(*records)
    assert answer.raised == "JobFailed"
    assert _names_the_object(answer, "several 1.mp4")
    assert "several 0.mp4" not in answer.message
    assert [store.get(f"several {number}.jpg") is not None for number in range(3)] == [True, False, True]
    again = warm.call(*records)
    assert [outcome["outcome"] for outcome in again.outcomes] == ["unchanged", "made", "unchanged"]
