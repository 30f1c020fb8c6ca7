"""What is asked for one video over the settings of the stack: by the metadata of its object, or by a retake later."""

import dataclasses
import re
from collections.abc import Mapping

from model import WIDEST, Wanted
from position import Position
from service.settings import MOST_WIDTHS, widths

POSITION, WIDTHS = "thumbnail-position", "thumbnail-widths"


def text_of(asked: Mapping[str, str]) -> str:
    """Return what is asked for as one line; empty where nothing is."""
    return " ".join(f"{name}={asked[name]}" for name in (POSITION, WIDTHS) if name in asked)


def parse(text: str) -> dict[str, str]:
    """Read what `text_of` wrote."""
    return dict(re.findall(rf"({POSITION}|{WIDTHS})=(.*?)(?= {WIDTHS}=|$)", text))


def apply(asked: Mapping[str, str], wanted: Wanted) -> tuple[Wanted, bool, tuple[str, ...]]:
    """Return what is wanted of one video, whether its position was asked for, and notes on requests that were ignored.

    `thumbnail-position` is written as the stack's `position`, `thumbnail-widths` as numbers with commas: `640,320`.
    """
    notes = []
    has_position = False
    if POSITION in asked:
        try:
            wanted = dataclasses.replace(wanted, position=Position.parse(asked[POSITION]))
            has_position = True
        except ValueError:
            notes.append(
                f"{POSITION} holds {asked[POSITION]!r}; it may be auto, seconds, mm:ss or a percentage;"
                f" the stack's {wanted.position} was used"
            )
    if WIDTHS in asked:
        try:
            wanted = dataclasses.replace(wanted, widths=widths([_number(width) for width in asked[WIDTHS].split(",")]))
        except ValueError:
            notes.append(
                f"{WIDTHS} holds {asked[WIDTHS]!r}; it may be up to {MOST_WIDTHS} whole numbers from 0 to {WIDEST},"
                f" each once, with commas between; the stack's {','.join(map(str, wanted.widths))} was used"
            )
    return wanted, has_position, tuple(notes)


def too_wide(asked: Mapping[str, str], wanted: Wanted, width: int) -> tuple[str, ...]:
    """Return a note where a video of `width` pixels was asked for wider images, which are not made."""
    wider = [str(each) for each in wanted.widths if each > width]
    if WIDTHS not in asked or not wider:
        return ()
    return (f"{WIDTHS} asks for {', '.join(wider)} pixels; the video has {width}, and is never enlarged",)


def _number(text: str) -> int:
    # Python's own notation knows signs, underscores and the digits of every script.
    if not re.fullmatch(r"\s*\d{1,5}\s*", text, re.ASCII):
        raise ValueError(text)
    return int(text)
