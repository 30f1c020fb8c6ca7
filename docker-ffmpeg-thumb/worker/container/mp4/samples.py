"""Where the samples of a track lie and when they are shown: its sample table, or the runs of its fragments.

A sample is one frame, or in rare files one field of it. Samples are numbered from 0 in decoding order; times are ticks
of the media. The tables of two hours hold 200,000 samples, of which a poster needs a dozen: places and times are
computed when they are asked for.
"""

from __future__ import annotations

import bisect
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate, chain, islice
from operator import add, lt, mul, sub

from model import Range, Rejected
from worker.container.mp4.boxes import Box, children, find, integer, numbers

REORDER = 64
"""Among so many samples before a moment the one is looked for that is shown last: codecs reorder 16 frames at most
(H.264 and HEVC), or 32 fields."""


LAST = 2**61
"""More than any place or time; sums of it have room in 64 bits."""


class Samples(ABC):
    """The samples of a track in decoding order."""

    count: int
    syncs: Sequence[int]
    """The samples at which decoding can start, as the file says: in order; all of them if it says nothing."""
    earliest: int
    """The least time by which a sample is shown after it is decoded, in ticks; negative if it is shown before."""

    @abstractmethod
    def place(self, number: int) -> Range:
        """Return where a sample lies, in bytes of the object."""

    @abstractmethod
    def size(self, number: int) -> int:
        """Return the bytes of a sample."""

    @abstractmethod
    def decoded(self, number: int) -> int:
        """Return when a sample is decoded, in ticks."""

    @abstractmethod
    def shown(self, number: int) -> int:
        """Return when a sample is shown, in ticks."""

    @abstractmethod
    def description(self, number: int) -> int:
        """Return the number of a sample's description, from 0."""

    @abstractmethod
    def described_from(self, number: int) -> int:
        """Return the first of the samples up to this one that all have its description."""

    @abstractmethod
    def decoded_before(self, tick: int) -> int:
        """Return the last sample that is decoded at or before a time; -1 if there is none."""

    @property
    @abstractmethod
    def end(self) -> int:
        """When the sample that is shown last ends, in ticks."""

    @property
    def first_shown(self) -> int:
        """The sample that is shown before all others."""
        return min(range(min(self.count, REORDER)), key=self.shown)

    def on_screen(self, tick: int) -> int:
        """Return the sample on the screen at a time: the one shown last at or before it, or else the one shown
        first."""
        last = self.decoded_before(tick - self.earliest)
        near = range(max(0, last + 1 - REORDER), last + 1)
        before = [(shown, number) for number in near if (shown := self.shown(number)) <= tick]
        return max(before)[1] if before else self.first_shown

    def sync_before(self, number: int) -> int | None:
        """Return the last sync sample at or before a sample."""
        place = bisect.bisect_right(self.syncs, number) - 1
        return self.syncs[place] if place >= 0 else None

    def sync_after(self, number: int) -> int | None:
        """Return the first sync sample after a sample."""
        place = bisect.bisect_right(self.syncs, number)
        return self.syncs[place] if place < len(self.syncs) else None

    def bytes(self, first: int, last: int) -> int:
        """Return the bytes of the samples from one to another."""
        return sum(map(self.size, range(first, last + 1)))


class SampleTable(Samples):
    """The samples that a sample table (`stbl`) describes, as far as its parts agree.

    Raises:
        Rejected: the table is broken.
    """

    def __init__(self, content: bytes, stbl: Box) -> None:
        try:
            self._read(content, stbl)
        except (OverflowError, ValueError) as fault:
            raise Rejected("its index is broken: the table of its samples does not add up") from fault

    def _read(self, content: bytes, stbl: Box) -> None:
        count, self._size, self._sizes = _sizes(content, stbl)
        self._chunks = _chunks(content, stbl)
        runs = _chunk_runs(content, stbl, len(self._chunks))
        self._first_chunks, self._per_chunk, self._description_of = runs
        following = chain(self._first_chunks[1:], [len(self._chunks)])
        counts = map(mul, map(sub, following, self._first_chunks), self._per_chunk)
        self._first_samples = array("q", accumulate(counts, initial=0))
        self.count = min(count, self._first_samples[-1])
        self._described = _changes(self._description_of, self._first_samples)
        self._decoded = _Decoded(content, find(content, stbl, b"stts"))
        self._delays = _Delays(content, find(content, stbl, b"ctts"))
        self.earliest = self._delays.least
        self.syncs = _syncs(content, stbl, self.count)

    def place(self, number: int) -> Range:
        run = bisect.bisect_right(self._first_samples, number) - 1
        chunk, within = divmod(number - self._first_samples[run], self._per_chunk[run])
        before = self._sums[number] - self._sums[number - within] if within and self._sizes else within * self._size
        start = self._chunks[self._first_chunks[run] + chunk] + before
        return start, start + self.size(number)

    @cached_property
    def _sums(self) -> array[int]:
        return array("q", accumulate(self._sizes, initial=0))

    def size(self, number: int) -> int:
        return self._sizes[number] if self._sizes else self._size

    def decoded(self, number: int) -> int:
        return self._decoded.at(number)

    def shown(self, number: int) -> int:
        return self._decoded.at(number) + self._delays.at(number)

    def description(self, number: int) -> int:
        return self._description_of[bisect.bisect_right(self._first_samples, number) - 1]

    def described_from(self, number: int) -> int:
        return self._described[bisect.bisect_right(self._described, number) - 1]

    def decoded_before(self, tick: int) -> int:
        return min(self._decoded.last_before(tick), self.count - 1)

    @property
    def end(self) -> int:
        last = max(map(self.shown, range(max(0, self.count - REORDER), self.count)), default=0)
        return last + self._decoded.at(self.count) - self._decoded.at(self.count - 1)


