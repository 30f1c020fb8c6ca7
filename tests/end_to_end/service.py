"""A stack that is up, as its user and its operator meet it: uploads, pictures, log lines, the failure queue."""

import io
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from PIL import Image

from local.outcomes import Outcome
from local.stack import Stack

SECONDS = 60
"""Longest wait for one outcome, on a machine that has much else to do."""
QUIET_SECONDS = 1.7
"""The emulator tries a failed event again after one second: after this time a retry would have been seen."""


@dataclass(frozen=True)
class Service:
    """The stack, and the bucket that its pictures go to."""

    stack: Stack
    pictures: str

    @property
    def s3(self) -> Any:
        return self.stack.client("s3")

    def upload(self, key: str, content: Path | bytes) -> None:
        """Put an object into the bucket of the videos."""
        body = content if isinstance(content, bytes) else content.read_bytes()
        self.s3.put_object(Bucket=self.stack.bucket, Key=key, Body=body)

    def outcome(self, key: str, content: Path | bytes) -> Outcome:
        """Upload an object, and wait for its outcome."""
        mark = self.stack.outcomes.count()
        self.upload(key, content)
        return self.stack.outcomes.wait(key, SECONDS, since=mark)

    def picture(self, key: str) -> Image.Image:
        """Return the picture that lies in the bucket."""
        picture = Image.open(io.BytesIO(self.content(key)))
        picture.load()
        return picture

    def content(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=self.pictures, Key=key)["Body"].read())

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        listing = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for item in listing.get("Contents", [])]

    def log(self) -> list[str]:
        """Every line in the log group that an environment of the function wrote."""
        pages = self.stack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=self.stack.log_group)
        events = [event for page in pages for event in page["events"]]
        # The emulator adds lines of its own for every call, in streams that are named after the day.
        return [event["message"] for event in events if event["logStreamName"].startswith("local/")]

    def calls(self) -> int:
        """How often the function was called in all: Lambda's own line at the start of each call."""
        lines = (self.stack.folder / "function.log").read_text(errors="replace").splitlines()
        return sum(line.startswith("START RequestId: ") for line in lines)

    def said(self, key: str) -> list[dict[str, Any]]:
        """Return the function's own log lines on one object, oldest first."""
        lines = [json.loads(line) for line in self.log() if line.startswith('{"level"')]
        return [line for line in lines if line.get("key") == key]

    def failures(self) -> int:
        """How many messages the failure queue holds."""
        asked = {"QueueUrl": self.stack.queue_url, "AttributeNames": ["All"]}
        attributes = self.stack.client("sqs").get_queue_attributes(**asked)["Attributes"]
        return sum(int(count) for name, count in attributes.items() if name.startswith("ApproximateNumberOfMessages"))

    def take_failures(self) -> list[dict[str, Any]]:
        """Wait for failed events, and take them out of the queue."""
        deadline = time.monotonic() + SECONDS
        sqs, taken = self.stack.client("sqs"), list[dict[str, Any]]()
        while not taken and time.monotonic() < deadline:
            received = sqs.receive_message(QueueUrl=self.stack.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in received.get("Messages", []):
                taken.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.stack.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return taken

    def empty_failures(self) -> None:
        """Throw away whatever a test has put into the queue itself."""
        self.stack.client("sqs").purge_queue(QueueUrl=self.stack.queue_url)

    def replay(self, failure: dict[str, Any], key: str) -> Outcome:
        """Send the event of a message of the failure queue again, as S3 sent it."""
        mark = self.stack.outcomes.count()
        event = json.dumps(failure["requestPayload"])
        self.stack.client("lambda").invoke(FunctionName=self.stack.function, InvocationType="Event", Payload=event)
        return self.stack.outcomes.wait(key, SECONDS, since=mark)

    @property
    def user(self) -> str:
        """The name of the user that has the rights of the function's role, and that the function works as."""
        arn: str = self.stack.client("sts", self.stack.credentials).get_caller_identity()["Arn"]
        return arn.rpartition("/")[2]


def wait_for_retries() -> None:
    """Wait until an event that failed would have been tried again."""
    time.sleep(QUIET_SECONDS)


def verdict(call: Any, *arguments: Any, **named: Any) -> str:
    """Return `allowed`, `denied`, or the error that is neither."""
    try:
        call(*arguments, **named)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return "denied" if code in DENIED else f"{code}: {error.response['Error'].get('Message')}"
    return "allowed"


DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}
"""How the services say it; 403 is all that a HEAD can say."""


def is_near(found: Any, wanted: tuple[int, int, int], tolerance: int = 14) -> bool:
    """Whether a pixel has this colour, to the eye: chroma is coded coarsely, and JPEG rings."""
    return len(found) == 3 and all(abs(mine - other) <= tolerance for mine, other in zip(found, wanted, strict=True))
