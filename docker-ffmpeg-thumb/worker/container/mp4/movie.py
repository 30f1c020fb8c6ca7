"""What the index of an MP4 or MOV (`moov`) says of its tracks, apart from the tables of their samples.

libavformat reads the descriptions of codecs; it gets them in a tiny file of its own (`head`), without the samples.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from model import Rejected
from worker.container.mp4.boxes import Box, box, children, find, full_box, header, integer

LARGEST_INDEX = 96 * 2**20
"""Bytes. A `moov` of 96 MiB describes some 5 million samples: a day of video at 60 frames a second."""
DESCRIPTIONS = 64
"""The most descriptions of a track that are told apart: a camera writes one for each recording that it joins."""

_ENCRYPTED = {b"encv", b"drmi"}
"""The types of sample descriptions whose samples are encrypted."""


@dataclass(frozen=True)
class Track:
    """A track, as far as its headers tell."""

    id: int
    kind: bytes
    """Its handler, such as `vide` or `soun`."""
    timescale: int
    """Ticks in a second."""
    box: Box
    """In the content of the movie, like all places of it."""
    stbl: Box
    elst: Box | None
    descriptions: tuple[bytes, ...]
    """The sample descriptions, each a box."""
    samples: int
    """How many samples `moov` itself describes."""
    duration: int
    """Ticks, as its header says; 0 if it does not."""

    def is_encrypted(self, description: int) -> bool:
        """Return whether the samples of a description are encrypted."""
        its = self.descriptions[description : description + 1]
        return bool(its) and its[0][4:8] in _ENCRYPTED


@dataclass(frozen=True)
class Defaults:
    """What `trex` says of the samples of a track's fragments (8.8.3)."""

    description: int = 1
    duration: int = 0
    size: int = 0
    flags: int = 0


@dataclass(frozen=True)
class Movie:
    """The content of `moov` and what it says."""

    begin: bytes
    """What the file begins with (`ftyp`), which tells QuickTime from MP4."""
    content: bytes
    timescale: int
    """Ticks in a second of the presentation."""
    tracks: tuple[Track, ...]
    fragments: dict[int, Defaults] | None
    """By the id of a track, what its fragments have in common; None if the movie has no fragments."""
    has_sound: bool
    """Whether it has sound, or a track that was left out, which is hardly anything else."""

    def video(self) -> tuple[Track, ...]:
        """Return the tracks that hold video."""
        return tuple(track for track in self.tracks if track.kind == b"vide" and track.descriptions)


def read(begin: bytes, content: bytes, unread: int | None = None) -> Movie:
    """Read a `moov` box. `begin`: `ftyp`. `unread`: where in it a track begins that is left out.

    Raises:
        Rejected: it is broken.
    """
    moov = _whole(content)
    if find(content, moov, b"cmov") is not None:
        content, unread = _decompressed(content, moov), None
        moov = _whole(content)
    mvhd = find(content, moov, b"mvhd")
    tracks: list[Track] = []
    fragments: dict[int, Defaults] | None = None
    for child in children(content, moov.body, moov.end):
        if child.kind == b"trak" and child.start != unread:
            tracks += _track(content, child)
        elif child.kind == b"mvex":
            fragments = fragments or {}
            for trex in children(content, child.body, child.end):
                if trex.kind == b"trex":
                    number, *values = (integer(content, trex.body + at) for at in (4, 8, 12, 16, 20))
                    fragments[number] = Defaults(*values)
    timescale = _timescale(content, mvhd) if mvhd else 0
    has_sound = unread is not None or any(track.kind == b"soun" and track.samples for track in tracks)
    return Movie(begin, content, timescale or 1000, tuple(tracks), fragments, has_sound)


def _whole(content: bytes) -> Box:
    found = header(content, 0, 0, len(content))
    if found is None or found.kind != b"moov":
        raise Rejected("its index (moov) is broken")
    return found


def _decompressed(content: bytes, moov: Box) -> bytes:
    """Return the index that QuickTime keeps compressed by zlib (`cmov`)."""
    data = find(content, moov, b"cmov", b"cmvd")
    method = find(content, moov, b"cmov", b"dcom")
    if data is None or method is None or content[method.body : method.body + 4] != b"zlib":
        raise Rejected("its index is compressed in a way that is not known")
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(content[data.body + 4 : data.end], LARGEST_INDEX)
    except zlib.error as fault:
        raise Rejected(f"its compressed index is broken: {fault}") from fault
    if unpacking.unconsumed_tail:
        raise Rejected(f"its compressed index has more than {LARGEST_INDEX} bytes")
    return found


def _timescale(content: bytes, times: Box) -> int:
    """Return the ticks a second of `mvhd` or `mdhd`: after two times, of 8 bytes each in version 1, of 4 in 0."""
    return integer(content, times.body + (20 if integer(content, times.body, 1) == 1 else 12))


