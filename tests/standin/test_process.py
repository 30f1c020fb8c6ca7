"""The S3 stand-in in a process of its own: TLS, pace, and connections that go bad."""

import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError, SSLError

from standin_s3.client import client_of
from standin_s3.log import longest_chain
from standin_s3.pace import AT_ONCE, Latency, Pace
from standin_s3.process import NotStarted, started
from standin_s3.s3 import BUCKET, S3

CONTENT = bytes(range(256)) * 4000


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with started(tls=True) as up:
        up.put("a", CONTENT)
        yield up


def test_it_speaks_tls_to_clients_that_trust_it_and_to_no_others(s3: S3) -> None:
    assert s3.url().startswith("https://127.0.0.1:")
    assert s3.environment()["AWS_CA_BUNDLE"] == s3.bundle()
    client = client_of(s3)
    assert client.get_object(Bucket=BUCKET, Key="a")["Body"].read() == CONTENT
    client.put_object(Bucket=BUCKET, Key="b", Body=CONTENT, IfNoneMatch="*")
    found = s3.get("b")
    assert found is not None
    assert found[1] == CONTENT
    strange = boto3.client(
        "s3", endpoint_url=s3.url(), region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with pytest.raises(SSLError):
        strange.head_object(Bucket=BUCKET, Key="a")


def test_connections_that_are_opened_are_counted_and_those_that_are_kept_are_not(s3: S3) -> None:
    clients = [client_of(s3) for _ in range(4)]
    for opened in (4, 0):
        s3.clear()
        for client in clients:
            client.get_object(Bucket=BUCKET, Key="a")["Body"].read()
        assert (s3.counted().gets, s3.counted().chain, s3.counted().connections) == (4, 4, opened)


def test_requests_that_are_sent_together_are_answered_together(s3: S3) -> None:
    s3.set_pace(Pace(settle=2))
    try:
        with ThreadPoolExecutor(4) as pool:
            s3.clear()
            list(pool.map(lambda client: client.head_object(Bucket=BUCKET, Key="a"), [client_of(s3) for _ in range(4)]))
        spans = [(request.began, request.ended) for request in s3.requests()]
        assert longest_chain(spans) == 1
    finally:
        s3.set_pace(AT_ONCE)


def test_answers_take_the_latency_and_the_rate_that_they_are_given(s3: S3) -> None:
    client = client_of(s3)
    client.head_object(Bucket=BUCKET, Key="a")
    s3.set_pace(Pace(latency=0.05, rate=10 * len(CONTENT)))
    try:
        began = time.monotonic()
        # Its last piece comes as soon as those before it are paid for.
        client.get_object(Bucket=BUCKET, Key="a")["Body"].read()
        assert time.monotonic() - began >= 0.12
    finally:
        s3.set_pace(AT_ONCE)


def test_the_tail_is_as_long_and_as_frequent_as_it_is_given_and_the_same_each_time() -> None:
    pace = Pace(latency=0.03, tail_share=0.01, tail=0.3)
    rows = [[latency.draw(pace) for _ in range(10_000)] for latency in (Latency(), Latency())]
    assert rows[0] == rows[1]
    assert set(rows[0]) == {0.03, 0.03 + 0.3}
    assert 60 < rows[0].count(0.03 + 0.3) < 140


@pytest.mark.parametrize("how", ["close", "swallow"])
def test_connections_that_are_open_go_bad_and_new_ones_are_served(s3: S3, how: str) -> None:
    client = client_of(s3, read_timeout=0.5)
    client.head_object(Bucket=BUCKET, Key="a")
    s3.break_connections(how)
    s3.clear()
    if how == "swallow":
        with pytest.raises(ReadTimeoutError, match="timeout"):
            client.head_object(Bucket=BUCKET, Key="a")
    client.head_object(Bucket=BUCKET, Key="a")
    assert (s3.counted().requests, s3.counted().connections) == (1, 1)


def test_it_runs_where_it_is_told_to_and_ends_with_its_context() -> None:
    processor = min(os.sched_getaffinity(0))
    with started(processors=[processor]) as s3:
        url = s3.url()
        assert client_of(s3).list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    with pytest.raises(OSError, match="Connection refused"):
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=5)


def test_one_that_cannot_start_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(NotStarted, match="ended with"), started(tmp_path_factory.getbasetemp() / "missing"):
        pass


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
def test_the_longest_row_of_requests_is_counted(spans: list[tuple[float, float]], chain: int) -> None:
    assert longest_chain(spans) == chain
