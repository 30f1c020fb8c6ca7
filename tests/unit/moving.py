"""A demuxer that knows only when keyframes come, for what chooses among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from pipeline.demux import Demuxer


@dataclass(frozen=True)
class Chosen:
    """A run: the number of its keyframe, and the moments that are wanted."""

    number: int
    moments: tuple[float, ...]

    @property
    def start(self) -> float:
        return min(self.moments)


@dataclass
class Moving:
    """Keyframes at these seconds; each byte of the video is as good as another."""

    places: Sequence[float]
    duration: float | None
    size: int = 1000
    rate: float = 25.0
    fetched: list[tuple[int, float]] = field(default_factory=list)

    @property
    def keyframes(self) -> list[Any]:
        return [SimpleNamespace(seconds=seconds) for seconds in self.places]

    def stills(self, numbers: Iterable[int]) -> list[Chosen]:
        return [Chosen(number, (self.places[number],)) for number in sorted(set(numbers))]

    def following(self, number: int, moments: Sequence[float]) -> Chosen:
        return Chosen(number, tuple(sorted(moments)))

    def fetch(self, wanted: Iterable[tuple[int, float]]) -> None:
        self.fetched += wanted

    def cost(self, number: int, seconds: float) -> int:
        return round((seconds - self.places[number]) / (self.duration or 1) * self.size)

    def as_demuxer(self) -> Demuxer:
        return cast(Demuxer, self)


def chosen(runs: Sequence[Any]) -> list[Chosen]:
    """What was chosen of such a video."""
    assert all(isinstance(run, Chosen) for run in runs)
    return list(runs)
