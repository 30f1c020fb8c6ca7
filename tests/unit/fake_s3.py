"""An S3 object in memory, so that reading can be decided on without a network: it counts what is asked of it."""

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from model import Range, ReadPolicy, Video
from service.object import VideoObject
from service.requests import Requests
from worker.reader import Reader

from .fake_object import content_of

ETAG = "0123456789abcdef0123456789abcdef"


class FakeS3:
    """Answers ranges of one object, most of which may be holes: zeros that take no memory. Keeps what is put."""

    def __init__(self, size: int, parts: Mapping[int, bytes]) -> None:
        self.size, self.parts = size, dict(parts)
        self.asked: list[Range] = []
        self.written: dict[str, bytes] = {}
        self.fail_with: Exception | None = None

    @property
    def client(self) -> "FakeS3":
        return self

    def forget_connections(self) -> None:
        """Do nothing: it has none."""

    def get_object(self, *, Range: str, **others: Any) -> dict[str, Any]:
        first, last = (int(number) for number in Range.removeprefix("bytes=").split("-"))
        self.asked.append((first, last + 1))
        if self.fail_with is not None:
            raise self.fail_with
        if first >= self.size:
            raise client_error(416, "InvalidRange")
        if others.get("IfMatch", f'"{ETAG}"') != f'"{ETAG}"':
            raise client_error(412, "PreconditionFailed")
        content = self.content(first, min(last + 1, self.size))
        span = f"bytes {first}-{first + len(content) - 1}/{self.size}"
        return {"Body": io.BytesIO(content), "ContentRange": span, "ETag": f'"{ETAG}"', "Metadata": {}}

    def head_object(self, *, Key: str, **_: Any) -> dict[str, Any]:
        if Key not in ("k.mp4",):
            raise client_error(404, "404")
        return {"ContentLength": self.size, "ETag": f'"{ETAG}"', "Metadata": {}}

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> None:
        self.written[Key] = Body

    def list_objects_v2(self, **_: Any) -> dict[str, Any]:
        return {"Contents": []}

    def content(self, start: int, end: int) -> bytes:
        """Return the bytes of a range."""
        return content_of(self.parts, start, end)

    def get(self, ranges: Sequence[Range]) -> Iterator[tuple[int, memoryview]]:
        """As the worker's side asks."""
        for start, end in ranges:
            self.asked.append((start, end))
            yield start, memoryview(self.content(start, end))


def client_error(status: int, code: str, message: str = "") -> ClientError:
    """Return what boto3 raises for an answer of S3."""
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetObject")


def video(size: int | None, etag: str | None = ETAG) -> Video:
    """Return the event of an object."""
    return Video(bucket="b", key="k.mp4", size=size, etag=etag, version=None, sequencer=None)


def object_of(store: FakeS3, size: int | None = None, limit: int = 2**30, etag: str | None = ETAG) -> VideoObject:
    """Return the service's side of an object."""
    asked = video(store.size if size is None else size, etag)
    return VideoObject(store, Requests(), asked, ReadPolicy(), limit, time.monotonic() + 30)


def reader_of(
    content: bytes | Mapping[int, bytes], size: int | None = None, policy: ReadPolicy | None = None
) -> Reader:
    """Return a reader of an object of these bytes, or of these parts with holes between them; both ends are here."""
    parts = {0: content} if isinstance(content, bytes) else content
    whole = size if size is not None else max((place + len(part) for place, part in parts.items()), default=0)
    store = FakeS3(whole, parts)
    reader = Reader(store, policy or ReadPolicy())
    for start, end in object_of(store).opening():
        reader.keep(start, memoryview(store.content(start, end)))
    return reader
