"""Switches EventBridge on for a bucket that has notifications already, without loss, and off again.

S3 keeps one notification configuration for a bucket, and every write replaces all of it. So it is read, the switch is
added or taken out, it is read again to see that nobody changed it meanwhile, written, and read once more. What others
put there stays as it is, and receives no test messages.
"""

import json
import re
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import Shape

from operate import stack, table
from operate.problem import OperateFailure, said
from operate.progress import Stop
from operate.stack import Stack
from operate.table import printable

SWITCH = "EventBridgeConfiguration"
LISTS = {
    "QueueConfigurations": ("SQS", "QueueArn"),
    "TopicConfigurations": ("SNS", "TopicArn"),
    "LambdaFunctionConfigurations": ("Lambda", "LambdaFunctionArn"),
}
HEAD = ("sent to", "target", "events", "keys")
SETTLES = 30.0
"""Seconds in which S3 shows a new configuration; it states no number, and in general it is at once."""

Configuration = dict[str, Any]


def add_options(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("action", choices=("show", "enable", "disable"), help="EventBridge for this bucket, or a look")
    parser.add_argument("bucket", nargs="?", metavar="BUCKET", help="else from --outputs")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--though-used", action="store_true", help="disable it though rules of EventBridge receive its events"
    )
    stack.add_options(parser)


def run(options: Namespace, stop: Stop) -> int:
    """Show a bucket's notifications, or switch EventBridge on or off; return 0 where it then is as asked.

    Raises:
        OperateFailure: AWS refuses, or somebody changes the notifications at the same time; nothing is lost then.
    """
    of = Stack.of(options)
    bucket = of.need("bucket")
    s3 = of.client("s3")
    before = read(s3, bucket)
    _show(bucket, before)
    if options.action == "show":
        return 0
    on = options.action == "enable"
    if on == (SWITCH in before):
        print(f"EventBridge is {'on' if on else 'off'} already; nothing was changed")
        return 0
    if not on and not options.though_used:
        _refuse_listeners(of.client("events"), bucket)
    if not options.yes and not stop.confirmed(f"Switch EventBridge {'on' if on else 'off'} for this bucket?"):
        print("nothing was changed")
        return 1
    stop.check()
    change(s3, bucket, before, on)
    print(
        f"EventBridge is {'on' if on else 'off'} for {printable(bucket)}, and all else is as it was;"
        " it takes S3 up to five minutes"
    )
    return 0


def read(s3: Any, bucket: str) -> Configuration:
    """Return the bucket's notifications.

    Raises:
        OperateFailure: S3 refuses, or answers with something that this boto3 does not know and so would lose.
    """
    bodies: list[bytes] = []

    def keep(response_dict: Mapping[str, Any], **_: Any) -> None:
        bodies.append(response_dict["body"])

    event = "before-parse.s3.GetBucketNotificationConfiguration"
    s3.meta.events.register(event, keep)
    try:
        found = s3.get_bucket_notification_configuration(Bucket=bucket)
    except (BotoCoreError, ClientError) as error:
        raise OperateFailure(f"the notifications of bucket {bucket} cannot be read: {said(error)}") from error
    finally:
        s3.meta.events.unregister(event, keep)
    shape = s3.meta.service_model.operation_model("PutBucketNotificationConfiguration").input_shape
    known = {"NotificationConfiguration", *_tags(shape.members["NotificationConfiguration"])}
    if unknown := {tag.decode() for body in bodies for tag in re.findall(rb"<(\w+)", body)} - known:
        raise OperateFailure(
            f"bucket {bucket} has notifications with {', '.join(sorted(unknown))}, which this version of boto3 would"
            " lose: update boto3"
        )
    return {name: value for name, value in found.items() if name != "ResponseMetadata"}


