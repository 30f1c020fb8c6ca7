"""Failed events as lines for a terminal."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from redrive.failures import Failure, Unreadable

HEAD = ("key", "failed at (UTC)", "tries", "message", "error")
WIDEST = 60
"""Characters that a column is widened to; what is longer is shown whole and moves the rest of its line."""


def lines(items: Sequence[Failure | Unreadable], width: int | None) -> list[str]:
    """The table, its lines cut to `width` characters, or not at all."""
    rows = [HEAD, *map(_row, items)]
    widths = [min(WIDEST, max(len(row[column]) for row in rows)) for column in range(len(HEAD))]
    widths[-1] = 0
    return [_cut("  ".join(map(str.ljust, row, widths)).rstrip(), width) for row in rows]


def _row(item: Failure | Unreadable) -> tuple[str, ...]:
    if isinstance(item, Unreadable):
        return ("-", stamp(item.message.sent), "-", item.message.id, printable(f"unreadable: {item.why}"))
    key = ", ".join(item.keys) or "(not an event of S3's)"
    tries = "-" if item.tries is None else str(item.tries)
    return (printable(key), stamp(item.failed), tries, item.message.id, printable(item.error))


def stamp(moment: datetime) -> str:
    """A moment to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def printable(text: str) -> str:
    """Text that does nothing to a terminal: whoever uploads chooses the keys, and an error may hold parts of files."""
    return "".join(_escaped(text))


def _escaped(text: str) -> Iterable[str]:
    for character in text:
        yield character if character.isprintable() else character.encode("unicode_escape").decode()


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else line[: width - 1] + "…"
