"""AVI files byte by byte, of whatever layout a program of Windows may write."""

import struct
from collections.abc import Sequence


def avi(
    frames: Sequence[bytes],
    size: tuple[int, int],
    bits: int,
    tag: bytes = bytes(4),
    record: bytes = b"",
    rate: int = 10,
) -> bytes:
    """Write a video of frames as they are; a negative height says that rows stand from the top down.

    `record`: what follows the header of the layout, such as the palette, four bytes a colour.
    """
    count, largest = len(frames), max(map(len, frames))
    head = struct.pack("<14I", 10**6 // rate, 0, 0, 0x10, count, 0, 1, largest, size[0], abs(size[1]), 0, 0, 0, 0)
    timing = struct.pack("<4s4s10I4H", b"vids", tag, 0, 0, 0, 1, rate, 0, count, largest, 0, 0, 0, 0, *map(abs, size))
    layout = struct.pack("<IiiHH4s5I", 40 + len(record), *size, 1, bits, tag, largest, 0, 0, len(record) // 4, 0)
    described = _chunk(b"LIST", b"strl", _chunk(b"strh", timing), _chunk(b"strf", layout, record))
    chunks = [_chunk(b"00dc", frame) for frame in frames]
    places = [4 + sum(map(len, chunks[:number])) for number in range(count)]
    index = (struct.pack("<4sIII", b"00dc", 16, place, len(f)) for place, f in zip(places, frames, strict=True))
    parts = _chunk(b"LIST", b"hdrl", _chunk(b"avih", head), described), _chunk(b"LIST", b"movi", *chunks)
    return _chunk(b"RIFF", b"AVI ", *parts, _chunk(b"idx1", *index))


def _chunk(kind: bytes, *parts: bytes) -> bytes:
    size = sum(map(len, parts))
    return b"".join((kind, size.to_bytes(4, "little"), *parts, bytes(size % 2)))
