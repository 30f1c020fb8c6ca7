"""Requests to S3: what is sent again, when, and what is counted."""

import threading
import time
from collections.abc import Callable

import pytest

from service.requests import (
    ATTEMPTS,
    Attempt,
    BrokenRequest,
    OutOfTime,
    Pace,
    Requests,
    is_transient,
    longest_chain,
)

from .fake_s3 import client_error


def soon() -> float:
    return time.monotonic() + 20


def usual(requests: Requests, seconds: float = 0.01) -> None:
    """Let it learn how fast answers come."""

    def answer(attempt: Attempt) -> None:
        time.sleep(seconds)
        attempt.has_answered()

    for _ in range(2):
        list(requests.all([answer] * 4, soon()))


def test_answers_come_with_the_number_of_their_request() -> None:
    asks: list[Callable[[Attempt], str]] = [lambda _, n=n: f"answer {n}" for n in range(100)]  # type: ignore[misc]
    assert dict(Requests().all(asks, soon())) == {n: f"answer {n}" for n in range(100)}


def test_requests_are_under_way_at_the_same_time() -> None:
    gate = threading.Barrier(20, timeout=10)
    assert len(list(Requests().all([lambda _: gate.wait()] * 20, soon()))) == 20


def test_a_request_that_fails_is_sent_again_until_it_succeeds() -> None:
    def ask(attempt: Attempt) -> int:
        if attempt.number < ATTEMPTS - 1:
            raise client_error(503, "SlowDown")
        return attempt.number

    assert Requests().one(ask, soon()) == ATTEMPTS - 1


def test_a_request_that_always_fails_is_given_up_after_the_last_attempt_and_names_the_fault() -> None:
    sent: list[int] = []

    def ask(attempt: Attempt) -> None:
        sent.append(attempt.number)
        raise client_error(503, "SlowDown")

    with pytest.raises(BrokenRequest, match="503 SlowDown"):
        Requests().one(ask, soon())
    assert sent == list(range(ATTEMPTS))


def test_what_no_other_attempt_would_mend_is_raised_at_once() -> None:
    sent: list[int] = []

    def ask(attempt: Attempt) -> None:
        sent.append(attempt.number)
        raise client_error(412, "PreconditionFailed")

    with pytest.raises(Exception, match="PreconditionFailed"):
        Requests().one(ask, soon())
    assert sent == [0]


def test_a_late_request_is_sent_again_and_the_first_answer_counts() -> None:
    requests = Requests()
    usual(requests)
    forever = threading.Event()

    def ask(attempt: Attempt) -> int:
        if attempt.number == 0:
            forever.wait(20)
        return attempt.number

    began = time.monotonic()
    assert requests.one(ask, soon()) == 1
    assert time.monotonic() - began < 10
    forever.set()


def test_an_answer_that_stops_in_the_middle_is_late_too() -> None:
    requests = Requests()
    usual(requests)
    forever = threading.Event()

    def ask(attempt: Attempt) -> int:
        attempt.has_answered()
        if attempt.number == 0:
            forever.wait(20)
        return attempt.number

    assert dict(requests.all([ask], soon(), [1000])) == {0: 1}
    forever.set()


def test_where_two_connections_stay_silent_the_idle_ones_are_forgotten() -> None:
    forgotten: list[bool] = []
    requests = Requests(lambda: forgotten.append(True))
    usual(requests)
    forever = threading.Event()

    def ask(attempt: Attempt) -> int:
        if not forgotten:
            forever.wait(20)
        return attempt.number

    assert requests.one(ask, soon()) == 2
    forever.set()


def test_what_is_not_to_be_sent_twice_is_waited_for() -> None:
    requests = Requests()
    usual(requests)
    sent: list[int] = []

    def ask(attempt: Attempt) -> None:
        sent.append(attempt.number)
        time.sleep(0.5)

    requests.one(ask, soon(), hedge=False)
    assert sent == [0]


def test_without_an_answer_the_deadline_ends_it() -> None:
    forever = threading.Event()
    with pytest.raises(OutOfTime):
        Requests().one(lambda _: forever.wait(20), time.monotonic() + 0.3)
    forever.set()


def test_nothing_is_late_before_it_is_known_how_fast_answers_come() -> None:
    pace = Pace()
    assert pace.due(Attempt(0, began=0.0), 0) == Pace.UNKNOWN
    for _ in range(10):
        pace.note(0.1)
    assert pace.due(Attempt(0, began=0.0), 0) == pytest.approx(Pace.FACTOR * 0.1)
    for _ in range(1000):
        pace.note(0.001)
    assert pace.due(Attempt(0, began=0.0), 0) == Pace.LEAST


def test_an_answer_is_late_too_that_takes_longer_than_nearly_all_others_once_many_are_known() -> None:
    pace = Pace()
    times = [0.1, 0.12, 0.11, 0.1]
    for seconds in times:
        pace.note(seconds)
    assert pace.due(Attempt(0, began=0.0), 0) == pytest.approx(Pace.FACTOR * 0.105)
    for seconds in times * 10:
        pace.note(seconds)
    assert pace.due(Attempt(0, began=0.0), 0) == pytest.approx(Pace.MARGIN * 0.12)
    # Where many take long, that is no sign of being late.
    for _ in range(10):
        pace.note(1.0)
    assert pace.due(Attempt(0, began=0.0), 0) == pytest.approx(Pace.FACTOR * 0.11)


@pytest.mark.parametrize(
    ("status", "code", "transient"),
    [
        (500, "InternalError", True),
        (503, "SlowDown", True),
        (429, "TooManyRequests", True),
        (400, "RequestTimeout", True),
        (400, "InvalidRequest", False),
        (403, "AccessDenied", False),
        (404, "NoSuchKey", False),
        (412, "PreconditionFailed", False),
    ],
)
def test_which_answers_are_worth_another_attempt(status: int, code: str, transient: bool) -> None:
    assert is_transient(client_error(status, code)) is transient


@pytest.mark.parametrize(
    ("spans", "chain"),
    [
        ([], 0),
        ([(0, 1)], 1),
        ([(0, 1), (0, 1), (0.5, 2)], 1),
        ([(0, 1), (1, 2), (2, 3)], 3),
        ([(0, 10), (1, 2), (3, 4)], 2),
    ],
)
def test_the_longest_chain_of_requests_is_counted(spans: list[tuple[float, float]], chain: int) -> None:
    assert longest_chain(spans) == chain