class FragmentSamples(Samples):
    """The samples of fragments, added one after another."""

    def __init__(self) -> None:
        self.count, self.earliest = 0, 0
        self.syncs: array[int] = array("q")
        self._starts, self._sizes = array("q"), array("q")
        self._times, self._delays = array("q"), array("q")
        self._descriptions, self._described = array("q"), array("q")
        self._end = 0

    def add(
        self,
        start: int,
        sizes: Sequence[int],
        decoded: int,
        durations: Sequence[int],
        delays: Sequence[int],
        syncs: Iterable[int],
        description: int,
    ) -> None:
        """Add samples that follow one another, decoded from a time on.

        `start`: where the first one begins, in bytes of the object. `delays`: how much later than they are decoded they
        are shown, in ticks. `syncs`: the numbers of the sync samples among them, from 0.
        """
        count = len(sizes)
        if not count:
            return
        if not self.count or self._descriptions[-1] != description:
            self._described.append(self.count)
        # Decoding times only grow, whatever a fragment says of its own.
        decoded = min(max(decoded, self._times[-1]) if self.count else decoded, LAST)
        self.earliest = min(self.earliest, *delays) if self.count else min(delays)
        self.syncs.extend(self.count + number for number in syncs)
        self._starts.extend(islice(accumulate(sizes, initial=max(-LAST, min(start, LAST))), count))
        self._sizes.extend(array("q", sizes))
        times = array("q", accumulate(durations, initial=decoded))
        self._end = max(self._end, *map(add, times[1:][-REORDER:], delays[-REORDER:]))
        self._times.extend(times[:count])
        self._delays.extend(array("q", delays))
        self._descriptions.extend(array("q", [description]) * count)
        self.count += count

    def place(self, number: int) -> Range:
        return self._starts[number], self._starts[number] + self._sizes[number]

    def size(self, number: int) -> int:
        return self._sizes[number]

    def decoded(self, number: int) -> int:
        return self._times[number]

    def shown(self, number: int) -> int:
        return self._times[number] + self._delays[number]

    def description(self, number: int) -> int:
        return self._descriptions[number]

    def described_from(self, number: int) -> int:
        return self._described[bisect.bisect_right(self._described, number) - 1]

    def decoded_before(self, tick: int) -> int:
        return bisect.bisect_right(self._times, tick) - 1

    @property
    def end(self) -> int:
        return self._end


class _Decoded:
    """When samples are decoded (`stts`): runs of samples that last as long as one another."""

    def __init__(self, content: bytes, box: Box | None) -> None:
        table = numbers(content, box.body + 8, box.end) if box else array("I")
        counts, self._durations = _pairs(table, integer(content, box.body + 4) if box else 0)
        if max(self._durations, default=0) >= 2**31:
            # Some writers let time go backwards, which no player does.
            self._durations = array("I", (1 if value >= 2**31 else value for value in self._durations))
        if not counts:
            counts, self._durations = array("I", [1]), array("I", [1])
        self._samples: array[int] = array("q", accumulate(counts, initial=0))
        self._ticks: array[int] = array("q", accumulate(map(mul, counts, self._durations), initial=0))

    def at(self, number: int) -> int:
        run = min(bisect.bisect_right(self._samples, number), len(self._durations)) - 1
        return self._ticks[run] + (number - self._samples[run]) * self._durations[run]

    def last_before(self, tick: int) -> int:
        if tick < 0:
            return -1
        run = min(bisect.bisect_right(self._ticks, tick), len(self._durations)) - 1
        duration = self._durations[run]
        if not duration:
            return self._samples[run + 1] - 1
        return self._samples[run] + (tick - self._ticks[run]) // duration


