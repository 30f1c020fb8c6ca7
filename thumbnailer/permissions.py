"""What the function may do: read the videos, read and write the pictures, log, trace, report failures; nothing else."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .bucket import Bucket
from .policy import Statement, document
from .settings import Settings, output_endings


@dataclass(frozen=True)
class FunctionRole:
    """`policy` is what the role may do; the function is made after it."""

    arn: pulumi.Output[str]
    policy: pulumi.Resource


def create_role(
    base: str,
    settings: Settings,
    videos: Bucket,
    images: Bucket,
    log_group: aws.cloudwatch.LogGroup,
    failure_queue: aws.sqs.Queue,
    opts: pulumi.ResourceOptions,
) -> FunctionRole:
    """A role that only Lambda assumes, with one policy of its own."""
    role = aws.iam.Role(
        f"{base}-role",
        description="What the video thumbnailer's function may do",
        assume_role_policy=document(
            Statement("LambdaAssumes", ["sts:AssumeRole"], [], principals={"Service": "lambda.amazonaws.com"})
        ),
        opts=opts,
    )
    policy = aws.iam.RolePolicy(
        f"{base}-role",
        role=role.name,
        policy=document(
            Statement(
                "ReadTheVideosThatTrigger",
                ["s3:GetObject", "s3:GetObjectVersion"],
                [pulumi.Output.concat(videos.arn, "/*", suffix) for suffix in settings.suffixes],
            ),
            # S3 answers 403 for a video that is gone as for one that is forbidden. The function then asks which keys
            # start with this very key, which the condition allows; to list the bucket or a folder, whose prefix ends in
            # no suffix, stays denied.
            Statement(
                "TellMissingFromForbidden",
                ["s3:ListBucket"],
                [videos.arn],
                conditions={"StringLike": {"s3:prefix": [f"*{suffix}" for suffix in settings.suffixes]}},
            ),
            Statement(
                "ReadAndWriteTheImages",
                ["s3:GetObject", "s3:PutObject"],
                [
                    pulumi.Output.concat(images.arn, "/", settings.output_prefix, "*", ending)
                    for ending in output_endings(settings)
                ],
            ),
            Statement(
                "WriteItsOwnLog",
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                [pulumi.Output.concat(log_group.arn, ":*")],
            ),
            Statement("ReportFailedEvents", ["sqs:SendMessage"], [failure_queue.arn]),
            # The one wildcard: X-Ray's write actions know no resource (Service Authorization Reference, AWS X-Ray).
            Statement("SendTraces", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"]),
        ),
        opts=opts,
    )
    return FunctionRole(arn=role.arn, policy=policy)
