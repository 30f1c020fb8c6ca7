"""Reading: which bytes are asked for, in how many requests, and what S3's answers mean."""

import random

import pytest

from pipeline.outcome import Rejected, Superseded
from pipeline.source import BLOCK, EDGE, GAP, MIB, PART, WHOLE, Source, View, _longest_chain, merged

from .fake_s3 import FakeS3, client_error, source_of, video


def large(size: int = 20 * MIB) -> tuple[FakeS3, Source]:
    """A source of an object of zeros that is not open yet."""
    store = FakeS3(size, {})
    return store, Source(store, video(size), 2**30)


@pytest.mark.parametrize(
    ("ranges", "wanted"),
    [
        ([], []),
        ([(0, 10)], [(0, 10)]),
        ([(5, 10), (0, 5)], [(0, 10)]),
        ([(0, 10), (3, 5)], [(0, 10)]),
        ([(0, 10), (20, 30)], [(0, 30)]),
        ([(0, 10), (10 + GAP, 20 + GAP)], [(0, 20 + GAP)]),
        ([(0, 10), (11 + GAP, 20 + GAP)], [(0, 10), (11 + GAP, 20 + GAP)]),
    ],
)
def test_ranges_that_lie_close_are_fetched_as_one(ranges: list[tuple[int, int]], wanted: list[tuple[int, int]]) -> None:
    assert merged(ranges) == wanted


def test_a_small_object_is_fetched_whole_by_one_request() -> None:
    store, source = large(WHOLE)
    source.open()
    assert sum(end - start for start, end in store.asked) == WHOLE
    assert source.has(0, WHOLE)


def test_of_a_large_object_both_ends_are_fetched() -> None:
    store, source = large()
    source.open()
    assert sorted(store.asked) == [(0, EDGE), (20 * MIB - EDGE, 20 * MIB)]


@pytest.mark.parametrize("size", [1, 1000, MIB, WHOLE, WHOLE + 1, 20 * MIB])
def test_an_object_of_unknown_size_is_opened(size: int) -> None:
    store = FakeS3(size, {0: b"x"})
    source = Source(store, video(None, None), 2**30)
    source.open()
    assert source.size == size
    assert source.read(0, 1) == b"x"
    assert source.etag


def test_nothing_is_asked_for_twice() -> None:
    store, source = large()
    source.fetch([(MIB, 2 * MIB)])
    source.fetch([(0, 3 * MIB)])
    source.fetch([(MIB + 5, 2 * MIB - 5), (0, 10)])
    asked = sorted(store.asked)
    assert asked == [(0, MIB), (MIB, 2 * MIB), (2 * MIB, 3 * MIB)]


def test_a_long_range_is_fetched_in_parts() -> None:
    store, source = large()
    source.fetch([(0, 2 * PART + 1)])
    assert sorted(store.asked) == [(0, PART), (PART, 2 * PART), (2 * PART, 2 * PART + 1)]


def test_nothing_is_asked_for_beyond_the_end() -> None:
    store, source = large(100)
    source.fetch([(50, 1000), (200, 300), (-10, 10)])
    assert store.asked
    assert all(0 <= start < end <= 100 for start, end in store.asked)


def test_any_order_of_fetching_and_reading_gives_the_bytes_of_the_object() -> None:
    chance = random.Random(1)
    content = chance.randbytes(6 * MIB)
    source = Source(FakeS3(len(content), {0: content}), video(len(content)), 2**30)
    for _ in range(200):
        start = chance.randrange(len(content))
        if chance.random() < 0.3:
            source.fetch((start + n * 1000, start + n * 1000 + chance.randrange(1, 70_000)) for n in range(3))
        length = chance.randrange(1, 100_000)
        found = source.read(start, length)
        assert found
        assert found == content[start : start + len(found)]
    assert source.reading.bytes <= len(content)


