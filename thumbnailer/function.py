"""The function that makes the outputs, its log, and what becomes of an event that fails."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from .image import FunctionImage
from .names import function_name
from .permissions import FunctionRole
from .settings import Settings, image_settings

VARIABLE = "THUMBNAILER"
"""The environment variable that the image reads: all that passes from the infrastructure to it."""

RETRIES = 2
"""Further tries of an event that failed; Lambda's own most (Lambda Developer Guide, "Asynchronous invocation")."""

EVENT_AGE_SECONDS = 6 * 3600
"""How long an event waits while the function is throttled; Lambda's own most (same source)."""


def create_log_group(base: str, retention_days: int, opts: pulumi.ResourceOptions) -> aws.cloudwatch.LogGroup:
    """Return the function's log. Made before the function: Lambda would make one itself that nobody expires or
    deletes."""
    return aws.cloudwatch.LogGroup(f"/aws/lambda/{base}", retention_in_days=retention_days, opts=opts)


def create_function(
    base: str,
    settings: Settings,
    image: FunctionImage,
    role: FunctionRole,
    log_group: aws.cloudwatch.LogGroup,
    failure_queue: aws.sqs.Queue,
    event_bus: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> aws.lambda_.Function:
    """Return the function, able to work from its first event on; it announces outcomes on `event_bus` (an ARN, or
    empty)."""
    told = {**image_settings(settings), "eventBus": event_bus}
    function = aws.lambda_.Function(
        function_name(base),
        description="Makes the thumbnails of the videos that are put into the bucket",
        package_type="Image",
        image_uri=image.digest,
        architectures=[settings.architecture],
        role=role.arn,
        memory_size=settings.memory_size,
        timeout=settings.timeout,
        reserved_concurrent_executions=settings.reserved_concurrency,
        environment=aws.lambda_.FunctionEnvironmentArgs(variables={VARIABLE: _written(told)}),
        logging_config=aws.lambda_.FunctionLoggingConfigArgs(
            log_format="JSON",
            application_log_level="INFO",
            system_log_level="INFO",
            log_group=log_group.name,
        ),
        vpc_config=aws.lambda_.FunctionVpcConfigArgs(
            subnet_ids=settings.subnet_ids, security_group_ids=settings.security_group_ids
        )
        if settings.subnet_ids
        else None,
        tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active"),
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=[log_group, role.policy, *image.allows])
        ),
    )
    aws.lambda_.FunctionEventInvokeConfig(
        function_name(base),
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


def _written(settings: Mapping[str, Any]) -> pulumi.Output[str]:
    # Short, because Lambda takes 4 KB of variables (Lambda Developer Guide, "Lambda quotas").
    return pulumi.Output.json_dumps(settings, separators=(",", ":"), ensure_ascii=False)
