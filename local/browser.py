"""The Chromium of this machine, driven by Playwright; none is downloaded."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from local.failure import LocalFailure

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no Chromium was found on PATH: install one (Debian: apt-get install chromium)"
# Playwright starts it headless, with a new empty profile. It must talk to no host but the page's own.
_OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def installed() -> str | None:
    """Return the path of a Chromium, where there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """Yield a headless Chromium, which is gone when its context ends."""
    path = installed()
    if path is None:
        raise LocalFailure(MISSING)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=_OPTIONS)
        try:
            yield started
        finally:
            started.close()
