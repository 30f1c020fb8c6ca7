"""MP4 files written box by box, as recorders, phones and editors write them and FFmpeg does not.

Box layouts are those of ISO/IEC 14496-12.
"""

import io
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av

SCALE = 10_000
"""Ticks in a second of the media; the presentation has a thousand."""
_MATRIX = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


@dataclass(frozen=True)
class Sample:
    """A sample of a track."""

    content: bytes
    duration: int = SCALE // 10
    """Ticks, like `delay`."""
    delay: int = 0
    is_sync: bool = False
    description: int = 1


@dataclass(frozen=True)
class Track:
    """A track and what its tables say of it."""

    size: tuple[int, int]
    descriptions: tuple[bytes, ...]
    """Sample entries, each a box."""
    samples: tuple[Sample, ...]
    edits: tuple[tuple[float, float], ...] | None = None
    """Parts: (seconds of the presentation, second of the media at which it begins; negative for nothing)."""
    syncs: tuple[int, ...] | None = None
    """The numbers of sync samples, from 0, as the table lists them; None for those that are."""
    flags: int = 3
    duration: int | None = None
    """Ticks that the headers say; None for what is."""


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def integers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def boxes(content: bytes, start: int = 0, end: int | None = None) -> list[tuple[bytes, int, int]]:
    """Return the type, start and end of the boxes that follow one another."""
    found, end = [], len(content) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", content, start)
        found.append((kind, start, start + size))
        start += size
    return found


def read(path: Path, description: int = 1) -> Track:
    """Return the video of an MP4 that FFmpeg wrote; all of its samples have `description`."""
    content = path.read_bytes()
    start, end = 0, len(content)
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        _, start, end = next(each for each in boxes(content, start, end) if each[0] == kind)
        start += 16 if kind == b"stsd" else 8
    _, start, end = boxes(content, start, end)[0]
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.video[0]
        ticks = SCALE * (stream.time_base or 1)
        packets = [packet for packet in container.demux(stream) if packet.size]
        delays = [round(((packet.pts or 0) - (packet.dts or 0)) * ticks) for packet in packets]
        samples = [
            Sample(
                bytes(packet),
                round((packet.duration or 0) * ticks),
                delay - min(delays),
                packet.is_keyframe,
                description,
            )
            for packet, delay in zip(packets, delays, strict=True)
        ]
        return Track((stream.width, stream.height), (content[start:end],), tuple(samples))


def joined(first: Track, second: Track) -> Track:
    """Two tracks as one, with the sample descriptions of both."""
    return replace(
        first,
        descriptions=first.descriptions + second.descriptions,
        samples=(*first.samples, *(replace(sample, description=2) for sample in second.samples)),
    )


def write(*tracks: Track, compressed: bool = False, brand: bytes = b"isom") -> bytes:
    """Write a file of some tracks: samples first, then the index. `compressed`: the index, as QuickTime does it."""
    start = box(b"ftyp", brand, integers(512), brand)
    place, data = len(start) + 8, b""
    places: list[list[int]] = []
    for track in tracks:
        places.append([])
        for sample in track.samples:
            places[-1].append(place + len(data))
            data += sample.content
    longest = max(_presented(track) for track in tracks)
    mvhd = full(
        b"mvhd",
        integers(0, 0, 1000, longest, 1 << 16),
        struct.pack(">H", 256),
        bytes(10),
        _MATRIX,
        bytes(24),
        integers(len(tracks) + 1),
    )
    traks = (_trak(number, track, its) for number, (track, its) in enumerate(zip(tracks, places, strict=True), 1))
    moov = box(b"moov", mvhd, *traks)
    if compressed:
        packed = box(b"cmvd", integers(len(moov)), zlib.compress(moov))
        moov = box(b"moov", box(b"cmov", box(b"dcom", b"zlib"), packed))
    return start + box(b"mdat", data) + moov


def _presented(track: Track) -> int:
    """Milliseconds."""
    if track.duration is not None:
        return track.duration * 1000 // SCALE
    if track.edits is not None:
        return round(1000 * sum(length for length, _ in track.edits))
    return sum(sample.duration for sample in track.samples) * 1000 // SCALE


def _trak(number: int, track: Track, places: Sequence[int]) -> bytes:
    samples, count = track.samples, len(track.samples)
    length = track.duration if track.duration is not None else sum(sample.duration for sample in samples)
    tkhd = full(
        b"tkhd",
        integers(0, 0, number, 0, _presented(track)),
        bytes(16),
        _MATRIX,
        integers(track.size[0] << 16, track.size[1] << 16),
        flags=track.flags,
    )
    mdhd = full(b"mdhd", integers(0, 0, SCALE, length), bytes(4))
    hdlr = full(b"hdlr", bytes(4), b"vide", bytes(12), b"v\0")
    tables = [
        full(b"stsd", integers(len(track.descriptions)), *track.descriptions),
        full(b"stts", integers(count), *(integers(1, sample.duration) for sample in samples)),
        full(b"ctts", integers(count), *(struct.pack(">Ii", 1, sample.delay) for sample in samples), version=1),
        full(b"stsc", integers(count), *(integers(n + 1, 1, sample.description) for n, sample in enumerate(samples))),
        full(b"stsz", integers(0, count), *(integers(len(sample.content)) for sample in samples)),
        full(b"stco", integers(count), integers(*places)),
    ]
    syncs = [n for n, sample in enumerate(samples) if sample.is_sync] if track.syncs is None else track.syncs
    tables.append(full(b"stss", integers(len(syncs)), *(integers(n + 1) for n in syncs)))
    data = box(b"dinf", full(b"dref", integers(1), full(b"url ", flags=1)))
    minf = box(b"minf", full(b"vmhd", bytes(8), flags=1), data, box(b"stbl", *tables))
    edts = b"" if track.edits is None else box(b"edts", _elst(track.edits))
    return box(b"trak", tkhd, edts, box(b"mdia", mdhd, hdlr, minf))


def _elst(edits: Iterable[tuple[float, float]]) -> bytes:
    rows = [
        struct.pack(">IiI", round(1000 * length), round(SCALE * start) if start >= 0 else -1, 1 << 16)
        for length, start in edits
    ]
    return full(b"elst", integers(len(rows)), *rows)
