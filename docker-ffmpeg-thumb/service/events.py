"""Events: what the function is called with, whoever calls it, read into tasks; and the answer to S3 Batch Operations.

| event | sent by | keys | answer |
| --- | --- | --- | --- |
| `{"Records": [{"eventName": "ObjectCreated:Put", "s3": …}]}` | S3's notification | URL-encoded | plain |
| `{"source": "aws.s3", "detail-type": "Object Created", "detail": …}` | EventBridge | as they are | plain |
| `{"invocationSchemaVersion": "2.0", "tasks": […]}` | S3 Batch Operations (1.0 too) | URL-encoded | batch |
| `{"retake": [{"bucket": …, "key": …, "position": "12.5"}]}` | an operator, an application | as they are | plain |
| the same as `detail` of `Retake Requested` from `video-thumbnailer` | EventBridge | as they are | plain |
| `{"requestPayload": …}`, Lambda's record of a failed event | whoever replays it | as in the event | as the event |

Sources: S3 User Guide, "Event message structure", "EventBridge event message structure" and "Invoke AWS Lambda
function"; Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations".
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import unquote_plus

from model import REJECTED, Outcome, Video
from position import Position
from service import settings
from service.requested import POSITION, WIDTHS

SOURCE = "video-thumbnailer"
"""`source` of this project's own events on an EventBridge bus."""
RETAKE = "Retake Requested"
"""`detail-type` of an EventBridge event that asks for other pictures of videos."""
LONGEST_RESULT = 1000
"""Characters of a task's result; S3 states no limit, and every result becomes a line of the job's report."""

_T = TypeVar("_T")


class BadEvent(Exception):
    """The event is of no known kind, or lacks something. Raised, so that it ends in the failure queue, unlost."""


@dataclass(frozen=True)
class Task:
    """What is to be done about one object."""

    video: Video
    """Of a batch or a retake, size, ETag and sequencer are unknown: ask S3 first."""
    action: Literal["make", "remove"] = "make"
    """`remove`: the object, or one version of it, was deleted; S3 is asked whether another is left."""
    retake: Mapping[str, str] | None = None
    """What an operator or an application chose after the upload, named and written as in the metadata of an object
    (`thumbnail-position`, `thumbnail-widths`). Empty: an earlier choice is taken back. None: nothing is chosen anew,
    and an earlier choice holds."""


@dataclass(frozen=True)
class Batch:
    """An invocation by S3 Batch Operations, which wants an answer for each of its tasks."""

    schema: str
    invocation: str
    tasks: tuple[str, ...]
    """Their ids, in the order of `Work.tasks`."""

    def answer(self, results: Sequence[Outcome | Exception]) -> dict[str, Any]:
        """Return the function's answer: `results` in the order of the tasks, an exception for what may succeed later.

        `rejected` is a permanent failure. S3 tries a temporary one again before the job ends.
        """
        answers = [_answered(task, result) for task, result in zip(self.tasks, results, strict=True)]
        return {
            "invocationSchemaVersion": self.schema,
            "treatMissingKeysAs": "TemporaryFailure",
            "invocationId": self.invocation,
            "results": answers,
        }


@dataclass(frozen=True)
class Work:
    """All that one event asks for."""

    tasks: tuple[Task, ...]
    batch: Batch | None = None
    """Set where S3 Batch Operations wants its own form of answer."""


def read(event: Any) -> Work:
    """Read an event of any of the kinds above; no tasks for `s3:TestEvent`, which S3 sends for a new notification.

    Raises:
        BadEvent: it is something else.
    """
    while isinstance(event, dict) and "requestPayload" in event:
        event = event["requestPayload"]
    if not isinstance(event, dict):
        raise BadEvent(f"the event is no JSON object, but {type(event).__name__}")
    if event.get("Event") == "s3:TestEvent":
        return Work(())
    if "Records" in event:
        return Work(_each("record", event["Records"], _of_notification))
    if "invocationSchemaVersion" in event:
        return _of_batch(event)
    if "detail-type" in event:
        return Work(_of_bus(event))
    if "retake" in event:
        return Work(_each("retake", event["retake"], _of_retake))
    raise BadEvent(f"the event is of no known kind: it has the keys {sorted(map(str, event))}")


def _each(what: str, items: Any, read_one: Callable[[Any], _T]) -> tuple[_T, ...]:
    if not isinstance(items, list):
        raise BadEvent(f"the event has no list of {what}s")
    return tuple(_one(f"{what} {number} of the event", item, read_one) for number, item in enumerate(items))


def _one(what: str, item: Any, read_one: Callable[[Any], _T]) -> _T:
    try:
        return read_one(item)
    except KeyError as fault:
        raise BadEvent(f"{what} has no {fault}") from fault
    except (TypeError, AttributeError, ValueError) as fault:
        raise BadEvent(f"{what} cannot be read: {fault}") from fault


