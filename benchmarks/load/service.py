"""The stack of this repository in the emulated AWS, with faults between the function and S3, and a tap on its events.

It is put together of the parts of `local/`, whose `running` leaves no room between the function and S3.
"""

import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.emulator import CREDENTIALS, Emulator, emulator
from local.function import lambda_variables, serving
from local.outcomes import Outcomes
from local.processes import free_port
from local.program import Registered, register
from local.stack import ARCHITECTURES
from standin_s3.s3 import S3
from standin_s3.serving import serving as serving_s3

UNBOUNDED = {"LAMBDA_ACCOUNT_CONCURRENCY": "0"}
"""MiniStack's limit of what runs at once. It counts a throttled event as a failed attempt; Lambda keeps it, for up to
six hours, without counting. So the limit is taken away, and the forwarder's queue stands for Lambda's."""
DESCRIPTORS = 16_384
"""Open files that a waiting event takes two of: one here, one in the emulator."""


@dataclass(frozen=True)
class Service:
    """What is up."""

    emulator: Emulator
    registered: Registered
    outcomes: Outcomes
    """What the function answered: it tells when the run is over, and nothing about how it went."""
    s3: S3
    """What stands between the function and the S3 of the emulated AWS, and lets requests fail."""
    tap: str
    """URL of a queue that gets a copy of every event of the bucket."""

    def client(self, name: str) -> Any:
        """Return a boto3 client of the account itself, past what lets requests fail."""
        return self.emulator.client(name)

    @property
    def bucket(self) -> str:
        """Name of the bucket."""
        return self.registered.bucket

    def failed(self) -> int:
        """Messages in the failure queue."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client("sqs").get_queue_attributes(QueueUrl=self.registered.queue_url, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)


@contextmanager
def service(folder: Path, environments: int) -> Iterator[Service]:
    """Run the stack with `environments` warm handlers while the context lasts; logs go to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = Outcomes()
    with _descriptors(), _variables(UNBOUNDED), emulator(free_port(), folder) as aws:
        machine = ARCHITECTURES[os.uname().machine.lower()]
        registered = register(aws, folder, {"architecture": machine}, build_image=False)
        with serving_s3(S3(upstream=aws.endpoint)) as s3:
            variables = lambda_variables(registered.function, registered.log_group, s3.url(), CREDENTIALS)
            with serving(
                aws,
                registered.function,
                registered.log_group,
                variables,
                runtime="processes",
                count=environments,
                folder=folder,
                outcomes=outcomes,
            ):
                yield Service(aws, registered, outcomes, s3, _tap(aws, registered.bucket))


def _tap(aws: Emulator, bucket: str) -> str:
    """Return a second receiver of the bucket's events, beside the trigger, which stays as the stack made it."""
    sqs, s3 = aws.client("sqs"), aws.client("s3")
    url = str(sqs.create_queue(QueueName="load-tap")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    found = s3.get_bucket_notification_configuration(Bucket=bucket)
    (trigger,) = found["LambdaFunctionConfigurations"]
    rule = {"QueueArn": arn, "Events": trigger["Events"], "Filter": trigger["Filter"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"LambdaFunctionConfigurations": [trigger], "QueueConfigurations": [rule]},
    )
    return url


def tapped(service: Service) -> list[dict[str, Any]]:
    """Return the next events out of the tap; none where none came within a second."""
    sqs = service.client("sqs")
    messages = sqs.receive_message(QueueUrl=service.tap, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
    if messages:
        entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=service.tap, Entries=entries)
    events = [json.loads(message["Body"]) for message in messages]
    return [event for event in events if "Records" in event]


@contextmanager
def _variables(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
