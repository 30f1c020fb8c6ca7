"""The video's object, read by S3 range GETs within a budget.

Every GET carries `If-Match`, so that a changed object is noticed.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from model import KIB, MIB, Range, ReadPolicy, Rejected, Superseded, Video
from service.requests import Ask, Attempt, Requests, Tally

MOST_REQUESTS = 3_000
"""Of one object: the budget of bytes in parts of 64 KiB."""
PIECE = 256 * KIB
"""Bytes taken from a connection at a time: so much is lost where it breaks."""


class NoSuchObject(Rejected):
    """The object is not there any more."""

    def __init__(self) -> None:
        super().__init__("no such object: it was deleted before it was read")


@dataclass(frozen=True)
class Head:
    """What S3 says of the object."""

    size: int
    etag: str
    version: str | None
    metadata: dict[str, str]


class VideoObject:
    """One object of S3.

    Raises from every read:
        Superseded: the object is no longer the one that the event spoke of.
        NoSuchObject: the object is gone.
        Rejected: the object is empty, is archived, is encrypted with a key that the function may not use, or
            more of it was asked for than `limit` bytes.
        ClientError, BrokenRequest: S3 failed; another attempt at the event may succeed.
    """

    def __init__(
        self, client: Any, requests: Requests, video: Video, policy: ReadPolicy, limit: int, deadline: float
    ) -> None:
        """`limit`: the most bytes that are read of the object. `deadline`: seconds of `time.monotonic`."""
        self._client, self._requests, self._video = client, requests, video
        self._policy, self._limit, self._deadline = policy, limit, deadline
        self._asked = self._sent = 0
        self.tally = Tally()
        self.etag, self.size = video.etag, video.size or 0
        self.metadata: dict[str, str] | None = None
        """What the uploader attached; None before the first answer."""

    def head(self) -> Head:
        """Ask what the object is, where an event did not say."""

        def ask(attempt: Attempt) -> Head:
            try:
                response = self._client.head_object(**self._address())
            except ClientError as error:
                raise self._explained(error) from error
            attempt.has_answered()
            etag = str(response["ETag"]).strip('"')
            return Head(response["ContentLength"], etag, response.get("VersionId"), response.get("Metadata", {}))

        found = self._requests.one(ask, self._deadline)
        self.size, self.etag, self.metadata = found.size, found.etag, found.metadata
        return found

    def opening(self) -> list[Range]:
        """Return what is fetched first: a small object whole, of a larger one both ends.

        Raises:
            Rejected: the object is empty.
        """
        if self.size == 0:
            raise Rejected("the object is empty")
        if self.size <= self._policy.whole:
            return [(0, self.size)]
        return [(0, self._policy.edge), (self.size - self._policy.tail, self.size)]

    def get(self, ranges: Sequence[Range]) -> Iterator[tuple[int, bytearray]]:
        """Fetch ranges, large ones in parts, all at the same time; give (place, content) of each part as it comes.

        Raises:
            Rejected: more of the object would be read than is allowed.
        """
        part = self._policy.part
        parts = [(first, min(first + part, end)) for start, end in ranges for first in range(start, end, part)]
        # All are charged to the budget before the first is sent.
        asks = [self.ask(piece) for piece in parts]
        answers = self._requests.all(asks, self._deadline, [end - start for start, end in parts])
        return (arrived for _, arrived in answers)

    def ask(self, piece: Range) -> Ask[tuple[int, bytearray]]:
        """Make the request for one range, to be sent by `Requests`.

        Raises:
            Rejected: more of the object would be read than is allowed.
        """
        start, end = piece
        self._asked += end - start
        self._sent += 1
        if self._asked > self._limit:
            raise Rejected(f"more than {self._limit // MIB} MiB of the object would have to be read")
        if self._sent > MOST_REQUESTS:
            raise Rejected(f"more than {MOST_REQUESTS} requests would be needed to read it")

        held = b""
        """The longest beginning that an attempt brought before it broke off: the next asks for the rest."""

        def ask(attempt: Attempt) -> tuple[int, bytearray]:
            nonlocal held
            content = bytearray(held)
            began = time.monotonic()
            try:
                response = self._client.get_object(
                    **self._address(),
                    Range=f"bytes={start + len(content)}-{end - 1}",
                    **({"IfMatch": f'"{self.etag}"'} if self.etag else {}),
                )
                attempt.has_answered()
                self._learn(response, start + len(content))
                while got := response["Body"].read(min(PIECE, end - start + 1 - len(content))):
                    content += got
                    self.tally.bytes += len(got)
                if len(content) != end - start:
                    raise ConnectionError(f"the answer ended after {len(content)} of {end - start} bytes")
            except ClientError as error:
                raise self._explained(error) from error
            finally:
                self.tally.spans.append((began, time.monotonic()))
                if len(held) < len(content) < end - start:
                    held = bytes(content)
            return start, content

        return ask

    def _address(self) -> dict[str, str]:
        version = {"VersionId": self._video.version} if self._video.version else {}
        return {"Bucket": self._video.bucket, "Key": self._video.key, **version}

    def _learn(self, response: dict[str, Any], start: int) -> None:
        """Take the object's metadata from a response, and check that it is of the range and the object asked for."""
        # "bytes 0-99/1234"; a store that ignored the range would have sent the wrong bytes.
        span, _, total = response.get("ContentRange", "").removeprefix("bytes ").partition("/")
        if not total.isdigit() or not span.startswith(f"{start}-"):
            raise ConnectionError(f"the answer to a range from byte {start} says {response.get('ContentRange')!r}")
        if int(total) != self.size:
            raise ConnectionError(f"the answer says that the object has {total} bytes, its event {self.size}")
        self.metadata = response.get("Metadata", {})

    def _explained(self, error: ClientError) -> Exception:
        status = error.response["ResponseMetadata"].get("HTTPStatusCode")
        code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        if status == 412:
            return Superseded("the object was overwritten after its event; the newer one has its own")
        if status in (404, 405):
            return NoSuchObject()
        if status == 416:
            return Rejected("the object is empty, or shorter than its event says")
        if code == "InvalidObjectState":
            return Rejected("the object is in an archive class; restore it and send its event again")
        if code.startswith("KMS.") or (status == 403 and "kms" in message.lower()):
            return Rejected("the object is encrypted with a KMS key that the function may not use; see kmsKeys")
        if status == 400 and (code == "InvalidRequest" or error.operation_name == "HeadObject"):
            return Rejected("the object is encrypted with a key of its uploader (SSE-C), which the function has not")
        if status == 403 and self._is_gone():
            return NoSuchObject()
        return error

    def _is_gone(self) -> bool:
        """Tell a missing object from a forbidden one: without the right to list a bucket S3 answers 403 for both.

        The function may ask for the keys that begin with one that triggers, and so for this very key.
        """
        listing = self._client.list_objects_v2(Bucket=self._video.bucket, Prefix=self._video.key, MaxKeys=1)
        return not any(item["Key"] == self._video.key for item in listing.get("Contents", []))
