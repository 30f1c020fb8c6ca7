"""The failure queue: its messages are held while they are looked at, and released or deleted after.

SQS knows no look without a take: a message that is received is hidden from others until its visibility timeout ends.
With a timeout of zero the same ten could come again and again. So all are received with a timeout that is as long as
the work may take, and given back at once when it is done; a process that is killed meanwhile gives them back by that
timeout.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from operate.problem import OperateFailure, said
from operate.redrive.failures import Message

BATCH = 10
"""Messages a call: SQS's most, of receiving and of changing visibility."""
LEAST_HOLD, HOLD_EACH, MOST_HOLD = 30, 0.05, 12 * 3600
"""Seconds: for any queue; for each message, of which receiving, invoking and deleting take about half; SQS's most."""
EMPTY = 2
"""Receives in a row that bring nothing new before it is the end; each asks all of SQS's servers (long polling)."""
IN_FLIGHT = "OverLimit"
"""SQS's error where 120,000 messages are held, its most of a standard queue."""


@dataclass(frozen=True)
class Depth:
    """What SQS says of the queue, approximately."""

    waiting: int
    held: int
    """Hidden at this moment, because somebody looks at them or replays them."""
    kept_seconds: int
    """How long after it was sent SQS deletes a message."""


def depth(sqs: Any, url: str) -> Depth:
    """Ask how many messages there are.

    Raises:
        OperateFailure: there is no such queue, or it may not be asked.
    """
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "MessageRetentionPeriod"]
    try:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    except (BotoCoreError, ClientError) as error:
        raise OperateFailure(_cannot("asked for its attributes", url, error)) from error
    return Depth(*(int(found.get(name, 0)) for name in names))


class Held:
    """Messages that nobody else gets meanwhile. Safe between threads."""

    def __init__(self, sqs: Any, url: str, seconds: int) -> None:
        self._sqs, self._url, self._seconds = sqs, url, seconds
        self._messages: dict[str, Message] = {}
        self._lock = threading.Lock()
        self.complete = True
        """Whether these are all that there were; SQS lets nobody hold more than 120,000."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """Oldest first."""
        with self._lock:
            return tuple(sorted(self._messages.values(), key=lambda message: message.sent))

    def collect(self, progress: Callable[[int], None]) -> None:
        """Receive until nothing more comes; `progress` is told how many there are so far."""
        empty = 0
        while empty < EMPTY:
            try:
                received = self._sqs.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=BATCH,
                    VisibilityTimeout=self._seconds,
                    WaitTimeSeconds=1,
                    MessageSystemAttributeNames=["SentTimestamp"],
                    MessageAttributeNames=["All"],
                ).get("Messages", [])
            except ClientError as error:
                if IN_FLIGHT in error.response["Error"].get("Code", ""):
                    self.complete = False
                    return
                raise OperateFailure(_cannot("read", self._url, error)) from error
            except BotoCoreError as error:
                raise OperateFailure(_cannot("read", self._url, error)) from error
            before = len(self._messages)
            with self._lock:
                # One that comes again has outlived its hold; its newer receipt is the one that counts.
                self._messages |= {message.id: message for message in map(_message, received)}
            # Only old acquaintances: the queue is longer than the hold, and going on would never end.
            empty = 0 if len(self._messages) > before else empty + 1
            progress(len(self._messages))

    def delete(self, message: Message) -> None:
        """Take a message out of the queue for good. Raises what boto3 raises."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)
        with self._lock:
            self._messages.pop(message.id, None)

    def release(self) -> None:
        """Show the messages to everybody again; one that cannot be released comes back when its timeout ends."""
        messages = self.messages
        for first in range(0, len(messages), BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": message.receipt, "VisibilityTimeout": 0}
                for number, message in enumerate(messages[first : first + BATCH])
            ]
            try:
                self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                raise OperateFailure(
                    f"{_cannot('given its messages back', self._url, error)}; "
                    f"they come back by themselves within {self._seconds} s"
                ) from error


@contextmanager
def held(sqs: Any, url: str, progress: Callable[[int], None]) -> Iterator[Held]:
    """All messages of the queue, held while the context is open."""
    waiting = depth(sqs, url).waiting
    holding = Held(sqs, url, min(MOST_HOLD, round(LEAST_HOLD + HOLD_EACH * waiting)))
    try:
        holding.collect(progress)
        yield holding
    finally:
        holding.release()


def _message(received: dict[str, Any]) -> Message:
    sent = int(received.get("Attributes", {}).get("SentTimestamp", 0)) / 1000
    return Message(
        id=received["MessageId"],
        receipt=received["ReceiptHandle"],
        body=received["Body"],
        sent=datetime.fromtimestamp(sent, tz=UTC),
        attributes={
            name: value.get("StringValue", "") for name, value in received.get("MessageAttributes", {}).items()
        },
    )


def _cannot(what: str, url: str, error: BotoCoreError | ClientError) -> str:
    return f"the queue {url} could not be {what}: {said(error)}; the rights it takes are in docs/operations.md"
