"""What Chromium makes of a page or a drawing that was uploaded as a video: nothing."""

from contextlib import suppress
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Error

from .conftest import Site

RUNS = "document.title = 'ran'"
LIES = {
    "HTML": (f"<!doctype html><title>t</title><script>{RUNS}</script>".encode(), "text/html"),
    "SVG": (f"<svg xmlns='http://www.w3.org/2000/svg'><script>{RUNS}</script></svg>".encode(), "image/svg+xml"),
}


@pytest.mark.parametrize("ending", [".mp4", ".html", ".svg"])
@pytest.mark.parametrize("kind", LIES)
def test_an_uploaded_page_runs_no_script(site: Site, chromium: Browser, kind: str, ending: str) -> None:
    content, content_type = LIES[kind]
    key = f"lie {kind}{ending}"
    site.stack.client("s3").put_object(Bucket=site.stack.bucket, Key=key, Body=content, ContentType=content_type)
    context = chromium.new_context(accept_downloads=False)
    window, asked = context.new_page(), list[str]()
    window.on("response", lambda response: asked.append(f"{response.status} {response.url}"))
    try:
        # What is no kind that it shows is offered for download, which ends the navigation.
        with suppress(Error):
            window.goto(f"{site.url}object?bucket={site.stack.bucket}&key={quote(key)}")
        assert [answer[:4] for answer in asked] == ["200 "]
        assert window.title() != "ran"
    finally:
        context.close()
