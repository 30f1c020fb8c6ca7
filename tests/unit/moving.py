"""The index of a video of which only the times of the keyframes matter, for what chooses among them."""

from array import array
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from worker.index import VideoIndex


def moving(times: Sequence[float], duration: float | None, size: int = 1000, rate: float = 25.0) -> VideoIndex:
    """Keyframes at these seconds; each second of the video has as many bytes as another, and keyframes have none."""
    length = duration or 1.0
    index = VideoIndex(
        container="mov",
        codec="h264",
        width=640,
        height=360,
        rate=rate,
        duration=duration,
        end=size,
        times=array("d", times),
        places=array("q", (round(seconds / length * size) for seconds in times)),
        sizes=array("q", [0] * len(times)),
    )
    assert all(before < after for before, after in pairwise(times))
    return index


def all_intra(frames: int, size: int, rate: float = 25.0) -> VideoIndex:
    """Return a video whose frames are all keyframes of so many bytes."""
    index = moving([n / rate for n in range(frames)], frames / rate, frames * size, rate)
    return replace(index, sizes=array("q", [size] * frames))
