"""Requests to S3: sent together, asked again where S3 is late or fails, and all of them counted.

This is the one place where anything is tried again: the client itself sends each request once. S3's own advice is to
ask again what is slow, on another connection, and to back off where it says so (Amazon S3 User Guide, "Performance
design patterns", timeouts and retries for latency-sensitive applications).
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from statistics import median
from typing import Generic, TypeAlias, TypeVar

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, ResponseStreamingError
from urllib3.exceptions import HTTPError

from model import Reading

CONNECTIONS = 32
"""Requests that are under way at the same time, each on a connection of its own."""
ATTEMPTS = 5
"""Of one request, those that were late included."""
AT_ONCE = 3
"""Of these, how many are under way at the same time."""
FIRST_PAUSE = 0.05
"""Seconds before a request that failed is sent again; doubled for each further attempt, with jitter."""

_TRANSIENT = (HTTPClientError, HTTPError, IncompleteReadError, ResponseStreamingError, ConnectionError)
_TRANSIENT_CODES = {"SlowDown", "RequestTimeout", "RequestTimeTooSkewed", "Throttling", "ThrottlingException"}

T = TypeVar("T")


class BrokenRequest(Exception):
    """S3 did not answer in any of the attempts. Transient: raised, so that the event is tried again."""


class OutOfTime(BrokenRequest):
    """S3 had not answered when the time for the object was up."""


@dataclass
class Attempt:
    """One try of a request. Its maker reports when the answer begins, so that a late one is noticed."""

    number: int
    """From 0."""
    began: float | None = None
    """Seconds of `time.monotonic`; None while it waits for a thread."""
    answered: float | None = None

    def has_answered(self) -> None:
        """Note that the first byte of the answer is here."""
        self.answered = time.monotonic()


Ask: TypeAlias = Callable[[Attempt], T]


@dataclass
class Tally:
    """What was asked of S3 for one object. Written to by several threads."""

    bytes: int = 0
    spans: list[tuple[float, float]] = field(default_factory=list)
    """When each request began and ended."""

    @property
    def reading(self) -> Reading:
        """Bytes, requests and the longest chain."""
        return Reading(self.bytes, len(self.spans), longest_chain(self.spans))


class Pace:
    """How fast S3 answers lately, and from that, when an answer is late."""

    UNKNOWN = 1.0
    """Seconds, before anything was measured."""
    LEAST = 0.06
    """Seconds. Closer to what is usual, a second request would cost more than it saves."""
    FACTOR = 3.0
    """A first byte that takes so many times the median is late: about every hundredth of S3's own is."""
    SHARE, MARGIN, KNOWN = 0.95, 1.25, 20
    """So is one that takes longer, by so much, than this share of the others, once so many are known: to ask again then
    adds a twentieth of the requests at most (Dean and Barroso, "The Tail at Scale", CACM 2013)."""
    SLOW = 8 * 2**20
    """Bytes a second, a tenth of what a connection to S3 carries."""

    def __init__(self, least: float = LEAST) -> None:
        """`least`: seconds before which nothing is late."""
        self._least = least
        self._seconds: deque[float] = deque(maxlen=100)
        self._late = max(least, self.UNKNOWN)

    def note(self, seconds: float) -> None:
        """Record how many seconds one more answer took to its first byte."""
        self._seconds.append(seconds)
        times = sorted(self._seconds)
        if len(times) >= 4:
            late = self.FACTOR * median(times)
            if len(times) >= self.KNOWN:
                late = min(late, self.MARGIN * times[int(self.SHARE * len(times))])
            self._late = max(self._least, late)

    def due(self, attempt: Attempt, size: int) -> float | None:
        """Return when an attempt for so many bytes becomes late, in seconds of `time.monotonic`."""
        if attempt.began is None:
            return None
        if attempt.answered is None:
            return attempt.began + self._late
        return attempt.answered + self._late + size / self.SLOW


@dataclass
class _Pending(Generic[T]):
    number: int
    ask: Ask[T]
    size: int
    attempts: list[Attempt] = field(default_factory=list)
    running: int = 0
    again_at: float | None = None
    fault: Exception | None = None
    done: bool = False


