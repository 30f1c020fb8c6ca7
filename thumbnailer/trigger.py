"""From an object that is put into the bucket to a call of the function.

S3 keeps one notification configuration for a bucket, and every write replaces all of it. So the stack writes it only
where nobody else has a part in it: in a bucket of its own, or in one without any notification. Everywhere else the
events come by EventBridge, which takes any number of listeners, and nothing of the bucket is touched. What the bucket
has is looked at in every preview and update.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from .account import Account
from .bucket import Bucket
from .refusal import Refused
from .rules import Rule, create_rule
from .settings import Settings, spellings

Found = aws.s3.GetBucketNotificationResult | aws.s3.AwaitableGetBucketNotificationResult

LONGEST_PATTERN = 2048
"""Characters of a rule's event pattern (EventBridge quotas)."""
LONGEST_BUCKET = "b" * 63


@dataclass(frozen=True)
class Trigger:
    """How the function is called."""

    kind: Literal["s3", "eventbridge"]
    found: Found | None = None
    """What the bucket has; None where it is made by the program, so that only the update can tell."""
    leaves: bool = False
    """Whether the bucket calls the function itself, since an earlier update, and is to stop."""


def choose_trigger(settings: Settings, function: str, parent: pulumi.Resource) -> Trigger:
    """Look at the bucket and decide. `function` is what the name of the stack's function begins with.

    Raises:
        Refused: the bucket's notifications would be lost, or it does not send its events to EventBridge.
    """
    if isinstance(settings.bucket, str) and settings.bucket:
        return decide(settings, settings.bucket, _look(settings.bucket, parent), function)
    # S3's filters cannot ignore case.
    return Trigger("eventbridge" if settings.trigger == "eventbridge" or settings.ignore_case else "s3")


def decide(settings: Settings, bucket: str, found: Found, function: str) -> Trigger:
    """Return the way that takes nothing from others of what the bucket has; see `choose_trigger`."""
    wanted = settings.trigger
    own = re.compile(rf"arn:[a-z-]+:lambda:[^:]+:\d+:function:{re.escape(function)}-[^-:]+")
    others = [each for each in _listeners(found) if not own.fullmatch(each.arn)]
    if found.eventbridge and wanted != "s3":
        return Trigger("eventbridge", found, leaves=len(others) < len(list(_listeners(found))))
    if found.eventbridge or others:
        raise _would_lose(bucket, found, others)
    if wanted == "eventbridge" or settings.ignore_case:
        raise Refused(
            f"{'trigger is eventbridge' if wanted == 'eventbridge' else 'ignoreCase needs EventBridge'}, to which "
            f"bucket {bucket} does not send its events. {_switch_on(bucket)}"
        )
    return Trigger("s3", found)


def create_rules(base: str, settings: Settings, videos: Bucket, opts: pulumi.ResourceOptions) -> list[Rule]:
    """Return the rules that match the videos; several where one pattern would be too long."""
    return [
        create_rule(
            f"{base}-uploads" if number == 1 else f"{base}-uploads-{number}",
            "Tells the video thumbnailer of the bucket's videos",
            pattern,
            opts,
        )
        for number, pattern in enumerate(patterns(settings, videos.name), 1)
    ]


def patterns(settings: Settings, bucket: pulumi.Input[str]) -> list[dict[str, Any]]:
    """Return what matches the events of the bucket's videos; each is short enough for a rule."""
    kinds = ["Object Created", *(["Object Deleted"] if settings.delete_outputs else [])]

    def pattern(keys: Sequence[Any], bucket: pulumi.Input[str]) -> dict[str, Any]:
        detail = {"bucket": {"name": [bucket]}, "object": {"key": keys}}
        return {"source": ["aws.s3"], "detail-type": kinds, "detail": detail}

    batches: list[list[Any]] = [[]]
    for key in _keys(settings):
        longest = pattern([*batches[-1], key], LONGEST_BUCKET)
        if len(json.dumps(longest, separators=(",", ":"))) > LONGEST_PATTERN:
            batches.append([])
        batches[-1].append(key)
    return [pattern(keys, bucket) for keys in batches]


def notify_by_s3(
    base: str,
    settings: Settings,
    trigger: Trigger,
    videos: Bucket,
    function: aws.lambda_.Function,
    account: Account,
    opts: pulumi.ResourceOptions,
) -> None:
    """Let the bucket itself call the function, for every key with one of the prefixes and suffixes.

    Raises, from the outputs:
        Refused: the bucket has notifications that this would replace.
    """
    permission = aws.lambda_.Permission(
        f"{base}-bucket",
        action="lambda:InvokeFunction",
        function=function.name,
        principal="s3.amazonaws.com",
        source_arn=videos.arn,
        # A bucket's ARN does not name its account: the name could be another's after the bucket was deleted.
        source_account=account.id,
        opts=opts,
    )
    events = ["s3:ObjectCreated:*"]
    if settings.delete_outputs:
        events += ["s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"]
    found = _found(trigger, videos, opts)
    arn = pulumi.Output.all(videos.name, found, function.arn).apply(lambda seen: _alone(settings, *seen))
    aws.s3.BucketNotification(
        _name(base),
        bucket=videos.name,
        lambda_functions=[
            aws.s3.BucketNotificationLambdaFunctionArgs(
                lambda_function_arn=arn, events=events, filter_prefix=prefix, filter_suffix=suffix
            )
            for prefix in settings.prefixes or (None,)
            for suffix in settings.suffixes
        ],
        # Somebody may have switched it on in the stack's own bucket.
        eventbridge=found.apply(lambda found: True if found.eventbridge else None),
        # S3 tries the permission when it takes the notification, and refuses it without.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[permission])),
    )


