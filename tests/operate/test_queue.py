"""What the emulated SQS cannot show: errors in the middle, holds that run out, a queue longer than they last."""

import json
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator import ROOT
from operate.problem import OperateFailure
from operate.redrive.failures import Failure, read
from operate.redrive.queue import LEAST_HOLD, MOST_HOLD, Held, held
from operate.redrive.replay import replay
from tests.operate.service import event


def error(code: str, call: str = "Call") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "because"}}, call)


def received(id_: str, receipt: str = "r1") -> dict[str, Any]:
    body = json.dumps({"requestPayload": event(f"{id_}.mp4")})
    return {"MessageId": id_, "ReceiptHandle": f"{id_}-{receipt}", "Body": body, "Attributes": {"SentTimestamp": "0"}}


class Queue:
    """SQS by a script: each receive gives the next of `answers`, and nothing after the last."""

    def __init__(self, *answers: list[dict[str, Any]] | ClientError, waiting: int = 0) -> None:
        self.answers, self.waiting = deque(answers), waiting
        self.holds: list[int] = []
        self.deleted: list[str] = []
        self.released: list[str] = []
        self.fails: dict[str, ClientError] = {}

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        self._fail("get_queue_attributes")
        return {"Attributes": {"ApproximateNumberOfMessages": str(self.waiting)}}

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        self.holds.append(asked["VisibilityTimeout"])
        answer = self.answers.popleft() if self.answers else []
        if isinstance(answer, ClientError):
            raise answer
        return {"Messages": answer} if answer else {}

    def delete_message(self, **asked: Any) -> None:
        self._fail("delete_message")
        self.deleted.append(asked["ReceiptHandle"])

    def change_message_visibility_batch(self, **asked: Any) -> None:
        self._fail("change_message_visibility_batch")
        assert len(asked["Entries"]) <= 10
        assert {entry["VisibilityTimeout"] for entry in asked["Entries"]} == {0}
        self.released += [entry["ReceiptHandle"] for entry in asked["Entries"]]

    def _fail(self, call: str) -> None:
        if call in self.fails:
            raise self.fails[call]


class Lambda:
    """Takes events, or refuses them by their key."""

    def __init__(self, refused: dict[str, str] | None = None) -> None:
        self.refused = refused or {}
        self.taken: list[str] = []

    def invoke(self, **asked: Any) -> dict[str, Any]:
        assert asked["InvocationType"] == "Event"
        key = json.loads(asked["Payload"])["Records"][0]["s3"]["object"]["key"]
        if key in self.refused:
            raise error(self.refused[key], "Invoke")
        self.taken.append(key)
        return {"StatusCode": 202}


def nothing(_: int) -> None:
    """No progress to tell."""


def held_failures(holding: Held) -> list[Failure]:
    return [item for item in map(read, holding.messages) if isinstance(item, Failure)]


def test_one_empty_answer_is_not_taken_for_the_end() -> None:
    queue = Queue([received("a")], [], [received("b")])
    with held(queue, "url", nothing) as holding:
        assert {message.id for message in holding.messages} == {"a", "b"}
    assert sorted(queue.released) == ["a-r1", "b-r1"]


def test_a_message_that_comes_again_counts_once_and_is_released_by_its_newer_receipt() -> None:
    queue = Queue([received("a"), received("b")], [received("a", "r2")])
    with held(queue, "url", nothing) as holding:
        assert len(holding.messages) == 2
    assert sorted(queue.released) == ["a-r2", "b-r1"]


def test_a_queue_whose_messages_come_round_again_ends() -> None:
    again: list[list[dict[str, Any]]] = [[received("a")] for _ in range(1000)]
    queue = Queue(*again)
    with held(queue, "url", nothing) as holding:
        assert len(holding.messages) == 1
    assert len(queue.holds) < 10


def test_the_hold_grows_with_the_queue_up_to_the_longest_of_sqs() -> None:
    holds = []
    for waiting in (0, 1000, 10**9):
        queue = Queue(waiting=waiting)
        with held(queue, "url", nothing):
            holds.append(queue.holds[0])
    assert holds == [LEAST_HOLD, 80, MOST_HOLD]


