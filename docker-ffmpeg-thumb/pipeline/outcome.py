"""The one outcome that every object gets, and the exceptions that settle it early."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

MADE = "made"
UNCHANGED = "unchanged"
SUPERSEDED = "superseded"
SKIPPED = "skipped"
REJECTED = "rejected"


@dataclass(frozen=True)
class Image:
    """One file that was written."""

    kind: str
    """`poster`, `storyboard` (its sheets and what names their tiles), `preview` or `manifest`."""
    key: str
    width: int | None
    """Pixels, like `height`; None for what is no image itself."""
    height: int | None
    bytes: int
    seconds: float
    """The moment of the video that it shows, or the first of them."""


@dataclass(frozen=True)
class Reading:
    """What was read of the video's object."""

    bytes: int = 0
    requests: int = 0
    chain: int = 0
    """The longest row of requests each of which began after the one before it had ended."""


@dataclass(frozen=True)
class Outcome:
    """What became of one object."""

    bucket: str
    key: str
    outcome: str
    """`made`, `unchanged`, `superseded`, `skipped` or `rejected`."""
    reason: str = ""
    images: tuple[Image, ...] = ()
    notes: tuple[str, ...] = ()
    """Where the pictures differ from what was asked, and why."""
    read: Reading = field(default_factory=Reading)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The outcome as the log line and the function's answer show it."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> "Outcome":
        """Reads what `as_json` wrote.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: it is something else.
        """
        outcome = Outcome(
            **{
                **value,
                "images": tuple(Image(**image) for image in value["images"]),
                "notes": tuple(str(note) for note in value["notes"]),
                "read": Reading(**value["read"]),
                "reason": str(value["reason"]),
                "seconds": float(value["seconds"]),
            }
        )
        if outcome.outcome not in (MADE, UNCHANGED, SUPERSEDED, SKIPPED, REJECTED):
            raise ValueError(f"there is no outcome {outcome.outcome!r}")
        return outcome


class Settled(Exception):
    """Ends a job with an outcome that no retry would change."""

    outcome: str

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unchanged(Settled):
    """The images are there already, made of the same source by the same settings."""

    outcome = UNCHANGED


class Superseded(Settled):
    """The object is not the one that the event spoke of; the newer one has its own event."""

    outcome = SUPERSEDED


class Skipped(Settled):
    """Nothing to show, and nothing wrong."""

    outcome = SKIPPED


class Rejected(Settled):
    """A permanent fault of the file or its name."""

    outcome = REJECTED
