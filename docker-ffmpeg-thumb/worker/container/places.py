"""The way to the keyframes of a container whose index names time and place of each: Matroska, WebM, and some FLVs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise

import av
from av.index import IndexEntry

from model import Range
from worker.bitstream.order import REORDER
from worker.container.demuxer import AccessUnit, PacketDemuxer, Run
from worker.index import Shot
from worker.reader import Reader

COVERED = 1 / 2
"""The share of an FLV that has to lie before the last keyframe of an index that is believed."""
FEW = 2
"""With no more entries than this, what they lead to is better found by a reading from the start."""


_SEGMENT, _CUES = b"\x18\x53\x80\x67", b"\x1c\x53\xbb\x6b"
_SEEK_TO_CUES = re.compile(rb"\x53\xab\x84\x1c\x53\xbb\x6b\x53\xac([\x81-\x88])(.{8})", re.DOTALL)
"""An entry of the list of places (SeekHead) in front of a Matroska (RFC 9559, 5.1.1): ids and sizes of its parts."""


def may_have_places(format_: str, reader: Reader) -> bool:
    """Return whether an object may have an index of places: without one, libavformat may read on to the end to seek."""
    start = reader.read_all(0, reader.policy.edge)
    if format_ != "matroska":
        return format_ == "flv" and b"filepositions" in start
    segment = start.find(_SEGMENT)
    entry = _SEEK_TO_CUES.search(start)
    if segment < 0 or entry is None:
        return _CUES in start
    # Places count from after the size of the segment, whose leading zeros say how many bytes it has.
    size = segment + len(_SEGMENT)
    body = size + 9 - int.from_bytes(start[size : size + 1]).bit_length()
    place = body + int.from_bytes(entry[2][: entry[1][0] & 0x0F])
    return reader.read_all(place, len(_CUES)) == _CUES


class Places(PacketDemuxer):
    """A block is fetched from each place that is wanted. There are no keyframes where entries are few, or none."""

    def __init__(self, reader: Reader, name: str) -> None:
        super().__init__(reader, name)
        self.index = self._made_index(self._find_keyframes(), self._stated_duration())

    def _find_keyframes(self) -> list[tuple[int, float, int, int]]:
        self._rewind()
        entries = [entry for entry in self.stream.index_entries if entry.is_keyframe]
        # To find the last one, libavformat would first read on to the end of the file.
        if len(entries) <= FEW or not self._is_whole(entries):
            return []
        if self._format == "matroska":
            first = entries[0].timestamp * self._time_base
            self.origin = first if self._began is None else min(first, self._began)
        block = self._reader.policy.block
        return [
            (entry.timestamp, self._seconds(entry.timestamp), entry.pos, entry.size or block) for entry in entries[:-1]
        ]

    def _is_whole(self, entries: Sequence[IndexEntry]) -> bool:
        """Return whether an index can be that of the whole object: FLV's is metadata, which editors copy as they
        are."""
        places = [entry.pos for entry in entries]
        is_in_order = all(before < place for before, place in pairwise(places))
        return self._format != "flv" or (is_in_order and self._reader.size * COVERED < places[-1] < self._reader.size)

    def _rewind(self) -> None:
        """Read an index that stands at the end, which the first seek does."""
        try:
            self._container.seek(0, backward=True)
        except av.FFmpegError:
            return  # Without one there is nothing to find.

    def _ranges(self, shot: Shot) -> Iterable[Range]:
        if shot.moments:
            return [self._stretch(shot.keyframe, shot.moments[-1])]
        start = self.index.places[shot.keyframe]
        return [(start, start + self.index.sizes[shot.keyframe])]

    def _keyframe(self, number: int) -> AccessUnit | None:
        near = islice(self._units_from(number), REORDER + 1)
        return next((unit for unit in near if self._begins(unit)), None)

    def _following(self, number: int, moments: Sequence[float]) -> Run | None:
        return self._cut(self._units_from(number), self._all_ticks(moments))

    def _units_from(self, number: int) -> Iterator[AccessUnit]:
        self._seek(self._ticks_of[number])
        return self._units(self._container, self.stream)
