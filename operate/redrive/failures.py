"""What is in the failure queue: events that failed for good, in the two forms in which they come.

* Lambda's record of an on-failure destination (Lambda Developer Guide, "Capturing records of Lambda asynchronous
  invocations"): the event under `requestPayload`, how often and why not under `requestContext`, the function's error
  under `responsePayload`, which is missing where the event never came to run.
* A dead letter of an EventBridge target, whose event did not even reach Lambda (EventBridge User Guide, "Using
  dead-letter queues"): the message is the event itself, and the reasons are attributes of the message.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """A message that can be replayed."""

    message: Message
    event: dict[str, Any]
    """What the function was to be invoked with, to the letter."""
    keys: tuple[str, ...]
    """Of the objects that the event speaks of, decoded; none in an event that names none."""
    failed: datetime
    tries: int | None
    """How often the function was run, or EventBridge tried to reach it; unknown in a record that does not say."""
    error: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that no event can be taken from; it stays in the queue."""

    message: Message
    why: str


def read(message: Message) -> Failure | Unreadable:
    """Take the event and the reasons out of a message."""
    try:
        record: Any = json.loads(message.body)
    except (ValueError, RecursionError) as error:
        return Unreadable(message, f"it is no JSON: {error}")
    if not isinstance(record, dict):
        return Unreadable(message, "it is no record of a failed event: no JSON object")
    if "detail-type" in record and "requestPayload" not in record:
        return _dead_letter(message, record)
    event = record.get("requestPayload")
    if not isinstance(event, dict):
        return Unreadable(
            message, "it is no record of Lambda's (it has no requestPayload), and no event of EventBridge"
        )
    context = record.get("requestContext")
    context = context if isinstance(context, dict) else {}
    tries = context.get("approximateInvokeCount")
    return Failure(
        message=message,
        event=event,
        keys=keys(event),
        failed=_time(record.get("timestamp")) or message.sent,
        tries=tries if isinstance(tries, int) else None,
        error=_error(context.get("condition"), record.get("responsePayload")),
    )


def _dead_letter(message: Message, event: dict[str, Any]) -> Failure:
    said = message.attributes
    retries = said.get("RETRY_ATTEMPTS", "")
    named = ": ".join(said[name] for name in ("ERROR_CODE", "ERROR_MESSAGE") if said.get(name))
    condition = said.get("EXHAUSTED_RETRY_CONDITION")
    return Failure(
        message=message,
        event=event,
        keys=keys(event),
        failed=message.sent,
        tries=int(retries) + 1 if retries.isdecimal() else None,
        error="EventBridge could not call the function: " + (" ".join(filter(None, (named, condition))) or "no reason"),
    )


def keys(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys of the objects that an event of any kind speaks of, as far as it can be read."""
    detail = event.get("detail")
    if isinstance(detail, dict):
        if "retake" in detail:
            return keys(detail)
        return tuple(filter(None, [_text(detail, "object", "key")]))
    records, retakes = event.get("Records"), event.get("retake")
    found = [_text(record, "s3", "object", "key") for record in (records if isinstance(records, list) else [])]
    asked = [_text(item, "key") for item in (retakes if isinstance(retakes, list) else [])]
    # What cannot be read is shown without it; the function will say what is wrong with the event.
    return tuple(unquote_plus(key) for key in found if key) + tuple(key for key in asked if key)


def _text(value: Any, *path: str) -> str | None:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


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
