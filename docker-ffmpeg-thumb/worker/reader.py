"""The bytes of one object, as the worker reads them: a cache over ranges that somebody else fetches.

Only what is asked for is fetched: `fetch` brings a set of byte ranges together, and reading bytes that nobody fetched
brings a block, larger each time while the reading goes on in sequence. What was fetched once is kept and never asked
for again.
"""

import bisect
import io
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from model import Range, ReadPolicy


class Ranges(Protocol):
    """Whatever fetches ranges of the object."""

    @property
    def size(self) -> int:
        """Bytes of the whole object."""

    def get(self, ranges: Sequence[Range]) -> Iterable[tuple[int, memoryview]]:
        """Fetch ranges, all at the same time; give (place, content) of each part as it arrives.

        Raises:
            Rejected: more of the object was asked for than may be read.
        """


def _nothing() -> None:
    """Do nothing."""


class Reader:
    """The cache over one object. Safe to read from several threads.

    Raises from any read:
        Rejected: more of the object was asked for than may be read.
    """

    def __init__(self, ranges: Ranges, policy: ReadPolicy) -> None:
        self._ranges, self.policy = ranges, policy
        self._lock = threading.Lock()
        self._starts: list[int] = []
        self._extents: list[memoryview] = []
        self._block_end, self._block = -1, policy.block
        self._meanwhile: Callable[[], None] = _nothing

    @property
    def size(self) -> int:
        """Bytes of the whole object."""
        return self._ranges.size

    def keep(self, start: int, content: memoryview) -> None:
        """Take bytes that were fetched already."""
        # Two threads may have asked for the same block; an extent never overlaps another.
        for first, end in list(self._missing([(start, start + len(content))])):
            with self._lock:
                place = bisect.bisect_left(self._starts, first)
                self._starts.insert(place, first)
                self._extents.insert(place, content[first - start : end - start])

    def has(self, start: int, end: int) -> bool:
        """Return whether these bytes are here already."""
        return next(self._missing([(start, end)]), None) is None

    def beginning(self) -> "View":
        """Return the beginning of the object, as far as it is here without a gap."""
        missing = next(self._missing([(0, self.size)]), None)
        return View(self, missing[0] if missing else self.size)

    @contextmanager
    def while_waiting(self, work: Callable[[], None]) -> Iterator[None]:
        """Within this context, do some work once, while the first ranges that are fetched are on their way."""
        self._meanwhile = work
        try:
            yield
        finally:
            self._meanwhile = _nothing

    def fetch(self, ranges: Iterable[Range]) -> None:
        """Bring what is missing of the ranges, neighbours merged, all at the same time."""
        missing = list(self._missing(merged(ranges, self.policy.gap)))
        if missing:
            parts = self._ranges.get(missing)
            meanwhile, self._meanwhile = self._meanwhile, _nothing
            try:
                meanwhile()
            finally:
                # Whoever asks next must not get what is left of this answer.
                for start, content in parts:
                    self.keep(start, content)

    def read(self, position: int, length: int) -> bytes:
        """Return at least one and at most `length` bytes from `position`; none at the end."""
        return bytes(self._piece(position, length))

    def read_all(self, position: int, length: int) -> bytes:
        """Return `length` bytes from `position`; fewer only at the end."""
        pieces: list[memoryview] = []
        end = position + length
        while piece := self._piece(position, end - position):
            pieces.append(piece)
            position += len(piece)
        return b"".join(pieces)

    def _piece(self, position: int, length: int) -> memoryview:
        """See `read`; nothing is copied, as an index and keyframes have megabytes."""
        if not 0 <= position < self.size or length <= 0:
            return memoryview(b"")
        while not (piece := self._kept(position, length)):
            self._fetch_block(position)
        return piece

    def _missing(self, ranges: Iterable[Range]) -> Iterator[Range]:
        for start, stop in ranges:
            at, end = max(0, start), min(stop, self.size)
            with self._lock:
                while at < end:
                    place = bisect.bisect_right(self._starts, at) - 1
                    if place >= 0 and at < (kept_to := self._starts[place] + len(self._extents[place])):
                        at = kept_to
                        continue
                    upto = min(end, self._starts[place + 1]) if place + 1 < len(self._starts) else end
                    yield at, upto
                    at = upto

    def _kept(self, position: int, length: int) -> memoryview:
        with self._lock:
            place = bisect.bisect_right(self._starts, position) - 1
            if place < 0:
                return memoryview(b"")
            offset = position - self._starts[place]
            return self._extents[place][offset : offset + length]

    def _fetch_block(self, position: int) -> None:
        longest = self.policy.largest_block
        self._block = min(self._block * 2, longest) if position == self._block_end else self.policy.block
        missing = next(self._missing([(position, position + self._block)]), None)
        if missing is not None:
            self._block_end = missing[1]
            self.fetch([missing])


class View:
    """An object as a seekable file, as PyAV reads it: up to `end`."""

    def __init__(self, reader: Reader, end: int | None = None) -> None:
        self._reader, self._end, self._position = reader, end, 0

    @property
    def size(self) -> int:
        """Bytes."""
        return self._reader.size if self._end is None else self._end

    def read(self, length: int) -> bytes:
        """Return at least one and at most `length` bytes; none at the end."""
        content = self._reader.read(self._position, min(length, self.size - self._position))
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move as `io` files do."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position


def merged(ranges: Iterable[Range], gap: int) -> list[Range]:
    """Return the ranges in order, those that overlap or lie within `gap` bytes of each other made one."""
    result: list[Range] = []
    for start, end in sorted(ranges):
        if result and start - result[-1][1] <= gap:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
