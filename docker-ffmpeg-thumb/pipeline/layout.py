"""Where things lie in an object: its container, and for MP4 and MOV the places of the index and of the fragments.

The demuxer would find all this by itself, a small read at a time, each a request that waits for the one before it. This
module looks only at box headers, to know what to fetch together; what it misreads costs a request and nothing else.
Box layouts are those of ISO/IEC 14496-12 (`sidx` 8.16.3, `tfra` 8.8.10, `mfro` 8.8.11).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.outcome import Rejected
from pipeline.source import EDGE, Range, Source

LARGEST_INDEX = 96 * 2**20
"""Bytes. A `moov` of 96 MiB describes some 5 million samples: a day of video at 60 pictures a second."""
WHOLE_INDEX = 2**20
"""Bytes. A `moov` up to this length is fetched whole; of a longer one, the tables of the sound are left out."""
VIDEO_SHARE = 5 / 8
"""What is fetched first of a longer one: in most files the video is its first track, and its tables half of it."""
TRACK_HEADERS = 4096
"""Bytes from the start of a track that hold its headers, before its tables."""
HOPS = 64
"""How many requests look for fragments, one behind the other, where no index names them."""
HOP = 64 * 2**10
"""Bytes that are fetched at each of them: a whole `moof`, and the header of the `mdat` behind it."""
_BOXES = 100_000
"""More boxes on the top level than this are not walked: 14 hours in fragments of half a second."""

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (8, b"AVI ", "avi"),
    (0, b"FLV\x01", "flv"),
    (0, b"OggS", "ogg"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    # The video of MPEG-1 or MPEG-2 alone, and that of a DV tape.
    (0, b"\x00\x00\x01\xb3", "mpegvideo"),
    (0, b"\x1f\x07\x00", "dv"),
)
_MOV_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx", b"moof", b"uuid")


@dataclass(frozen=True)
class Box:
    """A box: its type and place, in bytes of the object."""

    type: bytes
    start: int
    end: int
    body: int
    """Where its content begins, behind the header."""


@dataclass(frozen=True)
class Track:
    """What the index of a fragmented MP4 says of a track."""

    timescale: int
    """Ticks in a second."""
    is_video: bool
    has_samples: bool
    """Whether `moov` itself describes samples of it."""


@dataclass(frozen=True)
class Fragment:
    """A fragment of a fragmented MP4 (`moof` and `mdat`), in bytes of the object."""

    start: int
    end: int
    seconds: float | None
    """When it begins, where an index says so."""


@dataclass(frozen=True)
class Layout:
    """What is known of an object before it is demuxed."""

    format: str
    """The name of the demuxer, which is forced: nothing is ever guessed from the content further than this."""
    indexed: bool = False
    """Whether the index of all pictures is here: an MP4 or MOV that is not fragmented."""
    unread: int | None = None
    """Where the track begins, in bytes, whose tables were not fetched because it is not video."""
    head: Range = (0, 0)
    """The initialisation part of a fragmented MP4."""
    fragments: tuple[Fragment, ...] = ()
    complete: bool = True
    """Whether `fragments` reaches to the end of the object."""
    ready: bool = False
    """Whether all is here that a demuxer looks into when it opens the object, of an MP4 or MOV."""

    @property
    def seconds(self) -> float | None:
        """How long the fragments last: up to the beginning of the last one, and about as long again as one lasts."""
        last = self.fragments[-1].seconds
        if last is None or len(self.fragments) < 2:
            return None
        first = self.fragments[0].seconds or 0.0
        return (last - first) * len(self.fragments) / (len(self.fragments) - 1)


def look(source: Source) -> Layout:
    """Names the container, and fetches the index of an MP4 whole where its place is known.

    Raises:
        Rejected: the content is no container that is on the list.
    """
    start = source.read(0, 4096)
    # Motion JPEG 2000 has its own box before it says that it is one of these.
    if start[4:8] in _MOV_BOXES or start[16:24] == b"ftypmjp2":
        return _look_into_mov(source)
    for offset, signature, name in _SIGNATURES:
        if start[offset : offset + len(signature)] == signature:
            return Layout(name)
    # A transport stream repeats its sync byte every 188 bytes; in AVCHD and Blu-ray four bytes of time stand before it.
    for packet, offset in ((188, 0), (192, 4)):
        if len(start) > offset + 4 * packet and all(start[offset + packet * n] == 0x47 for n in range(5)):
            return Layout("mpegts")
    raise Rejected("no container found: the content is none of MP4, MOV, Matroska, WebM, MPEG, AVI, FLV, ASF or Ogg")


def _look_into_mov(source: Source) -> Layout:
    moov = _find_moov(source)
    if moov is None:
        here = source.has(0, source.size)
        return Layout("mov", indexed=here, ready=here)
    unread = _fetch_index(source, moov)
    tracks = _tracks(source, moov)
    if tracks is None:
        return Layout("mov", indexed=True, unread=unread, ready=True)
    if any(track.is_video and track.has_samples for track in tracks.values()):
        # It begins as a file without fragments, and goes on as one with.
        return Layout("mov")
    source.fetch([(moov.end, moov.end + HOP)])
    following = list(_boxes(source, moov.end))
    first = next((box.start for box in following if box.type in (b"moof", b"styp")), None)
    if first is None:
        return Layout("mov")
    head = (0, moov.end)
    fragments, complete = _from_sidx(source, following) or _from_mfra(source, tracks), True
    if not fragments:
        fragments, complete = _by_hops(source, first, tracks)
    # The first one is opened, and the last one tells how long the video is.
    source.fetch((fragment.start, fragment.start + HOP) for fragment in fragments[:1] + fragments[-1:])
    ready = bool(fragments) and is_described(source, fragments[0])
    return Layout("mov", head=head, fragments=fragments, complete=complete, ready=ready)


def is_described(source: Source, fragment: Fragment) -> bool:
    """Whether a fragment's `moof` is here."""
    moof = next((box for box in _boxes(source, fragment.start, fragment.end) if box.type == b"moof"), None)
    return moof is not None and source.has(moof.start, moof.end)


