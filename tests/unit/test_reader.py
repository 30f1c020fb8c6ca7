"""The cache over an object's ranges: which bytes are asked for, and in what portions."""

import random
from collections.abc import Iterator, Sequence

import pytest

from model import MIB, Range, ReadPolicy
from worker.reader import Reader, View, merged

from .fake_s3 import FakeS3, reader_of

POLICY = ReadPolicy()
GAP = POLICY.gap


def large(size: int = 20 * MIB) -> tuple[FakeS3, Reader]:
    """Return a reader of an object of zeros, nothing of which is here yet."""
    store = FakeS3(size, {})
    return store, Reader(store, POLICY)


class Slow:
    """An object of zeros that notes when it is asked, and when it answers."""

    size = 20 * MIB

    def __init__(self) -> None:
        self.events: list[object] = []

    def get(self, ranges: Sequence[Range]) -> Iterator[tuple[int, memoryview]]:
        self.events.append([*ranges])

        def answer() -> Iterator[tuple[int, memoryview]]:
            for start, end in ranges:
                self.events.append(start)
                yield start, memoryview(bytes(end - start))

        return answer()


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
    assert merged(ranges, GAP) == wanted


def test_nothing_is_asked_for_twice() -> None:
    store, reader = large()
    reader.fetch([(MIB, 2 * MIB)])
    reader.fetch([(0, 3 * MIB)])
    reader.fetch([(MIB + 5, 2 * MIB - 5), (0, 10)])
    assert sorted(store.asked) == [(0, MIB), (MIB, 2 * MIB), (2 * MIB, 3 * MIB)]


def test_while_the_first_ranges_are_on_their_way_something_else_is_done() -> None:
    store = Slow()
    reader = Reader(store, POLICY)
    with reader.while_waiting(lambda: store.events.append("meanwhile")):
        reader.fetch([(0, 10)])
        reader.fetch([(MIB, MIB + 10)])
    with reader.while_waiting(lambda: store.events.append("never")):
        reader.fetch([(0, 10)])
    reader.fetch([(2 * MIB, 2 * MIB + 10)])
    first, second, third = ((place, place + 10) for place in (0, MIB, 2 * MIB))
    assert store.events == [[first], "meanwhile", 0, [second], MIB, [third], 2 * MIB]


def test_what_fails_meanwhile_leaves_no_answer_to_those_who_ask_next() -> None:
    store = Slow()
    reader = Reader(store, POLICY)

    def fail() -> None:
        raise MemoryError

    with pytest.raises(MemoryError), reader.while_waiting(fail):
        reader.fetch([(0, 10), (MIB, MIB + 10)])
    assert store.events == [[(0, 10), (MIB, MIB + 10)], 0, MIB]
    assert reader.has(0, 10)
    assert reader.has(MIB, MIB + 10)


def test_nothing_is_asked_for_beyond_the_end() -> None:
    store, reader = large(100)
    reader.fetch([(50, 1000), (200, 300), (-10, 10)])
    assert store.asked
    assert all(0 <= start < end <= 100 for start, end in store.asked)


def test_any_order_of_fetching_and_reading_gives_the_bytes_of_the_object() -> None:
    chance = random.Random(1)
    content = chance.randbytes(6 * MIB)
    store = FakeS3(len(content), {0: content})
    reader = Reader(store, POLICY)
    for _ in range(200):
        start = chance.randrange(len(content))
        if chance.random() < 0.3:
            reader.fetch((start + n * 1000, start + n * 1000 + chance.randrange(1, 70_000)) for n in range(3))
        length = chance.randrange(1, 100_000)
        found = reader.read(start, length)
        assert found
        assert found == content[start : start + len(found)]
    assert sum(end - start for start, end in store.asked) <= len(content)


def test_reading_in_sequence_asks_for_larger_and_larger_blocks() -> None:
    store, reader = large()
    position = 0
    while position < 10 * MIB:
        position += len(reader.read(position, 2**30))
    assert store.asked[0] == (0, POLICY.block)
    # Blocks of 256 KiB would be 40.
    assert len(store.asked) < 10, store.asked


def test_reading_here_and_there_asks_for_single_blocks() -> None:
    store, reader = large()
    for position in (5 * MIB, 10 * MIB, 15 * MIB):
        reader.read(position, 10)
    assert [end - start for start, end in store.asked] == [POLICY.block] * 3


def test_at_the_end_nothing_is_read_and_nothing_asked_for() -> None:
    store, reader = large(1000)
    assert reader.read(1000, 10) == b""
    assert reader.read(10**12, 10) == b""
    assert store.asked == []


def test_a_view_is_a_file_with_an_end() -> None:
    content = bytes(range(100))
    view = View(reader_of(content), 50)
    assert view.size == 50
    found = b""
    while part := view.read(7):
        found += part
    assert found == content[:50]
    assert view.tell() == 50
    assert view.seek(-5, 2) == 45
    assert view.seek(1, 1) == 46
    assert view.seek(-100, 1) == 0
    assert view.seek(1000) == 1000
    assert view.read(10) == b""


def test_the_beginning_is_what_is_here_without_a_gap() -> None:
    store, reader = large()
    assert reader.beginning().size == 0
    reader.fetch([(0, MIB), (5 * MIB, 6 * MIB)])
    assert reader.beginning().size == MIB
    reader.fetch([(0, store.size)])
    assert reader.beginning().size == store.size
