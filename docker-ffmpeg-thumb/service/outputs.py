"""What lies where the outputs of a video go, and the writing of them.

The metadata of the outputs is the service's only memory: it tells a replay from a new video, an older event from a
newer one, and an output of this service from an object that somebody else put there. Every write is conditional on what
was there when the job began, so that of two jobs at a time neither undoes the other. The poster is written last: where
it is, everything else is.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from model import File, Skipped, Superseded, Unchanged, Video, Wanted
from service import requested
from service.requests import Ask, Attempt, Requests
from service.settings import fingerprint

_ROUNDS = 5
"""How often a write that met another one is tried again."""
_NAMES = ("source", "source-etag", "source-sequencer", "settings", "requested", "retake")
"""The names of what a `Maker` says, in an output's metadata."""


class OutputForbidden(Exception):
    """An object lies where an output goes and may not be read, so nobody can tell whose it is. Raised."""


@dataclass(frozen=True)
class Maker:
    """What an output was made from, as its metadata says."""

    source: str = ""
    """Bucket and key of the video; empty for an object that is not of this service."""
    etag: str = ""
    sequencer: str = ""
    settings: str = ""
    requested: str = ""
    """What the video's own metadata asked for."""
    retake: str = ""
    """What somebody asked for later; see `service.requested`."""


@dataclass(frozen=True)
class Present:
    """An object that is there already."""

    etag: str
    maker: Maker
    response: Mapping[str, Any]
    """What S3 said of it."""


@dataclass(frozen=True)
class Content:
    """An object to write: what it is, and what is in it."""

    file: File
    content: bytes | memoryview


