"""S3 Batch Operations in small, from this machine: for the emulated AWS, which has none, and for some thousand objects.

It takes the same requests as boto3's `s3control` (checked against botocore's model of the service), lists the same
objects, calls the function by the same schema with URL-encoded keys, takes the same answers, tries again what failed
for now, gives a job up when more than half of its tasks fail, and writes the same report to the same place. Other than
S3's, its jobs end with its process.

Sources: S3 User Guide, "Invoke AWS Lambda function", "Tracking job status and completion reports".
"""

import csv
import hashlib
import io
import json
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO
from urllib.parse import quote_plus, unquote_plus

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

from operate import listing
from operate.backfill.jobs import SCHEMA, Wanted
from operate.function import CallFailed, call, each
from operate.problem import OperateFailure, said

TRIES = 3
"""How often a task is tried whose failure is temporary; S3 states no number."""
JUDGED, TOLERATED = 1000, 0.5
"""After so many tasks a job fails when a larger share of them has failed (S3 User Guide, "Tracking job failures")."""
SUCCEEDED, TEMPORARY, PERMANENT = "Succeeded", "TemporaryFailure", "PermanentFailure"
MOMENTS = ("CreatedAfter", "CreatedBefore")
"""Filters that are no JSON as they are."""
PAUSE = 1.0
"""Seconds before failed tasks are tried again; doubled before the last try."""
RESULTS = (SUCCEEDED, TEMPORARY, PERMANENT)

Task = tuple[str, str]
"""Bucket and key."""


