"""The way to the fragments of an MP4 that no index names: from one to the next, or by a search in what was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, pairwise

from model import Range, Rejected
from worker.container.mp4 import boxes
from worker.container.mp4.boxes import Box, children, find, integer
from worker.container.mp4.fragments import LARGEST_MOOF, NOTHING, Fragments, Kind, decoded, load
from worker.container.mp4.layout import box_at, walk
from worker.reader import Reader

HOPS = 64
"""How many rounds of requests look for fragments where no index names them."""
UNEVEN = 3
"""How many times as many fragments as it would be on average one of several walkers may meet."""
REQUESTS = 2_400
"""The most that walkers send together: fewer than are sent for one object in all (`service/object.py`)."""
FIRST_HOPS = 3
"""By so many of them it is found out how long fragments usually are."""
RECENT, GUESSES = 8, 8
"""By the lengths of so many fragments so many more are guessed at most."""
BETWEEN = 512
"""Bytes that are read of a fragment besides its samples' description: boxes that stand before it."""


_MOOF = b"moof\0\0\0\x10mfhd"
"""How a fragment begins, after its length."""
_FOLLOWING = {b"mdat", b"moof", b"free", b"skip", b"styp", b"sidx", b"emsg", b"prft", b"uuid", b"mfra"}


def by_hops(reader: Reader, kind: Kind, position: int, walkers: int = 1, most: int | None = None) -> Fragments:
    """Return the fragments from a place on, found from one to the next.

    Args:
        reader: the object.
        kind: the track.
        position: where a box begins, in bytes of the object.
        walkers: so many begin at places evenly apart, and go on together.
        most: how many rounds of requests are made at most; None for `HOPS`, and more where there are several walkers,
            as fragments are longer at some places than at others.
    """
    most = HOPS * (1 if walkers == 1 else UNEVEN) if most is None else most
    places = [position + (reader.size - position) * number // walkers for number in range(walkers)]
    ends = [*places[1:], reader.size]
    its = [_Walker(reader, kind, start, end, start > position) for start, end in zip(places, ends, strict=True)]
    # Guesses save rounds and cost requests; several walkers need few rounds, and many requests.
    steps = [walker.steps(GUESSES if walkers == 1 else 0) for walker in its]
    requests = 0
    for hops in range(most + 1):
        wanted = [part for each in steps for part in next(each, ())]
        requests += len(wanted)
        if hops == most or requests > REQUESTS or not wanted:
            break
        reader.fetch(wanted)
    fragments = Fragments()
    for start, end, seconds in sorted(chain.from_iterable(walker.fragments() for walker in its)):
        fragments.add(start, end, seconds)
    return replace(fragments, is_complete=its[-1].has_arrived)


class _Walker:
    """Goes from fragment to fragment: from the first one after a place up to the first one after another."""

    def __init__(self, reader: Reader, kind: Kind, start: int, end: int, searches: bool) -> None:
        """`start`, `end`: bytes of the object. `searches`: whether it has to look for a fragment first, as no box is
        known to begin where it does."""
        self._reader, self._kind, self._end, self._searches = reader, kind, end, searches
        self.position = start
        self._found: list[tuple[int, float]] = []
        """Where they begin, and when, in seconds of the media; -1 if unknown."""
        self.has_arrived = False

    def fragments(self) -> Iterator[tuple[int, int, float]]:
        """Yield where each fragment with samples of the track begins and ends, and when it begins."""
        following = [start for start, _ in self._found[1:]] + ([self.position] if self.has_arrived else [])
        for (start, seconds), end in zip(self._found, following, strict=False):
            yield start, min(end, self._reader.size), seconds

    def steps(self, guesses: int) -> Iterator[list[Range]]:
        """Go on as far as what was read allows, and yield what has to be read next.

        `guesses`: at how many places, most likely, of the fragments to come this is read too.
        """
        reader = self._reader
        if self._searches:
            yield from self._search()
        places: list[int] = []
        few = most = reader.policy.hop // 4
        largest = 0
        for _ in range(boxes.MOST):
            position = self.position
            if position + 8 > reader.size:
                break
            while not reader.has(position, min(position + 16, reader.size)):
                yield [*_ahead(reader, position, places, few, guesses)]
            box = box_at(reader, position, reader.size)
            if box is None:
                break
            if box.kind == b"moof":
                if position >= self._end:
                    break
                places.append(position)
                largest = max(largest, box.end - box.start)
                few = min(most, 2 * largest + BETWEEN)
                head = box.start, min(box.end, box.start + reader.policy.hop)
                while not reader.has(*head):
                    yield [head]
                # What holds sound alone belongs to the one before it.
                has_video, time = begins(reader, self._kind, box)
                if has_video:
                    self._found.append((position, time))
            self.position = box.end
        self.has_arrived = True

    def _search(self) -> Iterator[list[Range]]:
        """Look for the first fragment after the start."""
        start = reached = self.position
        while (at := search(self._reader, start, reached)) is None and reached < self._end:
            following = min(reached + self._reader.policy.block, self._reader.size)
            yield [(reached, following)]
            reached = following
        self.position = self._reader.size if at is None else at


def usual(reader: Reader, kind: Kind, position: int) -> tuple[int, int]:
    """Return where the first fragment of a file begins, and how long the usual one is, in bytes.

    `position`: where the box after `moov` begins.

    Raises:
        Rejected: there are no fragments.
    """
    found = by_hops(reader, kind, position, most=0)
    if len(found) >= 2:
        return found.starts[0], (found.ends[-1] - found.starts[0]) // len(found)
    # Short ones are seen at the end of the file.
    tail = max(position, reader.size - reader.policy.tail)
    last = search(reader, tail, reader.size)
    moofs = [box for box in walk(reader, last, reader.size) if box.kind == b"moof"] if last is not None else []
    first = next((box for box in walk(reader, position, reader.size) if box.kind == b"moof"), None)
    if first is not None and len(moofs) >= 2:
        return first.start, (moofs[-1].start - moofs[0].start) // (len(moofs) - 1)
    if first is not None and moofs and (length := _by_times(reader, kind, first, moofs[0])):
        return first.start, length
    found = by_hops(reader, kind, position, most=FIRST_HOPS)
    if not len(found):
        raise Rejected(NOTHING)
    return found.starts[0], (found.ends[-1] - found.starts[0]) // len(found)


def _by_times(reader: Reader, kind: Kind, first: Box, last: Box) -> int:
    """Return how many bytes a fragment has that lasts as long as the first one; 0 if that cannot be told."""
    began, ended = (begins(reader, kind, moof)[1] for moof in (first, last))
    samples = load(reader, kind, first.start, first.end)
    if not samples.count or not 0 <= began < ended:
        return 0
    lasts = (samples.end - samples.shown(samples.first_shown)) / kind.timescale
    return int((last.start - first.start) * lasts / (ended - began))


def _ahead(reader: Reader, position: int, places: list[int], few: int, guesses: int) -> Iterator[Range]:
    """Yield what is read of a fragment that begins at a place, and where the next ones most likely begin.

    A recording at a constant rate has fragments of about one length. `places`: of those before; `few`: the bytes that
    are read of each; `guesses`: how many of the next ones.
    """
    yield position, position + few
    lengths = [after - before for before, after in pairwise([*places[-RECENT:], position])]
    if len(lengths) < RECENT // 2:
        return
    length, hop = sum(lengths) // len(lengths), reader.policy.hop
    for number in range(1, guesses + 1):
        unlike = int(max(abs(its - length) for its in lengths) * number**0.5)
        if few < length and unlike <= (hop if number <= guesses // 4 else hop // 4):
            yield position + number * length - unlike, position + number * length + unlike + few


def begins(reader: Reader, kind: Kind, moof: Box) -> tuple[bool, float]:
    """Return whether a fragment holds samples of the track, and when it begins, in seconds of the media; -1 if
    unknown."""
    content = reader.read_all(moof.start, min(moof.end - moof.start, reader.policy.hop))
    for traf in children(content, moof.body - moof.start, len(content)):
        tfhd = find(content, traf, b"tfhd") if traf.kind == b"traf" else None
        if tfhd is not None and integer(content, tfhd.body + 4) == kind.track:
            tfdt = find(content, traf, b"tfdt")
            return True, decoded(content, tfdt) / kind.timescale if tfdt else -1.0
    return False, -1.0


def search(reader: Reader, start: int, end: int) -> int | None:
    """Return the first place between two others at which a fragment begins, in what is here of the object."""
    content = reader.read_all(start, end - start)
    at = content.find(_MOOF)
    while at >= 0:
        place = start + at - 4
        size = integer(content, at - 4) if at >= 4 else 0
        following = content[at + size : at + size + 4]
        if 24 <= size <= LARGEST_MOOF and (len(following) < 4 or following in _FOLLOWING):
            return place
        at = content.find(_MOOF, at + 1)
    return None
