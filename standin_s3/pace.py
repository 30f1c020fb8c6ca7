"""How long answers take: latency with a tail, bytes a second of a connection."""

import random
import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """By default answers come at once."""

    latency: float = 0.0
    """Seconds before the first byte of an answer."""
    rate: float = float("inf")
    """Bytes a second of one connection."""
    tail_share: float = 0.0
    """Of the requests, those that take `tail` seconds more."""
    tail: float = 0.0
    settle: float = 0.0
    """Seconds without a new request before anything is answered: what is sent together is then under way together,
    however slowly a busy machine sends it."""


AT_ONCE = Pace()
AS_S3 = Pace(latency=0.030, rate=80_000_000)
"""S3 in the same region takes 10 to 50 ms for small objects, and gives 85 to 90 MB/s a connection, by AWS's performance
guidelines."""
WITH_TAIL = Pace(AS_S3.latency, AS_S3.rate, tail_share=0.01, tail=0.300)
"""As S3, where one request in a hundred takes long."""


class Latency:
    """Draws the latency of each request; the same row for the same seed. Safe between threads."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._lock = threading.Lock()

    def draw(self, pace: Pace) -> float:
        """Return seconds before the first byte."""
        with self._lock:
            late = self._random.random() < pace.tail_share
        return pace.latency + (pace.tail if late else 0.0)
