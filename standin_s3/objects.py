"""The objects of all buckets with their versions, and S3's rules for reading, writing and listing them."""

import itertools
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from standin_s3.content import Content

VERSIONS_KEPT = 8
"""Of one object: a benchmark writes the same poster thousands of times."""


class Refused(Exception):
    """S3's answer to a request that it does not grant."""

    def __init__(self, status: int, code: str, message: str = "refused by the stand-in") -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Version:
    """One version of an object; a delete marker where there is no content."""

    id: str
    etag: str
    content: Content | None
    headers: Mapping[str, str] = field(default_factory=dict)
    """`content-type`, `x-amz-meta-…` and others that S3 gives back as they were put; names in lower case."""
    put_at: float = 0.0
    """Seconds since the epoch."""


class Objects:
    """All objects, by `bucket/key`. Safe between threads."""

    def __init__(self) -> None:
        self._versions: dict[str, list[Version]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def put(
        self,
        name: str,
        content: Content,
        headers: Mapping[str, str],
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> Version:
        """Write an object, if its conditions hold.

        Raises:
            Refused: they do not.
        """
        etag = content.etag
        with self._lock:
            versions = self._versions.setdefault(name, [])
            present = versions[-1] if versions and versions[-1].content else None
            if if_none_match == "*" and present:
                raise Refused(412, "PreconditionFailed", "the object exists")
            if if_match and not present:
                raise Refused(404, "NoSuchKey", "the object to replace does not exist")
            if if_match and present and present.etag != if_match:
                raise Refused(412, "PreconditionFailed", "the object to replace has another ETag")
            made = Version(f"v{next(self._numbers)}", etag, content, dict(headers), time.time())
            versions.append(made)
            del versions[:-VERSIONS_KEPT]
        return made

    def find(self, name: str, version: str | None = None) -> Version:
        """Return the newest version of an object, or the one that is named.

        Raises:
            Refused: there is none, or a delete marker.
        """
        with self._lock:
            versions = list(self._versions.get(name, []))
        if version is None:
            if not versions or versions[-1].content is None:
                raise Refused(404, "NoSuchKey", "the specified key does not exist")
            return versions[-1]
        found = next((each for each in versions if each.id == version), None)
        if found is None:
            raise Refused(404, "NoSuchVersion", "the specified version does not exist")
        if found.content is None:
            raise Refused(405, "MethodNotAllowed", "the specified version is a delete marker")
        return found

    def delete(self, name: str, version: str | None = None) -> Version | None:
        """Put a delete marker over an object, which is returned, or take one version away for good."""
        with self._lock:
            versions = self._versions.get(name, [])
            if version is not None:
                versions[:] = [each for each in versions if each.id != version]
                return None
            marker = Version(f"v{next(self._numbers)}", "", None, put_at=time.time())
            if versions:
                versions.append(marker)
            return marker

    def remove(self, name: str) -> None:
        """Take all versions of an object away."""
        with self._lock:
            self._versions.pop(name, None)

    def newest(self, bucket: str, prefix: str = "") -> Iterator[tuple[str, Version]]:
        """(key, newest version) of the objects of a bucket, in S3's order: that of the keys' UTF-8."""
        with self._lock:
            found = [(name, each[-1]) for name, each in self._versions.items() if each and each[-1].content]
        start = f"{bucket}/{prefix}"
        keys = [(name.partition("/")[2], version) for name, version in found if name.startswith(start)]
        return iter(sorted(keys, key=lambda pair: pair[0].encode()))
