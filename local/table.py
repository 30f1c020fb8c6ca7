"""The table of what became of each object: a row a picture, printed as they come."""

from collections.abc import Sequence

from local.outcomes import Outcome

COLUMNS = ("object", "outcome", "picture", "size", "bytes read", "time")
WIDEST = 40
"""Characters of the longest name that is shown whole."""


def rows(outcome: Outcome) -> list[tuple[str, ...]]:
    """Return the rows of one object; where there is no picture, the reason stands in its place."""
    read = f"{outcome.read_bytes:,} in {outcome.requests}" if outcome.requests else "-"
    time = f"{outcome.seconds:.2f} s"
    if not outcome.pictures:
        return [(outcome.key, outcome.outcome, outcome.reason or "-", "-", read, time)]
    shown: list[tuple[str, ...]] = []
    for number, picture in enumerate(outcome.pictures):
        size = f"{picture.width}x{picture.height}" if picture.width else "-"
        first = (outcome.key, outcome.outcome) if number == 0 else ("", "")
        last = (read, time) if number == 0 else ("", "")
        shown.append((*first, picture.key, size, *last))
    return shown


class Table:
    """Lines of one table whose columns are as wide as what is known at its start."""

    def __init__(self, keys: Sequence[str]) -> None:
        name = min(WIDEST, max([16, *(len(key) for key in keys)]))
        self._widths = (name, 10, name + 2, 11, 18, 8)

    def head(self) -> str:
        """Return the line of column names."""
        return self._line(COLUMNS)

    def lines(self, outcome: Outcome) -> list[str]:
        """Return the lines of one outcome, and of what its notes say."""
        return [*map(self._line, rows(outcome)), *(f"  note: {_printable(note)}" for note in outcome.notes)]

    def _line(self, cells: Sequence[str]) -> str:
        # A reason is a sentence: it is never cut, and what follows it moves on.
        parts = [_cut(cells[0], self._widths[0]), *cells[1:]]
        return "  ".join(part.ljust(width) for part, width in zip(parts, self._widths, strict=True)).rstrip()


def _cut(text: str, width: int) -> str:
    text = _printable(text)
    return text if len(text) <= width else text[: width - 1] + "…"


def _printable(text: str) -> str:
    return text.encode(errors="replace").decode().translate(dict.fromkeys(range(32), "?"))
