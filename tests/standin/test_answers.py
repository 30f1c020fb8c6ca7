"""The S3 stand-in answers as S3 does, as far as a real client tells."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from standin_s3.client import client_of
from standin_s3.content import File, Sparse
from standin_s3.pace import Pace
from standin_s3.s3 import BUCKET, S3
from standin_s3.serving import serving


@pytest.fixture
def s3() -> Iterator[S3]:
    with serving(S3()) as up:
        yield up


@pytest.fixture
def client(s3: S3) -> Any:
    return client_of(s3)


def refused(call: Any, **arguments: Any) -> tuple[int, str]:
    """Status and code of the error that a call ends in."""
    with pytest.raises(ClientError) as raised:
        call(Bucket=BUCKET, **arguments)
    answer = raised.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


CONTENT = bytes(range(100))


@pytest.mark.parametrize(
    ("asked", "wanted", "told"),
    [
        (None, CONTENT, None),
        ("bytes=0-9", CONTENT[:10], "bytes 0-9/100"),
        ("bytes=90-200", CONTENT[90:], "bytes 90-99/100"),
        ("bytes=90-", CONTENT[90:], "bytes 90-99/100"),
        ("bytes=-10", CONTENT[90:], "bytes 90-99/100"),
    ],
)
def test_a_range_is_answered_with_its_bytes(
    s3: S3, client: Any, asked: str | None, wanted: bytes, told: str | None
) -> None:
    s3.put("a", CONTENT)
    answer = client.get_object(Bucket=BUCKET, Key="a", **({"Range": asked} if asked else {}))
    assert answer["Body"].read() == wanted
    assert answer.get("ContentRange") == told
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == (206 if asked else 200)


def test_a_range_behind_the_end_and_an_object_that_is_not_there_are_refused(s3: S3, client: Any) -> None:
    s3.put("a", CONTENT)
    assert refused(client.get_object, Key="a", Range="bytes=100-200") == (416, "InvalidRange")
    assert refused(client.get_object, Key="b") == (404, "NoSuchKey")
    assert refused(client.head_object, Key="b")[0] == 404


def test_a_key_of_any_characters_is_found(s3: S3, client: Any) -> None:
    key = "Ämter/a+b c%20d/日本.mp4"
    record = s3.put(key, CONTENT)
    assert client.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == 100
    assert record["s3"]["object"]["key"] == "%C3%84mter/a%2Bb+c%2520d/%E6%97%A5%E6%9C%AC.mp4"


def test_a_read_is_granted_only_of_the_content_that_it_names(s3: S3, client: Any) -> None:
    etag = s3.put("a", CONTENT)["s3"]["object"]["eTag"]
    assert client.get_object(Bucket=BUCKET, Key="a", IfMatch=f'"{etag}"')["ContentLength"] == 100
    assert refused(client.get_object, Key="a", IfMatch='"other"') == (412, "PreconditionFailed")
    assert refused(client.get_object, Key="a", IfNoneMatch=f'"{etag}"')[0] == 304


def test_a_write_is_granted_only_where_what_it_names_is_there(s3: S3, client: Any) -> None:
    first = client.put_object(Bucket=BUCKET, Key="a", Body=b"1", IfNoneMatch="*")
    assert refused(client.put_object, Key="a", Body=b"2", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refused(client.put_object, Key="a", Body=b"2", IfMatch='"other"') == (412, "PreconditionFailed")
    assert refused(client.put_object, Key="b", Body=b"2", IfMatch=first["ETag"]) == (404, "NoSuchKey")
    second = client.put_object(Bucket=BUCKET, Key="a", Body=b"2", IfMatch=first["ETag"])
    assert second["VersionId"] != first["VersionId"]
    found = s3.get("a")
    assert found is not None
    assert found[1] == b"2"


def test_what_is_put_with_an_object_comes_back_with_it(s3: S3, client: Any) -> None:
    client.put_object(
        Bucket=BUCKET, Key="a", Body=b"1", Metadata={"made-of": "x"}, ContentType="image/jpeg", CacheControl="no-cache"
    )
    found = client.head_object(Bucket=BUCKET, Key="a")
    assert (found["Metadata"], found["ContentType"], found["CacheControl"]) == (
        {"made-of": "x"},
        "image/jpeg",
        "no-cache",
    )


def test_each_version_can_be_read_until_all_are_removed(s3: S3, client: Any) -> None:
    first, _ = (s3.put("a", content)["s3"]["object"]["versionId"] for content in (b"1", b"2"))
    assert client.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"2"
    assert client.get_object(Bucket=BUCKET, Key="a", VersionId=first)["Body"].read() == b"1"
    marker = client.delete_object(Bucket=BUCKET, Key="a")
    assert marker["DeleteMarker"]
    assert refused(client.get_object, Key="a") == (404, "NoSuchKey")
    assert refused(client.get_object, Key="a", VersionId=marker["VersionId"]) == (405, "MethodNotAllowed")
    assert client.get_object(Bucket=BUCKET, Key="a", VersionId=first)["Body"].read() == b"1"
    s3.remove("a")
    assert refused(client.get_object, Key="a", VersionId=first) == (404, "NoSuchVersion")


def test_a_copy_has_the_metadata_that_it_is_given_and_only_of_the_content_that_it_names(s3: S3, client: Any) -> None:
    etag = s3.put("a", CONTENT, {"old": "1"})["s3"]["object"]["eTag"]
    source = {"Bucket": BUCKET, "Key": "a"}
    client.copy_object(
        Bucket=BUCKET,
        Key="a",
        CopySource=source,
        CopySourceIfMatch=etag,
        MetadataDirective="REPLACE",
        Metadata={"new": "2"},
    )
    assert client.head_object(Bucket=BUCKET, Key="a")["Metadata"] == {"new": "2"}
    assert client.copy_object(Bucket=BUCKET, Key="b", CopySource=source)["CopyObjectResult"]["ETag"] == etag
    assert client.head_object(Bucket=BUCKET, Key="b")["Metadata"] == {"new": "2"}
    assert refused(client.copy_object, Key="a", CopySource=source) == (400, "InvalidRequest")
    assert refused(client.copy_object, Key="c", CopySource=source, CopySourceIfMatch="other")[0] == 412


def test_keys_are_listed_in_order_a_page_at_a_time(s3: S3, client: Any) -> None:
    keys = ["b/ä <&>.mp4", "b/1", "a", "b/2", "c"]
    for key in keys:
        s3.put(key, b"12")
    pages = list(
        client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="b", PaginationConfig={"PageSize": 2})
    )
    assert [[(each["Key"], each["Size"]) for each in page["Contents"]] for page in pages] == [
        [("b/1", 2), ("b/2", 2)],
        [("b/ä <&>.mp4", 2)],
    ]
    assert "Contents" not in client.list_objects_v2(Bucket="other")


def test_a_file_and_an_object_of_gigabytes_take_no_memory(s3: S3, client: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    s3.put("file", File(tmp_path / "file"))
    assert client.get_object(Bucket=BUCKET, Key="file", Range="bytes=5-9")["Body"].read() == CONTENT[5:10]
    s3.put("large", Sparse(4_600_000_000, {4_500_000_000: b"abc"}))
    answer = client.get_object(Bucket=BUCKET, Key="large", Range="bytes=4499999999-4500000003")
    assert answer["Body"].read() == b"\0abc\0"


def test_what_was_asked_is_counted(s3: S3, client: Any) -> None:
    s3.put("a", CONTENT)
    s3.clear()
    for _ in range(3):
        client.get_object(Bucket=BUCKET, Key="a", Range="bytes=0-9")["Body"].read()
    client.put_object(Bucket=BUCKET, Key="b", Body=b"1")
    counted = s3.counted()
    assert (counted.bytes, counted.requests, counted.gets, counted.chain, counted.connections) == (30, 4, 3, 3, 1)
    assert [(each.method, each.name, each.status, each.range) for each in s3.requests()] == [
        *[("GET", f"{BUCKET}/a", 206, (0, 10))] * 3,
        ("PUT", f"{BUCKET}/b", 200, None),
    ]
    s3.clear()
    client.head_object(Bucket=BUCKET, Key="a")
    assert (s3.counted().requests, s3.counted().connections) == (1, 0)


def test_it_stands_before_another_s3(s3: S3, client: Any) -> None:
    s3.put("a", CONTENT, {"x": "1"})
    with serving(S3(upstream=s3.url())) as before:
        asked = client_of(before)
        answer = asked.get_object(Bucket=BUCKET, Key="a", Range="bytes=5-9")
        assert (answer["Body"].read(), answer["Metadata"]) == (CONTENT[5:10], {"x": "1"})
        assert asked.head_object(Bucket=BUCKET, Key="a")["ContentLength"] == 100
        asked.put_object(Bucket=BUCKET, Key="b", Body=b"1")
        assert refused(asked.put_object, Key="b", Body=b"1", IfNoneMatch="*") == (412, "PreconditionFailed")
        assert [each["Key"] for each in asked.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["a", "b"]
    assert s3.stored() == ["a", "b"]


def test_a_client_that_hangs_up_is_charged_for_nothing() -> None:
    with serving(S3(Pace(latency=30))) as slow:
        slow.put("a", CONTENT)
        impatient = client_of(slow, read_timeout=0.1)
        began = time.monotonic()
        with pytest.raises(ReadTimeoutError, match="timeout"):
            impatient.get_object(Bucket=BUCKET, Key="a")
        [request] = slow.requests()
        assert (request.status, request.sent) == (0, 0)
        assert time.monotonic() - began < 20
