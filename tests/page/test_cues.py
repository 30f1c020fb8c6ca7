"""The storyboard's cues in parsers that are not this project's own: webvtt-py's and Chromium's."""

from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
import webvtt
from playwright.sync_api import Page

from .conftest import Site

KEY = "cues/colours & more.mp4"
CUES = "cues/colours & more.storyboard.vtt"


@pytest.fixture(scope="module")
def cues(site: Site, film: Path) -> str:
    """Return the file of cues that the function wrote of the film."""
    stack = site.stack
    stack.client("s3").upload_file(str(film), stack.bucket, KEY)
    assert stack.outcomes.wait(KEY, 60).outcome == "made"
    return str(stack.client("s3").get_object(Bucket=stack.bucket, Key=CUES)["Body"].read().decode())


def test_a_parser_finds_a_cue_for_every_ten_seconds_without_gaps_up_to_the_end(cues: str) -> None:
    captions = webvtt.from_string(cues).captions
    assert len(captions) == 7
    assert captions[0].start == "00:00:00.000"
    assert captions[-1].end == "00:01:05.000"
    assert all(before.end == after.start for before, after in pairwise(captions))
    places = [(160 * n, 0) for n in range(7)]
    assert [caption.text for caption in captions] == [
        f"colours%20%26%20more.storyboard.jpg#xywh={x},{y},160,90" for x, y in places
    ]


def test_a_plain_video_element_reads_the_cues_of_its_track(cues: str, site: Site, window: Page) -> None:
    def source(key: str) -> str:
        return f"/object?bucket={quote(site.stack.bucket)}&amp;key={quote(key)}"

    html = f"""<!doctype html><title>player</title><link rel="icon" href="/icon.svg">
        <video muted src="{source(KEY)}"><track kind="metadata" default src="{source(CUES)}"></video>"""
    window.route(f"{site.url}player", lambda route: route.fulfill(content_type="text/html", body=html))
    window.goto(f"{site.url}player")
    window.wait_for_function("document.querySelector('track').readyState === 2")
    window.wait_for_function("document.querySelector('video').readyState >= 1")
    read = window.evaluate(
        "[...document.querySelector('track').track.cues].map((cue) => [cue.startTime, cue.endTime, cue.text])"
    )
    captions = webvtt.from_string(cues).captions
    assert [(start, end) for start, end, _ in read] == [(10 * n, min(65, 10 * n + 10)) for n in range(7)]
    assert [text for _, _, text in read] == [caption.text for caption in captions]
    assert window.evaluate("document.querySelector('video').duration") == pytest.approx(65)
    window.evaluate("document.querySelector('video').currentTime = 33")
    window.wait_for_function("document.querySelector('track').track.activeCues?.[0]?.startTime === 30")
