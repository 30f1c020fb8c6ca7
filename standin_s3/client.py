"""boto3's client of a stand-in."""

from typing import Any

import boto3
from botocore.config import Config

from standin_s3.s3 import CREDENTIALS, S3


def client_of(s3: S3, **config: Any) -> Any:
    """Return a client that sends each request once; `config` as botocore's `Config` takes it."""
    return boto3.client(
        "s3",
        endpoint_url=s3.url(),
        verify=s3.bundle() or None,
        region_name=CREDENTIALS["AWS_REGION"],
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(**{"retries": {"total_max_attempts": 1}, **config}),
    )
