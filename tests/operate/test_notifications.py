"""EventBridge is switched on and off for a bucket that others use, and what they put there stays as it was."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.stub import Stubber

from local.emulator import CREDENTIALS, ROOT, Emulator
from operate.notifications import change, listens, read
from operate.problem import OperateFailure

QUEUES: list[dict[str, Any]] = [
    {
        "Id": "theirs",
        "QueueArn": "arn:aws:sqs:us-east-1:000000000000:theirs",
        "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".mp4"}]}},
    },
    {"Id": "gone", "QueueArn": "arn:aws:sqs:us-east-1:000000000000:no-such-queue", "Events": ["s3:ObjectRestore:*"]},
]


@pytest.fixture
def bucket(s3_emulator: Emulator, request: pytest.FixtureRequest) -> Iterator[str]:
    """One with two notifications of others, the target of one of them gone."""
    name = f"others-{abs(hash(request.node.name)) % 10**9}"
    s3_emulator.client("sqs").create_queue(QueueName="theirs")
    s3 = s3_emulator.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"QueueConfigurations": QUEUES}, SkipDestinationValidation=True
    )
    yield name
    s3.delete_bucket(Bucket=name)


def operate(emulator: Emulator, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "AWS_ENDPOINT_URL": emulator.endpoint, **CREDENTIALS}
    command = [sys.executable, "-m", "operate", "notifications", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, input="", capture_output=True, text=True, timeout=60)


def configuration(emulator: Emulator, bucket: str) -> dict[str, Any]:
    found: dict[str, Any] = emulator.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    return {name: value for name, value in found.items() if name != "ResponseMetadata"}


def messages(emulator: Emulator) -> int:
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName="theirs")["QueueUrl"]
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def test_on_and_off_again_leave_the_notifications_of_others_as_they_were(s3_emulator: Emulator, bucket: str) -> None:
    before, sent = configuration(s3_emulator, bucket), messages(s3_emulator)
    done = operate(s3_emulator, "enable", bucket, "--yes")
    assert done.returncode == 0, done.stderr
    assert configuration(s3_emulator, bucket) == {**before, "EventBridgeConfiguration": {}}
    assert f"EventBridge is on for {bucket}, and all else is as it was" in done.stdout
    done = operate(s3_emulator, "disable", bucket, "--yes")
    assert done.returncode == 0, done.stderr
    assert configuration(s3_emulator, bucket) == before
    assert messages(s3_emulator) == sent, "nobody else's queue gets a test message of S3's"


def test_a_look_names_each_notification_and_changes_nothing(s3_emulator: Emulator, bucket: str) -> None:
    before = configuration(s3_emulator, bucket)
    shown = operate(s3_emulator, "show", bucket).stdout
    (row,) = [line for line in shown.splitlines() if "theirs" in line]
    for part in ("SQS", QUEUES[0]["QueueArn"], "s3:ObjectCreated:* s3:ObjectRemoved:Delete", "in/*.mp4"):
        assert str(part) in row
    assert configuration(s3_emulator, bucket) == before


def test_what_is_on_already_is_left_alone(s3_emulator: Emulator, bucket: str) -> None:
    operate(s3_emulator, "enable", bucket, "--yes")
    done = operate(s3_emulator, "enable", bucket)
    assert (done.returncode, "nothing was changed" in done.stdout) == (0, True)


def test_without_a_yes_nothing_is_changed(s3_emulator: Emulator, bucket: str) -> None:
    before = configuration(s3_emulator, bucket)
    done = operate(s3_emulator, "enable", bucket)
    assert done.returncode == 1
    assert "--yes answers it" in done.stderr
    assert configuration(s3_emulator, bucket) == before


def test_it_is_not_switched_off_under_rules_that_receive_the_buckets_events(s3_emulator: Emulator, bucket: str) -> None:
    operate(s3_emulator, "enable", bucket, "--yes")
    events = s3_emulator.client("events")
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
    events.put_rule(Name="of-somebody", EventPattern=json.dumps(pattern))
    done = operate(s3_emulator, "disable", bucket, "--yes")
    assert done.returncode == 1
    assert "of-somebody" in done.stderr
    assert "EventBridgeConfiguration" in configuration(s3_emulator, bucket)
    done = operate(s3_emulator, "disable", bucket, "--yes", "--though-used")
    assert done.returncode == 0, done.stderr
    events.delete_rule(Name="of-somebody")


def test_a_bucket_that_does_not_exist_is_one_line_and_status_1(s3_emulator: Emulator) -> None:
    done = operate(s3_emulator, "enable", "no-such-bucket", "--yes")
    assert done.returncode == 1
    assert "the notifications of bucket no-such-bucket cannot be read: NoSuchBucket" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture
def s3() -> Any:
    return boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


BEFORE: dict[str, Any] = {"QueueConfigurations": QUEUES}
MINE: dict[str, Any] = {**BEFORE, "EventBridgeConfiguration": {}}
GET, PUT = "get_bucket_notification_configuration", "put_bucket_notification_configuration"


def test_what_changed_since_it_was_read_is_not_written_over(s3: Any) -> None:
    with Stubber(s3) as stub:
        stub.add_response(GET, {"QueueConfigurations": QUEUES[:1]})
        with pytest.raises(OperateFailure, match="meanwhile; nothing was written"):
            change(s3, "b", BEFORE, on=True)


def test_the_order_in_which_s3_lists_notifications_is_no_change(s3: Any) -> None:
    with Stubber(s3) as stub:
        stub.add_response(GET, {"QueueConfigurations": QUEUES[::-1]})
        asked = {"Bucket": "b", "NotificationConfiguration": MINE, "SkipDestinationValidation": True}
        stub.add_response(PUT, {}, asked)
        stub.add_response(GET, {**MINE, "QueueConfigurations": QUEUES[::-1]})
        change(s3, "b", BEFORE, on=True)
        stub.assert_no_pending_responses()


def test_what_somebody_wrote_at_the_same_time_is_told_with_what_was_there(s3: Any) -> None:
    with Stubber(s3) as stub:
        stub.add_response(GET, BEFORE)
        stub.add_response(PUT, {})
        stub.add_response(GET, {"EventBridgeConfiguration": {}})
        with pytest.raises(OperateFailure, match=r"are not what was written: .*no-such-queue"):
            change(s3, "b", BEFORE, on=True)


def test_an_answer_that_shows_the_old_state_for_a_moment_is_waited_for(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with Stubber(s3) as stub:
        for call, answer in ((GET, BEFORE), (PUT, {}), (GET, BEFORE), (GET, MINE)):
            stub.add_response(call, answer)
        change(s3, "b", BEFORE, on=True)
        stub.assert_no_pending_responses()


def test_a_kind_of_notification_that_boto3_does_not_know_is_not_lost(s3: Any) -> None:
    body = (
        b"<NotificationConfiguration><StreamConfiguration><Id>x</Id></StreamConfiguration></NotificationConfiguration>"
    )

    class Raw(io.BytesIO):
        def stream(self) -> Iterator[bytes]:
            yield self.read()

    def answer(**_: Any) -> AWSResponse:
        return AWSResponse("http://s3", 200, HTTPHeaders(), Raw(body))

    s3.meta.events.register("before-send.s3.GetBucketNotificationConfiguration", answer)
    with pytest.raises(OperateFailure, match="StreamConfiguration, which this version of boto3 would lose"):
        read(s3, "b")


@pytest.mark.parametrize(
    ("pattern", "hears"),
    [
        ({"source": ["aws.s3"]}, True),
        ({"source": ["aws.s3"], "detail": {"bucket": {"name": ["b", "c"]}}}, True),
        ({"source": ["aws.s3"], "detail": {"bucket": {"name": ["c"]}}}, False),
        ({"source": ["aws.s3"], "detail": {"bucket": {"name": [{"prefix": "c"}]}}}, True),
        ({"source": ["aws.ec2"]}, False),
        ({"detail": {"bucket": {"name": ["b"]}}}, True),
        ({"source": [{"prefix": "aws."}]}, True),
        (None, False),
    ],
)
def test_a_rule_that_may_receive_the_buckets_events_is_known(pattern: dict[str, Any] | None, hears: bool) -> None:
    assert listens(json.dumps(pattern) if pattern else None, "b") is hears
