"""The fragments of a fragmented MP4: where they lie, as an index of the file says, and their samples.

Box layouts are those of ISO/IEC 14496-12: `sidx` 8.16.3, `tfra` 8.8.10, `mfro` 8.8.11, `tfhd` 8.8.7, `trun` 8.8.8,
`tfdt` 8.8.12.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice

from worker.container.mp4.boxes import Box, children, find, integer, numbers
from worker.container.mp4.edits import entries
from worker.container.mp4.layout import box_at, walk
from worker.container.mp4.movie import LARGEST_INDEX, Defaults, Movie, Track
from worker.container.mp4.samples import FragmentSamples
from worker.reader import Reader

SAMPLES, MOST_SAMPLES = 100_000, 1_000_000
"""More samples than this are not read of a run, and of fragments together: nine hours at 30 frames a second."""
NOTHING = "it describes a video and holds none of its frames"
"""Why a file is rejected."""
LARGEST_MOOF = 2**22
"""Bytes. A `moof` of 4 MiB describes 250,000 samples."""
FIRST_BOXES = 32
"""Among so many boxes after `moov` it is looked when tracks of sound begin."""
LATEST_START = 3600
"""Seconds. A video that begins later than this after its sound, or after 0, has another clock."""


@dataclass(frozen=True)
class Fragments:
    """Fragments in the order of the file, each from one `moof` to the next that holds samples of the track."""

    starts: array[int] = field(default_factory=lambda: array("q"))
    """Bytes of the object, like `ends`."""
    ends: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    """Seconds of the media when each begins to be shown; negative where that is not known."""
    marked: array[int] = field(default_factory=lambda: array("b"))
    """Whether each begins with a keyframe, as an index says: 1 or 0."""
    end: float | None = None
    """Seconds of the media when the last one ends, where an index says so."""
    is_complete: bool = True
    """Whether they reach to the end of the object."""

    def __len__(self) -> int:
        return len(self.starts)

    def add(self, start: int, end: int, seconds: float, is_marked: bool = True) -> None:
        """Add a fragment after the others."""
        self.starts.append(start)
        self.ends.append(end)
        self.times.append(seconds)
        self.marked.append(is_marked)

    def at(self, seconds: float) -> int:
        """Return the last fragment that begins at or before a time of the media; the first if none does."""
        return max(0, bisect_right(self.times, seconds) - 1)


@dataclass(frozen=True)
class Kind:
    """What is needed to read the fragments of a track."""

    track: int
    timescale: int
    defaults: Defaults
    sound: Fraction | None = None
    """Seconds of the presentation when its sound begins; None if that is not known, or there is none."""


# ---- where fragments lie


def named(reader: Reader, kind: Kind, position: int) -> Fragments | None:
    """Return the fragments that an index of the file names; `position`: where the box after `moov` begins."""
    reader.fetch([(position, position + reader.policy.hop)])
    return _from_sidx(reader, kind, position) or _from_mfra(reader, kind)


def _from_sidx(reader: Reader, kind: Kind, position: int) -> Fragments | None:
    """Return the fragments that a segment index names, if it names them all."""
    named = [box for box in walk(reader, position, reader.size) if box.kind == b"sidx"]
    reader.fetch((box.start, box.end) for box in named)
    contents = [
        (box, reader.read_all(box.body, box.end - box.body)) for box in named if box.end - box.body < LARGEST_INDEX
    ]
    # There may be one for each track.
    contents.sort(key=lambda each: integer(each[1], 4) != kind.track)
    return _referenced(reader, *contents[0]) if contents else None


def _referenced(reader: Reader, sidx: Box, content: bytes) -> Fragments | None:
    try:
        version, timescale = content[0], struct.unpack_from(">I", content, 8)[0]
        begin, offset = struct.unpack_from(">QQ" if version else ">II", content, 12)
        table = 28 if version else 20
        count = struct.unpack_from(">H", content, table + 2)[0]
        entries = list(struct.iter_unpack(">III", content[table + 4 : table + 4 + 12 * count]))
    except (struct.error, IndexError):
        return None
    if not timescale or len(entries) < count:
        return None
    fragments, position, now = Fragments(), sidx.end + offset, begin
    for reference, duration, access in entries:
        if reference >> 31 or position + reference > reader.size:
            return None
        fragments.add(position, position + reference, now / timescale, bool(access >> 31))
        position, now = position + reference, now + duration
    if not len(fragments):
        return None
    # A file of joined segments has an index in each; the first then names a small part of the whole.
    following = walk(reader, position, reader.size)
    if position < reader.size - reader.policy.edge or any(box.kind in (b"sidx", b"moof") for box in following):
        return None
    return Fragments(fragments.starts, fragments.ends, fragments.times, fragments.marked, now / timescale)


def _from_mfra(reader: Reader, kind: Kind) -> Fragments | None:
    """Return the fragments that the random access table at the end of the file names for the track."""
    tail = reader.read_all(max(0, reader.size - 16), 16)
    if tail[4:8] != b"mfro":
        return None
    start = reader.size - integer(tail, 12)
    if start < 0 or not 0 < reader.size - start <= LARGEST_INDEX:
        return None
    reader.fetch([(start, reader.size)])
    mfra = box_at(reader, start, reader.size)
    if mfra is None or mfra.kind != b"mfra":
        return None
    content = reader.read_all(mfra.body, mfra.end - mfra.body)
    for tfra in children(content, 0, len(content)):
        if tfra.kind != b"tfra":
            continue
        try:
            version, track, lengths, count = (
                integer(content, tfra.body, 1),
                *struct.unpack_from(">III", content, tfra.body + 4),
            )
            row = struct.Struct(">QQ" if version else ">II")
            step = row.size + 3 + (lengths >> 4 & 3) + (lengths >> 2 & 3) + (lengths & 3)
            if track != kind.track or count * step > tfra.end - tfra.body - 16:
                continue
            places = [row.unpack_from(content, tfra.body + 16 + step * number) for number in range(count)]
        except (struct.error, IndexError):
            continue
        times = {offset: time / kind.timescale for time, offset in reversed(places)}
        starts = sorted(offset for offset in times if offset < start)
        fragments = Fragments()
        for first, last in zip(starts, [*starts[1:], start], strict=True) if starts else ():
            fragments.add(first, last, times[first])
        if starts:
            return fragments
    return None


# ---- what they hold


def load(
    reader: Reader, kind: Kind, begin: int, end: int, otherwise: int = 0, into: FragmentSamples | None = None
) -> FragmentSamples:
    """Return the samples of the fragments between two places, at the first of which a box begins.

    `otherwise`: when the first of them is decoded, in ticks, if it does not say so itself. `into`: the samples that
    they are added to.
    """
    samples, position = into or FragmentSamples(), begin
    while position + 8 <= end and samples.count < MOST_SAMPLES:
        if not reader.has(position, min(position + 16, end)):
            reader.fetch([(position, position + reader.policy.hop)])
        box = box_at(reader, position, reader.size)
        if box is None:
            break
        if box.kind == b"moof" and box.end - box.start <= LARGEST_MOOF:
            reader.fetch([(box.start, box.end)])
            add_samples(samples, reader.read_all(box.start, box.end - box.start), box, kind, otherwise)
        position = box.end
    return samples


def origin(movie: Movie, track: Track, kind: Kind, first: FragmentSamples) -> int:
    """Return what a player calls 0, in ticks of a track: when it begins, or its sound if that is earlier.

    Where an edit list lets nothing be shown at first, that counts. `first`: the samples of its first fragment.
    """
    empty, cut = _edit(movie, track)
    shown = first.shown(first.first_shown) if first.count else 0
    if 0 < empty <= LATEST_START:
        return cut - int(empty * kind.timescale)
    begins = Fraction(max(0, shown - cut), kind.timescale)
    if kind.sound is not None and 0 < begins - kind.sound <= LATEST_START:
        begins = kind.sound
    return cut + int(begins * kind.timescale)


def sound(reader: Reader, movie: Movie, position: int) -> Fraction | None:
    """Return when the sound of a movie begins, in seconds, as far as what is here already says it; None without any.

    `position`: where the box after `moov` begins.
    """
    tracks = {track.id: track for track in movie.tracks if track.kind == b"soun"}
    times: dict[int, Fraction] = {}
    for moof in islice(walk(reader, position, reader.size), FIRST_BOXES):
        if len(times) == len(tracks):
            break
        if moof.kind != b"moof" or moof.end - moof.start > LARGEST_MOOF or not reader.has(moof.start, moof.end):
            continue
        content = reader.read_all(moof.start, moof.end - moof.start)
        for traf in children(content, moof.body - moof.start, len(content)):
            tfhd, tfdt = (find(content, traf, kind) for kind in (b"tfhd", b"tfdt"))
            track = tracks.get(integer(content, tfhd.body + 4)) if tfhd else None
            if track is not None and tfdt is not None:
                empty, cut = _edit(movie, track)
                begins = Fraction(max(0, decoded(content, tfdt) - cut), track.timescale)
                times.setdefault(track.id, empty + begins)
    return min(times.values(), default=None)


def _edit(movie: Movie, track: Track) -> tuple[Fraction, int]:
    """Return for how many seconds an edit list shows nothing of a track, and how many ticks of it are cut off then."""
    empty = Fraction(0)
    for length, first, _ in entries(movie.content, track.elst, movie.timescale) if track.elst else ():
        if first >= 0:
            return empty, first
        empty += length
    return empty, 0


def add_samples(samples: FragmentSamples, content: bytes, moof: Box, kind: Kind, otherwise: int) -> None:
    """Add the samples of a fragment. `content` is its `moof`, whose place is in bytes of the object.

    `otherwise`: when it is decoded, in ticks, if it does not say.
    """
    implicit = moof.start
    for traf in children(content, moof.body - moof.start, len(content)):
        tfhd = find(content, traf, b"tfhd") if traf.kind == b"traf" else None
        if tfhd is None:
            continue
        is_track = integer(content, tfhd.body + 4) == kind.track
        tfdt = find(content, traf, b"tfdt")
        now = decoded(content, tfdt) if tfdt else max(otherwise, samples.end if samples.count else 0)
        flags, at = integer(content, tfhd.body + 1, 3), tfhd.body + 8
        base = moof.start if flags & 0x20000 else implicit
        if flags & 1:
            base = integer(content, at, 8)
            at += 8
        values = []
        for bit, default in zip((2, 8, 16, 32), _defaults(kind.defaults), strict=True):
            values.append(integer(content, at) if flags & bit else default)
            at += 4 if flags & bit else 0
        place = base
        for trun in children(content, traf.body, traf.end):
            if trun.kind == b"trun":
                place, now = _add_run(samples if is_track else None, content, trun, base, place, now, values)
        implicit = place


def _defaults(defaults: Defaults) -> tuple[int, int, int, int]:
    return defaults.description, defaults.duration, defaults.size, defaults.flags


def decoded(content: bytes, tfdt: Box) -> int:
    return integer(content, tfdt.body + 4, 8 if integer(content, tfdt.body, 1) == 1 else 4)


def _add_run(
    samples: FragmentSamples | None, content: bytes, trun: Box, base: int, place: int, now: int, values: list[int]
) -> tuple[int, int]:
    """Add the samples of a run; where the next one begins, in bytes of the object, and when it is decoded, in ticks.

    `values`: the description, duration, size and flags of samples that do not say their own.
    """
    flags, count, at = integer(content, trun.body + 1, 3), integer(content, trun.body + 4), trun.body + 8
    description, *usual = values
    if flags & 1:
        place = base + int.from_bytes(content[at : at + 4], "big", signed=True)
        at += 4
    first_flags = integer(content, at) if flags & 4 else None
    at += 4 if flags & 4 else 0
    own = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
    step = len(own)
    count = min(count, (trun.end - at) // (4 * step) if step else SAMPLES, SAMPLES)
    table = numbers(content, at, at + 4 * step * count)
    columns = {bit: table[column::step] for column, bit in enumerate(own)}
    durations, sizes, its_flags = (
        columns.get(bit) or array("I", [value]) * count for bit, value in zip((0x100, 0x200, 0x400), usual, strict=True)
    )
    if samples is not None:
        delays = array("i", columns[0x800].tobytes()) if 0x800 in columns else array("i", bytes(4 * count))
        if first_flags is not None and count and 0x400 not in columns:
            its_flags[0] = first_flags
        # It says that it is no sync sample, or that it depends on others.
        syncs = [n for n, its in enumerate(its_flags) if not (its & 0x10000 or its >> 24 & 3 == 1)]
        samples.add(place, sizes, now, durations, delays, syncs, max(0, description - 1))
    return place + sum(sizes), now + sum(durations)