def test_where_sqs_lets_hold_no_more_the_rest_is_said_to_be_missing() -> None:
    queue = Queue([received("a")], error("AWS.SimpleQueueService.OverLimit"))
    with held(queue, "url", nothing) as holding:
        assert not holding.complete
        assert len(holding.messages) == 1


def test_messages_are_released_when_reading_fails_or_the_caller_does() -> None:
    queue = Queue([received("a")], error("InternalError"))
    with pytest.raises(OperateFailure, match="could not be read: InternalError"), held(queue, "url", nothing):
        pass
    assert queue.released == ["a-r1"]
    queue = Queue([received("a")])
    with pytest.raises(KeyboardInterrupt), held(queue, "url", nothing):
        raise KeyboardInterrupt
    assert queue.released == ["a-r1"]


def test_a_release_that_is_denied_says_when_the_messages_come_back() -> None:
    queue = Queue([received("a")])
    queue.fails["change_message_visibility_batch"] = error("AccessDenied")
    with pytest.raises(OperateFailure, match="come back by themselves within 30 s"), held(queue, "url", nothing):
        pass


def test_a_message_is_deleted_only_after_lambda_took_its_event() -> None:
    queue = Queue([received("a"), received("b"), received("c")])
    client = Lambda({"b.mp4": "RequestTooLargeException"})
    with held(queue, "url", nothing) as holding:
        result = replay(client, "f", held_failures(holding), holding, nothing)
    assert sorted(queue.deleted) == ["a-r1", "c-r1"]
    assert queue.released == ["b-r1"]
    assert result.taken == 2
    assert [kept.why for kept in result.kept] == ["Lambda did not take it: RequestTooLargeException: because"]


def test_an_event_whose_message_cannot_be_deleted_is_told_of() -> None:
    queue = Queue([received("a")])
    queue.fails["delete_message"] = error("AccessDenied")
    with held(queue, "url", nothing) as holding:
        result = replay(Lambda(), "f", held_failures(holding), holding, nothing)
    assert result.taken == 0
    assert result.kept[0].why.startswith("Lambda has taken its event, but its message could not be deleted")
    assert queue.released == ["a-r1"]


def test_an_error_that_all_would_meet_ends_the_replay() -> None:
    names = [f"m{number:03}" for number in range(200)]
    queue = Queue(*[[received(name)] for name in names])
    client = Lambda({f"{name}.mp4": "AccessDeniedException" for name in names})
    with held(queue, "url", nothing) as holding:
        result = replay(client, "f", held_failures(holding), holding, nothing)
    tried = [kept for kept in result.kept if "AccessDenied" in kept.why]
    assert len(result.kept) == 200
    assert len(tried) <= 16, "each worker may have had one on its way"
    assert queue.deleted == []
    assert len(queue.released) == 200


def test_a_replay_that_is_interrupted_keeps_what_it_has_not_come_to() -> None:
    queue = Queue(*[[received(f"m{number:03}")] for number in range(100)])
    client = Lambda()

    def interrupt(done: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), held(queue, "url", nothing) as holding:
        replay(client, "f", held_failures(holding), holding, interrupt)
    assert len(queue.deleted) == len(client.taken)
    assert 10 <= len(queue.deleted) < 100
    assert len(queue.deleted) + len(queue.released) == 100


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "the failure queue is not given"),
        (("--queue", "http://127.0.0.1:9/1/q", "--all"), "the function is not given"),
        (("--outputs", "no-such-file.json"), "the stack's outputs no-such-file.json cannot be read"),
        (("--queue", "http://127.0.0.1:9/1/q"), "could not be asked for its attributes"),
    ],
)
def test_what_goes_wrong_is_one_line_and_status_1(options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_MAX_ATTEMPTS": "1",
    }
    command = [sys.executable, "-m", "operate", "redrive", *options]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("operate: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_tool_brings_no_pulumi_along() -> None:
    look = "import sys, operate.__main__; print([name for name in sys.modules if name.startswith('pulumi')])"
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
