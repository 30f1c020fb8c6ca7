"""The way to the keyframes of an AVI, by its index that names place and size of every frame, and of raw DV."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

from av.packet import Packet
from av.stream import Stream

from model import Range
from worker.bitstream.order import REORDER
from worker.container.demuxer import AccessUnit, PacketDemuxer, Run, shown_at
from worker.container.opening import PROBED_BYTES
from worker.container.riff import FrameTable, frame_table
from worker.index import RUN_BYTES, RUN_FRAMES, Shot
from worker.reader import Reader, View

UNCOVERED = 1 / 5
"""The share of the object that may follow the last frame of an index that is believed."""
ROW = 64
"""Bytes that an index has for each frame at most, with those of the sound beside it."""
REORDERED = 6
"""So many frames of the start tell how many frames are shown before one that lies before them."""
LIES = 8
"""How many frames that the index calls keyframes are tried before one where decoding really can begin."""


class Avi(PacketDemuxer):
    """Frames are fetched together as exact ranges, and are packets as they are.

    It has no keyframes if there is no index, if the index ends too early, or if it marks false keyframes.
    """

    def __init__(self, reader: Reader, name: str) -> None:
        super().__init__(reader, name)
        self._frames: array[int] = array("q")
        """The numbers of the keyframes in the table."""
        table = self._find_table()
        self.index = self._made_index([], None)
        if table is not None and self._is_whole(table):
            self._table, self._time_base = table, table.frame_seconds
            self._frames = array("q", self._keyframes())
            rows = [(self._seconds(table.start + n), table.places[n], table.sizes[n]) for n in self._frames]
            duration = self._seconds(table.start + len(table.places))
            self.index = self._made_index(((0, *row) for row in rows), duration)

    def _find_table(self) -> FrameTable | None:
        return frame_table(self._reader, self.stream.index)

    def _beginning(self) -> View:
        # What libavformat does not see, it does not read piece by piece.
        return View(self._reader, min(self._reader.size, PROBED_BYTES))

    @property
    def _rate(self) -> float:
        return float(1 / self._time_base) if len(self._frames) else super()._rate

    @property
    def _is_intra(self) -> bool:
        """Whether every frame of the codec is a keyframe."""
        return self.stream.codec_context.codec.intra_only

    def _is_whole(self, table: FrameTable) -> bool:
        """Return whether a table is in order, and goes to the end of the object."""
        end = table.places[-1] + table.sizes[-1]
        after = self._reader.size - end
        is_in_order = all(before < place for before, place in pairwise(table.places))
        return is_in_order and 0 <= after <= max(self._reader.size * UNCOVERED, ROW * len(table.places))

    def _keyframes(self) -> list[int]:
        table, is_intra = self._table, self._is_intra
        filled = [n for n, size in enumerate(table.sizes) if size]
        said = [n for n in table.keyframes if table.sizes[n]]
        if is_intra or not said:
            return filled if is_intra else filled[:1]
        if len(said) == len(filled) > 1:
            # Some muxers call every frame a keyframe.
            unit = self._unit(filled[1], is_keyframe=True)
            return said if unit and self._begins(unit) else []
        return said

    @cached_property
    def _before(self) -> int:
        """The most frames that lie after one that is shown after them, as far as the first frames tell."""
        if self._is_intra:
            return 0
        first = self._frames[0]
        last = min(first + REORDERED, len(self._table.places)) - 1
        self._reader.fetch(map(self._range, range(first, last + 1)))
        units = self._units_from(first, last)
        return max((shown_at(unit[0]) - (self._table.start + first + n) for n, unit in enumerate(units)), default=0)

    def _unit(self, number: int, is_keyframe: bool) -> AccessUnit | None:
        """Return the frame with this number in the table; None if the object does not hold it."""
        content = self._reader.read_all(self._table.places[number], self._table.sizes[number])
        if not content:
            return None
        packet: Packet[Stream] = Packet(content)
        packet.dts, packet.duration, packet.is_keyframe = self._table.start + number, 1, is_keyframe
        return (packet,)  # type: ignore[return-value]

    def _units_from(self, first: int, last: int) -> Iterator[AccessUnit]:
        keyframes = set(self._frames)
        units = (
            self._unit(number, number in keyframes) for number in range(first, last + 1) if self._table.sizes[number]
        )
        return self._in_order(unit for unit in units if unit)

    def _range(self, number: int) -> Range:
        return self._table.places[number], self._table.places[number] + self._table.sizes[number]

    def _ranges(self, shot: Shot) -> Iterable[Range]:
        first = self._frames[shot.keyframe]
        last = self._last(first, shot.moments[-1])[0] if shot.moments else self._last_before(first)
        return map(self._range, range(first, last + 1))

    def _last_before(self, number: int) -> int:
        """Return the last frame that may be shown before one that lies before it."""
        return min(number + self._before, len(self._table.places) - 1)

    def _last(self, first: int, seconds: float) -> tuple[int, int]:
        """Return the last frame to be read from a keyframe up to a moment, and the last that is shown by then."""
        table = self._table
        shown = min(max(first, self._ticks(seconds) - table.start), len(table.places) - 1)
        reorder = 0 if self._is_intra else REORDER
        last = min(shown + reorder, first + RUN_FRAMES, len(table.places) - 1)
        while last > first and table.places[last] - table.places[first] > RUN_BYTES:
            last -= 1
        return last, shown

    def _keyframe(self, number: int) -> AccessUnit | None:
        first = self._frames[number]
        # Those that are shown before it tell when it is shown itself.
        unit = next(self._units_from(first, self._last_before(first)), None)
        return unit if unit and self._begins(unit) else None

    def _following(self, number: int, moments: Sequence[float]) -> Run | None:
        ticks, run = self._all_ticks(moments), None
        for keyframe in range(number, max(-1, number - LIES), -1):
            first = self._frames[keyframe]
            last, shown = self._last(first, moments[-1])
            if last < shown:
                self._fell_short(self._table.start + last)
            self._reader.fetch(self._ranges(Shot(keyframe, tuple(moments))))
            run = self._cut(self._units_from(first, last), ticks)
            if run is not None and run.shown[0] <= ticks[0]:
                break
        return run


class Dv(Avi):
    """Raw DV: nothing but frames of equal size, each by itself."""

    def _find_table(self) -> FrameTable | None:
        first, second = (next(self._paired(self._container, self.stream), None) for _ in range(2))
        if first is None or second is None or not (lasts := shown_at(second[0]) - shown_at(first[0])) > 0:
            return None
        size = first[0].size
        count = self._reader.size // size
        places, sizes = array("q", range(0, count * size, size)), array("q", [size] * count)
        return FrameTable(places, sizes, array("q", range(count)), lasts * self._time_base, 0)