def test_reading_in_sequence_asks_for_larger_and_larger_blocks() -> None:
    store, source = large()
    position = 0
    while position < 10 * MIB:
        position += len(source.read(position, 2**30))
    assert store.asked[0] == (0, BLOCK)
    # Blocks of 256 KiB would be 40; the larger ones come as parts that are fetched at the same time.
    assert len(store.asked) < 20, store.asked


def test_reading_here_and_there_asks_for_single_blocks() -> None:
    store, source = large()
    for position in (5 * MIB, 10 * MIB, 15 * MIB):
        source.read(position, 10)
    assert [end - start for start, end in store.asked] == [BLOCK] * 3


def test_at_the_end_nothing_is_read_and_nothing_asked_for() -> None:
    store, source = large(1000)
    assert source.read(1000, 10) == b""
    assert source.read(10**12, 10) == b""
    assert store.asked == []


def test_what_is_not_here_reads_as_zeros_where_that_is_asked_for() -> None:
    source = source_of({0: b"\xff" * (10 * MIB)})
    asked = source.reading.requests
    with source.zeros_for_unread() as zeros:
        assert source.read(5 * MIB, 4) == bytes(4)
        assert source.read(0, 4) == b"\xff" * 4
    assert zeros == [(5 * MIB, 5 * MIB + 4)]
    assert source.reading.requests == asked
    assert source.read(5 * MIB, 4) == b"\xff" * 4


def test_zeros_end_where_something_is_here() -> None:
    source = source_of({0: b"\xff" * (10 * MIB)})
    source.fetch([(5 * MIB, 5 * MIB + 100)])
    with source.zeros_for_unread() as zeros:
        assert source.read(5 * MIB - 10, 4000) == bytes(10)
        assert source.read(5 * MIB, 4000) == b"\xff" * 100
    assert zeros == [(5 * MIB - 10, 5 * MIB)]


def test_more_than_the_limit_is_not_read() -> None:
    source = Source(FakeS3(20 * MIB, {}), video(20 * MIB), 2 * MIB)
    source.open()
    with pytest.raises(Rejected, match="2 MiB"):
        source.fetch([(MIB, 10 * MIB)])


def test_an_empty_object_is_rejected_without_a_request() -> None:
    store, source = large(0)
    with pytest.raises(Rejected, match="empty"):
        source.open()
    assert store.asked == []


@pytest.mark.parametrize(
    ("status", "code", "wanted"),
    [
        (412, "PreconditionFailed", Superseded),
        (404, "NoSuchKey", Rejected),
        (404, "NoSuchVersion", Rejected),
        (405, "MethodNotAllowed", Rejected),
        (416, "InvalidRange", Rejected),
        (403, "InvalidObjectState", Rejected),
        (403, "AccessDenied", Rejected),
        (503, "SlowDown", Exception),
        (500, "InternalError", Exception),
        (429, "TooManyRequests", Exception),
    ],
)
def test_each_answer_of_s3_means(status: int, code: str, wanted: type[Exception]) -> None:
    store, source = large()
    store.fail_with = client_error(status, code)
    with pytest.raises(wanted) as raised:
        source.open()
    if wanted is Exception:
        assert raised.value is store.fail_with, "a passing fault must be raised, so that Lambda tries again"


def test_an_object_that_changed_meanwhile_is_superseded() -> None:
    source = Source(FakeS3(1000, {}), video(1000, "another"), 2**30)
    with pytest.raises(Superseded):
        source.open()


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
    assert _longest_chain(spans) == chain


def test_a_view_is_a_file_with_a_patch_and_an_end() -> None:
    content = bytes(range(100))
    view = View(source_of(content), 50, (10, b"\xff\xfe"))
    assert view.size == 50
    found = b""
    while part := view.read(7):
        found += part
    assert found == content[:10] + b"\xff\xfe" + content[12:50]
    assert view.tell() == 50
    assert view.seek(-5, 2) == 45
    assert view.seek(1, 1) == 46
    assert view.seek(-100, 1) == 0
    assert view.seek(1000) == 1000
    assert view.read(10) == b""
