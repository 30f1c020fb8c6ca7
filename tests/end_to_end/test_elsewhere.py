"""Two buckets that were there before, and everything that a video can get."""

import json
import re

import pytest
from PIL import Image

from .service import Service, is_near, wait_for_retries
from .videos import BLUE, GREEN, RED, Films

KEY = "Folge 1/häst & +1.mp4"
BASE = "pictures/Folge 1/häst & +1"
FILES = [
    f"{BASE}.320w.jpg",
    f"{BASE}.jpg",
    f"{BASE}.preview.webp",
    f"{BASE}.storyboard.jpg",
    f"{BASE}.storyboard.vtt",
    f"{BASE}.thumbnails.json",
]


@pytest.fixture(scope="module")
def made(elsewhere: Service, films: Films) -> Service:
    """Return the service after one video of three scenes, ten seconds each."""
    outcome = elsewhere.outcome(KEY, films.scenes())
    assert (outcome.outcome, outcome.reason) == ("made", "")
    return elsewhere


def test_all_files_lie_in_the_other_bucket_below_the_prefix_and_none_beside_the_video(made: Service) -> None:
    assert made.keys("stills", "pictures/Folge 1/") == FILES
    assert made.keys("films", "Folge 1/") == [KEY]
    assert [key for key in made.keys("stills") if not key.startswith("pictures/")] == []


def test_there_is_a_picture_of_each_width(made: Service) -> None:
    poster, small = made.picture(f"{BASE}.jpg"), made.picture(f"{BASE}.320w.jpg")
    assert (poster.size, small.size) == ((640, 360), (320, 180))
    middle = poster.getpixel((320, 180))
    assert any(is_near(middle, colour) for colour in (RED, GREEN, BLUE))
    assert isinstance(middle, tuple)
    assert is_near(small.getpixel((160, 90)), (middle[0], middle[1], middle[2])), "both show the same moment"


def test_the_storyboard_has_a_tile_of_every_scene_where_its_cue_says(made: Service) -> None:
    sheet = made.picture(f"{BASE}.storyboard.jpg")
    text = made.content(f"{BASE}.storyboard.vtt").decode()
    cues = re.findall(
        r"^([0-9:.]+) --> ([0-9:.]+)\nh%C3%A4st%20%26%20%2B1\.storyboard\.jpg#xywh=(\d+),(\d+),(\d+),(\d+)$", text, re.M
    )

    assert text.startswith("WEBVTT\n\n")
    assert [(start, end) for start, end, *_ in cues] == [
        ("00:00:00.000", "00:00:10.000"),
        ("00:00:10.000", "00:00:20.000"),
        ("00:00:20.000", "00:00:30.000"),
    ]
    for (_, _, *place), colour in zip(cues, (RED, GREEN, BLUE), strict=True):
        x, y, width, height = map(int, place)
        assert (width, height) == (160, 90)
        tile = sheet.crop((x, y, x + width, y + height))
        assert is_near(tile.getpixel((80, 45)), colour)


def test_the_preview_moves(made: Service) -> None:
    with Image.open(made.s3.get_object(Bucket="stills", Key=f"{BASE}.preview.webp")["Body"]) as preview:
        frames = getattr(preview, "n_frames", 1)
        assert (preview.format, preview.size) == ("WEBP", (320, 180))
    assert frames > 1


def test_the_manifest_names_the_source_and_every_image_as_it_is(made: Service, films: Films) -> None:
    manifest = json.loads(made.content(f"{BASE}.thumbnails.json"))

    assert manifest["outcome"] == "made"
    assert (manifest["source"]["bucket"], manifest["source"]["key"]) == ("films", KEY)
    assert manifest["source"]["bytes"] == films.scenes().stat().st_size
    assert (manifest["video"]["coded_width"], manifest["video"]["seconds"]) == (800, 30.0)
    files = [*manifest["images"], *manifest["texts"]]
    assert sorted(file["key"] for file in files) == [key for key in FILES if not key.endswith(".json")]
    for file in files:
        assert file["bytes"] == len(made.content(file["key"])), file["key"]
    for image in manifest["images"]:
        assert (image["width"], image["height"]) == made.picture(image["key"]).size, image["key"]


def test_the_same_bytes_again_are_unchanged(made: Service, films: Films) -> None:
    before = {key: made.s3.head_object(Bucket="stills", Key=key)["ETag"] for key in FILES}
    assert made.outcome(KEY, films.scenes()).outcome == "unchanged"
    assert {key: made.s3.head_object(Bucket="stills", Key=key)["ETag"] for key in FILES} == before


def test_six_files_of_one_video_are_made_by_one_call(elsewhere: Service, films: Films) -> None:
    calls = elsewhere.calls()
    assert elsewhere.outcome("once.mp4", films.scenes()).outcome == "made"
    wait_for_retries()

    assert len(elsewhere.keys("stills", "pictures/once.")) == 6
    assert elsewhere.calls() - calls == 1
    assert elsewhere.failures() == 0
