"""The page of a local run: drop a video on it, see what becomes of it.

`Board` holds a row a video, `page` serves it: the static files, `/events` (server-sent events, a row each),
`PUT /video` (an upload, passed on to S3 while it comes in) and `/object` (a picture, read from S3). It is for the
browsers of this machine alone: it listens on 127.0.0.1, and refuses other sites' pages that are open in them.
"""

import json
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from local.failure import LocalFailure
from local.outcomes import FAILED, Outcome, Picture
from local.stack import Stack

SETTINGS: Mapping[str, Any] = {"widths": [640, 320], "storyboard": True, "preview": True, "manifest": True}
"""What a stack is given for the page to have something to show."""

UPLOAD_LIMIT = 1024**3
"""Bytes of one upload: the emulated AWS holds every object in memory."""

UPLOADING, UPLOADED, REFUSED = "uploading", "uploaded", "not uploaded"
"""States of a video before the function has said anything of it."""

_FOLDER = Path(__file__).resolve().parent / "page"
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Whatever an object holds, opened by itself it is no page of this origin.
_OBJECT_POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; sandbox"
_TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".vtt": "text/vtt; charset=utf-8",
    ".json": "application/json",
}
_CHUNK = 256 * 1024
_HEARTBEAT_SECONDS = 15
"""A browser that has gone is noticed by what is written to it."""


@dataclass(frozen=True)
class Row:
    """A video, and what is known of it by now."""

    bucket: str
    key: str
    state: str
    """`uploading`, `uploaded`, `not uploaded`, or an outcome."""
    reason: str = ""
    notes: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    picture_bucket: str = ""
    size: int | None = None
    """Bytes of the video; None where S3 does not say."""
    read_bytes: int = 0
    requests: int = 0
    seconds: float = 0.0
    number: int = 0
    """Rows are numbered by their last change."""


class Board:
    """The rows of all videos, in the order of their last change; safe between threads."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}
        self._number = 0
        self._changed = threading.Condition()

    def uploading(self, bucket: str, key: str, size: int) -> None:
        self._put(Row(bucket, key, UPLOADING, size=size))

    def uploaded(self, bucket: str, key: str) -> None:
        """S3 has the video; the function may have answered before S3 did, and then its word stands."""
        with self._changed:
            row = self._rows[bucket, key]
            if row.state == UPLOADING:
                self._put(replace(row, state=UPLOADED))

    def refused(self, bucket: str, key: str, reason: str) -> None:
        self._put(Row(bucket, key, REFUSED, reason))

    def settled(self, outcome: Outcome, picture_bucket: str, size: int | None) -> None:
        """Show what the function said of a video."""
        with self._changed:
            before = self._rows.get((outcome.bucket, outcome.key))
            if outcome.outcome == "superseded" and before and before.pictures:
                return  # of an older upload, whose event came late
            # What is unchanged names no pictures; those of the first time are still there.
            kept = before.pictures if before and outcome.outcome == "unchanged" else ()
            self._put(
                Row(
                    bucket=outcome.bucket,
                    key=outcome.key,
                    state=outcome.outcome,
                    reason=outcome.reason,
                    notes=outcome.notes,
                    pictures=outcome.pictures or kept,
                    picture_bucket=picture_bucket,
                    size=size,
                    read_bytes=outcome.read_bytes,
                    requests=outcome.requests,
                    seconds=outcome.seconds,
                )
            )

    def since(self, number: int, seconds: float) -> list[Row]:
        """Return the rows that changed after `number`, oldest change first; waits up to `seconds` for the first of
        them."""
        with self._changed:
            self._changed.wait_for(lambda: self._number > number, timeout=seconds)
            return sorted((row for row in self._rows.values() if row.number > number), key=lambda row: row.number)

    def _put(self, row: Row) -> None:
        with self._changed:
            before = self._rows.get((row.bucket, row.key))
            if before and not row.pictures and row.state in (UPLOADING, REFUSED):
                row = replace(row, pictures=before.pictures, picture_bucket=before.picture_bucket)
            self._number += 1
            self._rows[row.bucket, row.key] = replace(row, number=self._number)
            self._changed.notify_all()


class Body:
    """An upload as it comes in: a file that can be read once, and not past its stated length."""

    def __init__(self, file: BufferedIOBase, length: int) -> None:
        self._file = file
        self.left = length

    def read(self, size: int = -1) -> bytes:
        wanted = self.left if size < 0 else min(size, self.left)
        data = self._file.read(wanted)
        self.left -= len(data)
        if len(data) < wanted:
            # Half a video must not reach the bucket as if it were whole.
            raise ConnectionResetError("the browser broke the upload off")
        return data

    def drain(self) -> None:
        """Take what is left and forget it: a browser reads no answer before it has sent all."""
        while self.left:
            self.read(_CHUNK)


@contextmanager
def page(stack: Stack, port: int = 0) -> Iterator[str]:
    """Serve the page of `stack` on `port` of 127.0.0.1 or on a free one; yield its URL."""
    board = Board()
    try:
        server = _Server(stack, board, port)
    except OSError as error:
        raise LocalFailure(
            f"the page cannot be served on port {port} ({error.strerror}): try make local PAGE_PORT={port + 1}"
        ) from error
    ended = threading.Event()
    threads = [
        threading.Thread(target=_follow, args=(stack, board, ended), daemon=True),
        threading.Thread(target=server.serve_forever, daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        threads[0].join()


def picture_bucket(stack: Stack) -> str:
    """Return where the function puts its pictures."""
    return str(stack.outputs["outputBucket"])


def suffixes(stack: Stack) -> list[str]:
    """Return the endings of names that call the function."""
    return list(stack.outputs["suffixes"])


def _follow(stack: Stack, board: Board, ended: threading.Event) -> None:
    """Carry the function's outcomes over to the board."""
    mark = 0
    while not ended.is_set():
        for outcome in stack.outcomes.since(mark, 0.5):
            mark += 1
            board.settled(outcome, picture_bucket(stack), _size(stack, outcome))


