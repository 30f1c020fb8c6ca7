"""Parts of an object as one file, so that a demuxer sees the headers and then data far beyond them."""

import bisect
from collections.abc import Sequence
from itertools import accumulate

from model import Range
from worker.reader import Reader, View


class Joined(View):
    """Parts of an object, one after another, as a seekable file."""

    def __init__(self, reader: Reader, parts: Sequence[Range]) -> None:
        super().__init__(reader)
        self._parts = parts
        self._ends = list(accumulate(end - start for start, end in parts))

    @property
    def size(self) -> int:
        """Bytes."""
        return self._ends[-1]

    def read(self, length: int) -> bytes:
        """Return at least one and at most `length` bytes; none at the end."""
        number = bisect.bisect_right(self._ends, self._position)
        if number == len(self._parts):
            return b""
        end = self._parts[number][1]
        at = self.place(self._position)
        content = self._reader.read(at, min(length, end - at))
        self._position += len(content)
        return content

    def place(self, position: int) -> int:
        """Return where in the object the byte at a position of the file lies."""
        number = min(bisect.bisect_right(self._ends, position), len(self._parts) - 1)
        return self._parts[number][1] - (self._ends[number] - position)
