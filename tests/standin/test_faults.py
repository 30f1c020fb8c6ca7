"""The S3 stand-in fails as it is told to, and with the requests that it is told to."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from urllib3.exceptions import HTTPError

from standin_s3.client import client_of
from standin_s3.faults import STATUSES, Fault
from standin_s3.s3 import BUCKET, S3
from standin_s3.serving import serving

from .test_answers import refused

CONTENT = bytes(range(256)) * 40


@pytest.fixture(params=[False, True], ids=["plain", "TLS"], scope="module")
def served(request: pytest.FixtureRequest) -> Iterator[S3]:
    with serving(S3(), tls=request.param) as up:
        up.put("a", CONTENT)
        up.put("b", CONTENT)
        yield up


@pytest.fixture
def s3(served: S3) -> Iterator[S3]:
    served.fail()
    yield served
    served.fail()


def read(client: Any, key: str = "a", **arguments: Any) -> bytes:
    return bytes(client.get_object(Bucket=BUCKET, Key=key, **arguments)["Body"].read())


@pytest.mark.parametrize("kind", STATUSES)
def test_an_error_of_s3_is_given_as_often_as_asked_for(s3: S3, kind: str) -> None:
    client = client_of(s3)
    s3.fail(Fault(kind, count=2, skip=1))
    assert read(client) == CONTENT
    for _ in range(2):
        assert refused(client.get_object, Key="a") == STATUSES[kind][:2]
    assert read(client) == CONTENT
    assert s3.injected() >= 2


def test_a_fault_is_only_that_of_its_method_its_object_and_its_place(s3: S3) -> None:
    client = client_of(s3)
    s3.fail(Fault("500", "PUT"), Fault("503", key="b"), Fault("SlowDown", at=1000))
    assert read(client, Range="bytes=0-999") == CONTENT[:1000]
    assert refused(client.get_object, Key="a", Range="bytes=1000-1001")[1] == "SlowDown"
    assert refused(client.get_object, Key="b")[1] == "ServiceUnavailable"
    assert refused(client.put_object, Key="c", Body=b"")[1] == "InternalError"
    client.head_object(Bucket=BUCKET, Key="b")


@pytest.mark.parametrize("kind", ["reset", "short", "stall", "drip"])
@pytest.mark.parametrize("after", [0, 1000])
def test_an_answer_that_breaks_off_has_so_many_bytes(s3: S3, kind: str, after: int) -> None:
    client = client_of(s3, read_timeout=0.3)
    s3.fail(Fault(kind, count=1, after=after))
    content = b""
    try:
        for piece in client.get_object(Bucket=BUCKET, Key="a")["Body"].iter_chunks(100):
            content += piece
    except (HTTPError, BotoCoreError, HTTPClientError, OSError):
        pass
    assert content != CONTENT
    assert content == CONTENT[: len(content)]
    assert len(content) <= after + 1
    assert [request.range for request in s3.requests()] == [(0, after)]
    assert read(client) == CONTENT


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_silence_is_no_answer_at_all(s3: S3, method: str) -> None:
    client = client_of(s3, read_timeout=0.3)
    s3.fail(Fault("silence", method, 1))
    calls = {
        "GET": lambda: client.get_object(Bucket=BUCKET, Key="a"),
        "HEAD": lambda: client.head_object(Bucket=BUCKET, Key="a"),
        "PUT": lambda: client.put_object(Bucket=BUCKET, Key="c", Body=b"1"),
    }
    with pytest.raises(HTTPClientError, match="timeout"):
        calls[method]()
    assert [(request.method, request.status) for request in s3.requests()] == [(method, 0)]
    calls[method]()


def test_an_answer_can_be_too_long_whole_or_of_another_place(s3: S3) -> None:
    client = client_of(s3)
    asked = {"Bucket": BUCKET, "Key": "a", "Range": "bytes=100-199"}
    s3.fail(*(Fault(kind, count=1) for kind in ("long", "whole", "shifted", "grown")))
    assert client.get_object(**asked)["ContentLength"] == 1099
    whole = client.get_object(**asked)
    assert (whole["ContentLength"], whole.get("ContentRange")) == (len(CONTENT), None)
    assert client.get_object(**asked)["ContentRange"] == f"bytes 107-206/{len(CONTENT)}"
    assert client.get_object(**asked)["ContentRange"] == f"bytes 100-199/{len(CONTENT) + 1_000_000}"


def test_one_request_can_be_late(s3: S3) -> None:
    client = client_of(s3)
    s3.fail(Fault("late", count=1, seconds=0.4))
    took = []
    for _ in range(2):
        began = time.monotonic()
        assert read(client) == CONTENT
        took.append(time.monotonic() - began)
    assert took[0] >= 0.4 > took[1]


def test_an_object_can_be_overwritten_in_the_moment_in_which_it_is_read(s3: S3) -> None:
    client = client_of(s3)
    etag = s3.put("changing", CONTENT)["s3"]["object"]["eTag"]
    s3.fail(Fault("replace", count=1, content=b"newer"))
    with pytest.raises(ClientError, match="PreconditionFailed"):
        read(client, "changing", IfMatch=etag)
    assert read(client, "changing") == b"newer"


def test_a_write_can_be_decided_on_late(s3: S3) -> None:
    slow, fast = client_of(s3), client_of(s3)
    s3.remove("raced")
    s3.fail(Fault("wait", "PUT", 1, seconds=60))
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(refused, slow.put_object, Key="raced", Body=b"late", IfNoneMatch="*")
        while ("PUT", f"{BUCKET}/raced") not in s3.under_way():
            time.sleep(0.005)
        fast.put_object(Bucket=BUCKET, Key="raced", Body=b"early", IfNoneMatch="*")
        s3.lift()
        assert late.result() == (412, "PreconditionFailed")
    assert read(fast, "raced") == b"early"
