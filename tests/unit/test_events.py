"""Events: which objects S3 speaks of, however their keys are written. Decided without any AWS."""

from typing import Any

import pytest

from pipeline.events import BadEvent, Video, videos


def record(**item: Any) -> dict[str, Any]:
    return {"s3": {"bucket": {"name": "b"}, "object": {"key": "k", **item}}}


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("cat.mp4", "cat.mp4"),
        ("h%C3%A4st+%26+%2B1.mp4", "häst & +1.mp4"),
        ("a/b/it%27s+100%25.mp4", "a/b/it's 100%.mp4"),
        ("%24%28touch+x%29.mp4", "$(touch x).mp4"),
        ("two%0Alines.mp4", "two\nlines.mp4"),
        ("%E9%9B%AA.mp4", "雪.mp4"),
        ("%2520.mp4", "%20.mp4"),
        ("a//b.mp4", "a//b.mp4"),
    ],
)
def test_keys_are_read_as_s3_writes_them(written: str, key: str) -> None:
    (found,) = videos({"Records": [record(key=written)]})
    assert found.key == key


def test_all_that_a_record_says_is_taken() -> None:
    (found,) = videos({"Records": [record(size=5, eTag="abc", versionId="v", sequencer="00A")]})
    assert found == Video(bucket="b", key="k", size=5, etag="abc", version="v", sequencer="00A")


def test_what_a_record_does_not_say_is_unknown() -> None:
    (found,) = videos({"Records": [record()]})
    assert found == Video(bucket="b", key="k", size=None, etag=None, version=None, sequencer=None)


def test_an_etag_comes_without_its_quotes() -> None:
    (found,) = videos({"Records": [record(eTag='"abc"')]})
    assert found.etag == "abc"


@pytest.mark.parametrize("size", [-1, "12", None, 1.5])
def test_a_size_that_is_none_is_unknown(size: object) -> None:
    (found,) = videos({"Records": [record(size=size)]})
    assert found.size is None


def test_an_empty_object_has_the_size_0() -> None:
    (found,) = videos({"Records": [record(size=0)]})
    assert found.size == 0


def test_records_come_in_their_order() -> None:
    found = videos({"Records": [record(key="b"), record(key="a"), record(key="b")]})
    assert [each.key for each in found] == ["b", "a", "b"]


def test_the_test_event_of_s3_speaks_of_nothing() -> None:
    assert videos({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-23T08:00:00.000Z"}) == ()


def test_an_event_without_records_speaks_of_nothing() -> None:
    assert videos({"Records": []}) == ()


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({}, "no list of Records"),
        ({"Records": None}, "no list of Records"),
        ({"Records": {"0": 1}}, "Records"),
        ({"detail": {}}, "detail"),
        ({"Records": [{}]}, "record 0"),
        ({"Records": [record(), {"s3": {"bucket": {}, "object": {"key": "k"}}}]}, "record 1"),
        ({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {}}}]}, "record 0"),
        ({"Records": ["text"]}, "record 0"),
        ({"Records": [None]}, "record 0"),
        ({"Records": [record(key=None)]}, "record 0"),
        ({"Records": [record(key=5)]}, "record 0"),
        ({"Records": [record(key="%FF.mp4")]}, "record 0"),
        ({"Records": [{"s3": {"bucket": {"name": "b"}, "object": ["key"]}}]}, "record 0"),
        ({"Records": [{"s3": None}]}, "record 0"),
    ],
)
def test_anything_else_is_named_and_raised(event: dict[str, Any], words: str) -> None:
    with pytest.raises(BadEvent, match=words):
        videos(event)


def test_an_event_that_comes_twice_and_an_upload_that_is_repeated_speak_of_the_same_content() -> None:
    first, repeated = videos({"Records": [record(eTag="e", sequencer="1"), record(eTag="e", sequencer="2")]})
    assert first.content == repeated.content


@pytest.mark.parametrize("other", [{"eTag": "f"}, {"key": "l"}, {"versionId": "v"}])
def test_another_object_is_other_content(other: dict[str, str]) -> None:
    first, second = videos({"Records": [record(eTag="e"), record(**{"eTag": "e", **other})]})
    assert first.content != second.content
