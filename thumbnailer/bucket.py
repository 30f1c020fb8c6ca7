"""The bucket that takes the videos: a new private one, or one that exists already."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .account import Account
from .policy import document, without_tls
from .refusal import Refused


@dataclass(frozen=True)
class Bucket:
    """What the rest of the service needs to know of a bucket."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]


def find_bucket(name: pulumi.Input[str], account: Account, parent: pulumi.Resource) -> Bucket:
    """Return the bucket called `name`, which stays as it is.

    Raises, from the outputs:
        Refused: it is in another region.
    """
    found = aws.s3.get_bucket_output(bucket=name, opts=pulumi.InvokeOptions(parent=parent))

    def same_region(seen: Sequence[str]) -> str:
        bucket, its, ours = seen
        if its != ours:
            raise Refused(
                f"bucket {bucket} is in {its}, and the stack in {ours}: S3 calls functions of its own region only, and "
                f"outputs are written there. Deploy the stack where the bucket is: pulumi config set aws:region {its}"
            )
        return bucket

    checked = pulumi.Output.all(found.bucket, found.bucket_region, account.region).apply(same_region)
    return Bucket(name=checked, arn=found.arn)


def create_bucket(base: str, force_destroy: bool, opts: pulumi.ResourceOptions) -> Bucket:
    """Return a bucket that only its account reaches, encrypted, over TLS only."""
    bucket = aws.s3.Bucket(f"{base}-videos", force_destroy=force_destroy, opts=opts)
    # `destroy` deletes what is part of the bucket first, and then finds that a bucket with videos in it cannot be
    # deleted: it must not stand there without its policy and open to the public.
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(deleted_with=bucket))
    closed = aws.s3.BucketPublicAccessBlock(
        f"{base}-videos",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    aws.s3.BucketOwnershipControls(
        f"{base}-videos",
        bucket=bucket.bucket,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=opts,
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{base}-videos",
        bucket=bucket.bucket,
        rules=[
            aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=(
                    aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="AES256"
                    )
                ),
                # The function has no key of an uploader's, and would reject each such video.
                blocked_encryption_types=["SSE-C"],
            )
        ],
        opts=opts,
    )
    aws.s3.BucketLifecycleConfiguration(
        f"{base}-videos",
        bucket=bucket.bucket,
        rules=[
            aws.s3.BucketLifecycleConfigurationRuleArgs(
                id="abort-unfinished-uploads",
                status="Enabled",
                filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(),
                # A broken multipart upload is invisible and paid for until it is aborted; a day is time to resume one.
                abort_incomplete_multipart_upload=(
                    aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(days_after_initiation=1)
                ),
            )
        ],
        opts=opts,
    )
    aws.s3.BucketPolicy(
        f"{base}-videos",
        bucket=bucket.bucket,
        policy=document(without_tls(["s3:*"], [bucket.arn, pulumi.Output.concat(bucket.arn, "/*")])),
        # S3 answers two changes of a bucket's access at the same time with OperationAborted.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[closed])),
    )
    return Bucket(name=bucket.bucket, arn=bucket.arn)
