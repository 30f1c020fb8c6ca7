"""The manifest, as its schema describes it, and what a worker may say of a storyboard."""

import json
import re
from dataclasses import asdict, replace
from typing import Any

import pytest

from model import File, Reading, Storyboard, Video, VideoFacts
from service import answers, manifest
from service.answers import BadAnswer

from .schemas import DOCS, check

VIDEO = Video("films", "a/cat.mp4", 1000, "abc", None, "00FF")
FACTS = VideoFacts("mp4", "h264", 1920, 1080, 1920, 1080, 25.0)
BOARD = Storyboard(tiles=25, interval=1.0, seconds=25.0, columns=10, rows=2, tile_width=160, tile_height=90)
POSTER = File("poster", "a/cat.jpg", "image/jpeg", 640, 360, 50_000, 2.5)
SHEETS = [
    File("storyboard", "a/cat.storyboard.jpg", "image/jpeg", 1600, 180, 50_000, 0.0),
    File("storyboard", "a/cat.storyboard-2.jpg", "image/jpeg", 800, 90, 20_000, 20.0),
]
CUES = File("storyboard", "a/cat.storyboard.vtt", "text/vtt", None, None, 900, 0.0)
PLAYLIST = File("storyboard", "a/a & b.storyboard.m3u8", "application/vnd.apple.mpegurl", None, None, 300, 0.0)


def written(facts: VideoFacts = FACTS, *files: File) -> dict[str, Any]:
    content = manifest.write(VIDEO, "abc", 1000, facts, [POSTER, *files], ["a note"], Reading(500, 2, 1), 0.25)
    made: dict[str, Any] = json.loads(content)
    check(made, "manifest")
    return made


def test_the_documented_example_is_a_manifest() -> None:
    found = re.search(r"<!-- manifest -->\n```json\n(.*?)```", (DOCS / "outputs.md").read_text(), re.DOTALL)
    assert found is not None
    check(json.loads(found[1]), "manifest")


def test_a_manifest_has_images_and_texts_apart() -> None:
    made = written(replace(FACTS, storyboard=BOARD), *SHEETS, CUES)
    assert [image["key"] for image in made["images"]] == ["a/cat.jpg", *(sheet.key for sheet in SHEETS)]
    assert [text["key"] for text in made["texts"]] == ["a/cat.storyboard.vtt"]
    assert made["source"] == {"bucket": "films", "key": "a/cat.mp4", "etag": "abc", "version": None, "bytes": 1000}
    assert made["notes"] == ["a note"]


def test_without_a_storyboard_there_is_no_geometry() -> None:
    assert written()["storyboard"] is None


def test_of_a_storyboard_without_playlist_there_is_no_stream() -> None:
    made = written(replace(FACTS, storyboard=BOARD), *SHEETS, CUES)["storyboard"]
    assert made == {**asdict(BOARD), "image_stream": None}


def test_a_master_playlist_finds_the_numbers_of_its_line() -> None:
    made = written(replace(FACTS, storyboard=BOARD), *SHEETS, CUES, PLAYLIST)["storyboard"]
    # The first sheet has 50,000 bytes for 20 seconds, the second 20,000 for 5.
    stream = {"bandwidth": 32_000, "resolution": "160x90", "codecs": "jpeg", "uri": "a%20%26%20b.storyboard.m3u8"}
    assert made["image_stream"] == stream


def test_a_placeholder_is_there_only_if_it_was_made() -> None:
    assert "placeholder" not in written()["video"]
    assert written(replace(FACTS, placeholder="LEHV"))["video"]["placeholder"] == "LEHV"


SAID = {**asdict(FACTS), "storyboard": asdict(BOARD)}


def test_a_worker_tells_the_geometry_of_its_sheets() -> None:
    assert answers.facts(json.loads(json.dumps(SAID)), 2) == replace(FACTS, storyboard=BOARD)
    assert answers.facts(asdict(FACTS), 0) == FACTS


@pytest.mark.parametrize(
    "changed", [{"columns": 0}, {"rows": -1}, {"tiles": 10**6}, {"interval": 0.0}, {"seconds": -1}]
)
def test_a_geometry_that_cannot_be_is_malformed(changed: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        answers.facts({**SAID, "storyboard": {**asdict(BOARD), **changed}}, 2)


@pytest.mark.parametrize("sheets", [0, 1, 3])
def test_a_geometry_of_other_sheets_than_were_given_is_malformed(sheets: int) -> None:
    with pytest.raises(BadAnswer, match=f"other than {sheets} sheets"):
        answers.facts(SAID, sheets)


@pytest.mark.parametrize("value", [None, [], {}, {"storyboard": []}, {**SAID, "storyboard": {"tiles": 1}}])
def test_what_is_no_geometry_is_malformed(value: object) -> None:
    with pytest.raises(BadAnswer):
        answers.facts(value, 0)
