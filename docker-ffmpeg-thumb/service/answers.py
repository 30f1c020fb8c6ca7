"""What a worker answers, checked by type before anything uses it: whoever took the worker over may have written it."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from model import KIB, MOST_SHEETS, WIDEST, Output, Range, Storyboard, VideoFacts, Wanted

MOST_RANGES = 4_096
"""In one question of a worker."""
MOST_OUTPUTS = 256
MOST_NOTES, LONGEST_TEXT = 32, 2 * KIB

_KINDS = ("poster", "still", "sheet", "cues", "tiles", "playlist", "preview")
_TEXTS = ("cues", "tiles", "playlist")


_Record = TypeVar("_Record", Output, VideoFacts, Storyboard)


class BadAnswer(Exception):
    """A worker's answer is not of the form that it may have."""


def ranges(value: object, size: int) -> list[Range]:
    """Check the ranges that a worker asks for, of an object of `size` bytes.

    Raises:
        BadAnswer: they are something else.
    """
    if not isinstance(value, list) or not 0 < len(value) <= MOST_RANGES:
        raise BadAnswer("ranges that are no list, or none, or too many")
    found = []
    for entry in value:
        if not isinstance(entry, list) or len(entry) != 2 or not all(type(place) is int for place in entry):
            raise BadAnswer("a range that is no pair of places")
        start, end = entry
        if not 0 <= start < end <= size:
            raise BadAnswer(f"a range from {start} to {end} of an object of {size} bytes")
        found.append((start, end))
    return found


def output(value: object, wanted: Wanted, before: Sequence[Output]) -> Output:
    """Check the description of an output; `before` are those that came already.

    Raises:
        BadAnswer: it is something else, was not wanted, or comes out of turn.
    """
    found = _record(Output, value)
    if found.kind not in _KINDS or len(before) >= MOST_OUTPUTS:
        raise BadAnswer(f"an output of kind {found.kind[:20]!r}, or too many")
    most = {
        "poster": len(wanted.widths),
        "still": wanted.stills,
        "sheet": MOST_SHEETS if wanted.storyboard else 0,
        "cues": int(wanted.storyboard),
        "tiles": int(wanted.storyboard and wanted.storyboard_json),
        "playlist": int(wanted.storyboard and wanted.storyboard_playlist),
        "preview": int(wanted.preview != "none"),
    }
    if found.number != sum(other.kind == found.kind for other in before) or found.number >= most[found.kind]:
        raise BadAnswer(f"an output that nobody wants: {found.kind} {found.number}")
    sides = (found.width, found.height)
    is_text = found.kind in _TEXTS
    if any((side is None) != is_text or (side is not None and not 0 < side <= WIDEST) for side in sides):
        raise BadAnswer(f"an output of {found.width} by {found.height} pixels")
    if found.seconds < 0:
        raise BadAnswer("an output before the video")
    return found


def facts(value: object, sheets: int) -> VideoFacts:
    """Check the facts of a video, which has a storyboard of so many sheets.

    Raises:
        BadAnswer: they are something else.
    """
    if not isinstance(value, Mapping) or "storyboard" not in value:
        raise BadAnswer("no VideoFacts")
    board = None if value["storyboard"] is None else _storyboard(value["storyboard"])
    if (board.sheets if board else 0) != sheets:
        raise BadAnswer(f"a storyboard of other than {sheets} sheets")
    return dataclasses.replace(_record(VideoFacts, {**value, "storyboard": None}), storyboard=board)


def _storyboard(value: object) -> Storyboard:
    board = _record(Storyboard, value)
    counts = (board.tiles, board.columns, board.rows, board.tile_width, board.tile_height)
    if not all(0 < count <= WIDEST for count in counts) or min(board.interval, board.seconds) <= 0:
        raise BadAnswer("a storyboard without tiles")
    return board


def notes(value: object) -> tuple[str, ...]:
    """Check notes; more and longer ones than anybody reads are cut off.

    Raises:
        BadAnswer: they are something else.
    """
    if not isinstance(value, list) or not all(isinstance(note, str) for note in value):
        raise BadAnswer("notes that are no list of texts")
    return tuple(text(note) for note in value[:MOST_NOTES])


def text(value: object) -> str:
    """Check a text for people.

    Raises:
        BadAnswer: it is something else.
    """
    if not isinstance(value, str):
        raise BadAnswer(f"a {type(value).__name__} instead of a text")
    # Lone surrogates, which JSON can hold, are no text that could be written anywhere.
    return value[:LONGEST_TEXT].encode(errors="replace").decode()


def _record(kind: type[_Record], value: object) -> _Record:
    """Make a dataclass of JSON: exactly its fields, each of exactly its type."""
    if not isinstance(value, Mapping) or value.keys() != {entry.name for entry in dataclasses.fields(kind)}:
        raise BadAnswer(f"no {kind.__name__}")
    made: dict[str, Any] = {}
    for entry in dataclasses.fields(kind):
        held, types = value[entry.name], str(getattr(entry.type, "__name__", entry.type)).split(" | ")
        if held is None and "None" in types:
            made[entry.name] = None
        elif "str" in types:
            made[entry.name] = text(held)
        elif "int" in types and type(held) is int and abs(held) < 2**53:
            made[entry.name] = held
        elif "float" in types and type(held) in (int, float) and math.isfinite(held):
            made[entry.name] = float(held)
        else:
            raise BadAnswer(f"{kind.__name__}.{entry.name} is a {type(held).__name__}")
    return kind(**made)
