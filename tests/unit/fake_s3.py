"""An S3 object in memory, so that reading can be decided on without a network: it counts what is asked of it."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from pipeline.events import Video
from pipeline.source import Source

ETAG = "0123456789abcdef0123456789abcdef"


class FakeS3:
    """Answers `get_object` with ranges of one object, most of which may be holes: zeros that take no memory."""

    def __init__(self, size: int, parts: Mapping[int, bytes]) -> None:
        self.size, self.parts = size, dict(parts)
        self.asked: list[tuple[int, int]] = []
        self.fail_with: Exception | None = None

    def get_object(self, *, Range: str, **others: Any) -> dict[str, Any]:
        first, last = (int(number) for number in Range.removeprefix("bytes=").split("-"))
        self.asked.append((first, last + 1))
        if self.fail_with is not None:
            raise self.fail_with
        if first >= self.size:
            raise client_error(416, "InvalidRange")
        if others.get("IfMatch", f'"{ETAG}"') != f'"{ETAG}"':
            raise client_error(412, "PreconditionFailed")
        end = min(last + 1, self.size)
        content = bytearray(end - first)
        for place, part in self.parts.items():
            begin, finish = max(place, first), min(place + len(part), end)
            if begin < finish:
                content[begin - first : finish - first] = part[begin - place : finish - place]
        span = f"bytes {first}-{end - 1}/{self.size}"
        return {"Body": io.BytesIO(bytes(content)), "ContentRange": span, "ETag": f'"{ETAG}"', "Metadata": {}}

    def list_objects_v2(self, **_: Any) -> dict[str, Any]:
        return {"Contents": []}


def client_error(status: int, code: str) -> ClientError:
    """What boto3 raises for an answer of S3."""
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetObject")


def video(size: int | None, etag: str | None = ETAG) -> Video:
    """The event of an object."""
    return Video(bucket="b", key="k.mp4", size=size, etag=etag, version=None, sequencer=None)


def source_of(content: bytes | Mapping[int, bytes], size: int | None = None, limit: int = 2**30) -> Source:
    """An opened source of an object of these bytes, or of these parts with holes between them."""
    parts = {0: content} if isinstance(content, bytes) else content
    whole = size if size is not None else max((place + len(part) for place, part in parts.items()), default=0)
    source = Source(FakeS3(whole, parts), video(whole), limit)
    source.open()
    return source


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of ISO/IEC 14496-12."""
    body = b"".join(content)
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def numbers(values: Iterable[int], width: int = 4) -> bytes:
    """Big-endian integers, one behind the other."""
    return b"".join(value.to_bytes(width, "big") for value in values)
