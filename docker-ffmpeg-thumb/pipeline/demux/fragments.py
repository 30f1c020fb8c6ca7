"""The way to the keyframes of a fragmented MP4: its fragments, as `layout` found them."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from pipeline.demux.demuxer import RUN_BYTES, RUN_PACKETS, Demuxer, Keyframe, Picture, Run, block
from pipeline.layout import Layout, is_described
from pipeline.outcome import Rejected, Skipped
from pipeline.source import CONNECTIONS, Source, View


class Fragments(Demuxer):
    """A block is fetched from the start of each fragment that is wanted, and opened as a video of this one alone."""

    _without_index = True

    def __init__(self, source: Source, layout: Layout) -> None:
        self._fragments = layout.fragments
        super().__init__(source, layout)
        times = [f.seconds if f.seconds is not None else float(number) for number, f in enumerate(self._fragments)]
        # Their times count from where the media begins.
        self.keyframes = [
            Keyframe(0, seconds - times[0], fragment.start, 0)
            for fragment, seconds in zip(self._fragments, times, strict=True)
        ]
        if not layout.complete:
            reached = f"{self.keyframes[-1].seconds:.3f} s"
            self._note(f"the video has no index, so only its beginning was looked at, to {reached}")

    @cached_property
    def duration(self) -> float | None:
        """Seconds from the beginning of the first fragment to the end of the last one, as its own tables say."""
        seconds, last = self._layout.seconds, len(self._fragments) - 1
        if not self._layout.complete:
            # What was not looked at lasts about as long for its bytes as what was.
            return seconds * self._source.size / self._fragments[last].end if seconds else None
        first = self.stream.index_entries
        if not is_described(self._source, self._fragments[last]) or not len(first):
            return seconds
        try:
            with self._source.zeros_for_unread():
                container, stream = self._open(self._view(last, last))
        except (Rejected, Skipped):
            return seconds
        with container:
            end = stream.duration
        return float((end - first[0].timestamp) * self._time_base) if end else seconds

    def _stills(self, numbers: list[int]) -> list[Run]:
        self._source.fetch(block(self._fragments[number].start) for number in numbers)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            found = list(pool.map(self._still, numbers))
        return [self._alone(picture) for picture in found if picture is not None]

    def _still(self, number: int) -> Picture | None:
        container, stream = self._open(self._view(number, number))
        with container:
            return next((picture for picture in self._pictures(container, stream) if self._begins(picture)), None)

    def _following(self, number: int, moments: Sequence[float]) -> Run | None:
        fragments, ticks, end = self._fragments, self._all_ticks(moments), max(moments)
        last = max(number, bisect.bisect_right([key.seconds for key in self.keyframes], end) - 1)
        while last > number and fragments[last].end - fragments[number].start > RUN_BYTES:
            last -= 1
        run = None
        # Not every fragment begins with a keyframe.
        for first in range(number, max(-1, number - RUN_PACKETS), -1):
            self.fetch([(first, end)])
            container, stream = self._open(self._view(first, last))
            with container:
                run = self._cut(self._pictures(container, stream), ticks)
            if run is not None and self._ticks(run.start) <= ticks[0]:
                break
            if fragments[last].end - fragments[first].start > RUN_BYTES:
                break
        return run

    def _beginning(self) -> View:
        return self._view(0, 0)

    def _view(self, first: int, last: int) -> View:
        """The object as one that seems to hold only these fragments, each at its own place.

        A `free` box in the place of what comes behind the head leads to the first of them; places stay as they are,
        because older fragments name those of their samples from the start of the file.
        """
        fragments, head_end = self._fragments, self._layout.head[1]
        distance = fragments[first].start - head_end
        if distance < 16:
            return View(self._source, fragments[last].end)
        return View(self._source, fragments[last].end, (head_end, b"\0\0\0\1free" + distance.to_bytes(8, "big")))
