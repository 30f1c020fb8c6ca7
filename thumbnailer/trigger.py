"""From an object that is put into the bucket to a call of the function."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from .account import Account
from .bucket import Bucket


def create_trigger(
    base: str,
    suffixes: Sequence[str],
    videos: Bucket,
    function: aws.lambda_.Function,
    account: Account,
    opts: pulumi.ResourceOptions,
) -> None:
    """Calls `function` for every new object of `videos` whose key ends in one of `suffixes`.

    S3 keeps one notification configuration a bucket: all rules are in this one resource, and it replaces any that an
    existing bucket had.
    """
    permission = aws.lambda_.Permission(
        f"{base}-bucket",
        action="lambda:InvokeFunction",
        function=function.name,
        principal="s3.amazonaws.com",
        source_arn=videos.arn,
        # A bucket's ARN does not name its account: the name could be another's after the bucket was deleted.
        source_account=account.id,
        opts=opts,
    )
    aws.s3.BucketNotification(
        f"{base}-notification",
        bucket=videos.name,
        lambda_functions=[
            aws.s3.BucketNotificationLambdaFunctionArgs(
                lambda_function_arn=function.arn,
                events=["s3:ObjectCreated:*"],
                filter_suffix=suffix,
            )
            for suffix in suffixes
        ],
        # S3 tries the permission when it takes the notification, and refuses it without.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[permission])),
    )
