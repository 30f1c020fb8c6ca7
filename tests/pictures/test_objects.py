"""Objects and events: any name, any order, the same one twice, several at once."""

import json

import pytest

from service.events import BadEvent
from service.workers import JobFailed
from standin_s3.faults import Fault
from standin_s3.s3 import S3

from .service import Context, Service, is_near
from .videos import BLUE, H264, RED, SECONDS, Studio, plain

NAMES = {
    "häst & +1.mp4": "häst & +1.jpg",
    "a/b/it's 100%.mp4": "a/b/it's 100%.jpg",
    "$(touch x).mp4": "$(touch x).jpg",
    "`id`; rm -rf ~ | cat > y.mp4": "`id`; rm -rf ~ | cat > y.jpg",
    'quotes " and \\ backslash.mp4': 'quotes " and \\ backslash.jpg',
    "two\nlines.mp4": "two\nlines.jpg",
    "雪 ❄ 𝄞.mp4": "雪 ❄ 𝄞.jpg",
    "-i -y.mp4": "-i -y.jpg",
    "%2e%2e/%00.mp4": "%2e%2e/%00.jpg",
    "a b/c  d.mp4": "a b/c  d.jpg",
    "dots.in.name.mp4": "dots.in.name.jpg",
    "plain": "plain.jpg",
    "a/.mp4": "a/.mp4.jpg",
    "x" * 240 + "/" + "y" * 240 + ".mp4": "x" * 240 + "/" + "y" * 240 + ".jpg",
}


@pytest.mark.parametrize("key", NAMES, ids=[ascii(name)[1:25] for name in NAMES])
def test_an_object_of_any_name_gets_its_picture_beside_it(service: Service, studio: Studio, key: str) -> None:
    answer = service.poster(studio.quadrants(), key)
    assert answer.said["key"] == key
    assert answer.keys == [NAMES[key]]
    assert sorted(service.listed()) == sorted([key, NAMES[key]])
    assert is_near(answer.colour(0.25, 0.25), RED)


def test_images_go_where_the_settings_say(service: Service, studio: Studio) -> None:
    other = f"{service.bucket}-images"
    answer = service.poster(studio.quadrants(), "a/cat.mp4", output_bucket=other, output_prefix="thumbs/")
    assert answer.keys == ["thumbs/a/cat.jpg"]
    found = service.client.list_objects_v2(Bucket=other)["Contents"]
    assert [item["Key"] for item in found] == ["thumbs/a/cat.jpg"]
    assert service.listed() == ["a/cat.mp4"]


def test_the_same_event_again_changes_nothing(service: Service, studio: Studio) -> None:
    service.configure(widths=[64, 32], manifest=True)
    event = service.put("cat.mp4", studio.quadrants())
    (first,) = service.call(event)
    written = [service.client.head_object(Bucket=service.bucket, Key=key)["LastModified"] for key in service.listed()]
    (second,) = service.call(event)
    assert (first.outcome, second.outcome) == ("made", "unchanged")
    assert second.said["read"]["bytes"] == 0
    again = [service.client.head_object(Bucket=service.bucket, Key=key)["LastModified"] for key in service.listed()]
    assert again == written


def test_other_settings_make_new_images_of_the_same_object(service: Service, studio: Studio) -> None:
    event = service.put("cat.mp4", studio.counting())
    for position, second in (("1.5", 1), ("5.5", 5)):
        service.configure(position=position)
        (answer,) = service.call(event)
        assert answer.outcome == "made"
        assert is_near(answer.colour(), SECONDS[second])


def test_an_image_that_was_deleted_is_made_again(service: Service, studio: Studio) -> None:
    service.configure(widths=[64, 32])
    event = service.put("cat.mp4", studio.quadrants())
    service.call(event)
    service.client.delete_object(Bucket=service.bucket, Key="cat.32w.jpg")
    (answer,) = service.call(event)
    assert answer.outcome == "made"
    assert answer.picture(1).width == 32


def test_of_several_objects_one_that_fails_does_not_stop_the_others(service: Service, studio: Studio, s3: S3) -> None:
    service.configure()
    first, last = (service.put(key, studio.quadrants()) for key in ("first.mp4", "last.mp4"))
    lost = service.put("lost.mp4", studio.quadrants())
    s3.fail(Fault("SlowDown", key="lost.mp4"))
    with pytest.raises(JobFailed, match=rf"1 of 3 objects: s3://{service.bucket}/lost\.mp4"):
        service.call(first, lost, last)
    s3.fail()
    assert {"first.jpg", "last.jpg"} <= set(service.listed())
    assert [answer.outcome for answer in service.call(first, last)] == ["unchanged", "unchanged"]


