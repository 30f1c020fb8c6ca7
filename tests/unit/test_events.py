"""Events: which objects a call of the function speaks of, whoever calls it. Decided without any AWS."""

from typing import Any

import pytest

from model import MADE, REJECTED, SKIPPED, UNCHANGED, Outcome, Video
from service.events import LONGEST_RESULT, BadEvent, Batch, Task, read


def record(name: str = "ObjectCreated:Put", **item: Any) -> dict[str, Any]:
    return {"eventName": name, "s3": {"bucket": {"name": "b"}, "object": {"key": "k", **item}}}


def bus(kind: str = "Object Created", source: str = "aws.s3", **item: Any) -> dict[str, Any]:
    """Return an event as the S3 User Guide shows it ("EventBridge event message structure")."""
    detail = {"version": "0", "bucket": {"name": "b"}, "object": {"key": "k", **item}, "reason": "PutObject"}
    return {"version": "0", "id": "17793124", "detail-type": kind, "source": source, "detail": detail}


def batch(*tasks: dict[str, Any], schema: str = "2.0", **job: Any) -> dict[str, Any]:
    return {
        "invocationSchemaVersion": schema,
        "invocationId": "invocation",
        "job": {"id": "job", **job},
        "tasks": list(tasks),
    }


def task(**changes: Any) -> dict[str, Any]:
    return {"taskId": "t", "s3Key": "k", "s3VersionId": None, "s3Bucket": "b", **changes}


def videos(event: Any) -> tuple[Video, ...]:
    return tuple(each.video for each in read(event).tasks)


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
def test_keys_of_notifications_and_of_batch_operations_are_decoded(written: str, key: str) -> None:
    for event in ({"Records": [record(key=written)]}, batch(task(s3Key=written))):
        (found,) = videos(event)
        assert found.key == key


@pytest.mark.parametrize("key", ["häst & +1.mp4", "100%25.mp4", "a b.mp4", "a+b.mp4", "%FF.mp4", "雪.mp4"])
def test_keys_of_eventbridge_and_of_retakes_are_taken_as_they_are(key: str) -> None:
    for event in (bus(key=key), {"retake": [{"bucket": "b", "key": key}]}):
        (found,) = videos(event)
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
    "name", ["ObjectCreated:Put", "ObjectCreated:CompleteMultipartUpload", "s3:ObjectCreated:Copy"]
)
def test_what_was_created_is_made(name: str) -> None:
    (found,) = read({"Records": [record(name)]}).tasks
    assert (found.action, found.retake) == ("make", None)


@pytest.mark.parametrize(
    "name",
    [
        "ObjectRemoved:Delete",
        "ObjectRemoved:DeleteMarkerCreated",
        "s3:ObjectRemoved:Delete",
        "LifecycleExpiration:Delete",
    ],
)
def test_what_was_deleted_is_a_removal(name: str) -> None:
    (found,) = read({"Records": [record(name, versionId="v", sequencer="1")]}).tasks
    assert found == Task(Video("b", "k", None, None, "v", "1"), "remove")


@pytest.mark.parametrize(
    "name", ["ObjectTagging:Put", "ObjectRestore:Completed", "ReducedRedundancyLostObject", "x", 5]
)
def test_any_other_event_of_s3_is_a_fault_and_no_video(name: Any) -> None:
    with pytest.raises(BadEvent, match="record 1 of the event cannot be read: eventName is"):
        read({"Records": [record(), record(name)]})


def test_all_that_an_event_of_eventbridge_says_is_taken() -> None:
    item: dict[str, Any] = {"size": 5, "etag": "abc", "version-id": "v", "sequencer": "00A"}
    assert read(bus(**item)).tasks == (Task(Video("b", "k", 5, "abc", "v", "00A")),)
    assert read(bus("Object Deleted", **item)).tasks[0].action == "remove"


