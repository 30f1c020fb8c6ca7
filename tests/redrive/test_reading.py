"""What is read out of Lambda's records and the stack's outputs, and how it is shown."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from redrive.failures import Failure, Message, Unreadable, read
from redrive.problem import RedriveFailure
from redrive.table import lines
from redrive.target import find
from tests.redrive.service import event

SENT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/failures"


def record(**changes: Any) -> dict[str, Any]:
    """A record as the Lambda Developer Guide shows it."""
    return {
        "version": "1.0",
        "timestamp": "2026-11-14T18:16:05.568Z",
        "requestContext": {
            "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
            "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:thumbnailer:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event("a/b c.mp4"),
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorType": "JobFailed", "errorMessage": "1 of 1 objects"},
        **changes,
    }


def message(body: str | dict[str, Any]) -> Message:
    return Message("id-1", "receipt", body if isinstance(body, str) else json.dumps(body), SENT)


def failure(body: dict[str, Any]) -> Failure:
    found = read(message(body))
    assert isinstance(found, Failure)
    return found


def test_a_record_of_lambda_gives_event_key_time_tries_and_error() -> None:
    found = failure(record())
    assert found.event == event("a/b c.mp4")
    assert found.keys == ("a/b c.mp4",)
    assert found.failed == datetime(2026, 11, 14, 18, 16, 5, 568000, tzinfo=UTC)
    assert (found.tries, found.error) == (3, "JobFailed: 1 of 1 objects")


def test_an_event_that_grew_too_old_says_so_and_has_no_answer_of_the_function() -> None:
    old = record(requestContext={"condition": "EventAgeExceeded", "approximateInvokeCount": 0})
    del old["responsePayload"], old["responseContext"]
    found = failure(old)
    assert (found.tries, found.error) == (0, "EventAgeExceeded")


def test_a_record_without_a_time_counts_from_its_sending() -> None:
    without = record()
    del without["timestamp"]
    assert failure(without).failed == SENT


def test_an_event_that_is_not_of_s3_can_be_replayed_by_its_message() -> None:
    found = failure(record(requestPayload={"Records": [{"s3": 1}, None], "hello": "there"}))
    assert found.keys == ()
    assert "(not an event of S3's)" in lines([found], None)[1]


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", '"text"', "{}", json.dumps(record(requestPayload=None)), json.dumps(record(requestPayload="x"))],
)
def test_what_holds_no_event_is_unreadable_and_says_why(body: str) -> None:
    found = read(message(body))
    assert isinstance(found, Unreadable)
    assert found.why.startswith("it is no ")
    assert "unreadable: it is no " in lines([found], None)[1]


def test_deeply_nested_text_is_unreadable_and_no_crash() -> None:
    assert isinstance(read(message("[" * 100_000)), Unreadable)


def test_keys_and_errors_do_nothing_to_a_terminal() -> None:
    hostile = record(
        requestPayload=event("\x1b]0;owned\x07\u202egpj.mp4\n"), responsePayload={"errorMessage": "\r\x1b[2Jclear"}
    )
    (_, line) = lines([failure(hostile)], None)
    assert line.isprintable()
    assert r"\x1b]0;owned\x07\u202egpj.mp4\n" in line
    assert r"\r\x1b[2Jclear" in line


def test_lines_are_cut_to_the_terminal_and_whole_elsewhere() -> None:
    long = failure(record(responsePayload={"errorMessage": "e" * 500}))
    assert [len(line) for line in lines([long], 100)][1] == 100
    assert lines([long], None)[1].endswith("e" * 500)


def test_an_option_goes_before_the_outputs_and_these_before_the_environment() -> None:
    outputs = json.dumps({"failureQueue": QUEUE, "function": "of-outputs", "widths": [640]})
    environment = {"THUMBNAILER_FAILURE_QUEUE": "http://other/q", "THUMBNAILER_FUNCTION": "of-environment"}
    assert find("http://option/q", "of-option", outputs, environment).queue == "http://option/q"
    assert find(None, None, outputs, environment).function == "of-outputs"
    assert find(None, None, None, environment).function == "of-environment"
    assert find(QUEUE, None, None, {}).function is None


def test_the_region_is_taken_from_the_queue_where_its_url_names_one() -> None:
    assert find(QUEUE, None, None, {}).region == "eu-central-1"
    assert find("https://cn-north-1.queue.amazonaws.com.cn/1/q", None, None, {}).region == "cn-north-1"
    assert find("http://127.0.0.1:4566/000000000000/q", None, None, {}).region is None


@pytest.mark.parametrize(
    ("queue", "outputs", "words"),
    [
        (None, None, "no queue is given: use --queue URL, --outputs FILE"),
        (None, "{}", "no queue is given"),
        (None, "not json", "no JSON"),
        (None, "[1]", "no JSON object"),
        ("failures", None, "the queue 'failures' is no URL: `pulumi stack output failureQueue` prints it"),
    ],
)
def test_what_is_missing_is_said_in_one_line(queue: str | None, outputs: str | None, words: str) -> None:
    with pytest.raises(RedriveFailure) as failure:
        find(queue, None, outputs, {})
    assert words in str(failure.value)
    assert "\n" not in str(failure.value)