def test_several_objects_have_their_outcomes_in_order(service: Service, studio: Studio) -> None:
    service.configure()
    records = [service.put("a.mp4", studio.quadrants()), service.put("b.mp4", b""), service.put("c.mp4", b"text")]
    answers = service.call(*records)
    assert [(answer.said["key"], answer.outcome) for answer in answers] == [
        ("a.mp4", "made"),
        ("b.mp4", "rejected"),
        ("c.mp4", "rejected"),
    ]


def test_an_object_that_was_deleted_is_rejected(service: Service, studio: Studio) -> None:
    service.configure()
    event = service.put("gone.mp4", studio.quadrants())
    service.client.delete_object(Bucket=service.bucket, Key="gone.mp4")
    (answer,) = service.call(event)
    assert answer.outcome == "rejected"
    assert "no such object" in answer.reason


def test_the_event_of_an_object_that_was_overwritten_is_superseded(service: Service, studio: Studio) -> None:
    service.configure()
    red, blue = (studio.film([plain(colour)] * 5, "one.mp4", *H264) for colour in (RED, BLUE))
    older, newer = service.put("cat.mp4", red), service.put("cat.mp4", blue)
    (answer,) = service.call(older)
    assert answer.outcome == "superseded"
    (answer,) = service.call(newer)
    assert is_near(answer.colour(), BLUE)
    (answer,) = service.call(older)
    assert answer.outcome == "superseded"


def test_a_versioned_bucket_is_read_at_the_version_of_the_event_and_the_newest_stays(
    service: Service, studio: Studio
) -> None:
    service.configure()
    events = []
    for colour in (RED, BLUE):
        event = service.put("cat.mp4", studio.film([plain(colour)] * 5, "one.mp4", *H264))
        head = service.client.head_object(Bucket=service.bucket, Key="cat.mp4")
        event["s3"]["object"]["versionId"] = head["VersionId"]
        events.append(event)
    (first,) = service.call(events[0])
    assert is_near(first.colour(), RED)
    (second,) = service.call(events[1])
    assert is_near(second.colour(), BLUE)
    (late,) = service.call(events[0])
    assert late.outcome == "superseded"
    assert is_near(second.colour(), BLUE)


def test_an_event_without_size_and_etag_is_served(service: Service, studio: Studio) -> None:
    service.configure()
    service.put("by hand.mp4", studio.quadrants())
    (answer,) = service.call({"s3": {"bucket": {"name": service.bucket}, "object": {"key": "by+hand.mp4"}}})
    assert is_near(answer.colour(0.25, 0.25), RED)
    (again,) = service.call({"s3": {"bucket": {"name": service.bucket}, "object": {"key": "by+hand.mp4"}}})
    assert again.outcome in ("made", "unchanged")


def test_the_test_event_of_s3_is_answered_with_nothing(service: Service) -> None:
    said = service.handler.handler({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}, Context())
    assert said == {"outcomes": []}


def test_what_is_no_event_is_raised(service: Service) -> None:
    with pytest.raises(BadEvent):
        service.handler.handler({"hello": "world"}, Context())


def test_the_log_tells_the_outcome(service: Service, studio: Studio, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    service.poster(studio.quadrants(), "häst.mp4")
    service.answer(b"text", "text.mp4")
    found = [
        (line.levelname, line.getMessage(), line.__dict__["key"]) for line in caplog.records if "key" in line.__dict__
    ]
    assert found == [("INFO", "made", "häst.mp4"), ("WARNING", "rejected", "text.mp4")]


def test_what_was_read_stands_in_the_log_the_metrics_and_the_manifest(
    service: Service, studio: Studio, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("INFO")
    answer = service.poster(studio.quadrants(), manifest=True)
    (said,) = [vars(record) for record in caplog.records if record.getMessage() == "made"]
    (measured,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    manifest = json.loads(service.client.get_object(Bucket=service.bucket, Key="video.thumbnails.json")["Body"].read())
    read = answer.said["read"]
    assert read["bytes"] > 0
    assert said["read"] == manifest["read"] == read
    assert [measured[name] for name in ("made", "bytes_read", "requests", "chain")] == [
        [1.0],
        [float(read["bytes"])],
        [float(read["requests"])],
        [float(read["chain"])],
    ]
