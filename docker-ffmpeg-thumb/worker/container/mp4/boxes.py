"""The boxes that an MP4 or MOV consists of: each has a length, a type of four characters, and a content.

Box layouts are those of ISO/IEC 14496-12 and of Apple's QuickTime File Format.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

MOST = 100_000
"""More boxes than this are not walked on one level: 14 hours in fragments of half a second."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box, in bytes of what it was found in."""

    kind: bytes
    start: int
    body: int
    """Where its content begins, after the header."""
    end: int


def header(content: bytes, at: int, position: int, end: int) -> Box | None:
    """Return the box at `position` whose header stands in `content` from `at` on; None if that is no header.

    `end` is where its parent ends.
    """
    if len(content) < at + 8:
        return None
    size, kind = struct.unpack_from(">I4s", content, at)
    length = 8
    if size == 1 and len(content) >= at + 16:
        size, length = struct.unpack_from(">Q", content, at + 8)[0], 16
    elif size == 0:
        size = end - position
    if size < length:
        return None
    return Box(kind, position, position + length, min(position + size, end))


def children(content: bytes, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes that stand one after another between two places."""
    position = start
    for _ in range(MOST):
        if position + 8 > end:
            return
        box = header(content, position, position, end)
        if box is None:
            return
        yield box
        position = box.end


def find(content: bytes, parent: Box, *path: bytes) -> Box | None:
    """Return the first box that a path of types leads to."""
    for kind in path:
        found = next((box for box in children(content, parent.body, parent.end) if box.kind == kind), None)
        if found is None:
            return None
        parent = found
    return parent


def integer(content: bytes, at: int, length: int = 4) -> int:
    """Return a big-endian number."""
    return int.from_bytes(content[at : at + length], "big")


def numbers(content: bytes, start: int, end: int, kind: str = "I") -> array[int]:
    """Return as many big-endian numbers as lie between two places, all of one `array` type."""
    found = array(kind)
    end = max(start, min(end, len(content)))
    found.frombytes(content[start : end - (end - start) % found.itemsize])
    found.byteswap()
    return found


def box(kind: bytes, *body: bytes) -> bytes:
    """Return a box as bytes."""
    content = b"".join(body)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full_box(kind: bytes, *body: bytes) -> bytes:
    """Return a box with version and flags 0."""
    return box(kind, bytes(4), *body)
