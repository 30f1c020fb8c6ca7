"""The function that makes the pictures, its log, and the queue for events that it cannot deal with."""

import pulumi
import pulumi_aws as aws

from .bucket import Bucket
from .environment import function_environment
from .image import FunctionImage
from .permissions import FunctionRole
from .policy import document, without_tls
from .settings import Settings

RETRIES = 2
"""Further tries of an event that failed; Lambda's own most (Lambda Developer Guide, "Asynchronous invocation")."""

EVENT_AGE_SECONDS = 6 * 3600
"""How long an event waits while the function is throttled; Lambda's own most (same source)."""

FAILURES_KEPT_SECONDS = 14 * 24 * 3600
"""SQS's longest: somebody has to find the failed event and replay it."""


def create_log_group(base: str, retention_days: int, opts: pulumi.ResourceOptions) -> aws.cloudwatch.LogGroup:
    """The function's log. Made before the function: Lambda would make one itself that nobody expires or deletes."""
    return aws.cloudwatch.LogGroup(f"/aws/lambda/{base}", retention_in_days=retention_days, opts=opts)


def create_failure_queue(base: str, opts: pulumi.ResourceOptions) -> aws.sqs.Queue:
    """The encrypted queue that takes every event that failed for good."""
    queue = aws.sqs.Queue(
        f"{base}-failures",
        message_retention_seconds=FAILURES_KEPT_SECONDS,
        sqs_managed_sse_enabled=True,
        opts=opts,
    )
    aws.sqs.QueuePolicy(
        f"{base}-failures",
        queue_url=queue.url,
        # The actions that carry events.
        policy=document(without_tls(["sqs:SendMessage", "sqs:ReceiveMessage"], [queue.arn])),
        opts=opts,
    )
    return queue


def create_function(
    base: str,
    settings: Settings,
    image: FunctionImage,
    role: FunctionRole,
    images: Bucket,
    log_group: aws.cloudwatch.LogGroup,
    failure_queue: aws.sqs.Queue,
    opts: pulumi.ResourceOptions,
) -> aws.lambda_.Function:
    """The function, able to work from its first event on, and what becomes of an event that fails."""
    function = aws.lambda_.Function(
        f"{base}-function",
        description="Makes the thumbnails of the videos that are put into the bucket",
        package_type="Image",
        image_uri=image.digest,
        architectures=[settings.architecture],
        role=role.arn,
        memory_size=settings.memory_size,
        timeout=settings.timeout,
        reserved_concurrent_executions=settings.reserved_concurrency,
        environment=aws.lambda_.FunctionEnvironmentArgs(variables=function_environment(settings, images.name)),
        logging_config=aws.lambda_.FunctionLoggingConfigArgs(
            log_format="JSON",
            application_log_level="INFO",
            system_log_level="INFO",
            log_group=log_group.name,
        ),
        tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active"),
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=[log_group, role.policy, image.pull_policy])
        ),
    )
    aws.lambda_.FunctionEventInvokeConfig(
        f"{base}-function",
        function_name=function.name,
        maximum_retry_attempts=RETRIES,
        maximum_event_age_in_seconds=EVENT_AGE_SECONDS,
        destination_config=aws.lambda_.FunctionEventInvokeConfigDestinationConfigArgs(
            on_failure=aws.lambda_.FunctionEventInvokeConfigDestinationConfigOnFailureArgs(
                destination=failure_queue.arn
            )
        ),
        opts=opts,
    )
    return function
