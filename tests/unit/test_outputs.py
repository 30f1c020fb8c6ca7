"""Outputs: of events that come twice, late or at once, the right one leaves its outputs. On a real S3 protocol."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from model import File, Skipped, Superseded, Unchanged, Video, Wanted
from service.outputs import Content, OutputForbidden, Outputs
from service.requests import Requests
from service.settings import fingerprint
from standin_s3.client import client_of
from standin_s3.s3 import S3

from .fake_s3 import client_error

WANTED = Wanted()


@pytest.fixture
def client(s3: S3) -> Iterator[Any]:
    """Yield a client with room for many threads."""
    made = client_of(s3, max_pool_connections=60)
    yield made
    made.close()


@pytest.fixture
def bucket(request: pytest.FixtureRequest) -> str:
    return f"publish-{abs(hash(request.node.name)) % 10**9}"


def event(sequencer: str | None = "0A", etag: str = "e1", key: str = "cat.mp4") -> Video:
    return Video("videos", key, 1000, etag, None, sequencer)


def file(content: bytes, key: str = "cat.jpg") -> Content:
    return Content(File("poster", key, "image/jpeg", 640, 360, len(content), 1.5), content)


def outputs(client: Any, bucket: str, video: Video, wanted: Wanted = WANTED, **options: Any) -> Outputs:
    return Outputs(client, Requests(), bucket, video, wanted, time.monotonic() + 60, **options)


def write(
    client: Any, bucket: str, video: Video, content: bytes, wanted: Wanted = WANTED, asked: str = "", **options: Any
) -> Outputs:
    made = outputs(client, bucket, video, wanted, **options)
    made.look(["cat.jpg"])
    made.put([file(content)], video.etag or "", asked)
    return made


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
    assert metadata["settings"] == fingerprint(WANTED)


def test_the_same_event_again_is_unchanged(client: Any, bucket: str) -> None:
    write(client, bucket, event(), b"one")
    with pytest.raises(Unchanged):
        write(client, bucket, event(), b"two")
    assert held(client, bucket) == b"one"


@pytest.mark.parametrize(
    ("video", "using"),
    [
        (event("0B", "e2"), WANTED),
        (event("0A", "e1"), Wanted(quality=50)),
        (event(None, "e2"), WANTED),
    ],
    ids=["a newer object", "other settings", "no sequencer"],
)
def test_what_differs_is_written_anew(client: Any, bucket: str, video: Video, using: Wanted) -> None:
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
    slow, fast = (outputs(client, bucket, event(*which)) for which in (("0A", "e1"), ("0B", "e2")))
    slow.look(["cat.jpg"])
    fast.look(["cat.jpg"])
    fast.put([file(b"new")], "e2", "")
    with pytest.raises(Superseded):
        slow.put([file(b"old")], "e1", "")
    assert held(client, bucket) == b"new"


def test_a_newer_event_overwrites_what_an_older_one_wrote_meanwhile(client: Any, bucket: str) -> None:
    slow, fast = (outputs(client, bucket, event(*which)) for which in (("0B", "e2"), ("0A", "e1")))
    slow.look(["cat.jpg"])
    fast.look(["cat.jpg"])
    fast.put([file(b"old")], "e1", "")
    slow.put([file(b"new")], "e2", "")
    assert held(client, bucket) == b"new"


def test_an_image_that_was_deleted_meanwhile_is_written_again(client: Any, bucket: str) -> None:
    write(client, bucket, event("0A", "e1"), b"one")
    made = outputs(client, bucket, event("0B", "e2"))
    made.look(["cat.jpg"])
    client.delete_object(Bucket=bucket, Key="cat.jpg")
    made.put([file(b"two")], "e2", "")
    assert held(client, bucket) == b"two"


def test_what_somebody_else_put_there_stays_and_is_noted(client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="cat.jpg", Body=b"by hand")
    made = outputs(client, bucket, event())
    made.look(["cat.jpg", "cat.320w.jpg"])
    written = made.put([file(b"one"), file(b"small", "cat.320w.jpg")], "e1", "")
    assert held(client, bucket) == b"by hand"
    assert [one.key for one in written] == ["cat.320w.jpg"]
    assert "cat.jpg was put there by somebody else" in made.notes[0]


def test_where_all_is_somebody_elses_nothing_is_made(client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="cat.jpg", Body=b"by hand")
    with pytest.raises(Skipped, match="somebody else"):
        write(client, bucket, event(), b"one")


def test_what_somebody_else_put_there_is_replaced_where_that_is_asked_for(client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="cat.jpg", Body=b"by hand")
    write(client, bucket, event(), b"one", overwrite=True)
    assert held(client, bucket) == b"one"


def test_an_output_of_another_video_is_replaced_and_that_is_noted(client: Any, bucket: str) -> None:
    write(client, bucket, event(key="cat_00-01.mp4"), b"one")
    made = write(client, bucket, event(key="cat_00-02.mp4"), b"two")
    assert held(client, bucket) == b"two"
    assert "videos/cat_00-01.mp4" in made.notes[0]


def test_an_object_that_may_not_be_read_is_named(client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="cat.jpg", Body=b"secret")

    class Forbidden:
        put_object = staticmethod(client.put_object)

        def head_object(self, **_: Any) -> None:
            raise client_error(403, "403")

    with pytest.raises(OutputForbidden, match=f"s3://{bucket}/cat.jpg .*s3:GetObject"):
        write(Forbidden(), bucket, event(), b"one")
    assert held(client, bucket) == b"secret"


def test_the_poster_is_written_last(client: Any, bucket: str) -> None:
    order: list[str] = []

    class Watched:
        head_object = staticmethod(client.head_object)

        def put_object(self, **options: Any) -> Any:
            order.append(options["Key"])
            if len(order) == 2:
                raise RuntimeError("the job died")
            return client.put_object(**options)

    made = outputs(Watched(), bucket, event())
    made.look(["cat.jpg", "cat.320w.jpg"])
    with pytest.raises(RuntimeError):
        made.put([file(b"one"), file(b"small", "cat.320w.jpg")], "e1", "")
    assert order == ["cat.320w.jpg", "cat.jpg"]


def test_cache_control_is_what_is_set(client: Any, bucket: str) -> None:
    write(client, bucket, event(), b"one", Wanted(cache_control="no-cache"))
    assert client.head_object(Bucket=bucket, Key="cat.jpg")["CacheControl"] == "no-cache"


def test_a_claim_keeps_the_headers_of_the_poster(client: Any, bucket: str) -> None:
    write(client, bucket, event(), b"one")
    with pytest.raises(Unchanged):
        write(client, bucket, event("0B"), b"two")
    found = client.head_object(Bucket=bucket, Key="cat.jpg")
    assert (found["CacheControl"], found["ContentType"]) == (WANTED.cache_control, "image/jpeg")
    assert found["Metadata"]["source-sequencer"] == "0B"


BACKFILLED = event(None)


def test_a_backfill_finds_what_an_event_made_unchanged(client: Any, bucket: str) -> None:
    write(client, bucket, event(), b"one")
    with pytest.raises(Unchanged):
        write(client, bucket, BACKFILLED, b"two")
    assert client.head_object(Bucket=bucket, Key="cat.jpg")["Metadata"]["source-sequencer"] == "0A"


def test_an_event_finds_what_a_backfill_made_unchanged(client: Any, bucket: str) -> None:
    write(client, bucket, BACKFILLED, b"one")
    with pytest.raises(Unchanged):
        write(client, bucket, event(), b"two")


def test_a_backfill_does_not_replace_what_a_newer_event_made_meanwhile(client: Any, bucket: str) -> None:
    slow = outputs(client, bucket, BACKFILLED)
    slow.look(["cat.jpg"])
    write(client, bucket, event("0B", "e2"), b"new")
    with pytest.raises(Superseded):
        slow.put([file(b"old")], "e1", "")
    assert held(client, bucket) == b"new"


CHOSEN = "thumbnail-position=12.5"


def test_a_retake_makes_another_picture_of_the_same_video(client: Any, bucket: str) -> None:
    write(client, bucket, event(), b"one")
    write(client, bucket, BACKFILLED, b"two", retake=CHOSEN)
    assert held(client, bucket) == b"two"
    metadata = client.head_object(Bucket=bucket, Key="cat.jpg")["Metadata"]
    assert (metadata["retake"], metadata["source-sequencer"]) == (CHOSEN, "0A")


@pytest.mark.parametrize("video", [BACKFILLED, event()], ids=["a backfill", "the same event again"])
def test_what_was_chosen_later_is_not_undone_by(client: Any, bucket: str, video: Video) -> None:
    write(client, bucket, event(), b"one")
    write(client, bucket, BACKFILLED, b"two", retake=CHOSEN)
    with pytest.raises(Unchanged):
        write(client, bucket, video, b"three")


def test_what_was_chosen_later_holds_with_other_settings_too(client: Any, bucket: str) -> None:
    write(client, bucket, BACKFILLED, b"one", retake=CHOSEN)
    made = outputs(client, bucket, BACKFILLED, Wanted(quality=50))
    made.look(["cat.jpg"])
    assert made.kept_retake == CHOSEN
    made.put([file(b"two")], "e1", "")
    assert client.head_object(Bucket=bucket, Key="cat.jpg")["Metadata"]["retake"] == CHOSEN


@pytest.mark.parametrize("video", [event("0B", "e2"), event("0B", "e1")], ids=["other bytes", "the same bytes"])
def test_a_new_upload_undoes_what_was_chosen(client: Any, bucket: str, video: Video) -> None:
    write(client, bucket, event(), b"one")
    write(client, bucket, BACKFILLED, b"two", retake=CHOSEN)
    made = write(client, bucket, video, b"three")
    assert held(client, bucket) == b"three"
    assert made.kept_retake == ""


def test_what_was_chosen_can_be_taken_back(client: Any, bucket: str) -> None:
    write(client, bucket, BACKFILLED, b"one", retake=CHOSEN)
    write(client, bucket, BACKFILLED, b"two", retake="")
    assert held(client, bucket) == b"two"
    assert client.head_object(Bucket=bucket, Key="cat.jpg")["Metadata"].get("retake", "") == ""


def test_the_outputs_of_a_video_are_removed_and_no_others(client: Any, bucket: str) -> None:
    write(client, bucket, event(), b"one")
    client.put_object(Bucket=bucket, Key="cat.320w.jpg", Body=b"by hand")
    gone = outputs(client, bucket, event("0C")).remove(["cat.jpg", "cat.320w.jpg", "cat.1.jpg"])
    assert gone == ["cat.jpg"]
    assert held(client, bucket, "cat.320w.jpg") == b"by hand"


def test_the_outputs_of_a_newer_upload_are_not_removed(client: Any, bucket: str) -> None:
    write(client, bucket, event("0D"), b"one")
    assert outputs(client, bucket, event("0C")).remove(["cat.jpg"]) == []


def test_if_one_of_several_images_is_missing_all_are_made(client: Any, bucket: str) -> None:
    write(client, bucket, event(), b"one")
    made = outputs(client, bucket, event())
    made.look(["cat.jpg", "cat.320w.jpg"])
    made.put([file(b"one"), file(b"small", "cat.320w.jpg")], "e1", "")
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
