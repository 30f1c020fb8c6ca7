"""Which container an object is, by its first bytes.

What is found here is forced on the demuxer: libavformat never guesses, so that nothing opens a text or a playlist.
"""

import re
from collections.abc import Iterator

from model import Rejected
from worker.container import boundaries

NAMED = 64
"""Bytes of the start that tell what people call a container."""
SNIFFED = 16 * 2**10
"""Bytes from the start of an object that are looked at."""
SUPPORTED = "MP4, MOV, Matroska, WebM, MPEG-TS, MPEG-PS, AVI, FLV, ASF, Ogg, DV, or raw H.264, HEVC or MPEG video"

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (8, b"AVI ", "avi"),
    (0, b"FLV\x01", "flv"),
    (0, b"OggS", "ogg"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"\0\0\x01\xba", "mpeg"),
    # The program stream of a Video CD, in the sectors of its disc.
    (8, b"CDXA", "mpeg"),
    # A DV tape.
    (0, b"\x1f\x07\x00", "dv"),
)
_MOV_BOXES = {
    *(b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx", b"moof", b"uuid"),
    # What may come before the first fragment of a saved live stream.
    *(b"emsg", b"prft"),
}
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    *((0, b"\xff\xd8\xff", "a JPEG image"), (0, b"\x89PNG", "a PNG image"), (0, b"GIF8", "a GIF image")),
    *((8, b"WEBP", "a WebP image"), (8, b"WAVE", "WAV sound"), (0, b"fLaC", "FLAC sound"), (0, b"ID3", "MP3 sound")),
    *((0, b"#EXTM3U", "a playlist"), (0, b"<", "a text"), (0, b"%PDF", "a PDF"), (0, b"PK\3\4", "a ZIP archive")),
    *((0, b".RMF", "RealMedia"), (0, b"\x06\x0e\x2b\x34", "MXF"), (0, b"DHAV", "a Dahua recording")),
)
"""What else is recognised, to say so."""

_CALLED = {"matroska": "mkv", "mpegts": "ts", "mpeg": "mpg", "mpegvideo": "m2v", "m4v": "mpeg4"}
"""What people call what a demuxer of another name reads, by the ending of its files or the video in them."""

_SPS_PROFILES = {66, 77, 88, 100, 110, 118, 122, 128, 244, 44, 83, 86}
"""What the first byte of an H.264 sequence parameter set may be (ITU-T H.264, annex A)."""


def format_of(start: bytes) -> str:
    """Return the name of the demuxer for an object that starts with these bytes, `SNIFFED` of them.

    Raises:
        Rejected: they are no container that is supported.
    """
    # Motion JPEG 2000 has its own box before it says that it is one of these.
    if start[4:8] in _MOV_BOXES or start[16:24] == b"ftypmjp2":
        return "mov"
    found = _signed(start, _SIGNATURES) or _transport_stream(start) or _start_coded(start) or _program_stream(start)
    if found is None:
        other = _signed(start, _OTHERS)
        raise Rejected(f"no container found: the content is {f'{other}, ' if other else ''}none of {SUPPORTED}")
    return found


def called(name: str, start: bytes) -> str:
    """Return what people call a container: `name` is its demuxer's, and the object starts with these bytes.

    The demuxers of MP4 and of Matroska read several: the brand tells (ISO/IEC 14496-12, 4.3; 3GPP TS 26.244, 5.4; the
    QuickTime File Format, `ftyp`), and WebM's name in the header.
    """
    if name == "mov":
        brand = start[8:12] if start[4:8] == b"ftyp" else b"qt  "
        return "mov" if brand == b"qt  " else "3gp" if brand.startswith((b"3gp", b"3g2")) else "mp4"
    if name == "matroska" and b"\x42\x82\x84webm" in start[:64]:
        return "webm"
    return _CALLED.get(name, name)


def _signed(start: bytes, signatures: tuple[tuple[int, bytes, str], ...]) -> str | None:
    return next((name for place, sign, name in signatures if start[place : place + len(sign)] == sign), None)


def _transport_stream(start: bytes) -> str | None:
    """Recognise packets in a row, the first of which may be cut, or stand after an ID3 tag (timed metadata of HLS)."""
    return "mpegts" if any(boundaries.ts_packet(size, start) is not None for size in boundaries.TS_PACKETS) else None


def _start_coded(start: bytes) -> str | None:
    """Recognise what begins with a start code, zeros before it left aside: raw video, or a PES packet of a program
    stream."""
    codes = list(_start_codes(start))
    if not codes or start[: codes[0] - 3].strip(b"\0"):
        return None
    first = start[codes[0]]
    kinds = [start[place] for place in codes]
    if first == 0xB3:
        return "mpegvideo"
    if first in (0xBA, 0xBB, 0xBD, 0xBE, 0xBF) or 0xC0 <= first <= 0xEF:
        return "mpeg" if _leads_on(start, codes[0]) else None
    if _is_h264(start, codes):
        return "h264"
    # Video and sequence parameter sets of the base layer (ITU-T H.265, 7.3.1.2).
    if {b"\x40\x01", b"\x42\x01"} <= {start[place : place + 2] for place in codes}:
        return "hevc"
    # The headers of a visual object sequence or object, and of a layer (ISO/IEC 14496-2, table 6-3).
    if (first == 0xB0 or first < 0x20) and any(0x20 <= kind <= 0x2F for kind in kinds):
        return "m4v"
    return None


def _start_codes(start: bytes) -> Iterator[int]:
    """Return the places of the bytes after start codes."""
    return (found.end() for found in re.finditer(b"\0\0\x01(?=.)", start, re.DOTALL))


def _is_h264(start: bytes, codes: list[int]) -> bool:
    """Return whether there are a sequence and a picture parameter set (ITU-T H.264, 7.3.1)."""
    units = [start[place : place + 2] for place in codes if start[place] & 0x80 == 0 and start[place] & 0x60]
    sets = any(unit[0] & 31 == 7 and len(unit) == 2 and unit[1] in _SPS_PROFILES for unit in units)
    return sets and any(unit[0] & 31 == 8 for unit in units)


def _leads_on(start: bytes, place: int) -> bool:
    """Return whether a pack or PES packet leads to another start code of a program stream, or out of what is looked
    at."""
    header = start[place : place + 11].ljust(11, b"\0")
    if header[0] == 0xBA:
        follows = place + 1 + (10 + (header[10] & 7) if header[1] >> 6 == 1 else 8)
    else:
        follows = place + 3 + int.from_bytes(header[1:3], "big")
    return follows + 4 > len(start) or (start[follows : follows + 3] == b"\0\0\x01" and start[follows + 3] >= 0xB9)


def _program_stream(start: bytes) -> str | None:
    """Recognise a program stream that begins in mid-packet."""
    place = boundaries.ps_pack(start)
    return "mpeg" if place is not None and _leads_on(start, place + 3) else None
