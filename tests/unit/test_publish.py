"""Publishing: of events that come twice, late or at once, the right one leaves its images. On a real S3 protocol."""

import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.emulator import CREDENTIALS, Emulator
from pipeline import settings
from pipeline.events import Video
from pipeline.outcome import Image, Superseded, Unchanged
from pipeline.publish import File, Shelf
from pipeline.settings import Settings

SETTINGS = settings.read({})


@pytest.fixture
def client(s3_emulator: Emulator) -> Iterator[Any]:
    """A client with room for many threads."""
    made: Any = boto3.session.Session().client(
        "s3",
        endpoint_url=s3_emulator.endpoint,
        region_name=CREDENTIALS["AWS_REGION"],
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(max_pool_connections=60),
    )
    yield made
    made.close()


@pytest.fixture
def bucket(client: Any, request: pytest.FixtureRequest) -> str:
    name = f"publish-{abs(hash(request.node.name)) % 10**9}"
    client.create_bucket(Bucket=name)
    return name


def event(sequencer: str | None = "0A", etag: str = "e1", key: str = "cat.mp4") -> Video:
    return Video("videos", key, 1000, etag, None, sequencer)


def file(content: bytes, key: str = "cat.jpg") -> File:
    return File(Image("poster", key, 640, 360, len(content), 1.5), content, "image/jpeg")


def write(client: Any, bucket: str, video: Video, content: bytes, using: Settings = SETTINGS) -> None:
    shelf = Shelf(client, bucket, video, using)
    shelf.look(["cat.jpg"])
    shelf.put([file(content)], video.etag or "", "")


def held(client: Any, bucket: str, key: str = "cat.jpg") -> bytes:
    return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())


def test_an_image_is_written_with_what_made_it(client: Any, bucket: str) -> None:
    write(client, bucket, event(), b"one")
    found = client.get_object(Bucket=bucket, Key="cat.jpg")
    assert found["Body"].read() == b"one"
    assert found["ContentType"] == "image/jpeg"
    metadata = found["Metadata"]
    assert (metadata["source"], metadata["source-etag"]) == ("videos/cat.mp4", "e1")
    assert (metadata["source-sequencer"], metadata["seconds"]) == ("0A", "1.500")
    assert metadata["settings"] == SETTINGS.fingerprint()


def test_the_same_event_again_is_unchanged(client: Any, bucket: str) -> None:
    write(client, bucket, event(), b"one")
    with pytest.raises(Unchanged):
        write(client, bucket, event(), b"two")
    assert held(client, bucket) == b"one"


@pytest.mark.parametrize(
    ("video", "using"),
    [
        (event("0B", "e2"), SETTINGS),
        (event("0A", "e1"), settings.read({"THUMBNAIL_QUALITY": "50"})),
        (event(None, "e2"), SETTINGS),
    ],
    ids=["a newer object", "other settings", "no sequencer"],
)
def test_what_differs_is_written_anew(client: Any, bucket: str, video: Video, using: Settings) -> None:
    write(client, bucket, event(), b"one")
    write(client, bucket, video, b"two", using)
    assert held(client, bucket) == b"two"


@pytest.mark.parametrize(
    ("older", "newer"), [("0A", "0B"), ("0055AED6DCD90281E5", "0055AED6DCD90281E6"), ("0A", "0A1"), ("09FF", "0A")]
)
def test_an_older_event_does_not_overwrite_a_newer_one(client: Any, bucket: str, older: str, newer: str) -> None:
    write(client, bucket, event(newer, "e2"), b"new")
    with pytest.raises(Superseded):
        write(client, bucket, event(older, "e1"), b"old")
    assert held(client, bucket) == b"new"


def test_an_older_event_that_began_first_does_not_overwrite_a_newer_one(client: Any, bucket: str) -> None:
    slow, fast = (Shelf(client, bucket, event(*which), SETTINGS) for which in (("0A", "e1"), ("0B", "e2")))
    slow.look(["cat.jpg"])
    fast.look(["cat.jpg"])
    fast.put([file(b"new")], "e2", "")
    with pytest.raises(Superseded):
        slow.put([file(b"old")], "e1", "")
    assert held(client, bucket) == b"new"


def test_a_newer_event_overwrites_what_an_older_one_wrote_meanwhile(client: Any, bucket: str) -> None:
    slow, fast = (Shelf(client, bucket, event(*which), SETTINGS) for which in (("0B", "e2"), ("0A", "e1")))
    slow.look(["cat.jpg"])
    fast.look(["cat.jpg"])
    fast.put([file(b"old")], "e1", "")
    slow.put([file(b"new")], "e2", "")
    assert held(client, bucket) == b"new"


def test_an_image_that_was_deleted_meanwhile_is_written_again(client: Any, bucket: str) -> None:
    write(client, bucket, event("0A", "e1"), b"one")
    shelf = Shelf(client, bucket, event("0B", "e2"), SETTINGS)
    shelf.look(["cat.jpg"])
    client.delete_object(Bucket=bucket, Key="cat.jpg")
    shelf.put([file(b"two")], "e2", "")
    assert held(client, bucket) == b"two"


def test_an_image_of_somebody_else_is_overwritten(client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="cat.jpg", Body=b"by hand")
    write(client, bucket, event(), b"one")
    assert held(client, bucket) == b"one"


def test_if_one_of_several_images_is_missing_all_are_made(client: Any, bucket: str) -> None:
    write(client, bucket, event(), b"one")
    shelf = Shelf(client, bucket, event(), SETTINGS)
    shelf.look(["cat.jpg", "cat.320w.jpg"])
    shelf.put([file(b"one"), file(b"small", "cat.320w.jpg")], "e1", "")
    assert held(client, bucket, "cat.320w.jpg") == b"small"


def test_a_key_of_any_length_and_script_fits_into_the_metadata(client: Any, bucket: str) -> None:
    video = event(key="雪\n" + "ä" * 500 + ".mp4")
    write(client, bucket, video, b"one")
    with pytest.raises(Unchanged):
        write(client, bucket, video, b"two")


def test_fifty_equal_writes_at_once_leave_one_image(client: Any, bucket: str) -> None:
    ends: list[str] = []
    gate = threading.Barrier(50)

    def deliver() -> None:
        gate.wait()
        try:
            write(client, bucket, event(), b"one")
            ends.append("made")
        except Unchanged:
            ends.append("unchanged")

    threads = [threading.Thread(target=deliver) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 50, "a delivery failed"
    assert "made" in ends
    assert held(client, bucket) == b"one"


def test_of_many_events_in_any_order_the_newest_stays(client: Any, bucket: str) -> None:
    ends: list[str] = []
    gate = threading.Barrier(12)

    def deliver(number: int) -> None:
        gate.wait()
        try:
            write(client, bucket, event(f"{number:04X}", f"e{number}"), str(number).encode())
            ends.append("made")
        except Superseded:
            ends.append("superseded")

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 12, "a delivery failed"
    assert held(client, bucket) == b"11"
