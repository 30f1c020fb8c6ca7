"""The way to the keyframes of Matroska and WebM: by their cues, which name the time and place of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import av

from pipeline.demux.demuxer import REORDER, Demuxer, Keyframe, Picture, Run, block
from pipeline.layout import Layout
from pipeline.source import Source

FEW = 2
"""With no more cues than this, what they lead to is better found by a reading from the start."""


class Cues(Demuxer):
    """A block is fetched from each place that is wanted. There are no keyframes where cues are few, or none."""

    def __init__(self, source: Source, layout: Layout) -> None:
        super().__init__(source, layout)
        self.keyframes = self._find_keyframes()

    def _find_keyframes(self) -> list[Keyframe]:
        self._rewind()
        entries = self.stream.index_entries
        if len(entries):
            self.origin = entries[0].timestamp * self._time_base
        keyframes = [
            Keyframe(entry.timestamp, self._seconds(entry.timestamp), entry.pos, entry.size)
            for entry in entries
            if entry.is_keyframe
        ]
        # To find the last cue, libavformat would first read on to the end of the file.
        return keyframes[:-1] if len(keyframes) > FEW else []

    def _rewind(self) -> None:
        """Reads cues that stand at the end, which the first seek does."""
        try:
            self._container.seek(0, backward=True)
        except av.FFmpegError:
            return  # Without cues there is nothing to find.

    def _stills(self, numbers: list[int]) -> list[Run]:
        keys = [self.keyframes[number] for number in numbers]
        self._source.fetch((key.start, key.start + key.size) if key.size else block(key.start) for key in keys)
        found = [self._still(number) for number in numbers]
        return [self._alone(picture) for picture in found if picture is not None]

    def _still(self, number: int) -> Picture | None:
        near = islice(self._pictures_from(number), REORDER + 1)
        return next((picture for picture in near if self._begins(picture)), None)

    def _following(self, number: int, moments: Sequence[float]) -> Run | None:
        self.fetch([(number, max(moments))])
        return self._cut(self._pictures_from(number), self._all_ticks(moments))

    def _pictures_from(self, number: int) -> Iterator[Picture]:
        key = self.keyframes[number]
        self._seek(key.timestamp, key.start)
        return self._pictures(self._container, self.stream)