def _track(content: bytes, trak: Box) -> Iterable[Track]:
    tkhd, mdhd, hdlr = (find(content, trak, *path) for path in ((b"tkhd",), (b"mdia", b"mdhd"), (b"mdia", b"hdlr")))
    stbl = find(content, trak, b"mdia", b"minf", b"stbl")
    if tkhd is None or mdhd is None or hdlr is None or stbl is None:
        return
    stsd = find(content, stbl, b"stsd")
    entries = list(children(content, stsd.body + 8, stsd.end))[:DESCRIPTIONS] if stsd else []
    version = integer(content, mdhd.body, 1) == 1
    sizes = (find(content, stbl, kind) for kind in (b"stsz", b"stz2"))
    yield Track(
        id=integer(content, tkhd.body + (20 if integer(content, tkhd.body, 1) == 1 else 12)),
        kind=content[hdlr.body + 8 : hdlr.body + 12],
        timescale=_timescale(content, mdhd) or 1,
        box=trak,
        stbl=stbl,
        elst=find(content, trak, b"edts", b"elst"),
        descriptions=tuple(content[entry.start : entry.end] for entry in entries),
        samples=next((integer(content, sizes.body + 8) for sizes in sizes if sizes), 0),
        duration=integer(content, mdhd.body + (24 if version else 16), 8 if version else 4),
    )


def head(movie: Movie, tracks: Sequence[Track], description: int, sample: bytes = b"") -> io.BytesIO:
    """Return a tiny file that says of some tracks what the movie says, each with one description and without samples.

    The id of a track there is its number among these, from 1.

    `sample`: one sample of the only track, for a codec of which only its frames tell all.
    """
    moov, content = _whole(movie.content), movie.content
    mvhd = find(content, moov, b"mvhd")
    place = len(movie.begin) + 8
    parts = [_bytes(content, mvhd)] if mvhd else []
    parts += [
        _bare_track(content, track, number, description, place, len(sample)) for number, track in enumerate(tracks, 1)
    ]
    return io.BytesIO(movie.begin + box(b"mdat", sample) + box(b"moov", *parts))


def _bytes(content: bytes, its: Box) -> bytes:
    return content[its.start : its.end]


def _bare_track(content: bytes, track: Track, number: int, description: int, place: int, size: int) -> bytes:
    chosen = track.descriptions[min(description, len(track.descriptions) - 1)] if track.descriptions else b""
    # How many there are and how long they last tells the film from stills.
    count = 1 if size else track.samples
    lasts = min(max(1, track.duration // count), 2**31 - 1) if count else 0
    stbl = box(
        b"stbl",
        full_box(b"stsd", _numbers(1 if chosen else 0), chosen),
        full_box(b"stts", _numbers(1, count, lasts) if count else _numbers(0)),
        full_box(b"stsc", _numbers(1, 1, 1, 1) if size else _numbers(0)),
        full_box(b"stsz", _numbers(0, 1, size) if size else _numbers(0, 0)),
        full_box(b"stco", _numbers(1, place) if size else _numbers(0)),
    )

    def copied(parent: Box, **replaced: bytes) -> bytes:
        parts = []
        for child in children(content, parent.body, parent.end):
            kind = child.kind.decode("latin-1")
            parts.append(replaced.pop(kind, b"") if kind in known else _bytes(content, child))
        return box(parent.kind, *parts)

    known = {"tkhd", "edts", "mdia", "minf", "stbl"}
    mdia, minf = find(content, track.box, b"mdia"), find(content, track.box, b"mdia", b"minf")
    tkhd = find(content, track.box, b"tkhd")
    assert mdia is not None
    assert minf is not None
    assert tkhd is not None
    header, at = _bytes(content, tkhd), tkhd.body - tkhd.start + (20 if integer(content, tkhd.body, 1) == 1 else 12)
    header = header[:at] + _numbers(number) + header[at + 4 : -8] + _shown_size(header, track, chosen)
    return copied(track.box, tkhd=header, mdia=copied(mdia, minf=copied(minf, stbl=stbl)))


def _shown_size(tkhd: bytes, track: Track, description: bytes) -> bytes:
    """Return the width and the height in which samples of a description are shown: as much of their own as of the first
    one's.

    A track has but one size, that of its first recording; others that were joined to it may be in portrait.
    """
    first = track.descriptions[0] if track.descriptions else b""
    sizes = []
    for at, end in ((32, -4), (34, None)):
        its, usual = integer(description, at, 2), integer(first, at, 2)
        shown = int.from_bytes(tkhd[end - 4 if end else -4 : end], "big")
        sizes.append(min(shown * its // usual, 2**32 - 1) if its and usual else shown)
    return _numbers(*sizes)


def _numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "big") for value in values)
