"""The EventBridge bus on which outcomes are announced, and on which another picture of a video can be asked for."""

import pulumi
import pulumi_aws as aws

from .bucket import Bucket
from .rules import Rule, create_rule
from .settings import Settings

SOURCE = "video-thumbnailer"
"""`source` of this project's events."""
MADE = "Thumbnails Made"
"""`detail-type` of the event that files of a video were written."""
RETAKE = "Retake Requested"
"""`detail-type` of the event that asks the function for other pictures."""


def find_bus(base: str, settings: Settings, opts: pulumi.ResourceOptions) -> pulumi.Output[str] | None:
    """Return the ARN of the bus: a new one, or one that exists; None where nothing is to be announced."""
    if settings.notify is True:
        return aws.cloudwatch.EventBus(
            f"{base}-outcomes", description="What became of each video of the video thumbnailer", opts=opts
        ).arn
    return pulumi.Output.from_input(settings.notify) if settings.notify else None


def takes_requests(settings: Settings, parent: pulumi.Resource) -> bool:
    """Return whether the bus can have a rule of this stack: those of other accounts and regions cannot."""
    if not isinstance(settings.notify, str):
        return settings.notify is True
    opts = pulumi.InvokeOptions(parent=parent)
    here = aws.get_region(opts=opts).region, aws.get_caller_identity(opts=opts).account_id
    return tuple(settings.notify.split(":")[3:5]) == here


def create_retake_rule(base: str, bus: pulumi.Output[str], videos: Bucket, opts: pulumi.ResourceOptions) -> Rule:
    """Return the rule that takes requests for this bucket's videos from the bus, which several stacks may share."""
    pattern = {"source": [SOURCE], "detail-type": [RETAKE], "detail": {"retake": {"bucket": [videos.name]}}}
    return create_rule(f"{base}-retakes", "Asks the video thumbnailer for other pictures", pattern, opts, bus)
