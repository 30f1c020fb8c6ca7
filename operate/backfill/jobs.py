"""Jobs of S3 Batch Operations: their requests, how far they are, and what is asked of them later.

`client` is boto3's `s3control`, or a `runner.Runner`, which takes the same requests.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlparse

from botocore.exceptions import BotoCoreError, ClientError

from operate.listing import Listed
from operate.problem import OperateFailure, said

ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
STORAGE_CLASSES = ("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR")
"""Those that can be read at once, of which S3 Batch Operations knows."""
PRIORITY = 10
"""Only compared with the account's other jobs."""
POLL = 5.0
"""Seconds between two looks at a job."""
WAITING, ENDED = ("Suspended",), ("Complete", "Failed", "Cancelled")
ENDING = ("Cancelling", "Failing", "Completing")
LONGEST_DESCRIPTION = 256
"""Characters (S3 Control API, `CreateJob`)."""
SCHEMA = "2.0"
"""Of the invocations: the first that names the bucket, and that passes arguments."""


@dataclass(frozen=True)
class Place:
    """Where manifests and reports are kept."""

    bucket: str
    prefix: str
    """Without a slash at its end."""

    @staticmethod
    def of(uri: str) -> "Place":
        """Read `s3://bucket/prefix`.

        Raises:
            OperateFailure: it is something else.
        """
        parts = urlparse(uri)
        if parts.scheme != "s3" or not parts.netloc or not parts.path.strip("/"):
            raise OperateFailure(f"the place of reports {uri!r} is not s3://BUCKET/PREFIX")
        return Place(parts.netloc, parts.path.strip("/"))


@dataclass(frozen=True)
class Wanted:
    """Which objects of a bucket are worked on; None asks for nothing."""

    bucket: str
    prefix: str | None = None
    after: datetime | None = None
    """Created after this, and `before` before that."""
    before: datetime | None = None
    larger: int | None = None
    """Bytes, like `smaller`; both are exclusive."""
    smaller: int | None = None
    storage_classes: Sequence[str] = STORAGE_CLASSES

    def takes(self, found: Listed) -> bool:
        """Return whether an object whose key is as wanted is wanted."""
        return (
            found.storage_class in self.storage_classes
            and (self.after is None or found.modified > self.after)
            and (self.before is None or found.modified < self.before)
            and (self.larger is None or found.size > self.larger)
            and (self.smaller is None or found.size < self.smaller)
        )


@dataclass(frozen=True)
class Service:
    """Who runs the jobs, with which rights, and what the jobs call."""

    client: Any
    account: str
    role: str
    function_arn: str
    reports: Place
    arguments: dict[str, str]
    """The function's `userArguments`: what is chosen for all videos; none is usual."""

    @property
    def name(self) -> str:
        """What the descriptions of this function's jobs begin with."""
        return f"video-thumbnailer backfill {self.function_arn.rpartition(':')[2]}"

    def arn(self, bucket: str) -> str:
        """Name a bucket as requests do."""
        return f"arn:{self.function_arn.split(':')[1]}:s3:::{bucket}"


@dataclass(frozen=True)
class Job:
    """A job as it is now."""

    id: str
    description: str
    status: str
    tasks: int
    succeeded: int
    failed: int
    why: str
    """Of a job that failed."""
    request: dict[str, Any]
    """What a job like it is created with."""

    @property
    def what(self) -> str:
        """The pattern of its keys, or that it works on a list."""
        return unquote(self.description.rpartition(" ")[2])

    @property
    def group(self) -> str:
        """The backfill that it belongs to."""
        return self.description.split(" ")[-2]


def by_suffix(service: Service, group: str, suffix: str, wanted: Wanted) -> dict[str, Any]:
    """Write the request of a job on all objects that end in `suffix`; S3 lists them itself.

    A job takes one string for each constraint of keys, so several suffixes are several jobs.
    """
    constraint = {"MatchAnySuffix": [suffix]} | ({"MatchAnyPrefix": [wanted.prefix]} if wanted.prefix else {})
    filters = {
        "KeyNameConstraint": constraint,
        "MatchAnyStorageClass": list(wanted.storage_classes),
        "CreatedAfter": wanted.after,
        "CreatedBefore": wanted.before,
        "ObjectSizeGreaterThanBytes": wanted.larger,
        "ObjectSizeLessThanBytes": wanted.smaller,
    }
    generator = {
        "SourceBucket": service.arn(wanted.bucket),
        "EnableManifestOutput": False,
        "Filter": {name: value for name, value in filters.items() if value is not None},
    }
    return _request(service, group, pattern(suffix, wanted.prefix)) | {
        "ManifestGenerator": {"S3JobManifestGenerator": generator}
    }


def by_list(service: Service, group: str, key: str, etag: str) -> dict[str, Any]:
    """Write the request of a job on the objects of a manifest, which `manifest` wrote to `key`."""
    location = {"ObjectArn": f"{service.arn(service.reports.bucket)}/{key}", "ETag": etag}
    spec = {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]}
    return _request(service, group, "list") | {"Manifest": {"Spec": spec, "Location": location}}


