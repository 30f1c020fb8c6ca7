"""The index of an AVI: which chunk each frame of a stream is, by `idx1` at its end or by OpenDML's indexes.

Layouts are those of Microsoft's AVI RIFF File Reference and of "OpenDML AVI File Format Extensions" 1.02 (1996), 3.0.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from model import Range
from worker.reader import Reader

LARGEST_INDEX = 32 * 2**20
"""Bytes. 2 million chunks of `idx1`: ten hours of video and sound; 4 million of OpenDML."""
_HEADER = 64 * 2**10
"""Bytes of headers that are looked at; padding (`JUNK`) makes most of them as long as a few KiB."""
_CHUNKS = 1000
"""More headers than this are not walked."""
_SUPERINDEX, _CHUNK_INDEX = 0, 1
_NO_KEYFRAME = 1 << 31
"""The bit of a size in OpenDML's indexes that says so."""
_KEYFRAME = 0x10
"""The flag of `idx1` (AVIIF_KEYFRAME)."""
_LATEST_START = 3600
"""Seconds. A stream that says it begins later is not believed, as by libavformat."""


@dataclass(frozen=True)
class FrameTable:
    """All frames of a video stream, in the order of decoding."""

    places: array[int]
    """Bytes from the start of the object."""
    sizes: array[int]
    """Bytes; 0 where the frame before is shown once more."""
    keyframes: array[int]
    """The numbers of those that are said to be keyframes."""
    frame_seconds: Fraction
    """How long each lasts."""
    start: int
    """When the first is shown, in frames."""


@dataclass(frozen=True)
class _Chunk:
    kind: bytes
    body: int
    end: int


@dataclass(frozen=True)
class _Stream:
    kind: bytes
    """`vids`, `auds`, `iavs` (DV with its sound) or another."""
    scale: int
    rate: int
    start: int
    index: Range | None
    """Where the stream's `indx` lies."""


def frame_table(reader: Reader, number: int) -> FrameTable | None:
    """Return the frames of the stream with this number; None if the AVI has no index of it that can be read."""
    streams, movi = _headers(reader)
    if not number < len(streams) or streams[number].kind not in (b"vids", b"iavs"):
        return None
    stream = streams[number]
    if not stream.scale or not stream.rate:
        return None
    found = _by_opendml(reader, stream.index) if stream.index else None
    found = found or (_by_idx1(reader, number, movi) if movi else None)
    if found is None:
        return None
    places, sizes, keyframes = found
    if not any(sizes):
        return None
    start = stream.start if stream.start * stream.scale <= _LATEST_START * stream.rate else 0
    return FrameTable(places, sizes, keyframes, Fraction(stream.scale, stream.rate), start)


def _headers(reader: Reader) -> tuple[list[_Stream], _Chunk | None]:
    """Return the streams, and the list of chunks (`movi`)."""
    streams: list[_Stream] = []
    for chunk in _chunks(reader, 12, reader.size):
        if chunk.kind == b"LIST:hdrl":
            for inner in _chunks(reader, chunk.body, min(chunk.end, chunk.body + _HEADER)):
                if inner.kind == b"LIST:strl":
                    streams.append(_stream(reader, inner))
        elif chunk.kind == b"LIST:movi":
            return streams, chunk
    return streams, None


def _stream(reader: Reader, strl: _Chunk) -> _Stream:
    kind, scale, rate, start, index = b"", 0, 0, 0, None
    for chunk in _chunks(reader, strl.body, strl.end):
        if chunk.kind == b"strh":
            content = reader.read_all(chunk.body, 32).ljust(32, b"\0")
            kind = content[:4]
            scale, rate, start = struct.unpack_from("<III", content, 20)
        elif chunk.kind == b"indx":
            index = chunk.body, chunk.end
    return _Stream(kind, scale, rate, start, index)


def _chunks(reader: Reader, position: int, end: int) -> Iterator[_Chunk]:
    """Yield the chunks from a position on; the kind of a list is that of its content, after `LIST:`."""
    for _ in range(_CHUNKS):
        header = reader.read_all(position, 12)
        if position + 8 > end or len(header) < 8:
            return
        kind, size = struct.unpack_from("<4sI", header)
        body = position + 8
        if kind == b"LIST":
            kind, body = b"LIST:" + header[8:12], body + 4
        yield _Chunk(kind, body, min(position + 8 + size, end))
        position += 8 + size + size % 2


_Found: TypeAlias = "tuple[array[int], array[int], array[int]]"
"""Places, sizes, and the numbers of the keyframes."""


def _by_idx1(reader: Reader, number: int, movi: _Chunk) -> _Found | None:
    """Return the frames that `idx1` names, which stands after the chunks."""
    header = reader.read_all(movi.end + movi.end % 2, 8)
    if len(header) < 8:
        return None
    kind, size = struct.unpack("<4sI", header)
    if kind != b"idx1" or size > LARGEST_INDEX:
        return None
    start = movi.end + movi.end % 2 + 8
    reader.fetch([(start, start + size)])
    content = reader.read_all(start, size)
    words = memoryview(content[: len(content) // 16 * 16]).cast("I")
    mine, palette = struct.unpack("<HH", b"%02dpc" % number)
    rows = [4 * n for n, kind in enumerate(words[::4]) if kind & 0xFFFF == mine and kind >> 16 != palette]
    if not rows:
        return None
    # Places count from the list of chunks, or, against the specification, from the start of the file.
    first, kind = words[rows[0] + 2], content[4 * rows[0] :][:4]
    base = next((base for base in (movi.body - 4, 0) if reader.read_all(base + first, 4) == kind), None)
    if base is None:
        return None
    return (
        array("q", (base + words[row + 2] + 8 for row in rows)),
        array("q", (words[row + 3] for row in rows)),
        array("q", (n for n, row in enumerate(rows) if words[row + 1] & _KEYFRAME)),
    )


def _by_opendml(reader: Reader, index: Range) -> _Found | None:
    """Return the frames that an index of OpenDML names, or the indexes that it names."""
    content = reader.read_all(index[0], min(index[1] - index[0], _HEADER))
    if len(content) < 24:
        return None
    longs, _, kind, count = struct.unpack_from("<HBBI", content)
    if kind == _CHUNK_INDEX:
        return _joined([content])
    if kind != _SUPERINDEX or longs != 4:
        return None
    count = min(count, (len(content) - 24) // 16)
    parts = [(place, place + size) for place, size, _ in struct.iter_unpack("<QII", content[24 : 24 + 16 * count])]
    if not parts or sum(end - start for start, end in parts) > LARGEST_INDEX:
        return None
    reader.fetch(parts)
    # A chunk header of eight bytes comes before each.
    return _joined([reader.read_all(start, end - start)[8:] for start, end in parts])


def _joined(indexes: list[bytes]) -> _Found | None:
    places, sizes, keyframes = array("q"), array("q"), array("q")
    for content in indexes:
        if len(content) < 24:
            return None
        longs, _, kind, count, _, base = struct.unpack_from("<HBBI4sQ", content)
        if kind != _CHUNK_INDEX or longs not in (2, 3):
            return None
        count = min(count, (len(content) - 24) // (4 * longs))
        for offset, size, *_ in struct.iter_unpack(f"<{longs}I", content[24 : 24 + 4 * longs * count]):
            if not size & _NO_KEYFRAME:
                keyframes.append(len(places))
            places.append(min(base, 2**62) + offset)
            sizes.append(size & ~_NO_KEYFRAME)
    return (places, sizes, keyframes) if len(places) else None
