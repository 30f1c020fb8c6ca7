"""The video's object: which requests are made, and what S3's answers mean."""

import pytest

from model import MIB, ReadPolicy, Rejected, Superseded
from service.object import MOST_REQUESTS

from .fake_s3 import FakeS3, client_error, object_of

POLICY = ReadPolicy()


def test_a_small_object_is_fetched_whole_by_one_request() -> None:
    assert object_of(FakeS3(POLICY.whole, {})).opening() == [(0, POLICY.whole)]
    store = FakeS3(POLICY.whole, {0: b"x"})
    found = list(object_of(store).get([(0, 1000)]))
    assert store.asked == [(0, 1000)]
    assert found == [(0, bytearray(b"x" + bytes(999)))]


def test_of_a_large_object_both_ends_are_fetched() -> None:
    size = 20 * MIB
    assert object_of(FakeS3(size, {})).opening() == [(0, POLICY.edge), (size - POLICY.tail, size)]


def test_a_long_range_is_fetched_in_parts() -> None:
    store, part = FakeS3(20 * MIB, {}), POLICY.part
    list(object_of(store).get([(0, 2 * part + 1)]))
    assert sorted(store.asked) == [(0, part), (part, 2 * part), (2 * part, 2 * part + 1)]


def test_more_than_the_limit_is_not_read() -> None:
    store = FakeS3(20 * MIB, {})
    with pytest.raises(Rejected, match="2 MiB"):
        list(object_of(store, limit=2 * MIB).get([(MIB, 10 * MIB)]))
    assert sum(end - start for start, end in store.asked) <= 2 * MIB


def test_more_requests_than_the_limit_are_not_made() -> None:
    store = FakeS3(20 * MIB, {})
    opened = object_of(store)
    for place in range(MOST_REQUESTS):
        list(opened.get([(place, place + 1)]))
    with pytest.raises(Rejected, match="requests"):
        opened.get([(0, 1)])
    assert len(store.asked) == MOST_REQUESTS


def test_an_empty_object_is_rejected_without_a_request() -> None:
    store = FakeS3(0, {})
    with pytest.raises(Rejected, match="empty"):
        object_of(store).opening()
    assert store.asked == []


def test_what_was_read_is_counted() -> None:
    opened = object_of(FakeS3(20 * MIB, {}))
    list(opened.get([(0, 10), (20, 40)]))
    list(opened.get([(50, 51)]))
    reading = opened.tally.reading
    assert (reading.bytes, reading.requests) == (31, 3)


@pytest.mark.parametrize(
    ("status", "code", "wanted"),
    [
        (412, "PreconditionFailed", Superseded),
        (404, "NoSuchKey", Rejected),
        (404, "NoSuchVersion", Rejected),
        (405, "MethodNotAllowed", Rejected),
        (416, "InvalidRange", Rejected),
        (403, "InvalidObjectState", Rejected),
        (403, "AccessDenied", Rejected),
        (400, "KMS.DisabledException", Rejected),
        (400, "InvalidRequest", Rejected),
        (400, "ExpiredToken", Exception),
    ],
)
def test_each_answer_of_s3_means(status: int, code: str, wanted: type[Exception]) -> None:
    store = FakeS3(20 * MIB, {})
    store.fail_with = client_error(status, code)
    with pytest.raises(wanted) as raised:
        list(object_of(store).get([(0, 10)]))
    if wanted is Exception:
        assert raised.value is store.fail_with, "a passing fault must be raised, so that Lambda tries again"


def test_an_object_whose_key_the_function_may_not_use_is_rejected() -> None:
    store = FakeS3(20 * MIB, {})
    said = "User: x is not authorized to perform: kms:Decrypt on resource: y"
    store.fail_with = client_error(403, "AccessDenied", said)
    with pytest.raises(Rejected, match="kmsKeys"):
        list(object_of(store).get([(0, 10)]))


def test_an_object_that_changed_meanwhile_is_superseded() -> None:
    with pytest.raises(Superseded):
        list(object_of(FakeS3(1000, {}), etag="another").get([(0, 10)]))


def test_a_head_tells_what_an_event_did_not() -> None:
    opened = object_of(FakeS3(1000, {}), etag=None)
    found = opened.head()
    assert (found.size, found.etag) == (1000, "0123456789abcdef0123456789abcdef")
    assert (opened.size, opened.etag) == (found.size, found.etag)
