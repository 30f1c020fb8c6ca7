"""What a person does with the page and sees on it, in Chromium."""

import base64
import io
import json
import re
import time
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from local.outcomes import Outcome, Picture

from .conftest import Site
from .videos import colour_of

SECONDS = 30
PATIENCE = SECONDS * 1000


def test_a_chosen_video_is_uploaded_and_its_row_shows_all_that_was_made(shown: Page, film: Path) -> None:
    row = made(shown, film)
    poster, narrower = (row.locator(".still img").nth(n) for n in (0, 1))
    assert (natural_width(poster), natural_width(narrower)) == (640, 320)
    expect(row.locator(".facts")).to_have_text(
        re.compile(r"read [\d,]+ of [\d,]+ bytes .*in \d+ requests? · \d+\.\d\d s")
    )
    assert re.search(rf"of {film.stat().st_size:,} bytes", row.locator(".facts").inner_text())
    expect(row.locator("figcaption").first).to_have_text(re.compile(r"Poster · 640 × 360 · [\d.]+ KiB · at 0:\d\d\.\d"))
    expect(row.locator("progress")).to_be_hidden()
    expect(shown.locator("#said")).to_have_text(f"{film.name}: made")


@pytest.mark.parametrize(("seconds", "colour"), [(15, "green"), (35, "yellow"), (64, "grey")])
def test_the_pointer_on_the_storyboard_shows_the_tile_of_that_moment(
    shown: Page, film: Path, seconds: int, colour: str
) -> None:
    strip = storyboard(made(shown, film))
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    assert box is not None
    shown.mouse.move(box["x"] + box["width"] * (seconds + 0.5) / 65, box["y"] + box["height"] / 2)
    assert tile_colour(strip) == colour
    expect(strip.locator(".tile span")).to_have_text(f"{seconds // 60}:{seconds % 60:02}")
    shown.mouse.move(0, 0)
    expect(strip.locator(".tile")).to_be_hidden()


