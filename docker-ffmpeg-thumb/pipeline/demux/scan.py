"""The way to the keyframes of a video without an index: one reading from its start."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from pipeline.demux.demuxer import Demuxer, Keyframe, Picture, Run, shown_at
from pipeline.layout import Layout
from pipeline.source import Range, Source

SCAN_BYTES = 32 * 2**20
"""What is read from the start of a video without an index."""


class Scan(Demuxer):
    """The keyframes that the reading meets are kept with it. `origin`: when the video begins, where that is known."""

    def __init__(self, source: Source, layout: Layout, origin: Fraction | None = None) -> None:
        super().__init__(source, layout)
        if origin is not None:
            self.origin = origin
        self._end: int | None = None
        self.keyframes = list(self._find_keyframes())

    @property
    def duration(self) -> float | None:
        """Seconds; what was read says more than the containers without an index."""
        return super().duration if self._end is None else self._seconds(self._end)

    def _find_keyframes(self) -> Iterator[Keyframe]:
        passed = end = 0
        for picture in self._from_start():
            first, shown = picture[0], shown_at(picture[0])
            passed += sum(packet.size for packet in picture)
            end = max(end, shown + (first.duration or 0))
            if self._begins(picture):
                yield Keyframe(shown, self._seconds(shown), first.pos or 0, first.size, picture=picture)
            if max(passed, first.pos or 0) > SCAN_BYTES:
                limit = f"{SCAN_BYTES // 2**20} MiB, to {self._seconds(shown):.3f} s"
                self._note(f"the video has no index, so only its first {limit} were looked at")
                return
        self._end = end

    def _stills(self, numbers: list[int]) -> list[Run]:
        keys = [self.keyframes[number] for number in numbers]
        # Their packets may have been copied before, and then bear the times of that copy.
        return [self._alone(key.picture, key.timestamp) for key in keys if key.picture]

    def _following(self, number: int, moments: Sequence[float]) -> Run | None:
        return self._cut(self._from_start(), self._all_ticks(moments), SCAN_BYTES)

    def _ranges(self, number: int, seconds: float) -> list[Range]:
        return []

    def _from_start(self) -> Iterator[Picture]:
        """All pictures.

        The container is opened anew: a seek looks for a time, and misses what lies before the first time that it finds.
        """
        container, stream = self._open(self._beginning())
        with container:
            yield from self._pictures(container, stream)
