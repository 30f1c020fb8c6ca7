"""One stack, one page and one Chromium for all tests; a new window for each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Dialog, Page

from local.browser import MISSING, browser, installed
from local.page import SETTINGS, page
from local.stack import Stack, running

from .videos import COLOURS, colours, sound


@dataclass(frozen=True)
class Site:
    """A stack and its page."""

    stack: Stack
    url: str


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {**SETTINGS, "storyboardInterval": 10}
    with running(settings, folder=tmp_path_factory.mktemp("stack"), environments=1) as stack, page(stack) as url:
        yield Site(stack, url)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if installed() is None:
        pytest.skip(MISSING)
    with browser() as started:
        yield started


@pytest.fixture
def window(chromium: Browser) -> Iterator[Page]:
    """Yield an empty window; whatever is shown in it says nothing in the console, and asks nothing of other hosts."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    opened = context.new_page()
    faults: list[str] = []
    hosts: set[str | None] = set()

    def told(dialog: Dialog) -> None:
        faults.append(f"a dialog opened: {dialog.message}")
        dialog.dismiss()

    opened.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("dialog", told)
    opened.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    yield opened
    context.close()
    assert faults == []
    assert hosts == {"127.0.0.1"}


@pytest.fixture
def shown(site: Site, window: Page) -> Page:
    """Return the page, connected."""
    window.goto(site.url)
    window.locator("#choose:enabled").wait_for()
    return window


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another colour every ten seconds, 65 seconds long."""
    return colours(tmp_path_factory.mktemp("film") / "colours.mp4", [10.0] * (len(COLOURS) - 1) + [5.0])


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds."""
    return colours(tmp_path_factory.mktemp("clip") / "clip.mp4", [1.0, 1.0])


@pytest.fixture(scope="session")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound(tmp_path_factory.mktemp("audio") / "only audio.mp4")