def _size(stack: Stack, outcome: Outcome) -> int | None:
    if outcome.outcome == FAILED:
        return None
    try:
        return int(stack.client("s3").head_object(Bucket=outcome.bucket, Key=outcome.key)["ContentLength"])
    except (BotoCoreError, ClientError):
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stack: Stack, board: Board, port: int) -> None:
        self.stack = stack
        self.board = board
        super().__init__(("127.0.0.1", port), _Handler)
        # A page elsewhere whose name points here (DNS rebinding) is known by the name in its requests.
        self.hosts = (f"127.0.0.1:{self.server_port}", f"localhost:{self.server_port}")


class _Refusal(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds of silence on a connection
    server: _Server

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def _answer(self, work: Any) -> None:
        try:
            try:
                self._check_origin()
                work()
            except _Refusal as refusal:
                # What the request still sends is not read, so the connection is of no further use.
                self.close_connection = True
                self._send(refusal.status, str(refusal).encode(), "text/plain; charset=utf-8", _OBJECT_POLICY)
        except (ConnectionError, TimeoutError, BotoCoreError):
            # The browser has gone, or S3 amid an answer: what is missing tells the browser.
            self.close_connection = True

    def _check_origin(self) -> None:
        host, origin = self.headers.get("Host"), self.headers.get("Origin")
        if host not in self.server.hosts:
            raise _Refusal(HTTPStatus.MISDIRECTED_REQUEST, f"this is http://{self.server.hosts[0]}/ and nothing else")
        if origin is not None and origin != f"http://{host}":
            raise _Refusal(HTTPStatus.FORBIDDEN, "pages of other origins have no business here")

    def _get(self) -> None:
        path = urlsplit(self.path).path
        if path in _FILES:
            name, content_type = _FILES[path]
            self._send(HTTPStatus.OK, (_FOLDER / name).read_bytes(), content_type, _PAGE_POLICY)
        elif path == "/events":
            self._events()
        elif path == "/object":
            self._object(self._asked("bucket"), self._asked("key"))
        else:
            raise _Refusal(HTTPStatus.NOT_FOUND, "there is no such page")

    def _asked(self, name: str) -> str:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if len(query.get(name, [])) != 1:
            raise _Refusal(HTTPStatus.BAD_REQUEST, f"the query has no {name}, or several")
        return query[name][0]

    def _events(self) -> None:
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self._headers("text/event-stream", _OBJECT_POLICY)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        stack, number = self.server.stack, 0
        about = {
            "endpoint": stack.endpoint,
            "bucket": stack.bucket,
            "suffixes": suffixes(stack),
            "limit": UPLOAD_LIMIT,
        }
        self.wfile.write(f"event: stack\ndata: {json.dumps(about)}\n\n".encode())
        while True:
            rows = self.server.board.since(number, _HEARTBEAT_SECONDS)
            for row in rows:
                number = row.number
                self.wfile.write(f"data: {json.dumps(asdict(row))}\n\n".encode())
            if not rows:
                self.wfile.write(b": still here\n\n")

    def _object(self, bucket: str, key: str) -> None:
        stack = self.server.stack
        if bucket not in (stack.bucket, picture_bucket(stack)):
            raise _Refusal(HTTPStatus.NOT_FOUND, "that is no bucket of this stack")
        asked = self.headers.get("Range", "")
        wanted = {"Range": asked} if re.fullmatch(r"bytes=(\d+-\d*|-\d+)", asked) else {}
        try:
            got = stack.client("s3").get_object(Bucket=bucket, Key=key, **wanted)
        except ClientError as error:
            status = HTTPStatus(error.response["ResponseMetadata"]["HTTPStatusCode"])
            raise _Refusal(status, f"S3 does not give s3://{bucket}/{key}: {error}") from error
        except BotoCoreError as error:
            raise _Refusal(HTTPStatus.BAD_GATEWAY, f"S3 does not give s3://{bucket}/{key}: {error}") from error
        with closing(got["Body"]) as body:
            self.send_response(HTTPStatus.PARTIAL_CONTENT if got.get("ContentRange") else HTTPStatus.OK)
            self._headers(_TYPES.get(Path(key).suffix, "application/octet-stream"), _OBJECT_POLICY)
            self.send_header("Content-Length", str(got["ContentLength"]))
            self.send_header("Accept-Ranges", "bytes")
            if got.get("ContentRange"):
                self.send_header("Content-Range", got["ContentRange"])
            # The page's URLs of pictures change with their rows.
            self.send_header("Cache-Control", "private, max-age=3600")
            self.end_headers()
            shutil.copyfileobj(body, self.wfile, _CHUNK)

    def _put(self) -> None:
        if urlsplit(self.path).path != "/video":
            raise _Refusal(HTTPStatus.NOT_FOUND, "there is nothing to put there")
        key, body = self._asked("key"), Body(self.rfile, self._length())
        stack, board = self.server.stack, self.server.board
        endings = suffixes(stack)
        if not key.endswith(tuple(endings)):
            body.drain()
            raise _Refusal(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"this stack takes names that end in {' or '.join(endings)}; the setting suffixes says so",
            )
        board.uploading(stack.bucket, key, body.left)
        try:
            # Without threads one part of 8 MiB is in memory at a time.
            config = TransferConfig(use_threads=False)
            stack.client("s3").upload_fileobj(body, stack.bucket, key, Config=config)
        except ConnectionError:
            board.refused(stack.bucket, key, "the upload was broken off")
            raise
        except Exception as error:  # of S3, or of the library on its way there: the row says which
            board.refused(stack.bucket, key, f"S3 did not take it: {error}")
            body.drain()
            raise _Refusal(HTTPStatus.BAD_GATEWAY, f"S3 did not take it: {error}") from error
        board.uploaded(stack.bucket, key)
        self._send(HTTPStatus.CREATED, b"", "text/plain; charset=utf-8", _OBJECT_POLICY)

    def _length(self) -> int:
        stated = self.headers.get("Content-Length", "")
        if not stated.isdecimal():
            raise _Refusal(HTTPStatus.LENGTH_REQUIRED, "an upload must state its length")
        if int(stated) > UPLOAD_LIMIT:
            raise _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"an upload may have {UPLOAD_LIMIT:,} bytes")
        return int(stated)

    def _send(self, status: HTTPStatus, content: bytes, content_type: str, policy: str) -> None:
        self.send_response(status)
        self._headers(content_type, policy)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def _headers(self, content_type: str, policy: str) -> None:
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the table says it."""
