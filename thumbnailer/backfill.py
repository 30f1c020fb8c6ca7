"""What S3 Batch Operations needs to call the function for videos that are there already."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .account import Account
from .bucket import Bucket
from .permissions import use_keys
from .policy import Statement, document
from .settings import Settings

FOLDER = "video-thumbnailer-backfill"
"""Where jobs find and write their manifests and reports, in the bucket of the outputs."""


@dataclass(frozen=True)
class Backfill:
    """`role`: the ARN of what jobs run as. `reports`: where their manifests and reports lie, `s3://…`."""

    role: pulumi.Output[str]
    reports: pulumi.Output[str]


def create_backfill(
    base: str,
    settings: Settings,
    videos: Bucket,
    outputs: Bucket,
    function: aws.lambda_.Function,
    account: Account,
    opts: pulumi.ResourceOptions,
) -> Backfill:
    """Return a role that only S3 Batch Operations assumes: it calls the function, lists the videos, and writes
    reports."""
    role = aws.iam.Role(
        f"{base}-backfill",
        description="What S3 Batch Operations may do for the video thumbnailer",
        assume_role_policy=document(
            Statement(
                "BatchOperationsAssumes",
                ["sts:AssumeRole"],
                [],
                principals={"Service": "batchoperations.s3.amazonaws.com"},
            )
        ),
        opts=opts,
    )
    folder = pulumi.Output.concat(outputs.arn, "/", FOLDER, "/*")
    aws.iam.RolePolicy(
        f"{base}-backfill",
        role=role.name,
        policy=document(
            Statement("CallTheFunction", ["lambda:InvokeFunction"], [function.arn]),
            # How S3 generates a manifest (S3 User Guide, "Configuring an IAM role for S3 Batch Replication").
            Statement("ListTheVideos", ["s3:PutInventoryConfiguration"], [videos.arn]),
            Statement("KeepManifestsAndReports", ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], [folder]),
            Statement("FindTheReports", ["s3:GetBucketLocation"], [outputs.arn]),
            *use_keys(settings, account),
        ),
        opts=opts,
    )
    return Backfill(role.arn, pulumi.Output.concat("s3://", outputs.name, "/", FOLDER))