def notify_by_eventbridge(
    base: str,
    settings: Settings,
    trigger: Trigger,
    videos: Bucket,
    function: aws.lambda_.Function,
    targets: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> None:
    """Switch EventBridge on where the bucket is the stack's own. In another bucket nothing is written, except to take
    the function out that an earlier update put there.

    Raises, from the outputs:
        Refused: somebody else listens to the stack's own bucket, whom this would replace.
    """
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(targets)))
    if not settings.bucket:
        found = _found(trigger, videos, opts)
        alone = pulumi.Output.all(videos.name, found, function.arn).apply(lambda seen: bool(_alone(settings, *seen)))
        aws.s3.BucketNotification(_name(base), bucket=videos.name, eventbridge=alone, opts=opts)
    elif trigger.leaves and trigger.found:
        others = trigger.found
        aws.s3.BucketNotification(
            _name(base),
            bucket=videos.name,
            eventbridge=True,
            lambda_functions=function.arn.apply(
                lambda arn: [
                    aws.s3.BucketNotificationLambdaFunctionArgs(
                        lambda_function_arn=each.lambda_function_arn, **_rest(each)
                    )
                    for each in others.lambda_functions
                    if each.lambda_function_arn != arn
                ]
            ),
            queues=[
                aws.s3.BucketNotificationQueueArgs(queue_arn=each.queue_arn, **_rest(each)) for each in others.queues
            ],
            topics=[
                aws.s3.BucketNotificationTopicArgs(topic_arn=each.topic_arn, **_rest(each)) for each in others.topics
            ],
            # The next update finds nothing of this stack there, and drops the resource: to delete it would take away
            # what is there of others.
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True)),
        )


@dataclass(frozen=True)
class _Listener:
    arn: str
    says: str


def _look(bucket: str, parent: pulumi.Resource) -> Found:
    try:
        return aws.s3.get_bucket_notification(bucket=bucket, opts=pulumi.InvokeOptions(parent=parent))
    except Exception as error:
        raise Refused(
            f"the notifications of bucket {bucket} cannot be read: {error}\nIf the bucket belongs to another account, "
            "deploy the stack there; if it is this account's, who deploys needs s3:GetBucketNotification."
        ) from error


def _found(trigger: Trigger, videos: Bucket, opts: pulumi.ResourceOptions) -> pulumi.Output[Found]:
    if trigger.found:
        return pulumi.Output.from_input(trigger.found)
    look = pulumi.InvokeOptions(parent=opts.parent)
    return aws.s3.get_bucket_notification_output(bucket=videos.name, opts=look)


def _listeners(found: Found) -> Iterator[_Listener]:
    kinds = (("function", found.lambda_functions), ("queue", found.queues), ("topic", found.topics))
    for kind, rows in kinds:
        for row in rows:
            arn = getattr(row, f"{'lambda_function' if kind == 'function' else kind}_arn")
            keys = f"{row.filter_prefix or ''}*{row.filter_suffix or ''}"
            yield _Listener(arn, f"  {kind} {arn}: {', '.join(row.events)} of {keys}")


def _alone(settings: Settings, bucket: str, found: Found, arn: str) -> str:
    """`arn`, the function's, if nobody else listens to the bucket; this time it is known exactly, not by its name."""
    own = not settings.bucket
    others = [each for each in _listeners(found) if each.arn != arn]
    if others or (found.eventbridge and not own):
        raise _would_lose(bucket, found, others, own)
    return arn


def _would_lose(bucket: str, found: Found, others: Sequence[_Listener], own: bool = False) -> Refused:
    lines = [each.says for each in others] + (["  EventBridge: all events"] if found.eventbridge and not own else [])
    if own:
        advice = (
            "Take that out, and let it listen to EventBridge: pulumi config set trigger eventbridge switches it on."
        )
    elif found.eventbridge:
        advice = "Let this stack listen to EventBridge as well: pulumi config set trigger auto"
    else:
        advice = _switch_on(bucket)
    return Refused(
        f"bucket {bucket} has notifications that are not this stack's, and would lose them:\n"
        + "\n".join(lines)
        + f"\n{advice}"
    )


def _switch_on(bucket: str) -> str:
    return (
        "Switch EventBridge on for the bucket, which leaves its notifications as they are, and deploy again:\n"
        f"  python -m operate notifications enable {bucket}"
    )


def _rest(row: Any) -> dict[str, Any]:
    """Return a notification that was found, as a resource takes it, but for whom it goes to."""
    return {
        "id": row.id or None,
        "events": row.events,
        "filter_prefix": row.filter_prefix or None,
        "filter_suffix": row.filter_suffix or None,
    }


def _name(base: str) -> str:
    return f"{base}-notification"


def _keys(settings: Settings) -> Iterator[Any]:
    """Yield what EventBridge compares keys with; only its wildcards combine a beginning with an ending."""
    if settings.prefixes:
        for prefix in settings.prefixes:
            yield from ({"wildcard": f"{prefix}*{suffix}"} for suffix in spellings(settings))
    else:
        for suffix in settings.suffixes:
            yield {"suffix": {"equals-ignore-case": suffix} if settings.ignore_case else suffix}
