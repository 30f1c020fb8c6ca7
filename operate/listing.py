"""The videos of a bucket: by listing it, or from a file of chosen keys."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from operate.problem import OperateFailure, said


@dataclass(frozen=True)
class Listed:
    """An object as a listing shows it."""

    key: str
    size: int
    """Bytes."""
    modified: datetime
    storage_class: str


def objects(s3: Any, bucket: str, prefix: str = "") -> Iterator[Listed]:
    """List the objects whose keys start with `prefix`, by their keys.

    Raises:
        OperateFailure: S3 refuses.
    """
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", []):
                yield Listed(found["Key"], found["Size"], found["LastModified"], found.get("StorageClass", "STANDARD"))
    except (BotoCoreError, ClientError) as error:
        raise OperateFailure(f"bucket {bucket} cannot be listed: {said(error)}") from error


def chosen(path: str) -> Sequence[str]:
    """Read keys from a file, one a line, as they are (not URL-encoded); `-` is the standard input.

    Raises:
        OperateFailure: it cannot be read, or holds none.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise OperateFailure(f"the list {path} cannot be read: {error}") from error
    # Not splitlines(): a key may hold any of the characters that it takes for the end of a line.
    keys = [line.removesuffix("\r") for line in text.split("\n") if line.strip()]
    if not keys:
        raise OperateFailure(f"the list {path} holds no key")
    return list(dict.fromkeys(keys))
