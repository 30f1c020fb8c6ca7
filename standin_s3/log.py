"""What was asked, as the stand-in saw it, and what it adds up to."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

LONGEST_WAIT = 10.0
"""Seconds in which requests that are being answered are expected to end."""

Span = tuple[int, int]
"""Bytes of an object: the first, and the one after the last."""


@dataclass(frozen=True)
class Request:
    """One request. Times are seconds of the stand-in's monotonic clock."""

    method: str
    name: str
    """`bucket/key`."""
    began: float
    """When its headers and its body had been read."""
    ended: float
    """When the last byte of the answer had been handed to the connection, or the client had hung up."""
    status: int
    """0 where no answer was given."""
    sent: int
    """Bytes of content that the answer held."""
    range: Span | None
    """The bytes of the object that were sent."""
    if_match: str | None
    connection: int
    """The number of its connection, from 1."""


@dataclass(frozen=True)
class Counted:
    """What some requests come to."""

    bytes: int
    """Of content, sent."""
    requests: int
    gets: int
    chain: int
    """The longest row of GETs each of which began after the one before it had ended."""
    connections: int
    """Connections that were opened meanwhile."""


@dataclass
class Entry:
    """A request while it is answered."""

    method: str
    name: str
    if_match: str | None
    connection: int
    began: float = 0.0
    status: int = 0
    sent: int = 0
    range: Span | None = None
    noted: bool = False

    def finished(self) -> Request:
        return Request(
            self.method,
            self.name,
            self.began,
            time.monotonic(),
            self.status,
            self.sent,
            self.range,
            self.if_match,
            self.connection,
        )


class Log:
    """The requests and the connections since it was last cleared. Safe between threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: list[Request] = []
        self._open: list[Entry] = []
        self._connections = self._before = 0
        self._newest = 0.0

    def connected(self) -> int:
        """Count a connection and return its number."""
        with self._changed:
            self._connections += 1
            return self._connections

    @property
    def newest(self) -> float:
        """When the last request came."""
        return self._newest

    @contextmanager
    def entering(self, entry: Entry) -> Iterator[None]:
        """Hold a request as under way until the context ends; it is in the log from then on."""
        with self._changed:
            entry.began = self._newest = time.monotonic()
            self._open.append(entry)
        try:
            yield
        finally:
            self.note(entry)

    def note(self, entry: Entry) -> None:
        """Enter a request of which nothing more will come; only its first entry counts."""
        with self._changed:
            if not entry.noted:
                entry.noted = True
                self._open.remove(entry)
                self._requests.append(entry.finished())
                self._changed.notify_all()

    def requests(self) -> list[Request]:
        """Return all requests in the order of their ends; waits for those that are being answered."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open, LONGEST_WAIT)
            return list(self._requests)

    def under_way(self) -> list[tuple[str, str]]:
        """Return (method, `bucket/key`) of the requests that are not answered yet."""
        with self._changed:
            return [(entry.method, entry.name) for entry in self._open]

    def counted(self) -> Counted:
        """Return what it adds up to."""
        requests = self.requests()
        with self._changed:
            return count(requests, self._connections - self._before)

    def clear(self) -> None:
        """Forget all requests and connections."""
        self.requests()
        with self._changed:
            self._requests.clear()
            self._before = self._connections


def count(requests: Sequence[Request], connections: int) -> Counted:
    """Add up some requests."""
    gets = [request for request in requests if request.method == "GET"]
    return Counted(
        bytes=sum(request.sent for request in requests),
        requests=len(requests),
        gets=len(gets),
        chain=longest_chain([(get.began, get.ended) for get in gets]),
        connections=connections,
    )


def longest_chain(spans: Sequence[tuple[float, float]]) -> int:
    """Return the most spans of time of which each begins after the one before it has ended: by earliest end first,
    which is the exact answer of interval scheduling."""
    chain, last_end = 0, float("-inf")
    for began, ended in sorted(spans, key=lambda span: span[1]):
        if began >= last_end:
            chain, last_end = chain + 1, ended
    return chain
