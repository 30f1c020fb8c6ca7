"""Writes the images back to S3, each with what made it in its metadata.

The metadata is the service's only memory: it tells a replay from a new video, and an older event from a newer one.
Every write is conditional on what was there when the job began, so that of two jobs at a time neither undoes the other.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from pipeline import overrides
from pipeline.events import Video
from pipeline.outcome import Image, Superseded, Unchanged
from pipeline.settings import Settings
from pipeline.source import CONNECTIONS

_ROUNDS = 5
"""How often a write that met another one is tried again."""


@dataclass(frozen=True)
class Made:
    """What an image was made from, as its metadata says."""

    source: str
    etag: str
    sequencer: str
    settings: str
    wishes: str
    """What the video asked for itself."""


@dataclass(frozen=True)
class Present:
    """An image that is there already."""

    etag: str
    made: Made
    metadata: dict[str, str]
    content_type: str


@dataclass(frozen=True)
class File:
    """An object to write: what it is, and what is in it."""

    image: Image
    content: bytes
    content_type: str


class Shelf:
    """The place of one video's images.

    Raises from both methods:
        Unchanged: the images are there, of the same source and settings.
        Superseded: one of them is of a newer source.
        ClientError: S3 failed, or forbids; another attempt may succeed.
    """

    def __init__(self, client: Any, bucket: str, video: Video, settings: Settings) -> None:
        self._client, self._bucket, self._video = client, bucket, video
        self._settings = settings.fingerprint()
        self._source = _brief(f"{video.bucket}/{video.key}")
        self._wishes: str | None = None
        self._present: dict[str, Present | None] = {}

    def look(self, keys: Iterable[str]) -> None:
        """Finds out what is there, by one request an image, all at the same time."""
        keys = list(keys)
        self._present = dict(zip(keys, _at_once(self._head, keys), strict=True))
        poster, *others = self._present.values()
        self._refuse_newer(self._present.values())
        if poster is not None and self._is_same(poster.made):
            # A video that asked for widths of its own has not all the images that the stack would make.
            complete = all(other is not None and self._is_same(other.made) for other in others)
            if complete or overrides.WIDTHS in poster.made.wishes:
                self._claim(keys[0], poster)
                raise Unchanged("the images are there already, of the same source and settings")

    def put(self, files: Sequence[File], etag: str, wishes: str) -> None:
        """Writes files made of the source with this ETag, which asked for `wishes` itself, all at the same time."""
        _at_once(lambda file: self._put(file, etag, wishes), list(files))

    def _put(self, file: File, etag: str, wishes: str) -> None:
        key = file.image.key
        present = self._present[key] if key in self._present else self._head(key)
        for attempt in range(_ROUNDS):
            condition = {"IfMatch": present.etag} if present else {"IfNoneMatch": "*"}
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=file.content,
                    ContentType=file.content_type,
                    Metadata={
                        "source": self._source,
                        "source-etag": etag,
                        "source-sequencer": self._video.sequencer or "",
                        "settings": self._settings,
                        "wishes": _brief(wishes),
                        "seconds": f"{file.image.seconds:.3f}",
                    },
                    **condition,
                )
                return
            except ClientError as error:
                # 412: somebody else wrote it meanwhile, 404: took it away, 409: is writing it now.
                if error.response["ResponseMetadata"].get("HTTPStatusCode") not in (404, 409, 412):
                    raise
                if attempt == _ROUNDS - 1:
                    raise
            time.sleep(0.05 * 2**attempt)
            present = self._head(key)
            if present is not None and self._is_same(present.made):
                return  # Another delivery of the same event was faster, with the same image.
            self._refuse_newer([present])

    def _claim(self, key: str, poster: Present) -> None:
        """Says in the poster's metadata that a newer upload has the same images: what was uploaded between the two, and
        has its event delivered last, must not replace them."""
        if not self._video.sequencer or poster.made.sequencer == self._video.sequencer:
            return
        try:
            self._client.copy_object(
                Bucket=self._bucket,
                Key=key,
                CopySource={"Bucket": self._bucket, "Key": key},
                CopySourceIfMatch=poster.etag,
                MetadataDirective="REPLACE",
                Metadata={**poster.metadata, "source-sequencer": self._video.sequencer},
                ContentType=poster.content_type,
            )
        except ClientError as error:
            # A poster that somebody has given tags to; the function has no rights on these.
            if error.response["ResponseMetadata"].get("HTTPStatusCode") != 403:
                raise

    def _head(self, key: str) -> Present | None:
        try:
            response = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            # The function may not list the images, and S3 then says 403 of one that is not there.
            if error.response["ResponseMetadata"].get("HTTPStatusCode") in (403, 404):
                return None
            raise
        metadata = response.get("Metadata", {})
        names = ("source", "source-etag", "source-sequencer", "settings", "wishes")
        made = Made(*(metadata.get(name, "") for name in names))
        return Present(response["ETag"], made, metadata, response.get("ContentType", ""))

    def _is_same(self, made: Made) -> bool:
        if (made.source, made.etag, made.settings) != (self._source, self._video.etag, self._settings):
            return False
        # The same bytes may have been put again to ask for something else; only then is it worth asking S3.
        return made.sequencer == (self._video.sequencer or "") or made.wishes == _brief(self._asked())

    def _asked(self) -> str:
        if self._wishes is None:
            version = {"VersionId": self._video.version} if self._video.version else {}
            try:
                response = self._client.head_object(Bucket=self._video.bucket, Key=self._video.key, **version)
            except ClientError as error:
                if error.response["ResponseMetadata"].get("HTTPStatusCode") not in (403, 404, 405):
                    raise
                response = {}  # What became of the object, the reading of it will state.
            self._wishes = overrides.wishes(response.get("Metadata", {}))
        return self._wishes

    def _refuse_newer(self, found: Iterable[Present | None]) -> None:
        """An image of a later event for the same key stays. S3 orders them by their sequencers, which are hexadecimal
        numbers of different lengths, to be compared as text after the shorter is filled up with zeros on the right."""
        ours = self._video.sequencer
        for present in found:
            theirs = present.made.sequencer if present else ""
            if not ours or not theirs or present is None:
                continue
            length = max(len(ours), len(theirs))
            if present.made.source == self._source and theirs.ljust(length, "0") > ours.ljust(length, "0"):
                raise Superseded("a newer version of the object has its images already")


def _brief(text: str) -> str:
    """A text as metadata can hold it: ASCII, and short, because S3 takes 2 KB of metadata and a key may have 1 KB."""
    quoted = quote(text)
    return quoted if len(quoted) <= 256 else "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _at_once(action: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    if len(items) == 1:
        return [action(items[0])]
    with ThreadPoolExecutor(min(len(items), CONNECTIONS)) as pool:
        return list(pool.map(action, items))
