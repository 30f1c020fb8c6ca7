"""`make screenshot`: the stack at work on sample videos, as a browser shows the page of a local run."""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg
from PIL import Image
from playwright.sync_api import Page, expect

from local.browser import browser
from local.emulator import ROOT
from local.failure import LocalFailure
from local.page import SETTINGS, page
from local.samples import make_day
from local.stack import running

PICTURE = ROOT / "docs" / "page.png"
WIDTH, HEIGHT = 1280, 1000
MOST_BYTES = 300_000
SECONDS = 60


def main() -> int:
    try:
        with tempfile.TemporaryDirectory() as folder:
            videos = [make_day(ROOT / ".local" / "samples"), _sound(Path(folder) / "interview.mp4")]
            with running(SETTINGS) as stack, page(stack) as url, browser() as chromium:
                shown = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
                shown.goto(url)
                _upload(shown, videos)
                _write(_picture(shown))
    except LocalFailure as failure:
        print(f"make screenshot: {failure}", file=sys.stderr)
        return 1
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes")
    return 0


def _sound(path: Path) -> Path:
    """Return a file that has nothing to show, for what the page says of it."""
    source = ("-f", "lavfi", "-i", "sine=frequency=220:duration=2")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *source, "-c:a", "aac", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def _upload(shown: Page, videos: list[Path]) -> None:
    expect(shown.locator("#choose")).to_be_enabled()
    for number, video in enumerate(videos, start=1):
        shown.set_input_files("#choose", video)
        expect(shown.locator(".row[data-state=made], .row[data-state=skipped]")).to_have_count(
            number, timeout=SECONDS * 1000
        )


def _picture(shown: Page) -> Image.Image:
    """Return the page with the pointer on the storyboard."""
    strip = shown.locator(".strip.ready")
    strip.wait_for(timeout=SECONDS * 1000)
    box = strip.bounding_box()
    assert box is not None
    shown.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    return Image.open(io.BytesIO(shown.screenshot(full_page=True)))


def _write(picture: Image.Image) -> None:
    """All colours where the file stays small enough with them, else the 256 that come nearest."""
    picture = picture.convert("RGB")
    contents = (_png(each) for each in (picture, picture.quantize(256)))
    content = next((content for content in contents if len(content) <= MOST_BYTES), None)
    if content is None:
        raise LocalFailure(f"the picture has more than the {MOST_BYTES:,} bytes that a README should load")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_bytes(content)


def _png(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return content.getvalue()


if __name__ == "__main__":
    sys.exit(main())