def test_the_strip_itself_is_a_film_of_all_tiles(shown: Page, film: Path) -> None:
    strip = storyboard(made(shown, film))
    picture = screenshot(strip)
    places = [picture.width * (10 * n + 5) // 65 for n in range(6)]
    seen = [colour_of(pixel(picture, x, picture.height // 2)) for x in places]
    assert seen == ["red", "green", "blue", "yellow", "cyan", "magenta"]


def test_the_manifest_can_be_opened(shown: Page, film: Path) -> None:
    link = made(shown, film).get_by_role("link", name="Manifest")
    with shown.expect_popup() as opened:
        link.click()
    manifest = json.loads(opened.value.locator("body").inner_text())
    opened.value.close()
    assert manifest["source"]["key"] == film.name
    assert [image["kind"] for image in manifest["images"]] == ["poster", "poster", "storyboard", "preview"]


def test_the_preview_moves_while_it_has_the_focus(shown: Page, film: Path) -> None:
    box = made(shown, film).locator(".moving")
    still, film_itself = box.locator("img").nth(0), box.locator("img").nth(1)
    expect(still).to_be_visible()
    expect(film_itself).to_be_hidden()
    box.focus()
    expect(film_itself).to_be_visible()
    assert natural_width(film_itself) == 320
    assert moves(box)
    shown.keyboard.press("Escape")
    expect(film_itself).to_be_hidden()
    box.hover()
    expect(film_itself).to_be_visible()


def test_everything_can_be_reached_and_used_by_keyboard(shown: Page, film: Path) -> None:
    with shown.expect_file_chooser() as opened:
        shown.keyboard.press("Tab")
        expect(shown.locator("#choose")).to_be_focused()
        shown.keyboard.press("Enter")
    opened.value.set_files(film)
    row = settled(shown, film.name)
    strip = storyboard(row)
    for wanted in (row.locator(".still a").nth(0), row.locator(".moving"), row.locator(".still a").nth(1), strip):
        shown.keyboard.press("Tab")
        expect(wanted).to_be_focused()
    expect(strip).to_have_attribute("aria-valuetext", "0:00 of 1:05")
    for key, words, colour in (
        ("ArrowRight", "0:10 of 1:05", "green"),
        ("ArrowRight", "0:20 of 1:05", "blue"),
        ("ArrowLeft", "0:10 of 1:05", "green"),
        ("End", "1:00 of 1:05", "grey"),
        ("ArrowRight", "1:00 of 1:05", "grey"),
        ("Home", "0:00 of 1:05", "red"),
    ):
        shown.keyboard.press(key)
        expect(strip).to_have_attribute("aria-valuetext", words)
        assert tile_colour(strip) == colour
    expect(shown.get_by_role("slider", name=f"Storyboard of {film.name}", exact=True)).to_have_count(1)
    shown.keyboard.press("Escape")
    expect(strip.locator(".tile")).to_be_hidden()


def test_a_dropped_video_is_uploaded_and_made(shown: Page, clip: Path) -> None:
    drop(shown, clip, "dropped.mp4")
    row = settled(shown, "dropped.mp4")
    expect(row.locator(".state")).to_have_text("made")
    strip = storyboard(row)
    assert strip.get_attribute("aria-valuemax") == "2.000"


def test_a_video_that_is_uploaded_again_is_unchanged_and_keeps_its_pictures(shown: Page, clip: Path) -> None:
    for state in ("made", "unchanged"):
        drop(shown, clip, "again.mp4")
        row = row_of(shown, "again.mp4")
        expect(row).to_have_attribute("data-state", state, timeout=PATIENCE)
        assert natural_width(row.locator(".still img").first) == 640


def test_a_file_without_pictures_is_skipped_and_says_why(shown: Page, audio: Path) -> None:
    shown.set_input_files("#choose", audio)
    row = settled(shown, audio.name)
    expect(row.locator(".state")).to_have_text("skipped")
    expect(row.locator(".reason")).to_have_text("it holds no video, only audio")
    assert row.locator("img").count() == 0


def test_a_file_that_is_no_video_is_rejected_and_says_why(shown: Page, tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("buy milk\n" * 100)
    shown.set_input_files("#choose", path)
    row = settled(shown, path.name)
    expect(row.locator(".state")).to_have_text("rejected")
    expect(row.locator(".reason")).not_to_be_empty()


def test_a_name_that_the_stack_does_not_take_is_refused_before_it_is_uploaded(shown: Page, clip: Path) -> None:
    sent: list[str] = []
    shown.on("request", lambda request: sent.append(request.method))
    drop(shown, clip, "clip.avi")
    row = row_of(shown, "clip.avi")
    expect(row.locator(".state")).to_have_text("not uploaded")
    expect(row.locator(".reason")).to_have_text("this stack takes names that end in .mp4; the setting suffixes says so")
    assert "PUT" not in sent


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=alert(1)>.mp4",
        "%2e%2e&bucket=other#a?b+c 'd' \"e\") ü\u202eé🎬.mp4",
        "</h2><script>alert(1)</script>.mp4",
    ],
)
def test_a_hostile_name_is_shown_as_the_text_that_it_is_and_finds_its_pictures(
    shown: Page, clip: Path, name: str
) -> None:
    drop(shown, clip, name)
    row = settled(shown, name)
    expect(row.locator(".state")).to_have_text("made")
    assert row.locator("h2").text_content() == name
    assert natural_width(row.locator(".still img").first) == 640
    assert tile_colour(focused(storyboard(row))) in ("red", "green")
    assert shown.locator("img[src=x], h2 *").count() == 0


@pytest.mark.parametrize("key", ["a/../b/./clip.mp4", "//clip.mp4", "a/<b>/clip_00-01.mp4"])
def test_an_object_of_any_key_that_comes_by_another_way_has_its_row(
    shown: Page, site: Site, clip: Path, key: str
) -> None:
    site.stack.client("s3").upload_file(str(clip), site.stack.bucket, key)
    row = settled(shown, key)
    assert natural_width(row.locator(".still img").first) == 640
    assert tile_colour(focused(storyboard(row))) in ("red", "green")


def test_the_page_fits_a_narrow_screen(shown: Page, film: Path) -> None:
    shown.set_viewport_size({"width": 360, "height": 700})
    storyboard(made(shown, film))
    assert shown.evaluate("document.documentElement.scrollWidth") == 360


def test_a_run_that_has_ended_is_said(site: Site, window: Page) -> None:
    window.route("**/events", lambda route: route.fulfill(status=200, content_type="text/event-stream", body=""))
    window.goto(site.url)
    expect(window.locator("#lost")).to_contain_text("Start it again with make local")


def test_a_preview_in_mp4_plays_too(shown: Page, site: Site, clip: Path) -> None:
    stack = site.stack
    for key in ("film.jpg", "film.preview.m4v"):  # what the poster holds matters not here
        stack.client("s3").upload_file(str(clip), stack.bucket, key)
    poster = Picture("film.jpg", 640, 360, 1, 0.0)
    preview = Picture("film.preview.m4v", 320, 180, 1, 0.0, "preview")
    stack.outcomes.add([Outcome(stack.bucket, "film.mp4", "made", "", (poster, preview), 1, 1, 1, 1.0)])
    box = settled(shown, "film.mp4").locator(".moving")
    box.focus()
    expect(box.locator("video")).to_be_visible()
    box.locator("video").evaluate(  # ends with the test's time where nothing moves
        "(film) => new Promise((done) => film.addEventListener('timeupdate', () => film.currentTime > 0.2 && done()))"
    )
    shown.locator("#choose").focus()
    expect(box.locator("video")).to_be_hidden()
    assert shown.evaluate("document.querySelector('video').paused")


def made(shown: Page, video: Path) -> Locator:
    """Return the row of a video; upload it if it is not on the page yet."""
    row = row_of(shown, video.name)
    shown.wait_for_timeout(200)  # for the rows of earlier tests to come
    if row.count() == 0:
        shown.set_input_files("#choose", video)
    expect(row).to_have_attribute("data-state", re.compile("made|unchanged"), timeout=PATIENCE)
    return row


def settled(shown: Page, name: str) -> Locator:
    row = row_of(shown, name)
    expect(row).to_have_attribute("data-state", re.compile("made|unchanged|skipped|rejected|failed"), timeout=PATIENCE)
    return row


def row_of(shown: Page, name: str) -> Locator:
    return shown.locator(".row").filter(has=shown.get_by_role("heading", name=name, exact=True))


def drop(shown: Page, video: Path, name: str) -> None:
    """Drop a file of this name, as a desktop would hand it over."""
    content = base64.b64encode(video.read_bytes()).decode()
    transfer = shown.evaluate_handle(
        """([content, name]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
            return transfer;
        }""",
        [content, name],
    )
    shown.dispatch_event("#drop", "drop", {"dataTransfer": transfer})


def storyboard(row: Locator) -> Locator:
    strip = row.locator(".strip.ready")
    strip.wait_for(timeout=PATIENCE)
    return strip


def focused(strip: Locator) -> Locator:
    strip.focus()
    return strip


def natural_width(image: Locator) -> int:
    image.evaluate("(image) => image.decode()")
    return int(image.evaluate("(image) => image.naturalWidth"))


def tile_colour(strip: Locator) -> str:
    picture = screenshot(strip.locator(".tile canvas"))
    return colour_of(pixel(picture, picture.width // 2, picture.height // 2))


def moves(box: Locator) -> bool:
    """Whether two colours are seen in turn."""
    seen: set[str] = set()
    deadline = time.monotonic() + SECONDS
    while len(seen) < 2 and time.monotonic() < deadline:
        picture = screenshot(box)
        seen.add(colour_of(pixel(picture, picture.width // 2, picture.height // 2)))
    return len(seen) == 2


def screenshot(element: Locator) -> Image.Image:
    return Image.open(io.BytesIO(element.screenshot())).convert("RGB")


def pixel(picture: Image.Image, x: int, y: int) -> tuple[int, int, int]:
    red, green, blue = picture.crop((x, y, x + 1, y + 1)).tobytes()
    return red, green, blue
