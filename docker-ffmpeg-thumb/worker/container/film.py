"""Which video stream of a file is the film: not its cover, a thumbnail track, a still or a small rendition of it."""

from collections.abc import Sequence
from dataclasses import dataclass

FEW = 1 / 20
"""A stream with fewer frames than this share of the most that one has is stills, such as chapter images or slides."""


@dataclass(frozen=True)
class Candidate:
    """What a container says of one of its video streams."""

    is_supported: bool
    """Whether its codec is."""
    is_film: bool = True
    """False for a cover or thumbnails, where the container says so."""
    is_default: bool = False
    """Whether the container wants it to be shown first."""
    frames: int = 0
    """How many it has, or has in the part of the file that was looked at; 0 if that is not known."""
    width: int = 0
    """Pixels, like `height`; 0 if not known."""
    height: int = 0


def choose(candidates: Sequence[Candidate]) -> int | None:
    """Return the number of the stream that is the film; None if none is.

    Of those that have frames and a codec that is supported, it is the one that the container wants to be shown first;
    of several, the largest; of several as large, the first.
    """
    films = [number for number, candidate in enumerate(candidates) if candidate.is_film]
    most = max((candidates[number].frames for number in films), default=0)
    films = [number for number in films if candidates[number].frames >= most * FEW] or films

    def rank(number: int) -> tuple[bool, bool, bool, int]:
        its = candidates[number]
        return its.is_supported, bool(its.width and its.height), its.is_default, its.width * its.height

    return max(films, key=rank, default=None)
