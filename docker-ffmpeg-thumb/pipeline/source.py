"""The video's object, read by S3 range GETs.

Only what is asked for is fetched: `fetch` brings a set of byte ranges in parallel, and reading bytes that nobody
fetched brings a block, larger each time while the reading goes on in sequence. Every GET carries `If-Match`, so that a
changed object is noticed, and is counted. What was fetched once is kept for the life of the job and never asked again.
"""

import bisect
import io
import random
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, ResponseStreamingError
from urllib3.exceptions import HTTPError

from pipeline.events import Video
from pipeline.outcome import Reading, Rejected, Superseded

Range = tuple[int, int]
"""Bytes of the object: the first, and the one after the last."""

KIB, MIB = 2**10, 2**20

WHOLE = 4 * MIB
"""Objects up to this size are fetched whole by one request: at 80 MB/s that takes no longer than a second request."""
EDGE = 128 * KIB
"""What is fetched first of either end of a larger object: the place of the index, and often the index itself."""
PART = 1 * MIB
"""A larger range is fetched as several parts of this size: a connection to S3 carries some 80 MB/s."""
GAP = 64 * KIB
"""Ranges that lie closer together than this are fetched as one: the bytes between cost less than a request."""
BLOCK, LARGEST_BLOCK = 256 * KIB, 8 * MIB
"""What an unforeseen read fetches: a block that doubles as long as the reading goes on in sequence."""
CONNECTIONS = 32
ATTEMPTS = 5
FIRST_PAUSE = 0.05
"""Seconds before the second attempt at a broken read; doubled for each further one, with jitter."""

_BROKEN = (HTTPClientError, HTTPError, IncompleteReadError, ResponseStreamingError, ConnectionError)


class BrokenRead(Exception):
    """S3 did not deliver a range in any of the attempts. Transient: raised, so that the event is tried again."""


