"""The way to the keyframes of an MP4 or MOV whose index describes every picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice

from av.index import IndexEntries

from pipeline.demux.demuxer import LAST_TICK, REORDER, RUN_BYTES, RUN_PACKETS, Demuxer, Keyframe, Picture, Run
from pipeline.layout import Layout
from pipeline.source import Range, Source, View


class SampleTable(Demuxer):
    """The table names place and size of every picture, which are fetched together as exact ranges.

    There are no keyframes where it names none, or calls pictures keyframes that are none.
    """

    def __init__(self, source: Source, layout: Layout) -> None:
        super().__init__(source, layout)
        if layout.unread is not None:
            # Sound begins with the presentation, and is not there to say so.
            self.origin = min(self.origin, Fraction(0))
        self.keyframes = self._find_keyframes()
        if not self._is_believable():
            self.keyframes = []

    def _is_believable(self) -> bool:
        """An index without a list of keyframes (`stss`) calls every picture one: whether the second really is."""
        if self.stream.codec_context.codec.intra_only or not 1 < len(self.keyframes) == len(self.stream.index_entries):
            return True
        self.fetch([(0, self.keyframes[0].seconds)])
        return all(self._begins(picture) for picture in islice(self._pictures_from(0), 2))

    def _beginning(self) -> View:
        # A track that was not fetched looks like free space.
        unread = self._layout.unread
        return View(self._source) if unread is None else View(self._source, patch=(unread + 4, b"free"))

    def _find_keyframes(self) -> list[Keyframe]:
        entries = self.stream.index_entries
        if not len(entries):
            return []
        # An edit list may cut in behind a keyframe, which is then decoded and not shown.
        first = next((number for number, entry in enumerate(entries) if not entry.is_discard), 0)
        # The table holds decoding times, and pictures are shown later.
        delay = (self.stream.start_time or 0) - entries[first].timestamp
        if not 0 <= delay <= REORDER / self.rate / self._time_base:
            delay = 0
        keyframes: list[Keyframe] = []
        hidden: list[Keyframe] = []
        for number in _keyframe_numbers(entries, first):
            entry = entries[number]
            if not entry.is_discard or number < first:
                seconds = self._seconds(entry.timestamp + delay)
                key = Keyframe(entry.timestamp, seconds, entry.pos, entry.size, hidden=number < first)
                (hidden if key.hidden else keyframes).append(key)
        # libavformat keeps one of these only where what is shown first is decoded from it.
        return hidden[-1:] + keyframes

    def _stills(self, numbers: list[int]) -> list[Run]:
        if numbers and self.keyframes[numbers[0]].hidden:
            first = self.following(numbers[0], [0.0])
            return ([first] if first else []) + self._stills(numbers[1:])
        keys = [self.keyframes[number] for number in numbers]
        self._source.fetch((key.start, key.start + key.size) for key in keys)
        found = [self._still(number) for number in numbers]
        return [self._alone(picture) for picture in found if picture is not None]

    def _still(self, number: int) -> Picture | None:
        start = self.keyframes[number].start
        near = islice(self._pictures_from(number), REORDER + 1)
        return next((picture for picture in near if self._begins(picture) and picture[0].pos == start), None)

    def _following(self, number: int, moments: Sequence[float]) -> Run | None:
        self.fetch([(number, max(moments))])
        return self._cut(self._pictures_from(number), self._within_limits(number, self._all_ticks(moments)))

    def _pictures_from(self, number: int) -> Iterator[Picture]:
        # A seek compares with the time of showing: just before the next keyframe is decoded, this one has been.
        following = self.keyframes[number + 1 : number + 2]
        self._seek(following[0].timestamp - 1 if following else LAST_TICK, self.keyframes[number].start)
        return self._pictures(self._container, self.stream)

    def _ranges(self, number: int, seconds: float) -> list[Range]:
        entries = self.stream.index_entries
        first, last = self._entries_of(number, self._ticks(seconds))
        # One more, which the demuxer looks at to see that the moment is past.
        needed = (entries[place] for place in range(first, min(last + 2, len(entries))))
        return [(entry.pos, entry.pos + entry.size) for entry in needed]

    def _entries_of(self, number: int, tick: int) -> tuple[int, int]:
        """The first and the last entry of the index from a keyframe up to a moment, as far as the limits allow."""
        entries = self.stream.index_entries
        key = self.keyframes[number]
        first = entries.search_timestamp(key.timestamp, backward=True)
        last = max(first, entries.search_timestamp(tick, backward=True, any_frame=True))
        allowed = min(last, first + RUN_PACKETS)
        while allowed > first and entries[allowed].pos - key.start > RUN_BYTES:
            allowed -= 1
        return first, allowed

    def _within_limits(self, number: int, ticks: list[int]) -> list[int]:
        """The moments, those behind what the limits allow to decode brought down to that."""
        entries = self.stream.index_entries
        last = self._entries_of(number, ticks[-1])[1] + 1
        if last >= len(entries) or entries[last].timestamp > ticks[-1]:
            return ticks
        reached = entries[last - 1].timestamp
        self._fell_short(reached)
        return [min(tick, reached) for tick in ticks]


def _keyframe_numbers(entries: IndexEntries, first: int) -> Iterator[int]:
    """The numbers of the keyframes in an index; `first` is the first entry that is shown.

    From one to the next by libavformat's own search: two hours of video have 180,000 entries, 720 of them keyframes.
    """
    # The search leaves out what is not shown.
    yield from (number for number in range(first) if entries[number].is_keyframe)
    number = entries.search_timestamp(entries[first].timestamp, backward=False)
    while number >= 0:
        yield number
        number = entries.search_timestamp(entries[number].timestamp + 1, backward=False)
