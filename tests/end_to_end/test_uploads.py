"""What comes of an upload, in a stack without any setting: the picture lies beside the video."""

import json
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.emulator import ROOT
from local.outcomes import Outcome

from .service import SECONDS, Service, is_near, wait_for_retries
from .videos import GREEN, Films, corners

DEEP = "/".join(f"{number:02}-Ebene" for number in range(110))
NAMES = {
    "umlaut, blank, ampersand and plus": "häst & +1",
    "quote and per cent sign below folders": "a/b/it's 100%",
    "a command for a shell": "$(touch x)",
    "a deep folder": f"{DEEP}/{'x' * 20}",
    "what looks encoded already": "a%2Bb+c%20d",
    "letters of many scripts and an emoji": "映像/ролик/वीडियो/فيلم 🎬",
    "a letter and its accent as two characters": unicodedata.normalize("NFD", "été"),
    "dots, slashes and nothing between": "./..//a...b",
}


@pytest.mark.parametrize("turn", range(len(NAMES)), ids=NAMES)
def test_a_video_of_any_name_gets_its_own_picture_beside_it(beside: Service, films: Films, turn: int) -> None:
    name = list(NAMES.values())[turn]
    outcome = beside.outcome(f"{name}.mp4", films.corners(turn % 4))

    assert (outcome.outcome, outcome.reason) == ("made", "")
    assert [picture.key for picture in outcome.pictures] == [f"{name}.jpg"]
    # Neighbours in this table have other videos: a picture under a wrong name shows the wrong corners.
    picture, wanted = beside.picture(f"{name}.jpg"), corners(turn % 4)
    assert (picture.format, picture.size) == ("JPEG", (640, 360))
    for x, y in ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)):
        there = wanted.getpixel((round(x * 800), round(y * 450)))
        assert isinstance(there, tuple)
        assert is_near(picture.getpixel((round(x * 640), round(y * 360))), (there[0], there[1], there[2])), (x, y)


def test_no_name_was_ever_run_by_a_shell(beside: Service, films: Films) -> None:
    assert beside.outcome("$(touch x).mp4", films.corners(3)).outcome in ("made", "unchanged")
    assert not (ROOT / "docker-ffmpeg-thumb" / "x").exists()
    assert not (beside.stack.folder / "x").exists()


def test_a_name_that_ends_in_a_time_asks_for_that_moment(beside: Service, films: Films) -> None:
    outcome = beside.outcome("times/cat_00-01.mp4", films.seconds())

    assert outcome.outcome == "made"
    assert [picture.key for picture in outcome.pictures] == ["times/cat.jpg"]
    picture = beside.picture("times/cat.jpg")
    assert picture.size == (160, 90), "a picture is never larger than its video"
    assert is_near(picture.getpixel((80, 45)), GREEN), "the second second is green"


UNUSABLE = {
    "nothing.mp4": ("rejected", "the object is empty"),
    "text.mp4": ("rejected", "no container found"),
    "sound.mp4": ("skipped", "it holds no video, only"),
}


@pytest.fixture(scope="module")
def unusable(beside: Service, films: Films) -> tuple[dict[str, Outcome], int]:
    """Return what became of files that no picture can be made of, and how often the function was called for them."""
    before = beside.calls()
    contents: dict[str, Path | bytes] = {
        "nothing.mp4": b"",
        "text.mp4": b"#EXTM3U\nhttp://example.com/a.ts\n",
        "sound.mp4": films.sound(),
    }
    outcomes = {name: beside.outcome(f"unusable/{name}", content) for name, content in contents.items()}
    wait_for_retries()
    return outcomes, beside.calls() - before


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_file_that_is_no_video_has_a_stated_outcome_and_no_retry(
    beside: Service, unusable: tuple[dict[str, Outcome], int], name: str
) -> None:
    outcomes, calls = unusable
    stated, reason = UNUSABLE[name]

    assert outcomes[name].outcome == stated
    assert outcomes[name].reason.startswith(reason)
    assert [line["message"] for line in beside.said(f"unusable/{name}")] == [stated]
    assert calls == len(UNUSABLE)
    assert beside.failures() == 0
    assert beside.keys(beside.stack.bucket, "unusable/") == sorted(f"unusable/{each}" for each in UNUSABLE)


def test_the_same_bytes_again_are_unchanged_and_the_picture_names_the_later_upload(
    beside: Service, films: Films
) -> None:
    assert beside.outcome("again/a.mp4", films.corners(0)).outcome == "made"
    first = beside.s3.head_object(Bucket=beside.pictures, Key="again/a.jpg")
    again = beside.outcome("again/a.mp4", films.corners(0))
    second = beside.s3.head_object(Bucket=beside.pictures, Key="again/a.jpg")

    assert again.outcome == "unchanged"
    assert (second["ETag"], second["ContentType"]) == (first["ETag"], first["ContentType"])
    # It names the later upload now, so that an event from between the two, delivered last, cannot replace it.
    before, after = (each["Metadata"].pop("source-sequencer") for each in (first, second))
    assert before != after
    assert second["Metadata"] == first["Metadata"]


def test_other_bytes_under_the_same_name_give_a_new_picture(beside: Service, films: Films) -> None:
    assert beside.outcome("again/b.mp4", films.corners(0)).outcome == "made"
    before = beside.picture("again/b.jpg").getpixel((160, 90))
    assert beside.outcome("again/b.mp4", films.corners(1)).outcome == "made"
    after = beside.picture("again/b.jpg").getpixel((160, 90))

    assert isinstance(before, tuple)
    assert not is_near(after, (before[0], before[1], before[2]))


def test_the_test_event_of_s3_is_answered_without_outcome_or_failure(beside: Service) -> None:
    event = {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-01-01T00:00:00.000Z",
        "Bucket": beside.stack.bucket,
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
    }
    answer = beside.stack.client("lambda").invoke(FunctionName=beside.stack.function, Payload=json.dumps(event))

    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"outcomes": []}
    assert beside.failures() == 0


def test_of_twenty_uploads_at_once_each_gets_its_own_picture_by_one_call(beside: Service, films: Films) -> None:
    crowd = films.crowd(20)
    calls, mark = beside.calls(), beside.stack.outcomes.count()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda each: beside.upload(f"crowd/{each[0].name}", each[0]), crowd))
    outcomes = [beside.stack.outcomes.wait(f"crowd/{path.name}", SECONDS, since=mark) for path, _ in crowd]

    assert [outcome.outcome for outcome in outcomes] == ["made"] * 20
    wrong = [
        (path.name, found, colour)
        for path, colour in crowd
        if not is_near(found := beside.picture(f"crowd/{path.stem}.jpg").getpixel((80, 45)), colour)
    ]
    assert wrong == []
    wait_for_retries()
    assert beside.calls() - calls == 20, "a picture in the same bucket has called the function, or an event came twice"
    assert len(beside.keys(beside.stack.bucket, "crowd/")) == 40
    assert beside.failures() == 0


def test_an_object_with_any_other_ending_calls_nothing(beside: Service, films: Films) -> None:
    calls = beside.calls()
    video = films.corners(0).read_bytes()
    for name in ("a.MP4", "a.txt", "a.mp4.part", "a.mp4/", "mp4", "a.jpg", "a.320w.jpg", "a.thumbnails.json"):
        beside.upload(f"other/{name}", video)
    # One that does call it, uploaded last: the events before it would have come before it.
    assert beside.outcome("other/b.mp4", video).outcome == "made"
    wait_for_retries()

    assert beside.calls() - calls == 1
