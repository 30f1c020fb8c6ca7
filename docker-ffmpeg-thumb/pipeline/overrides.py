"""What a video asks for itself, in the metadata of its object, over the settings of the stack."""

import dataclasses
import re
from collections.abc import Mapping

from pipeline.position import Position
from pipeline.settings import MOST_WIDTHS, WIDEST, Settings, widths

POSITION, WIDTHS = "thumbnail-position", "thumbnail-widths"


def wishes(metadata: Mapping[str, str]) -> str:
    """What an object asks for, as one line; empty for one that asks for nothing."""
    return " ".join(f"{name}={metadata[name]}" for name in (POSITION, WIDTHS) if name in metadata)


def apply(metadata: Mapping[str, str], settings: Settings) -> tuple[Settings, Position | None, tuple[str, ...]]:
    """The settings for one video, the position that it asks for, and notes on what it asks for in vain.

    `thumbnail-position` is written as the stack's `position`, `thumbnail-widths` as numbers with commas: `640,320`.
    """
    notes = []
    position = None
    if POSITION in metadata:
        try:
            position = Position.parse(metadata[POSITION])
        except ValueError:
            notes.append(
                f"{POSITION} holds {metadata[POSITION]!r}; it may be auto, seconds, mm:ss or a percentage;"
                f" the stack's {settings.position} was used"
            )
    if WIDTHS in metadata:
        try:
            asked = widths([_number(width) for width in metadata[WIDTHS].split(",")])
            settings = dataclasses.replace(settings, widths=asked)
        except ValueError:
            notes.append(
                f"{WIDTHS} holds {metadata[WIDTHS]!r}; it may be up to {MOST_WIDTHS} whole numbers from 0 to {WIDEST},"
                f" each once, with commas between; the stack's {','.join(map(str, settings.widths))} was used"
            )
    return settings, position, tuple(notes)


def _number(text: str) -> int:
    # Python's own notation knows signs, underscores and the digits of every script.
    if not re.fullmatch(r"\s*\d{1,5}\s*", text, re.ASCII):
        raise ValueError(text)
    return int(text)
