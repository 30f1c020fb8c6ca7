"""S3's answers: what a request means, and what comes back where nothing goes wrong."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from standin_s3.content import Bytes, Content
from standin_s3.log import Span
from standin_s3.objects import Objects, Refused, Version

MOST_KEYS = 1000
"""Of one answer of ListObjectsV2."""
_KEPT = ("content-type", "cache-control", "content-disposition", "content-encoding", "content-language")
"""Headers of a PUT that a GET gives back, beside the metadata."""


@dataclass(frozen=True)
class Ask:
    """A request."""

    method: str
    bucket: str
    key: str
    """Empty where the request is for the bucket."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def name(self) -> str:
        """`bucket/key`."""
        return f"{self.bucket}/{self.key}"

    @property
    def if_match(self) -> str | None:
        """The ETag that the object must have, without quotes."""
        return _tag(self.headers.get("if-match"))

    def span(self, size: int) -> Span | None:
        """Return the bytes that its `Range` asks for; None where it has none that can be read, which S3 then ignores.

        Raises:
            Refused: none of them is there.
        """
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("range", ""))
        if found is None or found[0] == "bytes=-":
            return None
        first, last = found.groups()
        if first:
            start, end = int(first), min(size, int(last) + 1 if last else size)
        else:
            start, end = max(0, size - int(last)), size
        if start >= end:
            raise Refused(416, "InvalidRange", "The requested range is not satisfiable")
        return start, end


EMPTY = Bytes(b"")


