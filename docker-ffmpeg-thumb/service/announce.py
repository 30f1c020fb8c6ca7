"""Outcomes told to people and programs: one line of the log, metrics, and an event on a bus.

The event goes out when all outputs are there. One that could not be sent is raised: the object's event is tried again,
finds its outputs unchanged, and is announced then.
"""

import hashlib
import json
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from model import MADE, REJECTED, REMOVED, SKIPPED, SUPERSEDED, UNCHANGED, Outcome
from service.events import SOURCE

DETAIL_TYPES = {
    MADE: "Thumbnails Made",
    UNCHANGED: "Thumbnails Unchanged",
    REMOVED: "Thumbnails Removed",
    SUPERSEDED: "Video Superseded",
    SKIPPED: "Video Skipped",
    REJECTED: "Video Rejected",
}
LARGEST_EVENT = 250_000
"""Bytes of an event's detail; EventBridge takes 256 KB of the whole event (its user guide, "PutEvents size")."""


class NotAnnounced(Exception):
    """The bus did not take an event; the object's event must be tried again."""


class Announcer:
    """Tells outcomes."""

    def __init__(self, logger: Logger, metrics: Metrics, bus: str) -> None:
        """`bus`: name or ARN of the bus that outcomes are announced on; empty for none."""
        self._logger, self._metrics, self._bus = logger, metrics, bus
        config = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})
        self._events: Any = boto3.client("events", config=config) if bus else None

    def tell(self, outcome: Outcome) -> None:
        """Tell one outcome.

        Raises:
            NotAnnounced: the bus did not take it.
            ClientError: the bus is not there, or may not be used.
        """
        for name, unit, value in (
            (outcome.outcome, MetricUnit.Count, 1),
            ("bytes_read", MetricUnit.Bytes, outcome.read.bytes),
            ("requests", MetricUnit.Count, outcome.read.requests),
            ("chain", MetricUnit.Count, outcome.read.chain),
            ("seconds", MetricUnit.Seconds, outcome.seconds),
            ("peak_memory", MetricUnit.Bytes, outcome.peak),
        ):
            self._metrics.add_metric(name, unit, value)
        log = self._logger.warning if outcome.outcome == REJECTED else self._logger.info
        log(outcome.outcome, **outcome.as_json())
        if self._events is not None:
            self._announce(outcome)

    def tell_failure(self, bucket: str, key: str, reason: str) -> None:
        """Tell that an object was left without an outcome and its event is going to be tried again."""
        self._metrics.add_metric("failed", MetricUnit.Count, 1)
        self._logger.error("failed", bucket=bucket, key=key, reason=reason)

    def _announce(self, outcome: Outcome) -> None:
        entry = {
            "Source": SOURCE,
            "DetailType": DETAIL_TYPES[outcome.outcome],
            "Detail": json.dumps(detail(outcome)),
            "EventBusName": self._bus,
            "Resources": [f"arn:aws:s3:::{outcome.bucket}/{outcome.key}"],
        }
        answer = self._events.put_events(Entries=[entry])
        if answer.get("FailedEntryCount"):
            fault = answer["Entries"][0]
            raise NotAnnounced(f"the bus {self._bus} did not take the event: {fault.get('ErrorCode')}")


def detail(outcome: Outcome) -> dict[str, Any]:
    """Return the `detail` of an outcome's event; `docs/events.schema.json` describes it.

    `id` is the same for every announcement of the same outputs of the same video, by which a repetition is known.
    """
    said = outcome.as_json()
    names = [file.key for file in (*outcome.images, *outcome.texts)]
    identity = [outcome.bucket, outcome.key, outcome.version, outcome.etag, outcome.outcome, outcome.reason, names]
    made = {"id": hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32], **said}
    if len(json.dumps(made)) > LARGEST_EVENT:
        made = {**made, "texts": [], "images": made["images"][:50], "notes": made["notes"][:10]}
    return made
