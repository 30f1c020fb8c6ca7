"""What goes wrong with which requests: those of a method, an object or a place in it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

STATUSES: dict[str, tuple[int, str, str]] = {
    "400": (400, "BadRequest", "told to fail"),
    "403": (403, "AccessDenied", "Access Denied"),
    "409": (409, "ConditionalRequestConflict", "a conflicting conditional write is under way"),
    "412": (412, "PreconditionFailed", "told to fail"),
    "429": (429, "TooManyRequests", "told to fail"),
    "500": (500, "InternalError", "We encountered an internal error. Please try again."),
    "503": (503, "ServiceUnavailable", "Service is unable to handle request."),
    "SlowDown": (503, "SlowDown", "Please reduce your request rate."),
    "archived": (403, "InvalidObjectState", "The operation is not valid for the object's storage class"),
    "KMS": (403, "AccessDenied", "User is not authorized to perform: kms:Decrypt on this resource"),
    "SSE-C": (
        400,
        "InvalidRequest",
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to "
        "retrieve the object.",
    ),
}
"""Answers of S3 that are errors: (status, code, message)."""

WITHOUT_END = 10**9


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and with which requests."""

    kind: str
    """A key of `STATUSES`, or one of these:

    After `after` bytes of content, or before any answer to what is no GET, `reset` breaks the connection, `short` ends
    it, `stall` sends nothing more and `drip` a byte each half second. `silence` never answers at all.
    `long` sends more bytes than were asked for, `whole` ignores the range, `shifted` names other bytes in
    Content-Range, `grown` another total size. `late` answers rightly, after `seconds` more.
    `wait` decides on a write only when the faults are lifted, or after `seconds`. `replace` first puts `content` in the
    place of the object."""
    method: str = "GET"
    count: int = WITHOUT_END
    """How many requests; by default all that come."""
    skip: int = 0
    """Requests that are answered rightly before."""
    key: str | None = None
    """Only this object, without its bucket."""
    at: int | None = None
    """Only ranges that hold this byte."""
    after: int = 0
    seconds: float = 3.0
    content: bytes = b""


class Faults:
    """The faults that are still to come. Safe between threads."""

    def __init__(self) -> None:
        self._left: list[Fault] = []
        self._lifted = threading.Event()
        self._lock = threading.Lock()
        self._injected = 0

    @property
    def injected(self) -> int:
        """Requests that went wrong so far."""
        return self._injected

    def set(self, faults: Sequence[Fault]) -> None:
        """From now on these, and no others; what waits for those before waits no more."""
        with self._lock:
            self._left = list(faults)
            self._lifted.set()
            self._lifted = threading.Event()

    @property
    def lifted(self) -> threading.Event:
        """Set when other faults take the place of those that are set now."""
        return self._lifted

    def take(self, method: str, key: str, span: tuple[int, int] | None) -> Fault | None:
        """Return what goes wrong with this request: the first fault that fits it; counts it."""
        with self._lock:
            for place, fault in enumerate(self._left):
                if fault.method != method or fault.key not in (None, key) or not fault.count:
                    continue
                if fault.at is not None and not (span and span[0] <= fault.at < span[1]):
                    continue
                if fault.skip:
                    self._left[place] = replace(fault, skip=fault.skip - 1)
                    continue
                self._left[place] = replace(fault, count=fault.count - 1)
                self._injected += 1
                return fault
        return None