class _Delays:
    """How much later than they are decoded samples are shown (`ctts`)."""

    def __init__(self, content: bytes, box: Box | None) -> None:
        # Negative ones are written by version 0 too, though it has none.
        table = numbers(content, box.body + 8, box.end, "i") if box else array("i")
        counts, self._values = _pairs(table, integer(content, box.body + 4) if box else 0)
        if min(counts, default=0) < 0:
            counts, self._values = array("i"), array("i")
        self._samples = array("q", accumulate(counts, initial=0))
        self.least = min(self._values, default=0)

    def at(self, number: int) -> int:
        run = bisect.bisect_right(self._samples, number) - 1
        return self._values[run] if run < len(self._values) else 0


def _pairs(table: array[int], count: int) -> tuple[array[int], array[int]]:
    """Return the two columns of a table that has so many rows, or fewer if it was cut off."""
    rows = min(count, len(table) // 2)
    return table[0 : 2 * rows : 2], table[1 : 2 * rows : 2]


def _sizes(content: bytes, stbl: Box) -> tuple[int, int, array[int]]:
    """Return the number of samples, and the size of all of them or a table of sizes."""
    none = array("I")
    box = find(content, stbl, b"stsz")
    if box is not None:
        size, count = integer(content, box.body + 4), integer(content, box.body + 8)
        if size:
            return count, size, none
        sizes = numbers(content, box.body + 12, min(box.end, box.body + 12 + 4 * count))
        return len(sizes), 0, sizes
    box = find(content, stbl, b"stz2")
    if box is None:
        return 0, 0, none
    bits, count = integer(content, box.body + 7, 1), integer(content, box.body + 8)
    start, end = box.body + 12, min(box.end, box.body + 12 + (count * bits + 7) // 8)
    if bits == 4:
        sizes = array("I", (size for byte in content[start:end] for size in (byte >> 4, byte & 15)))[:count]
    else:
        sizes = array("I", numbers(content, start, end, "H" if bits == 16 else "B"))
    return len(sizes), 0, sizes


def _chunks(content: bytes, stbl: Box) -> array[int]:
    """Return where chunks of samples begin."""
    for kind, width in ((b"stco", "I"), (b"co64", "Q")):
        box = find(content, stbl, kind)
        if box is not None:
            found = numbers(content, box.body + 8, box.end, width)
            return found[: integer(content, box.body + 4)]
    return array("I")


def _chunk_runs(content: bytes, stbl: Box, chunks: int) -> tuple[array[int], array[int], array[int]]:
    """Return the runs of chunks (`stsc`): the first chunk of each, the samples in each of its chunks, their
    description.

    Chunks and descriptions are numbered from 0.
    """
    box = find(content, stbl, b"stsc")
    table = numbers(content, box.body + 8, box.end) if box else array("I")
    rows = min(integer(content, box.body + 4) if box else 0, len(table) // 3)
    firsts = array("q", (first - 1 for first in table[0 : 3 * rows : 3]))
    samples, descriptions = table[1 : 3 * rows : 3], table[2 : 3 * rows : 3]
    if firsts and firsts[0] != 0:
        # The first run begins with the first chunk, whatever it says.
        firsts[0] = 0
    good = len(firsts)
    if not all(map(lt, firsts, firsts[1:])) or (firsts and firsts[-1] >= chunks) or 0 in samples:
        # What comes after the first fault is not believed.
        good = 0
        while firsts[good] < chunks and samples[good] and (not good or firsts[good - 1] < firsts[good]):
            good += 1
    return firsts[:good], samples[:good], array("q", (max(0, number - 1) for number in descriptions[:good]))


def _changes(descriptions: array[int], first_samples: array[int]) -> array[int]:
    """Return the samples with which another description begins than that of the sample before."""
    if len(set(descriptions)) < 2:
        return array("q", [0])
    return array(
        "q", (first_samples[n] for n in range(len(descriptions)) if n == 0 or descriptions[n] != descriptions[n - 1])
    )


def _syncs(content: bytes, stbl: Box, count: int) -> Sequence[int]:
    """Return the sync samples: those listed (`stss`), and in QuickTime and in open GOPs those from which on all is
    whole that is shown later (`stps`, sample group `rap `)."""
    listed: list[int] = []
    for kind in (b"stss", b"stps"):
        box = find(content, stbl, kind)
        if box is not None:
            table = numbers(content, box.body + 8, box.end)
            listed += (number - 1 for number in table[: integer(content, box.body + 4)])
    listed += _random_access_points(content, stbl, count)
    found = array("q", sorted({number for number in listed if 0 <= number < count}))
    # Without a list, or with one that is empty, any may be one.
    return found or range(count)


def _random_access_points(content: bytes, stbl: Box, count: int) -> list[int]:
    found: list[int] = []
    for box in children(content, stbl.body, stbl.end):
        at = box.body + 4
        if box.kind != b"sbgp" or content[at : at + 4] != b"rap ":
            continue
        at += 8 if integer(content, box.body, 1) else 4
        rows = numbers(content, at + 4, box.end)
        number = 0
        for length, group in zip(*_pairs(rows, integer(content, at)), strict=True):
            if number >= count:
                break
            if group:
                found += range(number, min(number + length, count))
            number += length
    return found