def manifest(bucket: str, keys: Sequence[str]) -> bytes:
    """Write a manifest of keys, URL-encoded as S3 asks for."""
    return "".join(f"{bucket},{quote_plus(key, safe='/')}\n" for key in keys).encode()


def pattern(suffix: str, prefix: str | None) -> str:
    """Write which keys a job works on, for people."""
    return f"{prefix or ''}*{suffix}"


def _request(service: Service, group: str, what: str) -> dict[str, Any]:
    arguments = {"UserArguments": service.arguments} if service.arguments else {}
    return {
        "AccountId": service.account,
        "ConfirmationRequired": True,
        "Operation": {
            "LambdaInvoke": {
                "FunctionArn": service.function_arn,
                "InvocationSchemaVersion": SCHEMA,
                **arguments,
            }
        },
        "Report": {
            "Bucket": service.arn(service.reports.bucket),
            "Prefix": service.reports.prefix,
            "Format": "Report_CSV_20180820",
            "Enabled": True,
            "ReportScope": "AllTasks",
        },
        "Priority": PRIORITY,
        "RoleArn": service.role,
        "Description": described(service, group, what),
    }


def described(service: Service, group: str, what: str) -> str:
    """Write the description by which a job is found again, and what of it is told."""
    return f"{service.name} {group} {quote(what, safe='/*')}"[:LONGEST_DESCRIPTION]


def create(service: Service, request: dict[str, Any]) -> str:
    """Create a job, which waits to be confirmed after it has counted its objects; return its id.

    Raises:
        OperateFailure: S3 refuses.
    """
    answer = _asked(service, "created", service.client.create_job, **request, ClientRequestToken=str(uuid.uuid4()))
    return str(answer["JobId"])


def look(service: Service, id: str) -> Job:
    """Ask how far a job is.

    Raises:
        OperateFailure: S3 refuses, or knows no such job.
    """
    found = _asked(service, "looked at", service.client.describe_job, AccountId=service.account, JobId=id)["Job"]
    summary = found.get("ProgressSummary", {})
    why = [f"{each.get('FailureCode')}: {each.get('FailureReason')}" for each in found.get("FailureReasons", [])]
    objects = "ManifestGenerator" if "ManifestGenerator" in found else "Manifest"
    return Job(
        id=id,
        description=found.get("Description", ""),
        status=found["Status"],
        tasks=summary.get("TotalNumberOfTasks", 0),
        succeeded=summary.get("NumberOfTasksSucceeded", 0),
        failed=summary.get("NumberOfTasksFailed", 0),
        why="; ".join(why) or found.get("StatusUpdateReason", ""),
        request={
            "AccountId": service.account,
            "ConfirmationRequired": True,
            **{
                name: found[name]
                for name in ("Operation", "Report", "Priority", "RoleArn", "Description", objects)
                if name in found
            },
        },
    )


def ask(service: Service, id: str, status: str) -> None:
    """Start a job that waits (`Ready`), or end one (`Cancelled`).

    Raises:
        OperateFailure: S3 refuses.
    """
    change = service.client.update_job_status
    _asked(service, "changed", change, AccountId=service.account, JobId=id, RequestedJobStatus=status)


def latest(service: Service) -> list[Job]:
    """Return the jobs of this function's last backfill, the ended ones too; S3 forgets jobs after 90 days.

    Raises:
        OperateFailure: S3 refuses.
    """
    ours = [each for each in _listed(service) if each.get("Description", "").startswith(f"{service.name} ")]
    group = max((each["Description"].split(" ")[-2] for each in ours), default=None)
    return [look(service, each["JobId"]) for each in ours if each["Description"].split(" ")[-2] == group]


def _listed(service: Service) -> Iterator[dict[str, Any]]:
    page = _asked(service, "listed", service.client.list_jobs, AccountId=service.account)
    yield from page.get("Jobs", [])
    while token := page.get("NextToken"):
        page = _asked(service, "listed", service.client.list_jobs, AccountId=service.account, NextToken=token)
        yield from page.get("Jobs", [])


def follow(
    service: Service,
    ids: Sequence[str],
    until: Callable[[Job], bool],
    progress: Callable[[Sequence[Job]], None],
    poll: float = POLL,
) -> list[Job]:
    """Look at jobs every `poll` seconds until each is as `until` wants it, or has ended; return them as they then are.

    Raises:
        OperateFailure: S3 refuses.
    """
    while True:
        jobs = [look(service, id) for id in ids]
        progress(jobs)
        if all(until(job) or job.status in ENDED for job in jobs):
            return jobs
        time.sleep(poll)


def _asked(service: Service, what: str, call: Callable[..., Any], **parameters: Any) -> Any:
    try:
        return call(**parameters)
    except (BotoCoreError, ClientError) as error:
        raise OperateFailure(
            f"jobs of S3 Batch Operations cannot be {what}: {said(error)}; the rights it takes are in"
            " docs/operations.md"
        ) from error
