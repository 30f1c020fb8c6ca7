"""An object in memory, read as the worker reads one, so that reading can be decided on without a network."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from model import MIB, Range, ReadPolicy, Rejected
from worker.reader import Reader


class FakeRanges:
    """Ranges of one object, most of which may be holes: zeros that take no memory. It counts what is asked of it."""

    def __init__(self, size: int, parts: Mapping[int, bytes], limit: int = 2**30) -> None:
        self.size, self.parts, self.limit = size, dict(parts), limit
        self.rounds: list[list[Range]] = []
        """What was asked together."""

    @property
    def bytes(self) -> int:
        return sum(end - start for asked in self.rounds for start, end in asked)

    @property
    def requests(self) -> int:
        return sum(map(len, self.rounds))

    def get(self, ranges: Sequence[Range]) -> Iterator[tuple[int, memoryview]]:
        self.rounds.append([*ranges])
        if self.bytes > self.limit:
            raise Rejected(f"more than {self.limit // MIB} MiB of the object would have to be read")
        for start, end in ranges:
            yield start, memoryview(content_of(self.parts, start, end))


def content_of(parts: Mapping[int, bytes], start: int, end: int) -> bytes:
    """Return the bytes of a range of an object of these parts, with zeros between them."""
    content = bytearray(end - start)
    for place, part in parts.items():
        first, last = max(place, start), min(place + len(part), end)
        if first < last:
            content[first - start : last - start] = part[first - place : last - place]
    return bytes(content)


def fake_object(
    content: bytes | Mapping[int, bytes], size: int | None = None, policy: ReadPolicy = ReadPolicy(), limit: int = 2**30
) -> tuple[Reader, FakeRanges]:
    """Return a reader of an object of these bytes, or of these parts with holes between them, and what counts its
    requests.

    Both ends were read already, in one round.
    """
    parts = {0: content} if isinstance(content, bytes) else content
    whole = size if size is not None else max((place + len(part) for place, part in parts.items()), default=0)
    ranges = FakeRanges(whole, parts, limit)
    reader = Reader(ranges, policy)
    reader.fetch([(0, whole)] if whole <= policy.whole else [(0, policy.edge), (whole - policy.tail, whole)])
    return reader, ranges


def box(kind: bytes, *content: bytes) -> bytes:
    """Return a box of ISO/IEC 14496-12."""
    body = b"".join(content)
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def numbers(values: Iterable[int], width: int = 4) -> bytes:
    """Big-endian integers, one after another."""
    return b"".join(value.to_bytes(width, "big") for value in values)