class Runner:
    """Jobs that this process works on; its methods are those of boto3's `s3control`, and raise what that raises."""

    def __init__(self, s3control: Any, s3: Any, lambdas: Any, workers: int) -> None:
        """`s3control`: a client whose model requests are checked against; nothing is sent by it."""
        self._s3control, self._s3, self._lambdas, self._workers = s3control, s3, lambdas, workers
        self._jobs: dict[str, dict[str, Any]] = {}
        self._threads: list[threading.Thread] = []

    def create_job(self, **request: Any) -> dict[str, str]:
        """Take a job, list its objects, and let it wait to be confirmed, as S3 does after a while."""
        self._check("CreateJob", request)
        id = str(uuid.uuid4())
        job = {
            "JobId": id,
            "Status": "Preparing",
            "CreationTime": datetime.now(UTC),
            "ProgressSummary": {"TotalNumberOfTasks": 0, "NumberOfTasksSucceeded": 0, "NumberOfTasksFailed": 0},
            "FailureReasons": [],
            **{name: value for name, value in request.items() if name not in ("AccountId", "ClientRequestToken")},
        }
        self._jobs[id] = job
        self._begin(self._prepare, job)
        return {"JobId": id}

    def describe_job(self, **request: Any) -> dict[str, Any]:
        """Return how far a job is."""
        self._check("DescribeJob", request)
        return {"Job": {name: value for name, value in self._job("DescribeJob", request).items() if name != "tasks"}}

    def list_jobs(self, **request: Any) -> dict[str, Any]:
        """Return the jobs of this process, and those that earlier ones kept a note of."""
        self._check("ListJobs", request)
        return {"Jobs": [{"JobId": id, "Description": job["Description"]} for id, job in self._jobs.items()]}

    def update_job_status(self, **request: Any) -> dict[str, Any]:
        """Start a job that waits, or end one."""
        self._check("UpdateJobStatus", request)
        job, asked = self._job("UpdateJobStatus", request), request["RequestedJobStatus"]
        if asked == "Ready" and job["Status"] == "Suspended":
            job["Status"] = "Active"
            self._begin(self._run, job)
        elif asked == "Cancelled" and job["Status"] not in ("Complete", "Failed", "Cancelled"):
            job["Status"] = "Cancelled" if job["Status"] == "Suspended" else "Cancelling"
        return {"JobId": job["JobId"], "Status": job["Status"]}

    def recall(self, bucket: str, prefix: str) -> None:
        """Learn of the jobs whose notes earlier processes left beside their reports.

        Raises:
            OperateFailure: S3 refuses.
        """
        for found in listing.objects(self._s3, bucket, f"{prefix}/job-"):
            if found.key.endswith("/job.json"):
                job = json.loads(self._s3.get_object(Bucket=bucket, Key=found.key)["Body"].read())
                filters = job.get("ManifestGenerator", {}).get("S3JobManifestGenerator", {}).get("Filter", {})
                filters |= {name: datetime.fromisoformat(filters[name]) for name in MOMENTS if name in filters}
                self._jobs.setdefault(job["JobId"], job)

    def stop(self) -> None:
        """End all jobs: tasks under way are finished, and what is done is in the report."""
        for job in self._jobs.values():
            if job["Status"] in ("Preparing", "Active"):
                job["Status"] = "Cancelling"
        for thread in self._threads:
            thread.join()

    def _check(self, operation: str, request: dict[str, Any]) -> None:
        model = self._s3control.meta.service_model.operation_model(operation)
        filled = {"ClientRequestToken": "none", **request} if operation == "CreateJob" else request
        found = ParamValidator().validate(filled, model.input_shape)
        if found.has_errors():
            raise ParamValidationError(report=found.generate_report())
        create_serializer(model.metadata["protocol"]).serialize_to_request(filled, model)

    def _job(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if request["JobId"] not in self._jobs:
            raise ClientError({"Error": {"Code": "NoSuchJob", "Message": request["JobId"]}}, operation)
        return self._jobs[request["JobId"]]

    def _begin(self, work: Any, job: dict[str, Any]) -> None:
        def guarded() -> None:
            try:
                work(job)
            except (OperateFailure, BotoCoreError, ClientError, OSError, ValueError) as fault:
                text = said(fault) if isinstance(fault, BotoCoreError | ClientError) else str(fault)
                job["FailureReasons"].append({"FailureCode": "JobFailed", "FailureReason": text})
                job["Status"] = "Failed"

        thread = threading.Thread(target=guarded, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _prepare(self, job: dict[str, Any]) -> None:
        tasks: list[Task] = []
        job["tasks"] = tasks
        for task in self._tasks(job):
            tasks.append(task)
            job["ProgressSummary"]["TotalNumberOfTasks"] = len(tasks)
            if job["Status"] == "Cancelling":
                job["Status"] = "Cancelled"
                return
        if not tasks:
            reason = {"FailureCode": "ManifestEmpty", "FailureReason": "no object is as the filters want it"}
            job["FailureReasons"].append(reason)
        cancelled = job["Status"] == "Cancelling"
        job["Status"] = "Cancelled" if cancelled else "Suspended" if tasks else "Failed"

    def _tasks(self, job: dict[str, Any]) -> Iterator[Task]:
        if "Manifest" in job:
            bucket, _, key = job["Manifest"]["Location"]["ObjectArn"].rpartition(":")[2].partition("/")
            etag = job["Manifest"]["Location"]["ETag"]
            body = self._s3.get_object(Bucket=bucket, Key=key, IfMatch=f'"{etag}"')["Body"].read().decode()
            for row in csv.reader(io.StringIO(body, newline="")):
                yield row[0], unquote_plus(row[1])
            return
        generator = job["ManifestGenerator"]["S3JobManifestGenerator"]
        bucket, filters = generator["SourceBucket"].rpartition(":")[2], generator["Filter"]
        names = filters["KeyNameConstraint"]
        wanted = Wanted(
            bucket=bucket,
            prefix=names.get("MatchAnyPrefix", [None])[0],
            after=filters.get("CreatedAfter"),
            before=filters.get("CreatedBefore"),
            larger=filters.get("ObjectSizeGreaterThanBytes"),
            smaller=filters.get("ObjectSizeLessThanBytes"),
            storage_classes=filters["MatchAnyStorageClass"],
        )
        for found in listing.objects(self._s3, bucket, wanted.prefix or ""):
            if found.key.endswith(*names["MatchAnySuffix"]) and wanted.takes(found):
                yield bucket, found.key

    def _run(self, job: dict[str, Any]) -> None:
        with tempfile.TemporaryFile() as succeeded, tempfile.TemporaryFile() as failed:
            try:
                self._work(job, succeeded, failed)
            except OperateFailure as failure:
                job["FailureReasons"].append({"FailureCode": "JobFailed", "FailureReason": str(failure)})
                job["Status"] = "Failing"
            ends = {"Active": "Complete", "Failing": "Failed"}.get(job["Status"], "Cancelled")
            job["Status"] = "Completing" if ends == "Complete" else job["Status"]
            self._report(job, {"succeeded": succeeded, "failed": failed}, ends)
        job["Status"] = ends

    def _work(self, job: dict[str, Any], succeeded: BinaryIO, failed: BinaryIO) -> None:
        summary, left = job["ProgressSummary"], job["tasks"]
        for number in range(TRIES):
            last = number == TRIES - 1
            again: list[Task] = []
            for task, (code, text) in each(lambda task: self._call(job, task), _while_active(job, left), self._workers):
                if code == TEMPORARY and not last:
                    again.append(task)
                    continue
                good = code == SUCCEEDED
                summary["NumberOfTasksSucceeded" if good else "NumberOfTasksFailed"] += 1
                _line(succeeded if good else failed, task, good, code, text)
                _judge(job)
            if not again or job["Status"] != "Active":
                return
            left = again
            time.sleep(PAUSE * 2**number)

    def _call(self, job: dict[str, Any], task: Task) -> tuple[str, str]:
        """Call the function for one task; return the code and the text of its result."""
        invocation, id = str(uuid.uuid4()), str(uuid.uuid4())
        lambda_invoke = job["Operation"]["LambdaInvoke"]
        bucket, key = task
        event = {
            "invocationSchemaVersion": SCHEMA,
            "invocationId": invocation,
            "job": {"id": job["JobId"], "userArguments": lambda_invoke.get("UserArguments")},
            "tasks": [{"taskId": id, "s3Key": quote_plus(key, safe="/"), "s3VersionId": None, "s3Bucket": bucket}],
        }
        try:
            answer = call(self._lambdas, lambda_invoke["FunctionArn"], event)
        except CallFailed as failure:
            return TEMPORARY, f"Lambda returned function error: {failure}"
        return result(answer, event)

    def _report(self, job: dict[str, Any], parts: dict[str, Any], ends: str) -> None:
        report = job["Report"]
        bucket = report["Bucket"].rpartition(":")[2]
        folder = f"{report['Prefix']}/job-{job['JobId']}"
        results = []
        for status, part in parts.items():
            if not part.tell():
                continue
            part.seek(0)
            md5 = hashlib.file_digest(part, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            key = f"{folder}/results/{md5}.csv"
            part.seek(0)
            self._s3.put_object(Bucket=bucket, Key=key, Body=part)
            results.append({"TaskExecutionStatus": status, "Bucket": bucket, "MD5Checksum": md5, "Key": key})
        manifest = {
            "Format": report["Format"],
            "ReportCreationDate": datetime.now(UTC).isoformat(),
            "Results": results,
            "ReportSchema": "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage",
        }
        note = {name: value for name, value in job.items() if name != "tasks"} | {"Status": ends}
        for name, content_of in (("manifest.json", manifest), ("job.json", note)):
            self._s3.put_object(
                Bucket=bucket, Key=f"{folder}/{name}", Body=json.dumps(content_of, default=str).encode()
            )


def result(answer: Any, event: dict[str, Any]) -> tuple[str, str]:
    """Take the result of the event's one task from the function's answer, as S3 does."""
    (task,) = event["tasks"]
    try:
        if answer["invocationSchemaVersion"] != SCHEMA or answer["invocationId"] != event["invocationId"]:
            raise ValueError("it is of another invocation")
        found = [each for each in answer["results"] if each["taskId"] == task["taskId"]]
        if not found:
            return answer.get("treatMissingKeysAs", TEMPORARY), "the answer has no result of the task"
        code, text = found[0]["resultCode"], found[0].get("resultString") or ""
        if code not in RESULTS or not isinstance(text, str):
            raise ValueError(f"resultCode is {code!r}")
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        return TEMPORARY, f"Invalid JSON returned in Lambda payload: {fault}"
    return code, text


def _while_active(job: dict[str, Any], tasks: Sequence[Task]) -> Iterator[Task]:
    for task in tasks:
        if job["Status"] != "Active":
            return
        yield task


def _judge(job: dict[str, Any]) -> None:
    summary = job["ProgressSummary"]
    failed = summary["NumberOfTasksFailed"]
    done = summary["NumberOfTasksSucceeded"] + failed
    if job["Status"] == "Active" and done >= JUDGED and failed > TOLERATED * done:
        text = f"{failed:,} of {done:,} tasks failed, which is more than {TOLERATED:.0%}"
        job["FailureReasons"].append({"FailureCode": "TaskFailureRateExceeded", "FailureReason": text})
        job["Status"] = "Failing"


def _line(file: BinaryIO, task: Task, good: bool, code: str, text: str) -> None:
    bucket, key = task
    line = io.StringIO(newline="")
    cells = (bucket, quote_plus(key, safe="/"), "", "succeeded" if good else "failed", 200, "" if good else code, text)
    csv.writer(line, lineterminator="\n").writerow(cells)
    file.write(line.getvalue().encode())
