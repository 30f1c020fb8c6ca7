"""Which moment of a video its poster shows."""

import re
from dataclasses import dataclass
from typing import Literal

LATEST = 10_000_000
"""Seconds: four months."""

_CLOCK = re.compile(r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d(?:\.\d+)?)", re.ASCII)
_SECONDS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_NAME_TIME = re.compile(r"_(?:(\d{2})-)?([0-5]\d)-([0-5]\d)$", re.ASCII)


@dataclass(frozen=True)
class Position:
    """A moment: `auto` (a frame that represents the video), `seconds` from its start, or `percent` of its duration."""

    kind: Literal["auto", "seconds", "percent"]
    value: float = 0.0

    @staticmethod
    def parse(text: str) -> "Position":
        """Read `auto`, seconds (`12.5`), `mm:ss`, `hh:mm:ss` or a percentage (`25%`).

        Raises:
            ValueError: the text is none of these, or a percentage over 100.
        """
        if text == "auto":
            return Position("auto")
        if text.endswith("%") and _SECONDS.fullmatch(text[:-1]):
            percent = float(text[:-1])
            if percent > 100:
                raise ValueError(f"{text} is more than the whole video")
            return Position("percent", percent)
        if clock := _CLOCK.fullmatch(text):
            hours, minutes, seconds = clock.groups(default="0")
            return Position("seconds", int(hours) * 3600 + int(minutes) * 60 + float(seconds))
        if _SECONDS.fullmatch(text) and float(text) <= LATEST:
            return Position("seconds", float(text))
        raise ValueError(f"{text!r} is not a position")

    def __str__(self) -> str:
        if self.kind == "auto":
            return "auto"
        return repr(self.value).removesuffix(".0") + ("%" if self.kind == "percent" else "")


def split_name_time(stem: str) -> tuple[str, Position | None]:
    """Take the time off a name that ends in one: `cat_00-01` is `cat` at 1 s, `cat_01-00-00` is `cat` at 1 h.

    A name that would be empty without its time keeps it, and asks for no time.
    """
    match = _NAME_TIME.search(stem)
    if match is None or match.start() == 0:
        return stem, None
    hours, minutes, seconds = match.groups(default="0")
    return stem[: match.start()], Position("seconds", int(hours) * 3600 + int(minutes) * 60 + int(seconds))
