"""The page's server without a browser: whom it answers, what it gives away, what it takes."""

import http.client
import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest

from local.emulator import CREDENTIALS, emulator
from local.failure import LocalFailure
from local.outcomes import Outcome, Outcomes, Picture
from local.page import UPLOAD_LIMIT, Board, page
from local.processes import free_port
from local.program import Function, Registered
from local.stack import Stack
from tests.hostile.generate import KEYS

BUCKET = "videos"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two buckets, one of which is of no concern to the stack, and no function."""
    folder = tmp_path_factory.mktemp("stack")
    function = Function("f", "role", "image", {}, 1769, 900, 512)
    with emulator(free_port(), folder) as aws:
        for bucket in (BUCKET, "other"):
            aws.client("s3").create_bucket(Bucket=bucket)
            aws.client("s3").put_object(Bucket=bucket, Key="a/../cat.jpg", Body=b"0123456789", ContentType="text/html")
        outputs = {"outputBucket": BUCKET, "suffixes": [".mp4"]}
        registered = Registered(BUCKET, function, "group", "queue", outputs)
        yield Stack(aws, "processes", registered, Outcomes(), folder, CREDENTIALS)


@pytest.fixture(scope="module")
def port(stack: Stack) -> Iterator[int]:
    with page(stack) as url:
        yield int(url.rstrip("/").rpartition(":")[2])


def ask(
    port: int, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def rows(port: int) -> list[dict[str, Any]]:
    """Return what the stream of events says of all videos so far, taken apart as browsers do (HTML Standard,
    "Server-sent events"): by lines that may end in CR, LF or both."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        connection.settimeout(1)
        content = b""
        with suppress(TimeoutError):
            while chunk := connection.recv(65536):
                content += chunk
    lines = re.split(r"\r\n|\r|\n", content.partition(b"\r\n\r\n")[2].decode())
    assert {line.partition(":")[0] for line in lines} <= {"event", "data", ""}
    return [row for line in lines if line.startswith("data: ") and "key" in (row := json.loads(line[6:]))]


def objects(stack: Stack) -> dict[str, int]:
    rows = stack.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {row["Key"]: row["Size"] for row in rows}


def test_the_page_may_run_its_own_script_alone(port: int) -> None:
    answer, body = ask(port, "/")
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status == 200
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert b"<script src=" in body
    assert b"http" not in body.replace(b"http-equiv", b"")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:80", ""])
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/events"), ("PUT", "/video?key=x.mp4")])
def test_a_request_by_another_name_is_refused(port: int, host: str, method: str, path: str) -> None:
    answer, _ = ask(port, path, method, Host=host)
    assert answer.status == 421


def test_a_page_of_another_origin_may_upload_nothing(port: int, stack: Stack) -> None:
    answer, body = ask(port, "/video?key=cat.mp4", "PUT", b"x", Origin="https://evil.example")
    assert (answer.status, body) == (403, b"pages of other origins have no business here")
    assert "cat.mp4" not in objects(stack)


@pytest.mark.parametrize(
    "origin",
    ["null", "http://localhost:{port}", "https://127.0.0.1:{port}", "http://127.0.0.1", "http://127.0.0.1:1", ""],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/events"), ("GET", "/object"), ("PUT", "/video?key=o.mp4")])
def test_only_the_very_origin_of_the_page_may_ask(port: int, stack: Stack, origin: str, method: str, path: str) -> None:
    answer, _ = ask(port, path, method, b"x", Origin=origin.format(port=port))
    assert answer.status == 403
    assert "o.mp4" not in objects(stack)


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE", "PATCH", "HEAD"])
def test_what_another_sites_page_can_send_unasked_is_not_understood(port: int, stack: Stack, method: str) -> None:
    # A form posts without asking; for a PUT a browser asks first, by OPTIONS, and needs to be told that it may.
    asks = {"Access_Control_Request_Method": "PUT", "Content_Type": "text/plain"}
    answer, _ = ask(port, "/video?key=form.mp4", method, b"x", Origin="https://evil.example", **asks)
    assert answer.status == 501
    assert [name for name in answer.headers if name.lower().startswith("access-control-")] == []
    assert "form.mp4" not in objects(stack)


def test_nothing_of_the_page_may_be_shown_or_loaded_by_other_sites(port: int) -> None:
    for path in ("/", "/page.js", f"/object?bucket={BUCKET}&key=a/../cat.jpg", "/nothing"):
        answer, _ = ask(port, path)
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert [name for name in answer.headers if name.lower().startswith("access-control-")] == []


SCRIPT = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.mark.parametrize(
    "key", ["lie.mp4", "lie.svg", "lie.html", "lie.htm", "lie.xhtml", "lie", "lie.mp4.html", "l.xml"]
)
@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/xhtml+xml"])
def test_a_page_that_was_uploaded_as_something_else_is_never_given_as_one(
    port: int, stack: Stack, key: str, content_type: str
) -> None:
    stack.client("s3").put_object(Bucket=BUCKET, Key=key, Body=SCRIPT, ContentType=content_type)
    answer, body = ask(port, f"/object?bucket={BUCKET}&key={key}")
    assert (answer.status, body) == (200, SCRIPT)
    assert answer.headers["Content-Type"] in ("video/mp4", "application/octet-stream")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "script-src" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("key", KEYS, ids=[ascii(key)[1:20] for key in KEYS])
def test_a_hostile_name_stays_within_its_row(port: int, stack: Stack, key: str) -> None:
    answer, _ = ask(port, f"/video?key={quote(key, safe='')}", "PUT", b"x")
    assert answer.status == 201
    (row,) = [row for row in rows(port) if row["key"] == key]
    assert row["state"] == "uploaded"


@pytest.mark.parametrize("path", ["/../page.py", "/page/index.html", "/%2e%2e/page.py", "//etc/passwd", "/page.js/.."])
def test_no_path_leads_to_another_file(port: int, path: str) -> None:
    answer, _ = ask(port, path)
    assert answer.status == 404


def test_an_object_is_found_by_its_very_key_and_is_never_a_page(port: int) -> None:
    answer, body = ask(port, f"/object?bucket={BUCKET}&key={quote('a/../cat.jpg', safe='')}")
    assert (answer.status, body) == (200, b"0123456789")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_part_of_an_object_is_given_as_asked(port: int) -> None:
    answer, body = ask(port, f"/object?bucket={BUCKET}&key=a/../cat.jpg", Range="bytes=2-4")
    assert (answer.status, body) == (206, b"234")
    assert answer.headers["Content-Range"] == "bytes 2-4/10"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("bucket=other&key=a/../cat.jpg", 404),
        ("bucket=videos/../other&key=a/../cat.jpg", 404),
        ("bucket=videos&key=cat.jpg", 404),
        ("bucket=videos", 400),
        ("bucket=videos&bucket=other&key=a/../cat.jpg", 400),
    ],
)
def test_objects_of_other_buckets_and_missing_ones_are_not_given(port: int, query: str, status: int) -> None:
    answer, _ = ask(port, f"/object?{query}")
    assert answer.status == status


