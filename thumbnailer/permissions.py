"""What the function may do: read videos, write their outputs, log, trace, report failures, announce; nothing else."""

import itertools
import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .account import Account
from .bucket import Bucket
from .bus import SOURCE
from .names import function_name
from .policy import Statement, document
from .settings import MOST_PATTERNS, Settings, output_endings, spellings

KEYS_CHARACTERS = 3500
"""What the keys of the videos may take of the 10,240 characters that a role's inline policies have (IAM quotas)."""
BUCKET_CHARACTERS = 80
"""The ARN of a bucket, with the quotes and the comma around a resource."""


@dataclass(frozen=True)
class FunctionRole:
    """`policy` is what the role may do; the function is made after it."""

    arn: pulumi.Output[str]
    policy: pulumi.Resource


def create_role(
    base: str,
    settings: Settings,
    videos: Bucket,
    outputs: Bucket,
    log_group: aws.cloudwatch.LogGroup,
    failure_queue: aws.sqs.Queue,
    event_bus: pulumi.Output[str] | None,
    account: Account,
    opts: pulumi.ResourceOptions,
) -> FunctionRole:
    """Return a role that only Lambda assumes, with one policy of its own."""
    readable = _keys_of_videos(settings)
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
                [pulumi.Output.concat(videos.arn, "/", keys) for keys in readable],
            ),
            # S3 answers 403 for a video that is gone as for one that is forbidden. The function then asks which keys
            # start with this very key, which the condition allows; to list the bucket or a folder, whose prefix ends in
            # no suffix, stays denied.
            Statement(
                "TellMissingFromForbidden",
                ["s3:ListBucket"],
                [videos.arn],
                conditions={"StringLike": {"s3:prefix": readable}},
            ),
            Statement(
                "ReadAndWriteTheOutputs",
                ["s3:GetObject", "s3:PutObject", *(["s3:DeleteObject"] if settings.delete_outputs else [])],
                [
                    pulumi.Output.concat(outputs.arn, "/", settings.output_prefix, "*", ending)
                    for ending in output_endings(settings)
                ],
            ),
            Statement(
                "WriteItsOwnLog",
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                [pulumi.Output.concat(log_group.arn, ":*")],
            ),
            Statement("ReportFailedEvents", ["sqs:SendMessage"], [failure_queue.arn]),
            # X-Ray's write actions know no resource (Service Authorization Reference, AWS X-Ray).
            Statement("SendTraces", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"]),
            *use_keys(settings, account),
            *(_announce(event_bus) if event_bus else ()),
            *(_join_network(base, settings, account) if settings.subnet_ids else ()),
        ),
        opts=opts,
    )
    return FunctionRole(arn=role.arn, policy=policy)


def use_keys(settings: Settings, account: Account) -> list[Statement]:
    """Let S3 read and write with the buckets' keys on the role's behalf, and nobody use them otherwise."""
    if not settings.kms_keys:
        return []
    service = pulumi.Output.concat("s3.", account.region, ".", account.dns_suffix)
    return [
        Statement(
            "UseTheKeysThroughS3",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            settings.kms_keys,
            conditions={"StringEquals": {"kms:ViaService": service}},
        )
    ]


def _announce(event_bus: pulumi.Output[str]) -> list[Statement]:
    # EventBridge always tells the source (Service Authorization Reference, Amazon EventBridge); emulators may not.
    condition = {"StringEqualsIfExists": {"events:source": SOURCE}}
    return [Statement("AnnounceOutcomes", ["events:PutEvents"], [event_bus], conditions=condition)]


def _join_network(base: str, settings: Settings, account: Account) -> list[Statement]:
    """Return what Lambda needs to place the function in a VPC; the function's own code is denied it (Lambda Developer
    Guide, "Giving Lambda functions access to resources in an Amazon VPC")."""
    interfaces = account.arn("ec2", "network-interface/*")
    create = "ec2:CreateNetworkInterface"
    change = ["ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"]
    look = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    return [
        Statement(
            "CreateNetworkInterfaces",
            [create],
            [
                interfaces,
                *(account.arn("ec2", pulumi.Output.concat("subnet/", each)) for each in settings.subnet_ids),
                *(
                    account.arn("ec2", pulumi.Output.concat("security-group/", each))
                    for each in settings.security_group_ids
                ),
            ],
        ),
        Statement("ChangeNetworkInterfaces", change, [interfaces]),
        # They know no resource (Service Authorization Reference, Amazon EC2).
        Statement("FindNetworkInterfaces", look, ["*"]),
        Statement(
            "NotTheFunctionItself",
            [create, *change, *look],
            ["*"],
            effect="Deny",
            conditions={
                "ArnLike": {"lambda:SourceFunctionArn": account.arn("lambda", f"function:{function_name(base)}-*")}
            },
        ),
    ]


def _keys_of_videos(settings: Settings) -> list[str]:
    """Patterns of the keys that trigger; where these are too many for a policy, of more keys than that."""
    prefixes = settings.prefixes or ("",)
    spelled = list(itertools.islice(spellings(settings), MOST_PATTERNS))
    exact = [f"{prefix}*{suffix}" for prefix in prefixes for suffix in spelled]
    for keys in (exact, [f"{prefix}*" for prefix in prefixes]):
        # Each stands in the policy twice.
        if sum(BUCKET_CHARACTERS + 2 * len(json.dumps(key)) for key in keys) <= KEYS_CHARACTERS:
            return keys
    return ["*"]
