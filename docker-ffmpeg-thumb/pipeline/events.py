"""S3 events: which objects a function's event speaks of."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus


class BadEvent(Exception):
    """The event is not one of S3's; names what it lacks. Raised, so that it ends in the failure queue, unlost."""


@dataclass(frozen=True)
class Video:
    """One object that was created, as its event describes it."""

    bucket: str
    key: str
    size: int | None
    """Bytes; unknown in hand-written events, and then asked of S3."""
    etag: str | None
    """Without quotes."""
    version: str | None
    sequencer: str | None
    """Orders the events of one key: S3 writes it in hexadecimal, of varying length."""

    @property
    def content(self) -> tuple[str, str, str | None, str | None]:
        """What its images depend on; the same for an event that comes twice and for an upload that is repeated."""
        return self.bucket, self.key, self.etag, self.version


def videos(event: dict[str, Any]) -> tuple[Video, ...]:
    """Reads the objects out of an S3 notification; none for `s3:TestEvent`, which S3 sends when a trigger is set up.

    Keys come `application/x-www-form-urlencoded`, as S3 documents: a space as `+`, UTF-8 as `%C3%A4`.

    Raises:
        BadEvent: the event is something else.
    """
    if event.get("Event") == "s3:TestEvent":
        return ()
    records = event.get("Records")
    if not isinstance(records, list):
        raise BadEvent(f"the event has no list of Records, but the keys {sorted(map(str, event))}")
    return tuple(_video(number, record) for number, record in enumerate(records))


def _video(number: int, record: Any) -> Video:
    try:
        bucket, item = record["s3"]["bucket"]["name"], record["s3"]["object"]
        key = unquote_plus(item["key"], errors="strict")
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as fault:
        raise BadEvent(f"record {number} of the event is not one of S3's: {fault!r}") from fault
    size = item.get("size")
    return Video(
        bucket=bucket,
        key=key,
        size=size if isinstance(size, int) and size >= 0 else None,
        etag=str(item["eTag"]).strip('"') if item.get("eTag") else None,
        version=item.get("versionId") or None,
        sequencer=item.get("sequencer") or None,
    )
