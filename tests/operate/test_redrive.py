"""A hundred failed events and more in the emulated AWS: looked at, replayed, those that fail again looked at again."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.emulator import ROOT, emulator
from local.processes import free_port
from local.program import register
from tests.operate.service import Service, event, serving

COUNT = 120
KEYS = [f"videos/{number:04} ä+b.mp4" for number in range(COUNT)]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("redrive")
    with pytest.MonkeyPatch.context() as patch:
        # The emulator's names: seconds before the second attempt (Lambda: a minute); no limit, as it counts a throttled
        # event as failed, which Lambda does not.
        patch.setenv("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.05")
        patch.setenv("LAMBDA_ACCOUNT_CONCURRENCY", "0")
        with emulator(free_port(), folder) as aws:
            registered = register(aws, folder, {}, build_image=False)
            with serving(aws, registered, folder) as up:
                yield up


@pytest.fixture(scope="module")
def failed(service: Service) -> Service:
    """All of them, failed three times each and put into the queue by Lambda itself."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(service.invoke, map(event, KEYS)))
    service.wait_for_depth(COUNT, seconds=60)
    return service


def test_all_failed_events_are_listed_and_stay_visible(failed: Service) -> None:
    listed = failed.redrive()
    assert listed.returncode == 0, listed.stderr
    assert [line for line in KEYS if listed.stdout.count(line) != 1] == []
    assert failed.depth() == (COUNT, 0)
    assert "120 in the queue; SQS deletes the oldest at " in listed.stdout
    row = next(line for line in listed.stdout.splitlines() if line.startswith(KEYS[7]))
    assert "  3  " in row
    assert "S3 said 503" in row


def test_two_who_look_at_the_same_time_are_told_of_each_other(failed: Service) -> None:
    sqs = failed.emulator.client("sqs")
    received = sqs.receive_message(QueueUrl=failed.registered.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=60)[
        "Messages"
    ]
    try:
        listed = failed.redrive()
        assert "110 in the queue" in listed.stdout
        assert "10 more are held by somebody" in listed.stdout
    finally:
        for message in received:
            sqs.change_message_visibility(
                QueueUrl=failed.registered.queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )


def test_one_key_or_one_message_is_replayed_alone(failed: Service) -> None:
    failed.function.broken = False
    done = failed.redrive("--key", KEYS[3])
    assert (done.returncode, failed.function.events) == (0, [event(KEYS[3])]), done.stdout + done.stderr
    assert f"{COUNT - 1} others were not asked for, and stay" in done.stdout
    row = next(line for line in failed.redrive().stdout.splitlines() if line.startswith(KEYS[4]))
    done = failed.redrive("--message", _message_of(row))
    assert done.returncode == 0, done.stdout + done.stderr
    failed.wait_for_depth(COUNT - 2)
    assert failed.function.events == [event(KEYS[3]), event(KEYS[4])]
    failed.function.events.clear()


def _message_of(row: str) -> str:
    return next(word for word in row.split() if len(word) == 36 and word.count("-") == 4)


def test_what_is_interrupted_leaves_every_message_visible(failed: Service) -> None:
    left = COUNT - 2
    process = subprocess.Popen(
        [sys.executable, "-m", "operate", "redrive", "--outputs", str(failed.outputs)],
        cwd=ROOT,
        env=failed.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 20
    while failed.depth()[1] < left // 2:
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "interrupted" in said
    assert failed.depth() == (left, 0)


def test_all_are_replayed_once_what_fails_again_comes_back_and_the_unreadable_stays(failed: Service) -> None:
    left = [key for key in KEYS if key not in (KEYS[3], KEYS[4])]
    failed.function.hopeless = set(left[:10])
    strange = failed.send("<html>not Lambda's</html>")
    failed.function.failing.clear()
    done = failed.redrive("--all")
    failed.function.failing.set()
    assert done.returncode == 1, "what could not be read must show in the exit status"
    assert f"{len(left)} replayed" in done.stdout
    assert "1 kept in the queue" in done.stdout
    assert f"{strange}  unreadable: it is no JSON" in done.stdout
    failed.wait_for_depth(10 + 1)
    got = Counter(json.dumps(each) for each in failed.function.events)
    assert got == Counter(json.dumps(event(key)) for key in left[10:])
    listed = failed.redrive().stdout
    assert sorted(key for key in KEYS if key in listed) == left[:10]
    assert strange in listed
    assert failed.depth() == (11, 0)


def test_progress_is_told_and_what_is_asked_for_in_vain_is_named(failed: Service) -> None:
    done = failed.redrive("--key", "no-such.mp4", "--message", "no-such-id")
    assert done.returncode == 1
    assert "key no-such.mp4 is not in the queue" in done.stdout
    assert "message no-such-id is not in the queue" in done.stdout
    assert "reading 10 of 11" in done.stderr or "reading 11 of 11" in done.stderr
    assert failed.depth() == (11, 0)


def test_a_dead_letter_of_eventbridge_is_shown_with_its_reason_and_replayed_as_it_is(failed: Service) -> None:
    item = {"bucket": {"name": "b"}, "object": {"key": "on a+bus.mp4", "size": 7, "etag": "e" * 32}}
    event = {"version": "0", "source": "aws.s3", "detail-type": "Object Created", "detail": item}
    failed.send(json.dumps(event), ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="may not", RETRY_ATTEMPTS="3")
    failed.wait_for_depth(12)
    row = next(line for line in failed.redrive().stdout.splitlines() if line.startswith("on a+bus.mp4"))
    assert "  4  " in row
    assert row.endswith("EventBridge could not call the function: NO_PERMISSIONS: may not")
    done = failed.redrive("--key", "on a+bus.mp4")
    assert done.returncode == 0, done.stdout + done.stderr
    failed.wait_for_depth(11)
    assert failed.function.events[-1] == event
