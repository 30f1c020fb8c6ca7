"""Where a demuxer can begin to read in the middle of an object.

These containers are rows of elements that are known by what they begin with, so that reading can go on at the next one
after any place. Sources: ISO/IEC 13818-1 (transport and program streams), Adobe's FLV specification 10.1 (annex E.4.1),
RFC 3533 (Ogg pages), RFC 9559 (Matroska clusters), and Microsoft's ASF specification 1.2 (3.2, 5) and AVI RIFF File
Reference.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

Boundary: TypeAlias = Callable[[bytes, int], int | None]
"""(content, its place in the object) -> where in the content an element begins; None if none is found."""

TS_PACKETS = (188, 192, 204)
"""Bytes: alone, with four bytes of time before each (AVCHD, Blu-ray), or with 16 of error correction after (DVB)."""
_TS_SYNCS = 5
"""How many packets in a row must look like one."""
_HEAD = 64 * 2**10
"""Bytes from the start that say what the streams are, of containers that repeat it or need nothing of the kind."""
_AVI_CHUNK = re.compile(rb"\d\d(?:d[bc]|wb|pc|tx|__)|ix\d\d|LIST|JUNK|RIFF|idx1")
_ASF_HEADER_OBJECT, _ASF_DATA_HEADER = 30, 50
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


def boundary_of(format_: str, start: bytes) -> tuple[int, Boundary] | None:
    """Return how many bytes of an object's start a demuxer has to see first, and what finds the places where it can go
    on.

    `start`: the first 256 KiB or so. None for a format that cannot be read so, or a start that is not understood.
    """
    if format_ == "asf":
        return _asf(start)
    found = _FINDERS.get(format_)
    if format_ == "mpegts":
        size = next((size for size in TS_PACKETS if ts_packet(size, start) is not None), None)
        found = partial(ts_packet, size) if size else None
    if found is None:
        return None
    # Of these two the first element of the kind ends the headers.
    at = {"matroska": 0, "avi": max(0, start.find(b"movi"))}.get(format_, min(_HEAD, len(start) // 2))
    head = found(start[at:], at)
    return None if head is None else (at + head, found)


def ts_packet(size: int, content: bytes, _: int = 0) -> int | None:
    """Find the first of several packets of a transport stream in a row, each of so many bytes."""
    places = (found.start() for found in re.finditer(b"\x47", content))
    return next((at for at in places if all(_is_ts_header(content, at + size * n) for n in range(_TS_SYNCS))), None)


def _is_ts_header(content: bytes, at: int) -> bool:
    """Return whether a sync byte begins a header that says that something follows (ISO/IEC 13818-1, 2.4.3.2)."""
    return at + 4 <= len(content) and content[at] == 0x47 and content[at + 3] & 0x30 != 0


def ps_pack(content: bytes, _: int = 0) -> int | None:
    """Find a pack of a program stream, known by its marker bits (ISO/IEC 13818-1, 2.5.3.3; 11172-1, 2.4.3.2)."""
    packs = (found for found in re.finditer(rb"\0\0\x01\xba(.)", content, re.DOTALL))
    return next((found.start() for found in packs if found[1][0] & 0xC4 == 0x44 or found[1][0] & 0xF1 == 0x21), None)


def _flv_tag(content: bytes, _: int) -> int | None:
    """Find a tag of sound, video or data of stream 0, after which its size stands once more."""
    for found in re.finditer(rb"[\x08\x09\x12](?=(.{3}).{4}\0\0\0)", content, re.DOTALL):
        size = 11 + int.from_bytes(found[1], "big")
        end = found.start() + size
        if content[end : end + 4] == size.to_bytes(4, "big"):
            return found.start()
    return None


def _cluster(content: bytes, _: int) -> int | None:
    """Find a cluster, which begins with its time or a checksum."""
    for found in re.finditer(rb"\x1f\x43\xb6\x75([\x01-\xff])", content, re.DOTALL):
        # Leading zeros of the first byte say how many more hold its size.
        body = found.start() + 5 + 8 - found[1][0].bit_length()
        if content[body : body + 1] in (b"\xe7", b"\xbf"):
            return found.start()
    return None


def _avi_chunk(content: bytes, _: int) -> int | None:
    """Find a chunk of a stream that ends where another one begins."""
    for found in re.finditer(rb"\d\d(?:d[bc]|wb|__)(?=(.{4}))", content, re.DOTALL):
        size = int.from_bytes(found[1], "little")
        if _AVI_CHUNK.match(content, found.start() + 8 + size + size % 2):
            return found.start()
    return None


def _signature(signature: bytes, content: bytes, _: int) -> int | None:
    at = content.find(signature)
    return at if at >= 0 else None


def _asf(start: bytes) -> tuple[int, Boundary] | None:
    """Find packets of equal size, from the end of the header on."""
    place = start.find(_ASF_FILE_PROPERTIES, _ASF_HEADER_OBJECT)
    size, largest = (int.from_bytes(start[place + at : place + at + 4], "little") for at in (92, 96))
    first = int.from_bytes(start[16:24], "little") + _ASF_DATA_HEADER
    if place < 0 or not size or size != largest or first > len(start):
        return None
    return first, lambda _, place: (first - place) % size


_FINDERS: dict[str, Boundary] = {
    "mpeg": ps_pack,
    "flv": _flv_tag,
    "ogg": partial(_signature, b"OggS\0"),
    "matroska": _cluster,
    "avi": _avi_chunk,
    **dict.fromkeys(("h264", "hevc", "m4v", "mpegvideo"), partial(_signature, b"\0\0\x01")),
}
