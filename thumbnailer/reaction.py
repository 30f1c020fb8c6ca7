"""What follows on new thumbnails: a handler of one's own, called for each video whose files are there."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from .bus import MADE, SOURCE
from .names import base_name
from .policy import Statement, document
from .queue import close_queue, create_queue
from .rules import EVENT_AGE_SECONDS, RETRIES, create_rule
from .tags import tagging

RIGHTS = {"lambda": "lambda:InvokeFunction", "sqs": "sqs:SendMessage", "sns": "sns:Publish"}
"""What EventBridge needs of a handler, by the service in the handler's ARN."""


class OnNewThumbnail(pulumi.ComponentResource):
    """Sends each announcement of new thumbnails to a handler::

        thumbnails = VideoThumbnailer("thumbnails", Settings(notify=True))
        OnNewThumbnail("site", bus=thumbnails.event_bus, handler=function.arn)

    An announcement comes at least once; its `detail.id` tells a repetition. What cannot be delivered within six hours
    lies in the queue `undelivered`.
    """

    undelivered: pulumi.Output[str]
    """URL of the queue for announcements that the handler could not be given."""

    def __init__(
        self,
        name: str,
        bus: pulumi.Input[str],
        handler: pulumi.Input[str],
        announcements: Sequence[str] = (MADE,),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`bus` is the ARN that announcements go to. `handler` is the ARN of a Lambda function, an SQS queue or an SNS
        topic, whose own policy stays as it is: EventBridge gets a role. One that is encrypted with a KMS key must let
        that role use it. `announcements` are detail types, such as `Video Rejected` besides.
        """
        tags = {"Project": pulumi.get_project(), "Stack": pulumi.get_stack()}
        super().__init__(
            "thumbnailer:index:OnNewThumbnail",
            name,
            opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(transformations=[tagging(tags)]), opts),
        )
        base = base_name(name)
        child = pulumi.ResourceOptions(parent=self)
        arn = pulumi.Output.from_input(handler)
        pattern = {"source": [SOURCE], "detail-type": list(announcements)}
        rule = create_rule(f"{base}-announcements", "New thumbnails", pattern, child, pulumi.Output.from_input(bus))
        role = aws.iam.Role(
            f"{base}-announcer",
            description="Lets EventBridge announce new thumbnails to their handler",
            assume_role_policy=document(
                Statement("EventBridgeAssumes", ["sts:AssumeRole"], [], principals={"Service": "events.amazonaws.com"})
            ),
            opts=child,
        )
        right = aws.iam.RolePolicy(
            f"{base}-announcer",
            role=role.name,
            policy=document(Statement("GiveToTheHandler", [arn.apply(_right)], [arn])),
            opts=child,
        )
        queue = create_queue(f"{base}-undelivered", child)
        queue_policy = close_queue(f"{base}-undelivered", queue, [rule], child)
        aws.cloudwatch.EventTarget(
            f"{base}-announcements",
            rule=rule.name,
            event_bus_name=rule.bus,
            arn=arn,
            role_arn=role.arn,
            retry_policy=aws.cloudwatch.EventTargetRetryPolicyArgs(
                maximum_retry_attempts=RETRIES, maximum_event_age_in_seconds=EVENT_AGE_SECONDS
            ),
            dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=queue.arn),
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[right, queue_policy])),
        )
        self.undelivered = queue.url
        self.register_outputs({"undelivered": self.undelivered})


def _right(arn: str) -> str:
    service = arn.split(":")[2] if arn.count(":") > 4 else ""
    if service not in RIGHTS:
        raise ValueError(f"handler is {arn}; it may be the ARN of a Lambda function, an SQS queue or an SNS topic")
    return RIGHTS[service]