class Source:
    """One object of S3. Safe to read from several threads.

    Raises from any read:
        Superseded: the object is no longer the one that the event spoke of.
        Rejected: the object is gone, is empty, is archived, or more of it was asked for than `limit` bytes.
        ClientError, BrokenRead: S3 failed; another attempt may succeed.
    """

    def __init__(self, client: Any, video: Video, limit: int) -> None:
        self._client, self._video, self._limit = client, video, limit
        self._lock = threading.Lock()
        self._starts: list[int] = []
        self._extents: list[memoryview] = []
        self._spans: list[tuple[float, float]] = []
        self._received = self._asked = 0
        self._block_end, self._block = -1, BLOCK
        self._zeros: list[Range] | None = None
        self._pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="range")
        self.etag, self.size = video.etag, video.size or 0
        self.metadata: dict[str, str] = {}

    def begin(self) -> Future[None]:
        """Opens the object in another thread; the result raises what `open` does."""
        return self._pool.submit(self.open)

    def open(self) -> None:
        """Fetches a small object whole, of a larger one both ends at once."""
        if self._video.size == 0:
            raise Rejected("the object is empty")
        if self._video.size is None:
            self.fetch([(0, EDGE)])
        if self.size <= WHOLE:
            self.fetch([(0, self.size)])
        else:
            self.fetch([(0, EDGE), (self.size - EDGE, self.size)])

    @property
    def reading(self) -> Reading:
        """What was read so far."""
        return Reading(self._received, len(self._spans), _longest_chain(self._spans))

    def has(self, start: int, end: int) -> bool:
        """Whether these bytes are here already."""
        return not list(self._missing([(start, end)]))

    def fetch(self, ranges: Iterable[Range]) -> None:
        """Brings what is missing of the ranges: neighbours merged, large ones split, all at the same time."""
        parts = [
            (first, min(first + PART, end))
            for start, end in self._missing(merged(ranges))
            for first in range(start, end, PART)
        ]
        # In a thread of its own even a single part would only wait for a thread switch.
        arrived = self._pool.map(self._get, parts) if len(parts) > 1 else map(self._get, parts)
        for start, content in arrived:
            self._keep(start, content)

    def read(self, position: int, length: int) -> bytes:
        """At least one and at most `length` bytes from `position`; none at the end."""
        if not 0 <= position < self.size:
            return b""
        while not (content := self._kept(position, length)):
            if self._zeros is not None:
                unread = next(self._missing([(position, position + length)]))
                self._zeros.append(unread)
                return bytes(unread[1] - position)
            self._fetch_block(position)
        return content

    @contextmanager
    def zeros_for_unread(self) -> Iterator[list[Range]]:
        """Within it nothing is fetched: bytes that are not here read as zeros. Gives the ranges that did."""
        zeros: list[Range] = []
        self._zeros = zeros
        try:
            yield zeros
        finally:
            self._zeros = None

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _missing(self, ranges: Iterable[Range]) -> Iterator[Range]:
        for start, stop in ranges:
            at, end = max(0, start), min(stop, self.size) if self.size else stop
            with self._lock:
                while at < end:
                    place = bisect.bisect_right(self._starts, at) - 1
                    if place >= 0 and at < (kept_to := self._starts[place] + len(self._extents[place])):
                        at = kept_to
                        continue
                    upto = min(end, self._starts[place + 1]) if place + 1 < len(self._starts) else end
                    yield at, upto
                    at = upto

    def _kept(self, position: int, length: int) -> bytes:
        with self._lock:
            place = bisect.bisect_right(self._starts, position) - 1
            if place < 0:
                return b""
            offset = position - self._starts[place]
            return bytes(self._extents[place][offset : offset + length])

    def _keep(self, start: int, content: memoryview) -> None:
        # Two threads may have asked for the same block; an extent never overlaps another.
        for first, end in list(self._missing([(start, start + len(content))])):
            with self._lock:
                place = bisect.bisect_left(self._starts, first)
                self._starts.insert(place, first)
                self._extents.insert(place, content[first - start : end - start])

    def _fetch_block(self, position: int) -> None:
        self._block = min(self._block * 2, LARGEST_BLOCK) if position == self._block_end else BLOCK
        start, end = next(iter(self._missing([(position, position + self._block)])))
        self._block_end = end
        self.fetch([(start, end)])

    def _get(self, part: Range) -> tuple[int, memoryview]:
        start, end = part
        with self._lock:
            self._asked += end - start
            if self._asked > self._limit:
                raise Rejected(f"more than {self._limit // MIB} MiB of the object would have to be read")
        content = bytearray(end - start)
        filled, fault = 0, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - jitter is no secret
            began = time.monotonic()
            try:
                response = self._client.get_object(
                    Bucket=self._video.bucket,
                    Key=self._video.key,
                    Range=f"bytes={start + filled}-{end - 1}",
                    **({"IfMatch": f'"{self.etag}"'} if self.etag else {}),
                    **({"VersionId": self._video.version} if self._video.version else {}),
                )
                total = self._learn(response, start + filled)
                if end > total:
                    end = total
                    del content[end - start :]
                body = response["Body"]
                while filled < len(content) and (chunk := body.read(min(256 * KIB, len(content) - filled))):
                    content[filled : filled + len(chunk)] = chunk
                    filled += len(chunk)
                fault = f"it ended after {filled} of {len(content)} bytes"
            except ClientError as error:
                raise self._explained(error) from error
            except _BROKEN as error:
                fault = f"{type(error).__name__} after {filled} of {len(content)} bytes"
            finally:
                self._spans.append((began, time.monotonic()))
            if filled == len(content):
                with self._lock:
                    self._received += filled
                return start, memoryview(content)
        raise BrokenRead(
            f"s3://{self._video.bucket}/{self._video.key}: bytes {start} to {end} could not be read"
            f" in {ATTEMPTS} attempts; at the last, {fault}"
        )

    def _learn(self, response: dict[str, Any], start: int) -> int:
        """Takes the object's size and ETag from a response; the size."""
        # "bytes 0-99/1234"; a store that ignored the range would have sent the wrong bytes.
        span, _, total = response.get("ContentRange", "").removeprefix("bytes ").partition("/")
        if not total.isdigit() or not span.startswith(f"{start}-"):
            raise HTTPError(f"the answer to a range request from byte {start} says {response.get('ContentRange')!r}")
        with self._lock:
            self.size = int(total)
            self.etag = self.etag or str(response["ETag"]).strip('"')
            self.metadata = response.get("Metadata", {})
        return self.size

    def _explained(self, error: ClientError) -> Exception:
        status = error.response["ResponseMetadata"].get("HTTPStatusCode")
        code = error.response["Error"].get("Code", "")
        if status == 412:
            return Superseded("the object was overwritten after its event; the newer one has its own")
        if status in (404, 405):
            return Rejected("no such object: it was deleted before it was read")
        if status == 416:
            return Rejected("the object is empty, or shorter than its event says")
        if code == "InvalidObjectState":
            return Rejected("the object is in an archive class; restore it and send its event again")
        if status == 403 and self._is_gone():
            return Rejected("no such object: it was deleted before it was read")
        return error

    def _is_gone(self) -> bool:
        """Tells a missing object from a forbidden one: without the right to list a bucket S3 answers 403 for both.

        The function may ask for the keys that begin with one that triggers, and so for this very key.
        """
        listing = self._client.list_objects_v2(Bucket=self._video.bucket, Prefix=self._video.key, MaxKeys=1)
        return not any(item["Key"] == self._video.key for item in listing.get("Contents", []))


class View:
    """A source as a seekable file, as PyAV reads it: up to `end`, with `patch` in the place of its bytes."""

    def __init__(self, source: Source, end: int | None = None, patch: tuple[int, bytes] = (0, b"")) -> None:
        self._source, self._end, self._position = source, end, 0
        self._patch_start, self._patch = patch

    @property
    def size(self) -> int:
        """Bytes."""
        return self._source.size if self._end is None else self._end

    def read(self, length: int) -> bytes:
        """At least one and at most `length` bytes; none at the end."""
        at, length = self._position, min(length, self.size - self._position)
        patch_end = self._patch_start + len(self._patch)
        if length <= 0:
            return b""
        if self._patch_start <= at < patch_end:
            content = self._patch[at - self._patch_start :][:length]
        else:
            content = self._source.read(at, min(length, self._patch_start - at) if at < self._patch_start else length)
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves as `io` files do."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """The position in bytes."""
        return self._position


def merged(ranges: Iterable[Range], gap: int = GAP) -> list[Range]:
    """The ranges in order, those that overlap or lie within `gap` bytes of each other made one."""
    result: list[Range] = []
    for start, end in sorted(ranges):
        if result and start - result[-1][1] <= gap:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _longest_chain(spans: list[tuple[float, float]]) -> int:
    """The most requests each of which began after the one before it had ended (interval scheduling by earliest end)."""
    count, last_end = 0, float("-inf")
    for began, ended in sorted(spans, key=lambda span: span[1]):
        if began >= last_end:
            count, last_end = count + 1, ended
    return count
