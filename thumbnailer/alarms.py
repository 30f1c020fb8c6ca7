"""Alarms for what needs a person, and whom they tell."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from .account import Account
from .policy import Statement, document, without_tls
from .settings import Settings

PERIOD_SECONDS = 300

NEAR_THE_LIMIT = 0.8
"""Share of its time limit from which a video counts as slow: a little larger, and it is cut off."""

ADMINISTRATION = (
    *("kms:DescribeKey", "kms:GetKeyPolicy", "kms:PutKeyPolicy", "kms:ListKeyPolicies", "kms:UpdateKeyDescription"),
    *("kms:EnableKeyRotation", "kms:DisableKeyRotation", "kms:GetKeyRotationStatus", "kms:EnableKey", "kms:DisableKey"),
    *("kms:TagResource", "kms:UntagResource", "kms:ListResourceTags"),
    *("kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"),
)
"""What the account may do with the key of the alarms: all but use it."""


def create_alarms(
    base: str,
    settings: Settings,
    function: aws.lambda_.Function,
    failure_queue: aws.sqs.Queue,
    account: Account,
    opts: pulumi.ResourceOptions,
) -> None:
    """Create six alarms; each tells when it starts and when it ends, by mail and on the topic of the settings."""
    actions: list[pulumi.Input[str]] = [settings.alarm_topic] if settings.alarm_topic else []
    if settings.alarm_email:
        actions.append(_mail_topic(base, settings.alarm_email, account, opts))

    def alarm(
        name: str,
        description: str,
        metric: str,
        statistic: str,
        threshold: float,
        dimensions: Mapping[str, pulumi.Input[str]],
        namespace: str = "AWS/Lambda",
    ) -> None:
        aws.cloudwatch.MetricAlarm(
            f"{base}-{name}",
            alarm_description=description,
            namespace=namespace,
            metric_name=metric,
            dimensions=dimensions,
            statistic=statistic,
            period=PERIOD_SECONDS,
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=threshold,
            # No video in five minutes gives no data, and is no fault.
            treat_missing_data="notBreaching",
            alarm_actions=actions,
            ok_actions=actions,
            opts=opts,
        )

    of_function = {"FunctionName": function.name}
    alarm("errors", "An invocation failed; Lambda tries its event again.", "Errors", "Sum", 0, of_function)
    alarm("throttles", "Events wait: the function may not run more often at once.", "Throttles", "Sum", 0, of_function)
    # A video is given up when the first of its two limits is reached.
    seconds = min(settings.timeout, settings.job_seconds)
    alarm(
        "duration",
        f"A video took more than {NEAR_THE_LIMIT:.0%} of its {seconds} seconds.",
        "Duration",
        "Maximum",
        round(seconds * 1000 * NEAR_THE_LIMIT),
        of_function,
    )
    alarm(
        "dropped-events",
        "Events were dropped before they were tried: they were too old, or the failure queue took them.",
        "AsyncEventsDropped",
        "Sum",
        0,
        of_function,
    )
    alarm(
        "lost-events",
        "Events failed for good and could not be kept in the failure queue.",
        "DestinationDeliveryFailures",
        "Sum",
        0,
        of_function,
    )
    alarm(
        "failed-events",
        "Events failed for good and lie in the failure queue: their videos have no thumbnail.",
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        0,
        {"QueueName": failure_queue.name},
        namespace="AWS/SQS",
    )


def _mail_topic(base: str, address: str, account: Account, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    # A key of its own: CloudWatch may not use AWS's key for SNS (alias/aws/sns), and its alarms would be lost in
    # silence (Amazon SNS Developer Guide, "Enable compatibility between event sources and encrypted topics").
    # CloudWatch tells both key and topic whose alarm it is, and so neither serves another account's (same page, on
    # aws:SourceAccount and aws:SourceArn, which it allows for all services but EventBridge).
    only_own_alarms = {
        "ArnLike": {"aws:SourceArn": account.arn("cloudwatch", "alarm:*")},
        "StringEquals": {"aws:SourceAccount": account.id},
    }
    key = aws.kms.Key(
        f"{base}-alarms",
        description="Encrypts the alarms of the video thumbnailer on their way to SNS",
        enable_key_rotation=True,
        deletion_window_in_days=7,
        policy=document(
            # In a key's policy "*" is the key itself; without this statement nobody could administer it.
            Statement("AccountAdministers", ADMINISTRATION, ["*"], principals={"AWS": account.root}),
            Statement(
                "AlarmsEncrypt",
                ["kms:Decrypt", "kms:GenerateDataKey*"],
                ["*"],
                principals={"Service": "cloudwatch.amazonaws.com"},
                conditions=only_own_alarms,
            ),
        ),
        opts=opts,
    )
    topic = aws.sns.Topic(f"{base}-alarms", kms_master_key_id=key.arn, opts=opts)
    aws.sns.TopicPolicy(
        f"{base}-alarms",
        arn=topic.arn,
        policy=document(
            Statement(
                "AlarmsPublish",
                ["sns:Publish"],
                [topic.arn],
                principals={"Service": "cloudwatch.amazonaws.com"},
                conditions=only_own_alarms,
            ),
            without_tls(["sns:Publish"], [topic.arn]),
        ),
        opts=opts,
    )
    aws.sns.TopicSubscription(f"{base}-alarms", topic=topic.arn, protocol="email", endpoint=address, opts=opts)
    return topic.arn
