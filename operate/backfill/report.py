"""What became of each object, from the completion reports of S3 Batch Operations.

A report is CSV without a head line, several files of it named by a `manifest.json` (S3 User Guide, "Examples: S3 Batch
Operations completion reports"): Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage. Keys are
URL-encoded. In AWS's own examples the fifth column holds the HTTP status and the sixth the error's code.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TextIO
from urllib.parse import unquote_plus

from botocore.exceptions import BotoCoreError, ClientError

from operate import table
from operate.problem import OperateFailure, said

COLUMNS = ("bucket", "key", "outcome", "what", "job")
FAILED = "failed"
"""An object that has no outcome of the function: it may succeed later."""
REJECTED = "rejected"
REASONS = 10
"""Reasons of rejected and failed objects that are shown, the most frequent first."""


@dataclass(frozen=True)
class Row:
    """What became of one object."""

    bucket: str
    key: str
    outcome: str
    """The function's, or `failed`."""
    what: str
    """The reason, or notes."""
    job: str


@dataclass
class Tally:
    """What became of all objects, counted."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Of those that were rejected or failed, with the outcome before it."""

    def add(self, row: Row) -> None:
        """Count one more object."""
        self.outcomes[row.outcome] += 1
        if row.outcome in (REJECTED, FAILED):
            self.reasons[f"{row.outcome}: {row.what or 'no reason is given'}"] += 1

    @property
    def objects(self) -> int:
        """How many objects were counted."""
        return self.outcomes.total()

    def show(self) -> None:
        """Print the outcomes, and the reasons of what was not made."""
        total = max(1, self.objects)
        rows = [(name, f"{count:,}", f"{count / total:.1%}") for name, count in self.outcomes.most_common()]
        table.show(("outcome", "objects", "share"), rows, right=(1, 2))
        if self.reasons:
            print()
            shown = self.reasons.most_common(REASONS)
            table.show(("objects", "reason"), [(f"{count:,}", reason) for reason, count in shown], right=(0,))
            if len(self.reasons) > REASONS:
                print(f"… and {len(self.reasons) - REASONS:,} more reasons, in the CSV")


def rows(s3: Any, bucket: str, prefix: str, job: str) -> Iterator[Row]:
    """Read the report of a job, `prefix` being that of all reports.

    Raises:
        OperateFailure: it cannot be read, or is of another form.
    """
    place = f"{prefix}/job-{job}/manifest.json"
    try:
        manifest = json.loads(s3.get_object(Bucket=bucket, Key=place)["Body"].read())
        for result in manifest["Results"]:
            body = s3.get_object(Bucket=result["Bucket"], Key=result["Key"])["Body"]
            yield from parsed(io.TextIOWrapper(io.BufferedReader(_Raw(body)), encoding="utf-8", newline=""), job)
    except (BotoCoreError, ClientError) as error:
        raise OperateFailure(f"the report s3://{bucket}/{place} cannot be read: {said(error)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise OperateFailure(f"the report s3://{bucket}/{place} is of another form: {error!r}") from error


def parsed(lines: Iterable[str], job: str) -> Iterator[Row]:
    """Read lines of a report.

    Raises:
        ValueError: a line has not the seven columns.
    """
    for cells in csv.reader(lines):
        if len(cells) != 7:
            raise ValueError(f"a line of {len(cells)} columns instead of 7")
        bucket, key, _, status, *codes, message = cells
        outcome, _, what = message.partition(": ")
        if status != "succeeded" and outcome != REJECTED:
            # The guide says that results of failed tasks are ignored: without a text it was the function's own answer.
            outcome, what = (REJECTED, "") if "PermanentFailure" in codes and not message else (FAILED, message)
        yield Row(bucket, unquote_plus(key), outcome, what, job)


def write(rows: Iterable[Row], file: TextIO) -> Tally:
    """Write rows as CSV, their column names first, and count them."""
    tally = Tally()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow((row.bucket, row.key, row.outcome, row.what, row.job))
        tally.add(row)
    return tally


class _Raw(io.RawIOBase):
    """The body of an S3 answer as a stream that Python's readers take."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._body.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)