def test_a_task_of_batch_operations_names_its_object_alone() -> None:
    unknown = Video("b", "k", None, None, None, None)
    first = task(s3BucketArn="arn:aws:s3:::b")
    del first["s3Bucket"]
    for event in (
        batch(task()),
        batch(first, schema="1.0"),
        batch({**first, "s3BucketArn": "arn:aws:s3:us-east-1:0123456788:b"}, schema="1.0"),
        batch(task(), userArguments={"of": "others"}),
    ):
        assert read(event).tasks == (Task(unknown),)


def test_an_old_version_in_a_manifest_stands_for_the_object() -> None:
    assert videos(batch(task(s3VersionId="old")))[0].version is None


def test_a_job_may_choose_for_all_of_its_tasks() -> None:
    found = read(batch(task(), userArguments={"position": "1:30", "widths": "1280,640"})).tasks
    assert found[0].retake == {"thumbnail-position": "90", "thumbnail-widths": "1280,640"}


@pytest.mark.parametrize(
    ("asked", "retake"),
    [
        ({}, {}),
        ({"position": "auto"}, {"thumbnail-position": "auto"}),
        ({"position": 12.5}, {"thumbnail-position": "12.5"}),
        ({"position": "25%", "widths": [320]}, {"thumbnail-position": "25%", "thumbnail-widths": "320"}),
        ({"widths": [1280, 0]}, {"thumbnail-widths": "1280,0"}),
        ({"position": None, "widths": None}, {}),
    ],
)
def test_a_retake_chooses_in_the_words_of_an_objects_metadata(asked: dict[str, Any], retake: dict[str, str]) -> None:
    items = [{"bucket": "b", "key": "k", "version": "v", **asked}]
    sent = {**bus("Retake Requested", "video-thumbnailer"), "detail": {"retake": items}}
    for event in ({"retake": items}, sent):
        assert read(event).tasks == (Task(Video("b", "k", None, None, "v", None), retake=retake),)


@pytest.mark.parametrize(
    "wrong",
    [
        {"position": "later"},
        {"position": True},
        {"position": [1]},
        {"position": "101%"},
        {"widths": []},
        {"widths": [-1]},
        {"widths": [640, 640]},
        {"widths": "a"},
        {"widths": 640},
    ],
)
def test_a_retake_that_cannot_be_met_is_a_fault(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadEvent, match="retake 1 of the event cannot be read"):
        read({"retake": [{"bucket": "b", "key": "k"}, {"bucket": "b", "key": "k", **wrong}]})


def test_a_record_of_a_failed_event_is_read_as_that_event() -> None:
    event = {"Records": [record()]}
    for inner in (event, bus(), {"retake": [{"bucket": "b", "key": "k"}]}):
        failed = {"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": inner}
        assert read(failed) == read(inner)
        assert read({"requestPayload": failed}) == read(inner)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({}, "of no known kind"),
        ([], "no JSON object, but list"),
        (None, "no JSON object, but NoneType"),
        ("text", "no JSON object, but str"),
        (5, "no JSON object, but int"),
        ({"requestPayload": None}, "no JSON object, but NoneType"),
        ({"detail": {}}, "detail"),
        ({"Records": None}, "no list of records"),
        ({"Records": {"0": 1}}, "no list of records"),
        ({"Records": [{}]}, "record 0 of the event has no 's3'"),
        (
            {"Records": [record(), {"s3": {"bucket": {}, "object": {"key": "k"}}}]},
            "record 1 of the event has no 'name'",
        ),
        ({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {}}}]}, "record 0"),
        ({"Records": ["text"]}, "record 0"),
        ({"Records": [None]}, "record 0"),
        ({"Records": [[]]}, "record 0"),
        ({"Records": [record(key=None)]}, "record 0"),
        ({"Records": [record(key=5)]}, "record 0"),
        ({"Records": [record(key="")]}, "record 0"),
        ({"Records": [record(key="%FF.mp4")]}, "record 0"),
        ({"Records": [{"s3": {"bucket": {"name": "b"}, "object": ["key"]}}]}, "record 0"),
        ({"Records": [{"s3": None}]}, "record 0"),
        (bus(key=None), "the event's detail cannot be read"),
        ({**bus(), "detail": None}, "the event's detail cannot be read"),
        ({**bus(), "detail": {"bucket": {"name": "b"}}}, "the event's detail has no 'object'"),
        (bus("Object Restore Completed"), "'Object Restore Completed' from 'aws.s3', which nothing is made of"),
        (bus(source="my.app"), "from 'my.app'"),
        (bus("Retake Requested", "my.app"), "from 'my.app'"),
        ({**bus("Retake Requested", "video-thumbnailer"), "detail": []}, "no list of retakes"),
        (bus("Thumbnails Made", "video-thumbnailer"), "which nothing is made of"),
        ({"detail-type": ["x"]}, "which nothing is made of"),
        ({"retake": {}}, "no list of retakes"),
        ({"retake": [{"bucket": "b"}]}, "retake 0 of the event has no 'key'"),
        (batch(task(), schema="3.0"), "invocationSchemaVersion is '3.0'; 1.0 and 2.0 are known"),
        (batch(task(), schema="1.0"), "task 0 of the event has no 's3BucketArn'"),
        ({**batch(task()), "invocationId": None}, "no invocationId"),
        ({**batch(task()), "tasks": None}, "no list of tasks"),
        (batch(task(taskId=None)), "task 0"),
        (batch(task(), userArguments=[1]), "userArguments"),
        (batch(task(), userArguments={"position": "later"}), "userArguments"),
    ],
)
def test_anything_else_is_named_and_raised(event: Any, words: str) -> None:
    with pytest.raises(BadEvent, match=words):
        read(event)


