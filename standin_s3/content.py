"""What an object holds: bytes, a file that is never read whole, or zeros with some bytes between them."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Content(Protocol):
    """The bytes of an object."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def etag(self) -> str:
        """What S3 calls this content, without quotes."""

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to `end`."""


@dataclass(frozen=True)
class Bytes:
    """Content in memory, with the ETag that S3 gives it: its MD5."""

    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    @property
    def etag(self) -> str:
        return hashlib.md5(self.content, usedforsecurity=False).hexdigest()

    def read(self, start: int, end: int) -> bytes:
        return self.content[start:end]


@dataclass(frozen=True)
class File:
    """A file on disk; its ETag is made of what tells that it changed, not of its gigabytes."""

    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def etag(self) -> str:
        stat = self.path.stat()
        return _etag(f"{self.path.name} {stat.st_size} {stat.st_mtime_ns}")

    def read(self, start: int, end: int) -> bytes:
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), end - start, start)


@dataclass(frozen=True)
class Sparse:
    """Zeros that take no memory, with these parts at their places."""

    size: int
    parts: Mapping[int, bytes]

    @property
    def etag(self) -> str:
        return _etag(
            f"{self.size} {sorted((place, hashlib.sha256(part).hexdigest()) for place, part in self.parts.items())}"
        )

    def read(self, start: int, end: int) -> bytes:
        content = bytearray(end - start)
        for place, part in self.parts.items():
            first, last = max(place, start), min(place + len(part), end)
            if first < last:
                content[first - start : last - start] = part[first - place : last - place]
        return bytes(content)


def _etag(told: str) -> str:
    return hashlib.sha256(told.encode()).hexdigest()[:32]
