"""An event that keeps failing is tried again, ends in the failure queue, and can be sent again from there."""

import json
from typing import Any
from urllib.parse import unquote_plus

from .service import Service
from .videos import Films

TRIES = 3


def _state_of(service: Service, key: str, failures: list[dict[str, Any]], reason: str) -> None:
    """Check that the one message holds the event as S3 sent it and why it failed, and that the log has a line of each
    try."""
    (failure,) = failures
    (record,) = failure["requestPayload"]["Records"]
    assert record["eventSource"] == "aws:s3"
    assert record["s3"]["bucket"]["name"] == service.stack.bucket
    assert unquote_plus(record["s3"]["object"]["key"]) == key
    assert failure["requestContext"]["condition"] == "RetriesExhausted"
    assert reason in json.dumps(failure["responsePayload"])
    assert [(line["level"], line["message"]) for line in service.said(key)] == [("ERROR", "failed")] * TRIES
    assert all(reason in line["reason"] for line in service.said(key))


def test_an_event_whose_picture_may_not_be_written_ends_in_the_failure_queue_and_can_be_replayed(
    beside: Service, films: Films
) -> None:
    iam, user, key = beside.stack.client("iam"), beside.user, "denied/häst & +1.mp4"
    resource = f"arn:aws:s3:::{beside.pictures}/denied/*"
    statement = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName="denied", PolicyDocument=document)
    calls = beside.calls()
    try:
        beside.upload(key, films.corners(0))
        failures = beside.take_failures()
    finally:
        iam.delete_user_policy(UserName=user, PolicyName="denied")

    _state_of(beside, key, failures, "AccessDenied")
    assert beside.calls() - calls == TRIES
    assert beside.keys(beside.pictures, "denied/") == [key]

    assert beside.replay(failures[0], key).outcome == "made"
    assert beside.picture("denied/häst & +1.jpg").size == (640, 360)
    assert beside.failures() == 0


def test_an_event_whose_output_bucket_is_gone_ends_in_the_failure_queue_and_can_be_replayed(
    elsewhere: Service, films: Films
) -> None:
    s3, bucket, key = elsewhere.s3, elsewhere.pictures, "gone.mp4"
    kept = {name: elsewhere.content(name) for name in elsewhere.keys(bucket)}
    for name in kept:
        s3.delete_object(Bucket=bucket, Key=name)
    s3.delete_bucket(Bucket=bucket)
    calls = elsewhere.calls()
    try:
        elsewhere.upload(key, films.corners(0))
        failures = elsewhere.take_failures()
    finally:
        s3.create_bucket(Bucket=bucket)

    _state_of(elsewhere, key, failures, "NoSuchBucket")
    assert elsewhere.calls() - calls == TRIES

    assert elsewhere.replay(failures[0], key).outcome == "made"
    assert elsewhere.picture("pictures/gone.jpg").size == (640, 360)
    assert elsewhere.failures() == 0


def test_what_is_no_event_of_s3_ends_in_the_failure_queue_with_its_reason(beside: Service) -> None:
    event = {"detail-type": "Object Created", "source": "aws.s3"}
    beside.stack.client("lambda").invoke(
        FunctionName=beside.stack.function, InvocationType="Event", Payload=json.dumps(event)
    )
    (failure,) = beside.take_failures()

    assert failure["requestPayload"] == event
    assert "the event's detail cannot be read" in json.dumps(failure["responsePayload"])
