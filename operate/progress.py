"""How far a command has come, and how it is ended: the same for all commands."""

import sys
from types import FrameType

BAR = 30
"""Characters of the bar."""


class Stop:
    """Ctrl-C, or a signal. The first waits until the call under way has its answer, so that nothing is left half done;
    the second ends at once, as does the first where a person is asked something."""

    def __init__(self) -> None:
        self._asked = self._at_once = False
        self.twice = False
        """Whether calls under way are not to be waited for either."""

    def asked(self, _: int, __: FrameType | None) -> None:
        """Take note; a handler of signals."""
        self.twice = self._asked
        if self._asked or self._at_once:
            raise KeyboardInterrupt
        self._asked = True

    def check(self) -> None:
        """Raise KeyboardInterrupt where the command is to end."""
        if self._asked:
            raise KeyboardInterrupt

    def confirmed(self, question: str) -> bool:
        """Ask a person; anything but y or yes, and no terminal to ask on, is a no."""
        if not sys.stdin.isatty():
            print(f"{question} There is no terminal to answer on; --yes answers it.", file=sys.stderr)
            return False
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        self._at_once = True
        try:
            return sys.stdin.readline().strip().lower() in ("y", "yes")
        finally:
            self._at_once = False


class Progress:
    """One line that moves on a terminal, with a bar; elsewhere a line each tenth."""

    def __init__(self, what: str, total: int, stop: Stop) -> None:
        """`total`: how many there are to do; 0 where that is unknown, and a larger count corrects it."""
        self._what, self._total, self._stop, self._tenth = what, total, stop, 0
        self._terminal = sys.stderr.isatty()

    def at(self, count: int, more: str = "") -> None:
        """Show that `count` are done. Raises KeyboardInterrupt where that is to be all."""
        self._stop.check()
        total = max(self._total, count)
        if self._terminal:
            filled = BAR * count // total if self._total else 0
            bar = f"[{'#' * filled}{'.' * (BAR - filled)}] " if self._total else ""
            line = f"\r\033[K{bar}{self._what} {count:,} of {total:,}{more}"
            print(line, end="", file=sys.stderr, flush=True)
        elif self._total and (tenth := count * 10 // self._total) > self._tenth:
            self._tenth = tenth
            print(f"{self._what} {count:,} of {total:,}{more}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the terminal's line empty."""
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
