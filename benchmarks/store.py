"""An S3 of this machine that is as slow as S3 is, and counts what is asked of it.

It answers GET, HEAD, PUT and DELETE of objects under path-style addresses, with ranges, conditions and metadata as S3
does; signatures and presigned queries are not checked. Before an answer's first byte it waits `latency` seconds, and a
connection carries at most `rate` bytes a second. Every request is logged with its times, as the store sees them.

As a process of its own: `python -m benchmarks.store FOLDER` serves the files of a folder as the objects of the bucket
`videos`, prints its address, and gives its log under `/-/log`.
"""

import argparse
import contextlib
import hashlib
import json
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

LATENCY = 0.030
"""Seconds before the first byte of an answer: S3 in the same region takes 10 to 50 ms for small objects."""
RATE = 80_000_000
"""Bytes a second and connection: the 85 to 90 MB/s of AWS's S3 performance guidelines, a little less."""
BUCKET = "videos"

_CHUNK = 256 * 1024
"""Bytes between two looks at the clock: 3 ms at the default rate."""
_IN_FLIGHT = 512 * 1024
"""Bytes that the kernel may hold of an answer: what a reader that hangs up is charged for without having seen it."""


@dataclass(frozen=True)
class Object:
    """An object: in memory, or a file on disk that is never read whole."""

    etag: str
    size: int
    content: bytes | Path
    metadata: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/octet-stream"

    @staticmethod
    def of_file(path: Path) -> "Object":
        """A file as an object; its ETag is made of what tells that it changed, not of gigabytes."""
        stat = path.stat()
        etag = hashlib.sha256(f"{path.name} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:32]
        return Object(etag, stat.st_size, path)

    @staticmethod
    def of_bytes(content: bytes, metadata: Mapping[str, str] | None = None, content_type: str = "") -> "Object":
        """Content with the ETag that S3 gives it, its MD5."""
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return Object(etag, len(content), content, metadata or {}, content_type or "application/octet-stream")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one GET."""

    kind: str
    """`503`, `SlowDown`: the answer is that; `short`: the connection closes, `reset`: it breaks, after some bytes."""
    after: int = 0
    """Bytes of content that are still sent before `short` and `reset`."""


@dataclass(frozen=True)
class Request:
    """A request as the store saw it. Times are seconds of its monotonic clock."""

    method: str
    key: str
    """`bucket/key`."""
    began: float
    """When its headers had been read."""
    ended: float
    """When the last byte of the answer had been handed to the connection."""
    status: int
    sent: int
    """Bytes of content that the answer held."""
    range: tuple[int, int] | None
    """The bytes of the object that were sent: the first, and the one after the last."""
    if_match: str | None


@dataclass(frozen=True)
class Counted:
    """What a row of requests comes to."""

    bytes: int
    """Of content, sent."""
    requests: int
    gets: int
    chain: int
    """The longest row of GETs each of which began after the one before it had ended."""


def count(requests: list[Request]) -> Counted:
    """Adds up a log."""
    gets = [request for request in requests if request.method == "GET"]
    return Counted(
        sum(request.sent for request in requests),
        len(requests),
        len(gets),
        longest_chain([(get.began, get.ended) for get in gets]),
    )


def longest_chain(spans: list[tuple[float, float]]) -> int:
    """The most spans of time of which each begins after the one before it has ended: by earliest end first, which is
    the exact answer of interval scheduling."""
    chain, last_end = 0, float("-inf")
    for began, ended in sorted(spans, key=lambda span: span[1]):
        if began >= last_end:
            chain, last_end = chain + 1, ended
    return chain


class Store:
    """The objects, the log and the faults; serves while its context is open.

    `faults` maps the number of a GET, from 0 as they come in, to what goes wrong with it; `replacements` maps the
    number of a GET to an object that takes the place of the one asked for just before that GET is answered.

    With `settle`, an answer also waits until no further request has come for so many seconds: requests that are sent
    together are then under way together, however slowly a busy machine sends them.
    """

    def __init__(self, latency: float = LATENCY, rate: float = RATE, port: int = 0, settle: float = 0.0) -> None:
        self.latency, self.rate, self.settle = latency, rate, settle
        self.newest = 0.0
        """When the last request came."""
        self.objects: dict[str, Object] = {}
        self.faults: dict[int, Fault] = {}
        self.replacements: dict[int, Object] = {}
        self._lock = threading.Lock()
        self._log: list[Request] = []
        self._gets = self._open = 0
        store = self

        class Bound(_Handler):
            pass

        Bound.store = store
        self._server = _Server(("127.0.0.1", port), Bound)

    @property
    def url(self) -> str:
        """Its address, for `endpoint_url`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def log(self) -> list[Request]:
        """The requests since the log was last cleared, each complete: waits for those that are being answered."""
        deadline = time.monotonic() + 10
        while self._open and time.monotonic() < deadline:
            time.sleep(0.001)
        with self._lock:
            return list(self._log)

    def clear(self) -> None:
        """Forgets the log; GETs are numbered from 0 again."""
        _ = self.log
        with self._lock:
            self._log.clear()
            self._gets = 0

    def __enter__(self) -> "Store":
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Answers until the context closes."""
        self._server.serve_forever(poll_interval=0.05)

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Counts a request as open, so that the log is never read between an answer's last byte and its entry."""
        with self._lock:
            self._open += 1
            self.newest = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1

    def note(self, request: Request) -> None:
        """Enters a request into the log."""
        with self._lock:
            self._log.append(request)

    def next_get(self, name: str) -> Fault | None:
        """Numbers a GET: puts what is to replace its object in place, and says what goes wrong with it."""
        with self._lock:
            number = self._gets
            self._gets += 1
            if number in self.replacements:
                self.objects[name] = self.replacements.pop(number)
            return self.faults.get(number)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hangs up in the middle of an answer is nothing to report: FFmpeg does so at each seek.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store: Store

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _IN_FLIGHT)

    def log_message(self, format: str, *args: object) -> None:
        """The log is kept by the store."""

    def do_GET(self) -> None:
        if self._name.startswith("-/"):
            self._control()
        elif self._name.rstrip("/").count("/") == 0:
            self._list()
        else:
            self._object()

    def do_HEAD(self) -> None:
        self._object()

    def do_DELETE(self) -> None:
        if self._name.startswith("-/"):
            self._control()
            return
        with self._entry() as entry:
            self.store.objects.pop(self._name, None)
            self._answer(entry, 204, {})

    def do_PUT(self) -> None:
        body = self._body()
        with self._entry() as entry:
            present = self.store.objects.get(self._name)
            if_match = _tag(self.headers["If-Match"])
            if self.headers["If-None-Match"] == "*" and present:
                self._refuse(entry, 412, "PreconditionFailed", "the object exists")
            elif if_match and not present:
                self._refuse(entry, 404, "NoSuchKey", "the object to replace does not exist")
            elif if_match and present and present.etag != if_match:
                self._refuse(entry, 412, "PreconditionFailed", "the object to replace has another ETag")
            else:
                prefix = "x-amz-meta-"
                metadata = {
                    n.lower()[len(prefix) :]: v for n, v in self.headers.items() if n.lower().startswith(prefix)
                }
                made = Object.of_bytes(body, metadata, self.headers["Content-Type"] or "")
                self.store.objects[self._name] = made
                self._answer(entry, 200, {"ETag": f'"{made.etag}"'})

    @property
    def _name(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    def _body(self) -> bytes:
        length = int(self.headers["Content-Length"] or 0)
        body = self.rfile.read(length)
        if "aws-chunked" not in (self.headers["Content-Encoding"] or ""):
            return body
        # Chunks of `size in hexadecimal[;signature]`, the last one empty, then trailers: the checksums, not checked.
        content, position = b"", 0
        while position < len(body):
            line_end = body.index(b"\r\n", position)
            size = int(body[position:line_end].split(b";")[0], 16)
            if size == 0:
                break
            content += body[line_end + 2 : line_end + 2 + size]
            position = line_end + 2 + size + 2
        return content

    @contextlib.contextmanager
    def _entry(self) -> Iterator["_Entry"]:
        with self.store.answering():
            entry = _Entry(self.command, self._name, time.monotonic(), if_match=_tag(self.headers["If-Match"]))
            try:
                yield entry
            finally:
                self.store.note(entry.finished())

    def _object(self) -> None:
        with self._entry() as entry:
            fault = self.store.next_get(self._name) if self.command == "GET" else None
            found = self.store.objects.get(self._name)
            if_none_match = _tag(self.headers["If-None-Match"])
            if fault and fault.kind in ("503", "SlowDown"):
                code = "SlowDown" if fault.kind == "SlowDown" else "ServiceUnavailable"
                self._refuse(entry, 503, code, "please reduce your request rate")
            elif found is None:
                self._refuse(entry, 404, "NoSuchKey", "the specified key does not exist")
            elif entry.if_match and entry.if_match != found.etag:
                self._refuse(entry, 412, "PreconditionFailed", "the object has another ETag")
            elif if_none_match == found.etag:
                self._answer(entry, 304, {"ETag": f'"{found.etag}"'})
            else:
                self._send(entry, found, fault)

    def _send(self, entry: "_Entry", found: Object, fault: Fault | None) -> None:
        headers = {
            "ETag": f'"{found.etag}"',
            "Accept-Ranges": "bytes",
            "Content-Type": found.content_type,
            "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
            **{f"x-amz-meta-{name}": value for name, value in found.metadata.items()},
        }
        start, end, status = 0, found.size, 200
        if self.headers["Range"]:
            span = _span(self.headers["Range"], found.size)
            if span is None:
                self._refuse(entry, 416, "InvalidRange", "the requested range is not satisfiable")
                return
            start, end, status = *span, 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
        self._head(entry, status, headers, end - start)
        if self.command == "HEAD":
            return
        entry.range = (start, start)
        stop = end if fault is None else min(end, start + fault.after)
        self._stream(entry, found, start, stop)
        if fault is not None:
            if fault.kind == "reset":
                # With no time to linger the kernel sends a reset and not an end.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # The bytes sent so far would be thrown away by it.
                time.sleep(0.05)
                self.connection.close()
            self.close_connection = True

    def _stream(self, entry: "_Entry", found: Object, start: int, end: int) -> None:
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            file: BinaryIO | None = None
            if isinstance(found.content, Path):
                file = stack.enter_context(found.content.open("rb"))
            position = start
            while position < end:
                length = min(_CHUNK, end - position)
                if file is not None:
                    length = os.sendfile(self.connection.fileno(), file.fileno(), position, length)
                elif isinstance(found.content, bytes):
                    self.connection.sendall(found.content[position : position + length])
                position += length
                entry.sent += length
                entry.range = (start, position)
                ahead = began + (position - start) / self.store.rate - time.monotonic()
                if ahead > 0:
                    time.sleep(ahead)

    def _list(self) -> None:
        """ListObjectsV2, as far as it tells whether a key is there."""
        with self._entry() as entry:
            query = dict(pair.split("=", 1) for pair in urlsplit(self.path).query.split("&") if "=" in pair)
            prefix = f"{self._name.rstrip('/')}/{unquote(query.get('prefix', ''))}"
            keys = sorted(name.partition("/")[2] for name in self.store.objects if name.startswith(prefix))
            listed = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys[:1000])
            body = f"<ListBucketResult><KeyCount>{len(keys)}</KeyCount>{listed}</ListBucketResult>".encode()
            self._answer(entry, 200, {"Content-Type": "application/xml"}, body)

    def _refuse(self, entry: "_Entry", status: int, code: str, message: str) -> None:
        body = (
            f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>0</RequestId></Error>".encode()
        )
        self._answer(entry, status, {"Content-Type": "application/xml"}, b"" if self.command == "HEAD" else body)

    def _answer(self, entry: "_Entry", status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self._head(entry, status, headers, None if status in (204, 304) else len(body))
        self.wfile.write(body)

    def _head(self, entry: "_Entry", status: int, headers: dict[str, str], length: int | None) -> None:
        while (
            left := max(entry.began + self.store.latency, self.store.newest + self.store.settle) - time.monotonic()
        ) > 0:
            time.sleep(left)
        entry.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _control(self) -> None:
        """`GET /-/log`, `DELETE /-/log`: neither waits, neither is logged."""
        body = b""
        if self.command == "GET":
            body = json.dumps([asdict(request) for request in self.store.log]).encode()
        else:
            self.store.clear()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@dataclass
class _Entry:
    """A request while it is answered."""

    method: str
    key: str
    began: float
    if_match: str | None
    status: int = 0
    sent: int = 0
    range: tuple[int, int] | None = None

    def finished(self) -> Request:
        return Request(
            self.method, self.key, self.began, time.monotonic(), self.status, self.sent, self.range, self.if_match
        )


def _tag(header: str | None) -> str | None:
    return header.strip('"') if header else None


def _span(header: str, size: int) -> tuple[int, int] | None:
    """The bytes that a `Range` header asks for, as (first, one after the last); None where none of them is there."""
    first, _, last = header.removeprefix("bytes=").partition("-")
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
    return (start, end) if start < end else None


def main() -> None:
    """Serves the files of a folder until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store", description=__doc__)
    parser.add_argument("folder", type=Path, help=f"its files are the objects of the bucket {BUCKET}")
    parser.add_argument("--latency", type=float, default=LATENCY, help="seconds before an answer's first byte")
    parser.add_argument("--rate", type=float, default=RATE, help="bytes a second and connection")
    parser.add_argument("--port", type=int, default=0, help="0 for any that is free")
    options = parser.parse_args()
    store = Store(options.latency, options.rate, options.port)
    for path in sorted(options.folder.iterdir()):
        if path.is_file():
            store.objects[f"{BUCKET}/{path.name}"] = Object.of_file(path)
    print(store.url, flush=True)
    store.serve()


if __name__ == "__main__":
    main()