def _find_moov(source: Source) -> Box | None:
    """Walks the top level to `moov`."""
    position = 0
    for _ in range(_BOXES):
        if position + 8 > source.size:
            return None
        if not source.has(position, min(position + 16, source.size)):
            # Behind the samples stands the index, to the end of the object, unless that would be absurdly long.
            rest = source.size - position
            length = EDGE if rest > max(WHOLE_INDEX, source.size // 32) else _likely(rest)
            source.fetch([(position, position + length)])
        box = _box(source, position, source.size)
        if box is None or box.type == b"moof":
            return None
        if box.type == b"moov":
            if box.end - box.start > LARGEST_INDEX:
                raise Rejected(
                    f"its index (moov) says it has {box.end - box.start} bytes; the limit is {LARGEST_INDEX}"
                )
            return box
        position = box.end
    return None


def _fetch_index(source: Source, moov: Box) -> int | None:
    """Fetches the index, less one track where it is long and that is not video; where that track begins.

    Two hours of sound have as many samples as of pictures, and nothing here listens.
    """
    # If any of it is fetched, then with the header of the box behind it, which is read too.
    end = moov.end if source.has(moov.start, moov.end) else moov.end + 16
    if moov.end - moov.start <= WHOLE_INDEX:
        source.fetch([(moov.start, end)])
        return None
    track = next((box for box in _boxes(source, moov.body, moov.end) if box.type == b"trak"), None)
    likely = track.end + TRACK_HEADERS if track else moov.start + _likely(moov.end - moov.start)
    source.fetch([(moov.start, min(likely, end)), (moov.end - HOP, end)])
    boxes = list(_boxes(source, moov.body, moov.end))
    missing = [box for box in boxes if not source.has(box.start, box.end)]
    if len(missing) == 1 and boxes[-1].end == moov.end and _is_without_pictures(source, missing[0]):
        return missing[0].start
    source.fetch([(moov.start, end)])
    return None


def _likely(index: int) -> int:
    """How much of an index of so many bytes is worth fetching before more of it is known."""
    return index if index <= WHOLE_INDEX else int(index * VIDEO_SHARE)


def _is_without_pictures(source: Source, box: Box) -> bool:
    """Whether a box is known to be a track of something else than video."""
    handler = _child(source, box, b"mdia", b"hdlr") if box.type == b"trak" else None
    if handler is None or not source.has(handler.start, handler.body + 12):
        return False
    return _bytes(source, handler.body + 8, 4) != b"vide"


def _boxes(source: Source, start: int, end: int | None = None) -> Iterator[Box]:
    """The boxes from `start` whose headers are here already."""
    end, position = source.size if end is None else end, start
    for _ in range(_BOXES):
        if position + 8 > end or not source.has(position, min(position + 16, end)):
            return
        box = _box(source, position, end)
        if box is None:
            return
        yield box
        position = box.end


def _box(source: Source, position: int, end: int) -> Box | None:
    header = _bytes(source, position, min(16, end - position))
    if len(header) < 8:
        return None
    size, kind = struct.unpack_from(">I4s", header)
    body = 8
    if size == 1 and len(header) == 16:
        size, body = struct.unpack_from(">Q", header, 8)[0], 16
    elif size == 0:
        size = end - position
    if size < body:
        return None
    return Box(kind, position, min(position + size, end), position + body)


def _bytes(source: Source, start: int, length: int) -> bytes:
    content = b""
    while len(content) < length and (more := source.read(start + len(content), length - len(content))):
        content += more
    return content


def _child(source: Source, parent: Box, *path: bytes) -> Box | None:
    for kind in path:
        found = next((box for box in _boxes(source, parent.body, parent.end) if box.type == kind), None)
        if found is None:
            return None
        parent = found
    return parent


def _tracks(source: Source, moov: Box) -> dict[int, Track] | None:
    """The tracks of a fragmented file by their id; None where `moov` describes all samples itself: it has no `mvex`."""
    boxes = list(_boxes(source, moov.body, moov.end))
    if not any(box.type == b"mvex" for box in boxes):
        return None
    tracks = {}
    for trak in (box for box in boxes if box.type == b"trak"):
        tkhd, mdhd, hdlr = (
            _child(source, trak, *path) for path in ((b"tkhd",), (b"mdia", b"mdhd"), (b"mdia", b"hdlr"))
        )
        if tkhd is None or mdhd is None or hdlr is None:
            continue
        # Version 1 has two times of 8 bytes before these fields, version 0 two of 4.
        number = _integer(source, tkhd.body + (20 if _version(source, tkhd) else 12))
        timescale = _integer(source, mdhd.body + (20 if _version(source, mdhd) else 12))
        if timescale:
            is_video = _bytes(source, hdlr.body + 8, 4) == b"vide"
            tracks[number] = Track(timescale, is_video, _has_samples(source, trak))
    return tracks


def _has_samples(source: Source, trak: Box) -> bool:
    sizes = (_child(source, trak, b"mdia", b"minf", b"stbl", kind) for kind in (b"stsz", b"stz2"))
    return any(box is not None and _integer(source, box.body + 8) for box in sizes)


def _version(source: Source, box: Box) -> int:
    return _integer(source, box.body, 1)


def _integer(source: Source, position: int, length: int = 4) -> int:
    return int.from_bytes(_bytes(source, position, length), "big")


def _from_sidx(source: Source, boxes: list[Box]) -> tuple[Fragment, ...]:
    """The fragments that the first segment index names, if it names them all."""
    sidx = next((box for box in boxes if box.type == b"sidx"), None)
    if sidx is None:
        return ()
    source.fetch([(sidx.start, sidx.end)])
    content = _bytes(source, sidx.body, sidx.end - sidx.body)
    try:
        version, timescale = content[0], struct.unpack_from(">I", content, 8)[0]
        begin, offset = struct.unpack_from(">QQ" if version else ">II", content, 12)
        table = 28 if version else 20
        count = struct.unpack_from(">H", content, table + 2)[0]
        entries = [struct.unpack_from(">III", content, table + 4 + 12 * n) for n in range(count)]
    except (struct.error, IndexError):
        return ()
    fragments, position = [], sidx.end + offset
    for reference, duration, _ in entries:
        if reference >> 31 or not timescale:
            return ()
        fragments.append(Fragment(position, position + reference, begin / timescale))
        position, begin = position + reference, begin + duration
        if position > source.size:
            return ()
    # A file of joined segments has an index in each; the first then names a small part of the whole.
    is_all = position >= source.size - EDGE and not any(b.type in (b"sidx", b"moof") for b in _boxes(source, position))
    return tuple(fragments) if is_all else ()


def _from_mfra(source: Source, tracks: dict[int, Track]) -> tuple[Fragment, ...]:
    """The fragments that the random access table at the end names for a video track."""
    tail = _bytes(source, max(0, source.size - 16), 16)
    if tail[4:8] != b"mfro":
        return ()
    start = source.size - int.from_bytes(tail[12:16], "big")
    if start < 0 or not 0 < source.size - start <= LARGEST_INDEX:
        return ()
    source.fetch([(start, source.size)])
    mfra = _box(source, start, source.size)
    if mfra is None or mfra.type != b"mfra":
        return ()
    for tfra in (box for box in _boxes(source, mfra.body, mfra.end) if box.type == b"tfra"):
        content = _bytes(source, tfra.body, tfra.end - tfra.body)
        try:
            version, track, lengths, count = content[0], *struct.unpack_from(">III", content, 4)
            row = struct.Struct(">QQ" if version else ">II")
            step = row.size + 3 + (lengths >> 4 & 3) + (lengths >> 2 & 3) + (lengths & 3)
            if track not in tracks or not tracks[track].is_video or count * step > len(content):
                continue
            places = [row.unpack_from(content, 16 + step * n) for n in range(count)]
        except (struct.error, IndexError):
            continue
        times = {offset: time / tracks[track].timescale for time, offset in reversed(places)}
        starts = sorted(offset for offset in times if offset < start)
        if not starts:
            continue
        return tuple(
            Fragment(first, last, times[first]) for first, last in zip(starts, [*starts[1:], start], strict=True)
        )
    return ()


def _by_hops(source: Source, first: int, tracks: dict[int, Track]) -> tuple[tuple[Fragment, ...], bool]:
    """The first fragments, found from one to the next, and whether these are all."""
    fragments: list[Fragment] = []
    position = first
    start: int | None = None
    seconds: float | None = None
    hops = 0
    for _ in range(_BOXES):
        if position + 8 > source.size:
            break
        if not source.has(position, min(position + 16, source.size)):
            if hops == HOPS:
                return tuple(fragments), False
            source.fetch([(position, position + HOP)])
            hops += 1
        box = _box(source, position, source.size)
        if box is None:
            break
        if box.type == b"moof":
            has_video, time = _video_of(source, box, tracks)
            # What holds sound alone belongs to the one before it.
            if start is None or has_video:
                if start is not None:
                    fragments.append(Fragment(start, position, seconds))
                start, seconds = position, time
        position = box.end
    if start is not None:
        fragments.append(Fragment(start, min(position, source.size), seconds))
    return tuple(fragments), True


def _video_of(source: Source, moof: Box, tracks: dict[int, Track]) -> tuple[bool, float | None]:
    """Whether a fragment holds video, or may do so, and when that begins, in seconds, where it says so."""
    source.fetch([(moof.start, min(moof.end, moof.start + HOP))])
    kinds = set()
    for traf in (box for box in _boxes(source, moof.body, moof.end) if box.type == b"traf"):
        tfhd, tfdt = _child(source, traf, b"tfhd"), _child(source, traf, b"tfdt")
        track = tracks.get(_integer(source, tfhd.body + 4)) if tfhd else None
        kinds.add(track is None or track.is_video)
        if track is not None and track.is_video and tfdt is not None:
            return True, _integer(source, tfdt.body + 4, 8 if _version(source, tfdt) else 4) / track.timescale
    return kinds != {False}, None