def outcome(name: str, reason: str = "", *notes: str) -> Outcome:
    return Outcome("b", "k", name, reason, notes=notes)


def answered(result: Outcome | Exception) -> tuple[str, str]:
    (found,) = Batch("2.0", "i", ("t",)).answer([result])["results"]
    return found["resultCode"], found["resultString"]


def test_batch_operations_get_an_answer_for_each_task() -> None:
    requests = read(batch(task(), task(taskId="u"), schema="2.0"))
    assert requests.batch is not None
    assert requests.batch.answer([outcome(MADE), OSError("SlowDown")]) == {
        "invocationSchemaVersion": "2.0",
        "treatMissingKeysAs": "TemporaryFailure",
        "invocationId": "invocation",
        "results": [
            {"taskId": "t", "resultCode": "Succeeded", "resultString": "made"},
            {"taskId": "u", "resultCode": "TemporaryFailure", "resultString": "SlowDown"},
        ],
    }


def test_other_events_want_no_answer_of_that_form() -> None:
    assert read({"Records": [record()]}).batch is None
    assert read({"retake": []}).batch is None


@pytest.mark.parametrize(
    ("result", "code", "text"),
    [
        (outcome(MADE, "", "a note", "another"), "Succeeded", "made: a note; another"),
        (outcome(UNCHANGED, "they are there"), "Succeeded", "unchanged: they are there"),
        (outcome(SKIPPED, "sound alone"), "Succeeded", "skipped: sound alone"),
        (outcome(REJECTED, "no container"), "PermanentFailure", "rejected: no container"),
        (OSError(), "TemporaryFailure", "failed"),
    ],
)
def test_a_result_is_the_outcome_as_text(result: Outcome | Exception, code: str, text: str) -> None:
    assert answered(result) == (code, text)


def test_a_result_is_one_printable_line_of_limited_length() -> None:
    _, text = answered(outcome(REJECTED, "two\nlines \x1b[2J \udc80 " + "x" * 5000))
    assert text.startswith("rejected: two lines ?[2J ? xxx")
    assert text.isprintable()
    assert len(text) == LONGEST_RESULT


def test_an_event_that_comes_twice_and_an_upload_that_is_repeated_speak_of_the_same_content() -> None:
    first, repeated = videos({"Records": [record(eTag="e", sequencer="1"), record(eTag="e", sequencer="2")]})
    assert first.content == repeated.content


@pytest.mark.parametrize("other", [{"eTag": "f"}, {"key": "l"}, {"versionId": "v"}])
def test_another_object_is_other_content(other: dict[str, str]) -> None:
    first, second = videos({"Records": [record(eTag="e"), record(**{"eTag": "e", **other})]})
    assert first.content != second.content