@dataclass(frozen=True)
class Answer:
    """An answer: of its content the bytes from `start` up to `end` are sent."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    content: Content = EMPTY
    start: int = 0
    end: int = 0

    @property
    def length(self) -> int | None:
        """What `Content-Length` says."""
        return None if self.status in (204, 304) else self.end - self.start


def answer(objects: Objects, ask: Ask) -> Answer:
    """Grant a request, or say why not."""
    try:
        if not ask.key:
            return _of_bucket(objects, ask)
        if ask.method == "GET" or ask.method == "HEAD":
            return _read(objects, ask)
        if ask.method == "PUT":
            return _copied(objects, ask) if "x-amz-copy-source" in ask.headers else _put(objects, ask)
        if ask.method == "DELETE":
            return _deleted(objects, ask)
        raise Refused(501, "NotImplemented", f"the stand-in knows no {ask.method} of an object")
    except Refused as refused:
        return error(refused.status, refused.code, refused.message)


def error(status: int, code: str, message: str) -> Answer:
    """Return an answer that is an error."""
    body = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>0</RequestId></Error>"
    return _xml(status, body)


def _xml(status: int, body: str, headers: Mapping[str, str] | None = None) -> Answer:
    content = Bytes(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode())
    return Answer(status, {"Content-Type": "application/xml", **(headers or {})}, content, 0, content.size)


def _of_bucket(objects: Objects, ask: Ask) -> Answer:
    if ask.method == "GET" and ask.query.get("list-type") == "2":
        return _listed(objects, ask)
    if ask.method == "HEAD" or (ask.method == "PUT" and not ask.query):
        return Answer(200)
    raise Refused(501, "NotImplemented", f"the stand-in knows no such {ask.method} of a bucket")


def _read(objects: Objects, ask: Ask) -> Answer:
    found = objects.find(ask.name, ask.query.get("versionId"))
    assert found.content is not None
    if ask.if_match and ask.if_match != found.etag:
        raise Refused(412, "PreconditionFailed", "the object has another ETag")
    if _tag(ask.headers.get("if-none-match")) == found.etag:
        return Answer(304, {"ETag": f'"{found.etag}"'})
    headers = {
        "ETag": f'"{found.etag}"',
        "Accept-Ranges": "bytes",
        "Last-Modified": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(found.put_at)),
        "x-amz-version-id": found.id,
        "content-type": "binary/octet-stream",
        **found.headers,
    }
    size = found.content.size
    span = ask.span(size)
    if span is None:
        return Answer(200, headers, found.content, 0, size)
    headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{size}"
    return Answer(206, headers, found.content, *span)


def _put(objects: Objects, ask: Ask) -> Answer:
    body = ask.body
    if "aws-chunked" in ask.headers.get("content-encoding", ""):
        body = _unchunked(body)
    kept = {n: v for n, v in ask.headers.items() if n in _KEPT and v != "aws-chunked"}
    made = _written(objects, ask, Bytes(body), {**kept, **_metadata(ask.headers)})
    return Answer(200, {"ETag": f'"{made.etag}"', "x-amz-version-id": made.id})


def _copied(objects: Objects, ask: Ask) -> Answer:
    source, _, version = ask.headers["x-amz-copy-source"].partition("?versionId=")
    name = unquote(source).lstrip("/")
    found = objects.find(name, version or None)
    assert found.content is not None
    if _tag(ask.headers.get("x-amz-copy-source-if-match")) not in (None, found.etag):
        raise Refused(412, "PreconditionFailed", "the object to copy has another ETag")
    if ask.headers.get("x-amz-metadata-directive") == "REPLACE":
        headers = {**{n: v for n, v in ask.headers.items() if n in _KEPT}, **_metadata(ask.headers)}
    elif name == ask.name:
        raise Refused(400, "InvalidRequest", "this copies an object to itself without a change")
    else:
        headers = dict(found.headers)
    made = _written(objects, ask, found.content, headers)
    body = f"<CopyObjectResult><LastModified>{_iso(made)}</LastModified><ETag>{made.etag}</ETag></CopyObjectResult>"
    return _xml(200, body, {"x-amz-version-id": made.id})


def _written(objects: Objects, ask: Ask, content: Content, headers: Mapping[str, str]) -> Version:
    return objects.put(ask.name, content, headers, ask.if_match, ask.headers.get("if-none-match"))


def _deleted(objects: Objects, ask: Ask) -> Answer:
    marker = objects.delete(ask.name, ask.query.get("versionId"))
    return Answer(204, {"x-amz-delete-marker": "true", "x-amz-version-id": marker.id} if marker else {})


def _listed(objects: Objects, ask: Ask) -> Answer:
    most = min(MOST_KEYS, int(ask.query.get("max-keys", MOST_KEYS)))
    after = ask.query.get("continuation-token") or ask.query.get("start-after", "")
    found = [
        (key, version)
        for key, version in objects.newest(ask.bucket, ask.query.get("prefix", ""))
        if key.encode() > after.encode()
    ]
    encoded = ask.query.get("encoding-type") == "url"
    listed = "".join(
        f"<Contents><Key>{quote(key) if encoded else escape(key)}</Key><LastModified>{_iso(version)}</LastModified>"
        f"<ETag>&quot;{version.etag}&quot;</ETag><Size>{version.content.size if version.content else 0}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        for key, version in found[:most]
    )
    more = len(found) > most
    token = f"<NextContinuationToken>{escape(found[most - 1][0])}</NextContinuationToken>" if more else ""
    body = (
        f"<ListBucketResult><Name>{escape(ask.bucket)}</Name><KeyCount>{min(most, len(found))}</KeyCount>"
        f"<MaxKeys>{most}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>{token}"
        f"{'<EncodingType>url</EncodingType>' if encoded else ''}{listed}</ListBucketResult>"
    )
    return _xml(200, body)


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("x-amz-meta-")}


def _unchunked(body: bytes) -> bytes:
    """Return a body in chunks of `size in hexadecimal[;signature]`, the last one empty; after it come checksums."""
    content, position = b"", 0
    while position < len(body):
        line_end = body.index(b"\r\n", position)
        size = int(body[position:line_end].split(b";")[0], 16)
        if size == 0:
            break
        content += body[line_end + 2 : line_end + 2 + size]
        position = line_end + 2 + size + 2
    return content


def _tag(header: str | None) -> str | None:
    return header.strip('"') if header else None


def _iso(version: Version) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(version.put_at))