def change(s3: Any, bucket: str, before: Configuration, on: bool) -> None:
    """Switch EventBridge on or off for a bucket whose notifications are `before`.

    Raises:
        OperateFailure: they are not any more, or not as they should be afterwards; says what to do.
    """
    wanted = {name: value for name, value in before.items() if name != SWITCH} | ({SWITCH: {}} if on else {})
    if not _same(read(s3, bucket), before):
        raise OperateFailure(f"somebody changed the notifications of bucket {bucket} meanwhile; nothing was written")
    try:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=wanted, SkipDestinationValidation=True
        )
    except (BotoCoreError, ClientError) as error:
        raise OperateFailure(f"the notifications of bucket {bucket} cannot be written: {said(error)}") from error
    deadline = time.monotonic() + SETTLES
    while not _same(after := read(s3, bucket), wanted):
        if not _same(after, before) or time.monotonic() > deadline:
            raise OperateFailure(
                f"the notifications of bucket {bucket} are not what was written: somebody else may have written them at"
                f" the same time; compare with what they were: {json.dumps(before)}"
            )
        time.sleep(1)


def _tags(shape: Shape) -> Iterator[str]:
    """Yield the names of a shape's XML elements, at every depth."""
    for name, member in getattr(shape, "members", {}).items():
        yield member.serialization.get("name", name)
        yield from _tags(member)
    if shape.type_name == "list":
        yield from _tags(shape.member)  # type: ignore[attr-defined] # of a ListShape


def _same(one: Configuration, other: Configuration) -> bool:
    return bool(_normal(one) == _normal(other))


def _normal(configuration: Configuration) -> Any:
    """Independent of the order in which S3 lists them."""
    return {
        name: sorted(json.dumps(item, sort_keys=True) for item in value) if isinstance(value, list) else value
        for name, value in configuration.items()
        if value != []
    }


def _show(bucket: str, configuration: Configuration) -> None:
    rows = [
        (kind, item[arn], " ".join(item["Events"]), _filter(item))
        for name, (kind, arn) in LISTS.items()
        for item in configuration.get(name, [])
    ]
    rows += [("EventBridge", "the account's default bus", "all", "all")] if SWITCH in configuration else []
    if rows:
        table.show(HEAD, rows)
    else:
        print(f"bucket {printable(bucket)} has no notifications")


def _filter(item: Mapping[str, Any]) -> str:
    rules = item.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    ends = {str(rule["Name"]).lower(): rule["Value"] for rule in rules}
    return f"{ends.get('prefix', '')}*{ends.get('suffix', '')}" if ends else "all"


def _refuse_listeners(events: Any, bucket: str) -> None:
    """End here where rules of the default bus receive this bucket's events: they would go silent."""
    try:
        pages = list(_pages(events.list_rules))
    except (BotoCoreError, ClientError) as error:
        raise OperateFailure(
            f"whether rules of EventBridge receive the events of bucket {bucket} cannot be asked: {said(error)};"
            " --though-used does not ask"
        ) from error
    listening = sorted(
        rule["Name"] for page in pages for rule in page["Rules"] if listens(rule.get("EventPattern"), bucket)
    )
    if listening:
        raise OperateFailure(
            f"rules of EventBridge receive the events of bucket {bucket}: {', '.join(map(printable, listening))};"
            " `pulumi destroy` removes a stack's own; --though-used switches it off all the same"
        )


def _pages(call: Callable[..., Any]) -> Iterator[Any]:
    page = call()
    yield page
    while token := page.get("NextToken"):
        page = call(NextToken=token)
        yield page


def listens(pattern: str | None, bucket: str) -> bool:
    """Return whether a rule with this event pattern may receive events of the bucket; in doubt, it may."""
    try:
        wanted = json.loads(pattern or "null")
    except ValueError:
        return True
    if not isinstance(wanted, dict):
        return False  # A schedule.
    detail = wanted.get("detail")
    named = detail.get("bucket") if isinstance(detail, dict) else None
    names = named.get("name") if isinstance(named, dict) else None
    return _matches(wanted.get("source"), "aws.s3") and _matches(names, bucket)


def _matches(values: Any, value: str) -> bool:
    # Matchers such as {"prefix": …} are objects; what they let through is not worked out here.
    return not isinstance(values, list) or any(each == value or isinstance(each, dict) for each in values)