class Requests:
    """Sends requests, each in a thread; lives as long as the function's environment does."""

    def __init__(self, forget_connections: Callable[[], None] = lambda: None, pace: Pace | None = None) -> None:
        """`forget_connections` closes idle connections: called where two in a row stayed silent."""
        self._pool = ThreadPoolExecutor(CONNECTIONS + CONNECTIONS // 2, thread_name_prefix="s3")
        self._pace = pace or Pace()
        self._forget_connections = forget_connections
        self._lock = threading.Lock()

    def one(self, ask: Ask[T], deadline: float, hedge: bool = True) -> T:
        """Send one request; see `all`."""
        return next(self.all([ask], deadline, hedge=hedge))[1]

    def all(
        self, asks: Sequence[Ask[T]], deadline: float, sizes: Sequence[int] = (), hedge: bool = True
    ) -> Iterator[tuple[int, T]]:
        """Send requests at the same time; yield (number, answer) as the answers come.

        Args:
            asks: each makes one attempt at its request.
            deadline: seconds of `time.monotonic`.
            sizes: bytes that each answer has, where that is known.
            hedge: whether a late request is sent a second time; the first answer counts.

        Raises:
            OutOfTime: the deadline passed.
            BrokenRequest: one of them failed in every attempt.
            Exception: what an attempt raised that no other attempt would mend.
        """
        results: SimpleQueue[tuple[_Pending[T], T | None, Exception | None]] = SimpleQueue()
        pending = [_Pending(n, ask, sizes[n] if sizes else 0) for n, ask in enumerate(asks)]
        for request in pending:
            self._send(request, results)
        left = len(pending)
        while left:
            try:
                request, answer, fault = results.get(timeout=self._patience(pending, deadline, hedge))
            except Empty:
                self._act(pending, results, deadline, hedge)
                continue
            if request.done:
                continue
            request.running -= 1
            if fault is None:
                request.done = True
                left -= 1
                yield request.number, answer  # type: ignore[misc]
            elif not is_transient(fault):
                raise fault
            else:
                request.fault = fault
                if request.running == 0:
                    if len(request.attempts) >= ATTEMPTS:
                        raise BrokenRequest(f"S3 failed in {ATTEMPTS} attempts; at the last, {brief(fault)}") from fault
                    jitter = random.uniform(0.5, 1.5)  # noqa: S311 - jitter is no secret
                    pause = FIRST_PAUSE * 2 ** (len(request.attempts) - 1) * jitter
                    request.again_at = time.monotonic() + pause

    def _send(
        self, request: _Pending[T], results: "SimpleQueue[tuple[_Pending[T], T | None, Exception | None]]"
    ) -> None:
        attempt = Attempt(len(request.attempts))
        request.attempts.append(attempt)
        request.running += 1
        request.again_at = None

        def run() -> None:
            attempt.began = time.monotonic()
            try:
                answer = request.ask(attempt)
            except Exception as fault:
                results.put((request, None, fault))
            else:
                results.put((request, answer, None))
            if attempt.answered is not None:
                with self._lock:
                    self._pace.note(attempt.answered - attempt.began)

        self._pool.submit(run)

    def _due(self, request: _Pending[T], hedge: bool) -> float | None:
        """Return when something is to be done about a request."""
        if request.done:
            return None
        if request.running == 0:
            return request.again_at
        if not hedge or request.running >= AT_ONCE or len(request.attempts) >= ATTEMPTS:
            return None
        return self._pace.due(request.attempts[-1], request.size)

    def _patience(self, pending: Sequence[_Pending[T]], deadline: float, hedge: bool) -> float:
        times = [due for request in pending if (due := self._due(request, hedge)) is not None]
        # A request that waits for a thread has no time yet, so it is looked at again soon.
        waits = any(r.attempts[-1].began is None for r in pending if not r.done)
        soonest = min([*times, deadline, *([time.monotonic() + Pace.LEAST] if waits else [])])
        return max(0.0, soonest - time.monotonic())

    def _act(
        self,
        pending: Sequence[_Pending[T]],
        results: "SimpleQueue[tuple[_Pending[T], T | None, Exception | None]]",
        deadline: float,
        hedge: bool,
    ) -> None:
        now = time.monotonic()
        if now >= deadline:
            fault = next((request.fault for request in pending if not request.done and request.fault), None)
            raise OutOfTime(f"S3 had not answered in time{f'; before, {brief(fault)}' if fault else ''}")
        for request in pending:
            due = self._due(request, hedge)
            if due is not None and due <= now:
                if request.running == AT_ONCE - 1:
                    self._forget_connections()
                self._send(request, results)


def is_transient(fault: Exception) -> bool:
    """Return whether another attempt at a request may succeed."""
    if isinstance(fault, ClientError):
        status = fault.response["ResponseMetadata"].get("HTTPStatusCode", 500)
        return status >= 500 or status == 429 or fault.response["Error"].get("Code") in _TRANSIENT_CODES
    return isinstance(fault, _TRANSIENT)


def brief(fault: Exception) -> str:
    """Return a fault in one line, without addresses: they may hold signatures."""
    if isinstance(fault, ClientError):
        status = fault.response["ResponseMetadata"].get("HTTPStatusCode")
        return f"{fault.operation_name} was answered by {status} {fault.response['Error'].get('Code', '')}".rstrip()
    if type(fault) is ConnectionError:
        return str(fault)  # Of our own making; those of libraries name addresses.
    return type(fault).__name__


def longest_chain(spans: Sequence[tuple[float, float]]) -> int:
    """Return the most requests each of which began after the one before it had ended (interval scheduling by earliest
    end)."""
    count, last_end = 0, float("-inf")
    for began, ended in sorted(spans, key=lambda span: span[1]):
        if began >= last_end:
            count, last_end = count + 1, ended
    return count
