"""What is read out of Lambda's records and the stack's outputs, and how it is shown."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from operate.problem import OperateFailure
from operate.redrive.command import HEAD, rows
from operate.redrive.failures import Failure, Message, Unreadable, read
from operate.stack import Stack
from operate.table import lines
from tests.operate.service import event

SENT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/failures"


def record(**changes: Any) -> dict[str, Any]:
    """Return a record as the Lambda Developer Guide shows it."""
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


def shown(item: Failure | Unreadable) -> list[str]:
    return lines(HEAD, rows([item]), None)


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
    assert "(no object is named)" in shown(found)[1]


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", '"text"', "{}", json.dumps(record(requestPayload=None)), json.dumps(record(requestPayload="x"))],
)
def test_what_holds_no_event_is_unreadable_and_says_why(body: str) -> None:
    found = read(message(body))
    assert isinstance(found, Unreadable)
    assert found.why.startswith("it is no ")
    assert "unreadable: it is no " in shown(found)[1]


def test_deeply_nested_text_is_unreadable_and_no_crash() -> None:
    assert isinstance(read(message("[" * 100_000)), Unreadable)


def test_keys_and_errors_do_nothing_to_a_terminal() -> None:
    hostile = record(
        requestPayload=event("\x1b]0;owned\x07\u202egpj.mp4\n"), responsePayload={"errorMessage": "\r\x1b[2Jclear"}
    )
    (_, line) = shown(failure(hostile))
    assert line.isprintable()
    assert r"\x1b]0;owned\x07\u202egpj.mp4\n" in line
    assert r"\r\x1b[2Jclear" in line


def test_lines_are_cut_to_the_terminal_and_whole_elsewhere() -> None:
    long = failure(record(responsePayload={"errorMessage": "e" * 500}))
    assert len(lines(HEAD, rows([long]), 100)[1]) == 100
    assert shown(long)[1].endswith("e" * 500)


def test_an_option_goes_before_the_outputs_and_these_before_the_environment() -> None:
    outputs = json.dumps({"failureQueue": QUEUE, "function": "of-outputs", "widths": [640]})
    environment = {"THUMBNAILER_FAILURE_QUEUE": "http://other/q", "THUMBNAILER_FUNCTION": "of-environment"}
    assert Stack({"queue": "http://option/q"}, outputs, environment).queue() == "http://option/q"
    assert Stack({}, outputs, environment).need("function") == "of-outputs"
    assert Stack({}, None, environment).need("function") == "of-environment"
    assert Stack({"queue": QUEUE}, None, {}).find("function") is None


def test_the_region_is_taken_from_the_queue_where_its_url_names_one() -> None:
    def region(queue: str) -> str | None:
        return Stack({"queue": queue}, None, {}).region

    assert region(QUEUE) == "eu-central-1"
    assert region("https://cn-north-1.queue.amazonaws.com.cn/1/q") == "cn-north-1"
    assert region("http://127.0.0.1:4566/000000000000/q") is None
    assert Stack({}, None, {}).region is None


@pytest.mark.parametrize(
    ("queue", "outputs", "words"),
    [
        (None, None, "the failure queue is not given: use --queue URL, --outputs FILE"),
        (None, "{}", "the failure queue is not given"),
        (None, "not json", "no JSON"),
        (None, "[1]", "no JSON object"),
        ("failures", None, "the queue 'failures' is no URL: `pulumi stack output failureQueue` prints it"),
    ],
)
def test_what_is_missing_is_said_in_one_line(queue: str | None, outputs: str | None, words: str) -> None:
    with pytest.raises(OperateFailure) as failure:
        Stack({"queue": queue}, outputs, {}).queue()
    assert words in str(failure.value)
    assert "\n" not in str(failure.value)


def dead_letter(**changes: str) -> Message:
    """Return a dead letter as the EventBridge User Guide describes it: the event itself, and why in its attributes."""
    attributes = {
        "RULE_ARN": "arn:aws:events:us-east-2:123456789012:rule/uploads",
        "TARGET_ARN": "arn:aws:lambda:us-east-2:123456789012:function:thumbnailer",
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "not authorized to perform lambda:InvokeFunction",
        "RETRY_ATTEMPTS": "0",
        **changes,
    }
    return Message("id-2", "receipt", json.dumps(on_a_bus("a+b c%25.mp4")), SENT, attributes)


def on_a_bus(key: str) -> dict[str, Any]:
    detail = {"bucket": {"name": "b"}, "object": {"key": key, "sequencer": "1"}, "reason": "PutObject"}
    return {"version": "0", "source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def test_a_dead_letter_of_eventbridge_gives_the_event_itself_its_raw_key_and_the_reason() -> None:
    found = read(dead_letter())
    assert isinstance(found, Failure)
    assert found.event == on_a_bus("a+b c%25.mp4")
    assert found.keys == ("a+b c%25.mp4",)
    assert (found.failed, found.tries) == (SENT, 1)
    assert found.error == (
        "EventBridge could not call the function: NO_PERMISSIONS: not authorized to perform lambda:InvokeFunction"
    )


def test_a_dead_letter_says_which_limit_of_its_retries_was_reached() -> None:
    found = read(dead_letter(RETRY_ATTEMPTS="185", EXHAUSTED_RETRY_CONDITION="MaximumRetryAttempts"))
    assert isinstance(found, Failure)
    assert found.tries == 186
    assert found.error.endswith("MaximumRetryAttempts")


def test_a_dead_letter_without_attributes_can_be_replayed_all_the_same() -> None:
    found = read(Message("id", "receipt", json.dumps(on_a_bus("k.mp4")), SENT))
    assert isinstance(found, Failure)
    assert (found.keys, found.tries) == (("k.mp4",), None)
    assert found.error.endswith("no reason")


def test_an_event_of_eventbridge_that_failed_in_lambda_is_found_by_its_raw_key_too() -> None:
    assert failure(record(requestPayload=on_a_bus("a+b.mp4"))).keys == ("a+b.mp4",)


def test_a_retake_that_failed_is_found_by_the_keys_of_its_videos() -> None:
    asked = {"retake": [{"bucket": "b", "key": "a+b.mp4"}, {"bucket": "b", "key": "c.mp4", "position": "auto"}]}
    assert failure(record(requestPayload=asked)).keys == ("a+b.mp4", "c.mp4")
    sent = {"source": "video-thumbnailer", "detail-type": "Retake Requested", "detail": asked}
    assert failure(record(requestPayload=sent)).keys == ("a+b.mp4", "c.mp4")


@pytest.mark.parametrize("event", [{"detail": {"object": 1}}, {"retake": 5}, {"retake": [1]}, {"Records": {}}])
def test_an_event_that_cannot_be_read_names_no_keys_and_is_no_crash(event: dict[str, Any]) -> None:
    assert failure(record(requestPayload=event)).keys == ()
