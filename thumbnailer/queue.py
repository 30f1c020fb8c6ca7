"""Queues for events that could not be delivered or dealt with."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from .policy import Statement, document, without_tls
from .rules import Rule

KEPT_SECONDS = 14 * 24 * 3600
"""SQS's longest: somebody has to find the event and replay it."""


def create_queue(name: str, opts: pulumi.ResourceOptions) -> aws.sqs.Queue:
    """Return an encrypted queue. It needs `close_queue` too, which knows who sends to it."""
    return aws.sqs.Queue(name, message_retention_seconds=KEPT_SECONDS, sqs_managed_sse_enabled=True, opts=opts)


def close_queue(
    name: str, queue: aws.sqs.Queue, rules: Sequence[Rule], opts: pulumi.ResourceOptions
) -> aws.sqs.QueuePolicy:
    """Return the queue's policy: TLS only, and EventBridge may send what it could not deliver for `rules`."""
    statements = [
        Statement(
            "EventBridgeSendsWhatItCouldNotDeliver",
            ["sqs:SendMessage"],
            [queue.arn],
            principals={"Service": "events.amazonaws.com"},
            conditions={"ArnEquals": {"aws:SourceArn": [rule.arn for rule in rules]}},
        )
    ]
    return aws.sqs.QueuePolicy(
        name,
        queue_url=queue.url,
        policy=document(
            *(statements if rules else ()),
            # The actions that carry events.
            without_tls(["sqs:SendMessage", "sqs:ReceiveMessage"], [queue.arn]),
        ),
        opts=opts,
    )
