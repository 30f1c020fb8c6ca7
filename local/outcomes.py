"""What the function answered: one outcome an object, waited for, kept, shown."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

FAILED = "failed"
"""The function raised: no outcome of the object, and the event comes again."""


@dataclass(frozen=True)
class Picture:
    """One file that the function wrote. `seconds` is the moment of the video that it shows."""

    key: str
    width: int | None
    """Pixels, like `height`; None for a text, such as the storyboard's cues."""
    height: int | None
    bytes: int
    seconds: float
    kind: str = "poster"
    """`poster`, `storyboard`, `preview` or `manifest`."""


@dataclass(frozen=True)
class Outcome:
    """What became of one object: `made`, `unchanged`, `superseded`, `skipped`, `rejected`, or `failed`."""

    bucket: str
    key: str
    outcome: str
    reason: str
    pictures: tuple[Picture, ...]
    read_bytes: int
    requests: int
    chain: int
    seconds: float
    notes: tuple[str, ...] = ()
    """Where the pictures differ from what was asked, and why."""

    @property
    def settled(self) -> bool:
        """Whether this is the last word on the object; a failed event comes again."""
        return self.outcome != FAILED


def answered(event: Any, status: int, body: bytes) -> tuple[bool, list[Outcome]]:
    """Return whether the function failed, and the outcomes, of one answer of the Runtime Interface Emulator.

    The emulator answers a handler that raised with status 200 and its error, and a timeout with a bare sentence.
    """
    text = body.decode(errors="replace")
    try:
        answer: Any = json.loads(text)
    except ValueError:
        answer = {"errorType": "Runtime", "errorMessage": text.strip() or f"empty answer, status {status}"}
    if status >= 300 or (isinstance(answer, Mapping) and "errorType" in answer):
        reason = f"{answer.get('errorType')}: {answer.get('errorMessage')}" if isinstance(answer, Mapping) else text
        return True, [Outcome(bucket, key, FAILED, reason, (), 0, 0, 0, 0.0) for bucket, key in _objects(event)]
    rows = answer.get("outcomes", []) if isinstance(answer, Mapping) else []
    return False, [_outcome(row) for row in rows]


def _outcome(row: Mapping[str, Any]) -> Outcome:
    read = row.get("read") or {}
    return Outcome(
        bucket=row["bucket"],
        key=row["key"],
        outcome=row["outcome"],
        reason=row.get("reason") or "",
        pictures=tuple(_picture(image) for image in [*(row.get("images") or []), *(row.get("texts") or [])]),
        read_bytes=read.get("bytes", 0),
        requests=read.get("requests", 0),
        chain=read.get("chain", 0),
        seconds=row.get("seconds", 0.0),
        notes=tuple(row.get("notes") or ()),
    )


def _picture(image: Mapping[str, Any]) -> Picture:
    return Picture(
        image["key"], image["width"], image["height"], image["bytes"], image["seconds"], image.get("kind", "poster")
    )


def _objects(event: Any) -> list[tuple[str, str]]:
    records = event.get("Records", []) if isinstance(event, Mapping) else []
    return [
        (record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))
        for record in records
        if "s3" in record
    ]


class Outcomes:
    """All outcomes so far, in the order in which they came; safe between threads."""

    def __init__(self) -> None:
        self._all: list[Outcome] = []
        self._changed = threading.Condition()

    def add(self, outcomes: list[Outcome]) -> None:
        with self._changed:
            self._all += outcomes
            self._changed.notify_all()

    def count(self) -> int:
        """Return how many there are by now: a mark for `since`."""
        with self._changed:
            return len(self._all)

    def since(self, mark: int, seconds: float = 0) -> list[Outcome]:
        """Return those after `mark`; waits up to `seconds` for the first of them."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._all) > mark, timeout=seconds)
            return self._all[mark:]

    def wait(self, key: str, seconds: float, since: int = 0) -> Outcome:
        """Return the first settled outcome of `key` after the mark `since`."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                for outcome in self._all[since:]:
                    if outcome.key == key and outcome.settled:
                        return outcome
                if (
                    not self._changed.wait(timeout=max(0.0, deadline - time.monotonic()))
                    and time.monotonic() > deadline
                ):
                    seen = [(outcome.key, outcome.outcome, outcome.reason) for outcome in self._all[since:]]
                    raise TimeoutError(f"no outcome of {key!r} within {seconds:.0f} s; outcomes since: {seen}")