def _of_notification(record: Any) -> Task:
    name = record.get("eventName", "ObjectCreated:")  # S3 always names it; an event written by hand need not.
    item = record["s3"]["object"]
    video = _video(
        record["s3"]["bucket"]["name"],
        _decoded(item["key"]),
        size=item.get("size"),
        etag=item.get("eTag"),
        version=item.get("versionId"),
        sequencer=item.get("sequencer"),
    )
    # The prefix is written in the configuration of a notification, and not in its events.
    kind = str(name).removeprefix("s3:").partition(":")[0]
    if kind == "ObjectCreated":
        return Task(video)
    if kind in ("ObjectRemoved", "LifecycleExpiration"):
        return Task(video, "remove")
    raise ValueError(f"eventName is {name!r}; ObjectCreated and ObjectRemoved are known")


def _of_bus(event: dict[str, Any]) -> tuple[Task, ...]:
    kind = (event.get("source"), event["detail-type"])
    detail = event.get("detail")
    if kind == ("aws.s3", "Object Created"):
        return (Task(_one("the event's detail", detail, _of_detail)),)
    if kind == ("aws.s3", "Object Deleted"):
        return (Task(_one("the event's detail", detail, _of_detail), "remove"),)
    if kind == (SOURCE, RETAKE):
        return _each("retake", detail.get("retake") if isinstance(detail, dict) else None, _of_retake)
    raise BadEvent(f"the event is {kind[1]!r} from {kind[0]!r}, which nothing is made of")


def _of_detail(detail: Any) -> Video:
    item = detail["object"]
    return _video(
        detail["bucket"]["name"],
        item["key"],
        size=item.get("size"),
        etag=item.get("etag"),
        version=item.get("version-id"),
        sequencer=item.get("sequencer"),
    )


def _of_batch(event: dict[str, Any]) -> Work:
    schema, job = event["invocationSchemaVersion"], event.get("job")
    if schema not in ("1.0", "2.0"):
        raise BadEvent(f"invocationSchemaVersion is {schema!r}; 1.0 and 2.0 are known")
    invocation = event.get("invocationId")
    if not isinstance(invocation, str):
        raise BadEvent("the event of S3 Batch Operations has no invocationId")
    arguments = (job.get("userArguments") if isinstance(job, dict) else None) or {}
    retake = _one("the job's userArguments", arguments, _chosen) or None

    def of_task(task: Any) -> tuple[str, Task]:
        # 1.0 names the bucket by its ARN, which in some examples has a region and an account.
        bucket = task["s3Bucket"] if schema == "2.0" else task["s3BucketArn"].rpartition(":")[2]
        # Without its version: a manifest of a versioned bucket lists old ones too, and pictures are of the current one.
        return _text("taskId", task["taskId"]), Task(_video(bucket, _decoded(task["s3Key"])), retake=retake)

    read_tasks = _each("task", event.get("tasks"), of_task)
    batch = Batch(schema, invocation, tuple(id for id, _ in read_tasks))
    return Work(tuple(task for _, task in read_tasks), batch)


def _of_retake(item: Any) -> Task:
    video = _video(item["bucket"], item["key"], version=item.get("version"))
    return Task(video, retake=_chosen(item))


def _chosen(item: Mapping[str, Any]) -> dict[str, str]:
    """Return `position` and `widths` as an object's metadata has them, checked: other than an uploader, who chooses
    here is told of a mistake."""
    chosen = {}
    position, widths = item.get("position"), item.get("widths")
    if position is not None:
        if isinstance(position, bool) or not isinstance(position, str | int | float):
            raise ValueError(f"position is {position!r}; it may be auto, seconds, mm:ss or a percentage")
        chosen[POSITION] = str(Position.parse(str(position)))
    if widths is not None:
        # A job's arguments are texts.
        numbers = [int(width) for width in widths.split(",")] if isinstance(widths, str) else widths
        chosen[WIDTHS] = ",".join(map(str, settings.widths(numbers)))
    return chosen


def _decoded(key: Any) -> str:
    """Return a key that came `application/x-www-form-urlencoded`: a space as `+`, UTF-8 as `%C3%A4`."""
    return unquote_plus(_text("key", key), errors="strict")


def _video(
    bucket: Any, key: Any, size: Any = None, etag: Any = None, version: Any = None, sequencer: Any = None
) -> Video:
    return Video(
        bucket=_text("bucket", bucket),
        key=_text("key", key),
        size=size if type(size) is int and size >= 0 else None,
        etag=str(etag).strip('"') if etag else None,
        version=str(version) if version else None,
        sequencer=str(sequencer) if sequencer else None,
    )


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is {value!r}, and no text")
    return value


def _answered(task: str, result: Outcome | Exception) -> dict[str, str]:
    if isinstance(result, Exception):
        return {"taskId": task, "resultCode": "TemporaryFailure", "resultString": _line([str(result)])}
    code = "PermanentFailure" if result.outcome == REJECTED else "Succeeded"
    return {"taskId": task, "resultCode": code, "resultString": _line([result.outcome, result.reason, *result.notes])}


def _line(parts: Iterable[str]) -> str:
    """Return `made: a note; another`, in one printable line: the report is a table for people and programs."""
    first, *others = [" ".join(part.split()) for part in parts if part.strip()] or ["failed"]
    line = f"{first}: {'; '.join(others)}" if others else first
    line = "".join(each if each.isprintable() else "?" for each in line)
    return line if len(line) <= LONGEST_RESULT else line[: LONGEST_RESULT - 1] + "…"
