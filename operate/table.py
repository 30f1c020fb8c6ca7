"""Rows as lines for a terminal."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from shutil import get_terminal_size

WIDEST = 60
"""Characters that a column is widened to; what is longer is shown whole and moves the rest of its line."""


def lines(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None, right: Sequence[int] = ()
) -> list[str]:
    """Return the table's lines, cut to `width` characters, or not at all.

    `right`: numbers of the columns that are aligned to the right.
    """
    cells = [head, *([printable(cell) for cell in row] for row in rows)]
    widths = [min(WIDEST, max(len(row[column]) for row in cells)) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()

    return [_cut(line(row), width) for row in cells]


def show(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print the table: cut to the terminal, whole elsewhere."""
    width = get_terminal_size().columns if sys.stdout.isatty() else None
    for line in lines(head, rows, width, right):
        print(line)


def stamp(moment: datetime) -> str:
    """Write a moment to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def printable(text: str) -> str:
    """Return text that does nothing to a terminal: whoever uploads chooses the keys, and an error may hold parts of
    files."""
    return "".join(_escaped(text))


def _escaped(text: str) -> Iterable[str]:
    for character in text:
        yield character if character.isprintable() else character.encode("unicode_escape").decode()


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else line[: width - 1] + "…"
