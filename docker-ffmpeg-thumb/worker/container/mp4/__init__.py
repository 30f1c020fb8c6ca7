"""MP4 and MOV: samples are found by their tables and read by their places. libavformat reads their descriptions."""

from dataclasses import replace

from model import Rejected
from worker.container.demuxer import Demuxer
from worker.container.mp4 import edits, fragments, movie, walks
from worker.container.mp4.boxes import Box
from worker.container.mp4.fragmented import Mapped
from worker.container.mp4.fragments import NOTHING, Kind
from worker.container.mp4.layout import find_index
from worker.container.mp4.movie import Defaults, Movie, Track
from worker.container.mp4.samples import FragmentSamples, Samples, SampleTable
from worker.container.mp4.searched import Searched
from worker.container.mp4.table import Table
from worker.container.opening import Probing, opened
from worker.reader import Reader

MANY = 3 * walks.HOPS
"""Fewer fragments than this are all found, from one to the next, however few of them are wanted."""
MOST = 32 * walks.HOPS
"""The most that are found so where many are wanted: two hours of fragments of 3.5 seconds."""
LONGEST = 2
"""How many times as many rounds as usual walkers may go where so few of them can be paid for."""


def open_mp4(reader: Reader, places: int) -> Demuxer:
    """Open an MP4 or MOV. `places`: see `open_video`.

    Raises:
        Rejected: it is broken, or its video has a codec that is not supported.
        Skipped: it holds no video.
    """
    index = find_index(reader)
    if index is None:
        raise Rejected("it has no index (moov): it was cut off, or its recording was never finished")
    its_movie = movie.read(index.begin, index.content, index.unread)
    try:
        track = _film(its_movie)
    except Rejected as rejected:
        if not index.is_cut:
            raise
        raise Rejected("the object ends within its index (moov): it was cut off") from rejected
    table = SampleTable(its_movie.content, track.stbl) if track.samples else None
    if table is not None and table.count and its_movie.fragments is None:
        return Table(reader, its_movie, track, table, _timeline(its_movie, track, table))
    kind = Kind(track.id, track.timescale, (its_movie.fragments or {}).get(track.id, Defaults()))
    if table is not None and table.count:
        samples = _joined(reader, kind, index.moov, table)
        return Table(reader, its_movie, track, samples, _timeline(its_movie, track, samples))
    return _fragmented(reader, its_movie, track, kind, index.moov, places)


def _film(its_movie: Movie) -> Track:
    """Return the track that is the film; see `container.film`."""
    tracks = its_movie.video() or its_movie.tracks
    container, stream = opened(movie.head(its_movie, tracks, 0), "mov", Probing.NOTHING)
    with container:
        return tracks[stream.id - 1]


def _timeline(its_movie: Movie, track: Track, samples: Samples) -> edits.Timeline:
    edited = track.elst and edits.edited(
        its_movie.content, track.elst, its_movie.timescale, track.timescale, samples.end
    )
    begin = samples.shown(samples.first_shown)
    # Sound begins at 0, and a player counts from what begins first.
    return edited or edits.plain(min(begin, 0) if its_movie.has_sound else begin, samples.end, track.timescale)


def _joined(reader: Reader, kind: Kind, moov: Box, table: Samples) -> Samples:
    """Return the samples of a file that begins as one without fragments, and goes on as one with."""
    found = walks.by_hops(reader, kind, moov.end)
    if not len(found):
        return table
    samples = FragmentSamples()
    syncs = set(table.syncs)
    for number in range(min(table.count, fragments.MOST_SAMPLES)):
        decoded = table.decoded(number)
        samples.add(
            table.place(number)[0],
            [table.size(number)],
            decoded,
            [table.decoded(number + 1) - decoded],
            [table.shown(number) - decoded],
            [0] if number in syncs else (),
            table.description(number),
        )
    fragments.load(reader, kind, found.starts[0], found.ends[-1], into=samples)
    return samples


def _fragmented(reader: Reader, its_movie: Movie, track: Track, kind: Kind, moov: Box, places: int) -> Demuxer:
    is_here = reader.has(0, reader.size)
    found = None if is_here else fragments.named(reader, kind, moov.end)
    # The look for an index has brought what follows `moov`.
    kind = replace(kind, sound=fragments.sound(reader, its_movie, moov.end))
    if found is not None:
        mapped = Mapped(reader, its_movie, track, kind, found)
        if mapped.is_sure or not places or reader.size > reader.policy.scan:
            return mapped
        mapped.close()
    elif not is_here:
        first, length = walks.usual(reader, kind, moov.end)
        walkers = _walkers(reader, length, places) if length > reader.policy.block else 0
        if walkers:
            return Mapped(reader, its_movie, track, kind, walks.by_hops(reader, kind, first, walkers))
        searched = Searched(reader, its_movie, track, kind, first, length)
        if not places:
            return searched
        windows = 2 * places * searched.around
        is_short = reader.size <= reader.policy.scan * (1 if searched.knows_gop else 2)
        if not is_short or (searched.knows_gop and windows < reader.size // 2):
            searched.look_around(places)
            return searched
        searched.close()
    return _scanned(reader, its_movie, track, kind, moov.end)


def _walkers(reader: Reader, length: int, places: int) -> int:
    """Return how many walkers go over fragments of a usual length, in bytes; 0 if it costs less to search for one at
    each of the places."""
    count, room = reader.size // length, reader.policy.search
    # Each walker, and each search, reads on from a place to the next fragment: half of one.
    walkers = max(1, min(1 + count // walks.HOPS, 2 * room // length))
    is_cheaper = count < MANY or (places * length // 2 > room and count < MOST)
    return walkers if is_cheaper and count // walkers < LONGEST * walks.HOPS else 0


def _scanned(reader: Reader, its_movie: Movie, track: Track, kind: Kind, begin: int) -> Demuxer:
    """Return all fragments of a file, which is read whole."""
    reader.fetch([(begin, reader.size)])
    samples = fragments.load(reader, kind, begin, reader.size)
    if not samples.count:
        raise Rejected(NOTHING)
    timeline = edits.plain(fragments.origin(its_movie, track, kind, samples), samples.end, track.timescale)
    return Table(reader, its_movie, track, samples, timeline)
