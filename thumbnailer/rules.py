"""Rules of EventBridge that call the function."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

RETRIES = 185
"""EventBridge's most (EventBridge User Guide, "Retry policy"). Lambda takes an event into a queue of its own at once,
so what is tried again here is a delivery that failed, and not a video."""

EVENT_AGE_SECONDS = 6 * 3600
"""How long a delivery is tried; as long as Lambda keeps an event after it."""


@dataclass(frozen=True)
class Rule:
    """A rule, and the bus that it is on: its name, or None for the account's default bus, which S3 sends to."""

    label: str
    """Its name in the stack."""
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    bus: pulumi.Input[str] | None


def create_rule(
    name: str,
    description: str,
    pattern: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
    bus: pulumi.Output[str] | None = None,
) -> Rule:
    """Return a rule on the bus with this ARN, with an event pattern whose parts may be outputs."""
    bus_name = bus.apply(lambda arn: arn.partition(":event-bus/")[2]) if bus else None
    rule = aws.cloudwatch.EventRule(
        name,
        description=description,
        event_pattern=pulumi.Output.json_dumps(pattern, separators=(",", ":")),
        event_bus_name=bus_name,
        opts=opts,
    )
    return Rule(name, rule.name, rule.arn, bus_name)


def call_function(
    rule: Rule,
    function: aws.lambda_.Function,
    dead_letters: aws.sqs.Queue,
    closed: aws.sqs.QueuePolicy,
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.EventTarget:
    """Make `function` the target of `rule`; what cannot be delivered goes to `dead_letters`, as `closed` allows."""
    permission = aws.lambda_.Permission(
        rule.label,
        action="lambda:InvokeFunction",
        function=function.name,
        principal="events.amazonaws.com",
        # A rule's ARN names its account.
        source_arn=rule.arn,
        opts=opts,
    )
    return aws.cloudwatch.EventTarget(
        rule.label,
        rule=rule.name,
        event_bus_name=rule.bus,
        arn=function.arn,
        retry_policy=aws.cloudwatch.EventTargetRetryPolicyArgs(
            maximum_retry_attempts=RETRIES, maximum_event_age_in_seconds=EVENT_AGE_SECONDS
        ),
        dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=dead_letters.arn),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[permission, closed])),
    )