class Outputs:
    """The place of one video's outputs.

    Raises from its methods:
        ClientError, BrokenRequest: S3 failed, or forbids; another attempt may succeed.
        OutputForbidden: an object is in the way that the function may not read.
    """

    def __init__(
        self,
        client: Any,
        requests: Requests,
        bucket: str,
        video: Video,
        wanted: Wanted,
        deadline: float,
        overwrite: bool = False,
        retake: str | None = None,
    ) -> None:
        """`retake`: what somebody asks for now, if anybody does. `overwrite`: whether others' objects give way."""
        self._client, self._requests, self._bucket, self._video = client, requests, bucket, video
        self._settings, self._deadline, self._overwrite = fingerprint(wanted), deadline, overwrite
        self._cache_control = wanted.cache_control
        self._source = _brief(f"{video.bucket}/{video.key}")
        self._retake = retake
        self._asked: str | None = None
        self._present: dict[str, Present | None] = {}
        self.notes: list[str] = []
        """What somebody should know of the objects that were there."""

    def head(self, key: str) -> Ask[Present | None]:
        """Make the request that finds out what lies at a key, to be sent by `Requests`."""

        def ask(attempt: Attempt) -> Present | None:
            try:
                response = self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                # The function may not list the outputs, and S3 then says 403 of one that is not there.
                if _status(error) in (403, 404):
                    attempt.has_answered()
                    return None
                raise
            attempt.has_answered()
            metadata = response.get("Metadata", {})
            return Present(response["ETag"], Maker(*(metadata.get(name, "") for name in _NAMES)), response)

        return ask

    def look(self, keys: Sequence[str]) -> None:
        """Find out what is there, by one request an output, all at the same time; see `decide`."""
        found = self._requests.all([self.head(key) for key in keys], self._deadline)
        self.decide({keys[number]: present for number, present in found}, keys)

    def decide(self, found: Mapping[str, Present | None], keys: Sequence[str]) -> None:
        """Judge what was found at the keys, of which the first is the poster's.

        Raises:
            Unchanged: the outputs are there, of the same source and settings.
            Superseded: one of them is of a newer source.
            Skipped: all that is there was put there by somebody else.
        """
        self._present = {key: found[key] for key in keys}
        self._refuse_newer(self._present.values())
        poster, *others = self._present.values()
        if poster is not None and self._is_same(poster.maker):
            # A video that asked for widths of its own has not all the outputs that the stack would make.
            complete = all(other is not None and self._is_same(other.maker) for other in others)
            if complete or requested.WIDTHS in poster.maker.requested + poster.maker.retake:
                self._claim(keys[0], poster)
                raise Unchanged("the outputs are there already, of the same source and settings")
        foreign = [key for key, present in self._present.items() if present and self._is_foreign(present)]
        if len(foreign) == len(keys):
            raise Skipped(f"{', '.join(foreign)}: put there by somebody else, and overwrite is not set")
        if poster is not None and poster.maker.source not in ("", self._source):
            self.notes.append(
                f"{keys[0]} was of another video, {poster.maker.source}, and was replaced: both names give this key"
            )

    def leaves(self, key: str) -> bool:
        """Return whether something at a key that was looked at was put there by somebody else and stays."""
        present = self._present.get(key)
        return present is not None and self._is_foreign(present)

    @property
    def kept_retake(self) -> str:
        """What somebody asked for later of the video that lies there, and that this event does not undo."""
        if self._retake is not None:
            return self._retake
        for present in self._present.values():
            if present and present.maker.source == self._source and self._is_of_this_upload(present.maker):
                return present.maker.retake
        return ""

    def put(self, contents: Sequence[Content], etag: str, asked: str) -> list[File]:
        """Write outputs made of the source with this ETag, whose metadata asked for `asked`; return those written.

        Raises:
            Superseded: somebody wrote outputs of a newer source meanwhile.
        """
        poster, *others = contents
        written = [file for file in self._put_all(others, etag, asked) if file is not None]
        return [*(file for file in self._put_all([poster], etag, asked) if file is not None), *written]

    def asked_at(self, key: str) -> dict[str, str]:
        """Return what was asked for of the video whose poster lies at a key, by its metadata or later."""
        present = self._requests.one(self.head(key), self._deadline)
        maker = present.maker if present and present.maker.source == self._source else Maker()
        return {**requested.parse(maker.requested), **requested.parse(maker.retake)}

    def remove(self, keys: Iterable[str]) -> list[str]:
        """Delete the outputs of this video at these keys; others' objects, and those of a newer upload, stay.

        Returns:
            The keys that were deleted.
        """
        keys = list(keys)
        found = dict(self._requests.all([self.head(key) for key in keys], self._deadline))
        ours = [
            (keys[n], present)
            for n, present in sorted(found.items())
            if present and present.maker.source == self._source and not self._is_newer(present.maker)
        ]
        asks = [self._delete(key, present) for key, present in ours]
        gone = dict(self._requests.all(asks, self._deadline, hedge=False))
        return [key for n, (key, _) in enumerate(ours) if gone[n]]

    def _put_all(self, contents: Sequence[Content], etag: str, asked: str) -> list[File | None]:
        asks = [self._put(content, etag, asked) for content in contents]
        done = dict(self._requests.all(asks, self._deadline, hedge=False))
        return [done[number] for number in range(len(asks))]

    def _put(self, content: Content, etag: str, asked: str) -> Ask[File | None]:
        def ask(attempt: Attempt) -> File | None:
            key = content.file.key
            present = self._present[key] if key in self._present and attempt.number == 0 else self._now(key)
            for round_ in range(_ROUNDS):
                if present is not None and self._is_foreign(present):
                    self.notes.append(
                        f"{key} was put there by somebody else and stays; the setting overwrite replaces it"
                    )
                    return None
                condition = {"IfMatch": present.etag} if present else {"IfNoneMatch": "*"}
                try:
                    self._client.put_object(
                        Bucket=self._bucket,
                        Key=key,
                        Body=bytes(content.content),
                        ContentType=content.file.type,
                        Metadata=self._metadata(content.file, etag, asked, present),
                        **({"CacheControl": self._cache_control} if self._cache_control else {}),
                        **condition,
                    )
                    return content.file
                except ClientError as error:
                    # 412: somebody else has written it since, 404: has deleted it, 409: is writing it now.
                    if _status(error) not in (404, 409, 412):
                        raise
                    fault = error
                time.sleep(0.05 * 2**round_)
                before, present = present, self._now(key)
                if present is None and before is None and _status(fault) == 412:
                    raise OutputForbidden(
                        f"s3://{self._bucket}/{key} is there and may not be read (403), so nobody knows whose it is: "
                        "allow the function's role s3:GetObject on it, or move it away"
                    )
                if present is not None and self._is_same(present.maker) and present.maker.retake == self.kept_retake:
                    return content.file  # Another delivery of the same event was faster, with the same output.
                self._refuse_newer([present])
                if not self._video.sequencer and present and not self._is_of_this_upload(present.maker):
                    # Without a sequencer this job cannot tell which is newer; the other writer had an event of its own.
                    raise Superseded("another upload of the object got its outputs meanwhile")
            raise fault

        return ask

    def _now(self, key: str) -> Present | None:
        return self.head(key)(Attempt(0))

    def _metadata(self, file: File, etag: str, asked: str, present: Present | None) -> dict[str, str]:
        sequencer = self._video.sequencer or ""
        if not sequencer and present and self._is_of_this_upload(present.maker):
            sequencer = present.maker.sequencer
        return {
            "source": self._source,
            "source-etag": etag,
            "source-sequencer": sequencer,
            "settings": _brief(self._settings),
            "requested": _brief(asked),
            "retake": _brief(self.kept_retake),
            "seconds": f"{file.seconds:.3f}",
        }

    def _claim(self, key: str, poster: Present) -> None:
        """Say in the poster's metadata that a newer upload has the same outputs: what was uploaded between the two, and
        has its event delivered last, must not replace them."""
        if not self._video.sequencer or poster.maker.sequencer == self._video.sequencer:
            return
        response = poster.response
        kept = {name: response[name] for name in ("ContentType", "CacheControl") if response.get(name)}
        try:
            self._client.copy_object(
                Bucket=self._bucket,
                Key=key,
                CopySource={"Bucket": self._bucket, "Key": key},
                CopySourceIfMatch=poster.etag,
                MetadataDirective="REPLACE",
                Metadata={**response.get("Metadata", {}), "source-sequencer": self._video.sequencer},
                **kept,
            )
        except ClientError as error:
            # Somebody has tagged the poster, and the function has no rights on tags.
            if _status(error) != 403:
                raise

    def _delete(self, key: str, present: Present) -> Ask[bool]:
        def ask(attempt: Attempt) -> bool:
            try:
                self._client.delete_object(Bucket=self._bucket, Key=key, IfMatch=present.etag)
            except ClientError as error:
                # It is gone already, or is another one by now.
                if _status(error) not in (404, 409, 412):
                    raise
                return False
            return True

        return ask

    def _is_foreign(self, present: Present) -> bool:
        return not present.maker.source and not self._overwrite

    def _is_of_this_upload(self, maker: Maker) -> bool:
        """Return whether an output was made of these very bytes, and of no earlier upload of them."""
        if (maker.source, maker.etag) != (self._source, self._video.etag):
            return False
        ours = self._video.sequencer
        return not ours or not maker.sequencer or maker.sequencer == ours

    def _is_same(self, maker: Maker) -> bool:
        same = (self._source, self._video.etag, _brief(self._settings))
        if (maker.source, maker.etag, maker.settings) != same:
            return False
        if self._retake is not None:
            return maker.retake == _brief(self._retake)
        if self._is_of_this_upload(maker) and maker.sequencer == (self._video.sequencer or ""):
            return True
        # The same bytes may have been put again to ask for something else; only then is it worth asking S3.
        return not (maker.retake and not self._is_of_this_upload(maker)) and maker.requested == _brief(
            self._now_asked()
        )

    def _now_asked(self) -> str:
        """Return what the metadata of the video's object asks for."""
        if self._asked is None:
            version = {"VersionId": self._video.version} if self._video.version else {}
            try:
                response = self._client.head_object(Bucket=self._video.bucket, Key=self._video.key, **version)
            except ClientError as error:
                if _status(error) not in (400, 403, 404, 405):
                    raise
                response = {}  # Reading the object will tell what became of it.
            self._asked = requested.text_of(response.get("Metadata", {}))
        return self._asked

    def _is_newer(self, maker: Maker) -> bool:
        """Return whether an output is of a later event for the same key.

        S3 orders events by their sequencers: hexadecimal numbers of different lengths, to be compared as text after the
        shorter is filled up with zeros on the right (Amazon S3 User Guide, "Event message structure").
        """
        ours, theirs = self._video.sequencer, maker.sequencer
        if not ours or not theirs or maker.source != self._source:
            return False
        length = max(len(ours), len(theirs))
        return theirs.ljust(length, "0") > ours.ljust(length, "0")

    def _refuse_newer(self, found: Iterable[Present | None]) -> None:
        if any(present is not None and self._is_newer(present.maker) for present in found):
            raise Superseded("a newer version of the object has its outputs already")


def _status(error: ClientError) -> int | None:
    status: int | None = error.response["ResponseMetadata"].get("HTTPStatusCode")
    return status


def _brief(text: str) -> str:
    """Return a text as metadata holds it: ASCII, and short: S3 takes 2 KB of metadata, and a key may have 1 KB."""
    quoted = quote(text, safe="/ {}\"':,=.#")
    return quoted if len(quoted) <= 256 else "sha256:" + hashlib.sha256(text.encode()).hexdigest()
