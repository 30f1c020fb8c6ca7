"""What Lambda wrote into the queue about an event that failed for good.

The record is the one of an on-failure destination (Lambda Developer Guide, "Capturing records of Lambda asynchronous
invocations"): the event itself under `requestPayload`, how often and why not under `requestContext`, the function's
error under `responsePayload`, which is missing where the event never came to run.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the queue as SQS hands it out."""

    id: str
    receipt: str
    """What this receipt of it is deleted or released by."""
    body: str
    sent: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """A message that can be replayed."""

    message: Message
    event: dict[str, Any]
    """What the function was invoked with, to the letter."""
    keys: tuple[str, ...]
    """Of the objects that the event speaks of, decoded; none in an event that is not S3's."""
    failed: datetime
    tries: int | None
    """How often the function was run; unknown in a record that does not say."""
    error: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that no event can be taken from; it stays in the queue."""

    message: Message
    why: str


def read(message: Message) -> Failure | Unreadable:
    """Takes the event and the reasons out of a message."""
    try:
        record: Any = json.loads(message.body)
    except (ValueError, RecursionError) as error:
        return Unreadable(message, f"it is no JSON: {error}")
    if not isinstance(record, dict):
        return Unreadable(message, "it is no record of Lambda's: no JSON object")
    event = record.get("requestPayload")
    if not isinstance(event, dict):
        return Unreadable(message, "it is no record of Lambda's: it has no event (requestPayload)")
    context = record.get("requestContext")
    context = context if isinstance(context, dict) else {}
    tries = context.get("approximateInvokeCount")
    return Failure(
        message=message,
        event=event,
        keys=_keys(event),
        failed=_time(record.get("timestamp")) or message.sent,
        tries=tries if isinstance(tries, int) else None,
        error=_error(context.get("condition"), record.get("responsePayload")),
    )


def _keys(event: dict[str, Any]) -> tuple[str, ...]:
    records = event.get("Records")
    keys = []
    for record in records if isinstance(records, list) else []:
        try:
            keys.append(unquote_plus(record["s3"]["object"]["key"]))
        except (KeyError, TypeError, AttributeError):
            continue  # Shown without it; the function will say what is wrong with the event.
    return tuple(keys)


def _time(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _error(condition: Any, response: Any) -> str:
    fault = response if isinstance(response, dict) else {}
    named = ": ".join(str(fault[name]) for name in ("errorType", "errorMessage") if fault.get(name))
    # That the tries were used up is what every other record says; only what differs is worth a reader's time.
    if named and condition in (None, "RetriesExhausted"):
        return named
    return f"{condition}: {named}" if named else str(condition or "no reason is given")