def test_an_upload_of_several_parts_arrives_whole(port: int, stack: Stack) -> None:
    content = bytes(range(256)) * (20 * 1024**2 // 256)
    answer, _ = ask(port, "/video?key=big%2Ffile.mp4", "PUT", content)
    assert answer.status == 201
    assert stack.client("s3").get_object(Bucket=BUCKET, Key="big/file.mp4")["Body"].read() == content


def test_an_upload_that_breaks_off_leaves_no_object(port: int, stack: Stack) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"PUT /video?key=half.mp4 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 1000\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 500)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000) == b""
    assert "half.mp4" not in objects(stack)


def test_an_upload_beyond_the_limit_or_of_unknown_length_is_refused(port: int) -> None:
    answer, body = ask(port, "/video?key=a.mp4", "PUT", Content_Length=str(UPLOAD_LIMIT + 1))
    assert (answer.status, body) == (413, b"an upload may have 1,073,741,824 bytes")
    answer, _ = ask(port, "/video?key=a.mp4", "PUT", Transfer_Encoding="chunked")
    assert answer.status == 411


def test_a_name_that_calls_no_function_is_refused(port: int, stack: Stack) -> None:
    answer, body = ask(port, "/video?key=a.avi", "PUT", b"x")
    assert answer.status == 422
    assert body == b"this stack takes names that end in .mp4; the setting suffixes says so"
    assert "a.avi" not in objects(stack)


def test_events_begin_with_the_stack_and_the_rows_so_far(port: int, stack: Stack) -> None:
    ask(port, "/video?key=row.mp4", "PUT", b"x")
    stack.outcomes.add([Outcome(BUCKET, "row.mp4", "rejected", "it is none", (), 1, 1, 1, 0.1)])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/events")
    answer = connection.getresponse()
    lines = iter(answer.readline, b"")
    data = [
        json.loads(line.removeprefix(b"data: "))
        for line, _ in zip(lines, range(2), strict=False)
        if line[:4] == b"data"
    ]
    assert data[0]["bucket"] == BUCKET
    assert data[0]["suffixes"] == [".mp4"]
    states = (json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data"))
    row = next(row for row in states if row["key"] == "row.mp4" and row["state"] == "rejected")
    assert (row["reason"], row["size"]) == ("it is none", 1)
    connection.close()


def test_a_busy_port_is_said_in_one_line(stack: Stack, port: int) -> None:
    with (
        pytest.raises(LocalFailure, match=f"the page cannot be served on port {port} .*PAGE_PORT={port + 1}"),
        page(stack, port),
    ):
        pass


PICTURE = Picture("a.jpg", 640, 360, 1, 0.0)
MADE = Outcome(BUCKET, "a.mp4", "made", "", (PICTURE,), 1, 1, 1, 0.1)


def test_the_word_of_the_function_stands_where_it_comes_before_that_of_s3() -> None:
    board = Board()
    board.uploading(BUCKET, "a.mp4", 1)
    board.settled(MADE, BUCKET, 1)
    board.uploaded(BUCKET, "a.mp4")
    assert [row.state for row in board.since(0, 0)] == ["made"]


def test_what_is_unchanged_keeps_its_pictures_and_a_late_word_on_an_older_upload_is_none() -> None:
    board = Board()
    board.settled(MADE, BUCKET, 1)
    board.settled(Outcome(BUCKET, "a.mp4", "superseded", "newer", (), 1, 1, 1, 0.1), BUCKET, 1)
    assert [row.state for row in board.since(0, 0)] == ["made"]
    board.uploading(BUCKET, "a.mp4", 1)
    board.settled(Outcome(BUCKET, "a.mp4", "unchanged", "", (), 0, 1, 1, 0.1), BUCKET, 1)
    (row,) = board.since(0, 0)
    assert (row.state, row.pictures) == ("unchanged", (PICTURE,))
    assert board.since(row.number, 0) == []
