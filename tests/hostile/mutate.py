"""Mutants of the seeds: each is made from its number alone, so that what is found needs no file to be kept."""

import random
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

LARGEST = 96 * 1024
"""Bytes of a mutant."""
_EXTREMES = (
    *(0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**20, 2**28),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1),
)
_HOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"mvex", b"moof", b"traf", b"mfra", b"udta"}
_TYPES = (
    *(b"moov", b"trak", b"mdat", b"moof", b"free", b"stts", b"ctts", b"stsc", b"stsz", b"stco", b"co64", b"stsd"),
    *(b"elst", b"sidx", b"tfra", b"cmov", b"dref", b"uuid", b"pasp", b"colr", b"clap", b"avcC", b"hvcC", b"meta"),
)

Mutation = Callable[[random.Random, bytearray, "Mapping[str, bytes]"], None]


@dataclass(frozen=True)
class Mutant:
    """A spoiled video, and how the function is to be set for it."""

    number: int
    seed: str
    mutations: tuple[str, ...]
    content: bytes
    settings: dict[str, object]
    block: int
    """See `_served`: the size up to which an object is fetched whole."""


def mutant(number: int, seeds: Mapping[str, bytes], largest: int = LARGEST) -> Mutant:
    """Return the mutant with this number, cut to `largest` bytes."""
    chance = random.Random(number)
    name = chance.choice(list(seeds))
    content = bytearray(seeds[name])
    done = []
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        mutation = chance.choice(_MUTATIONS)
        mutation(chance, content, seeds)
        done.append(mutation.__name__.strip("_"))
        del content[largest:]
    settings: dict[str, object] = {"position": chance.choice(("auto", "auto", "0.7", "50%", "1:00"))}
    settings |= chance.choice(_SETTINGS)
    block = chance.choice((4 * 2**20, 1024))
    return Mutant(number, name, tuple(done), bytes(content), settings, block)


_SETTINGS: tuple[dict[str, object], ...] = (
    *({} for _ in range(12)),
    {"widths": [0]},
    {"storyboard": True, "storyboard_playlist": True},
    {"preview": "webp"},
    {"manifest": True, "placeholder": True, "preview": "mp4"},
    {"height": 100, "fit": "cover", "widths": [300, 40]},
    {"height": 100, "fit": "pad", "format": "webp"},
)


def boxes(content: bytes | bytearray, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, bytes]]:
    """Yield start, end and type of every box that lies within bounds, holders before what they hold."""
    end = len(content) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", content, start)
        stop = start + size
        if size < 8 or stop > end:
            return
        yield start, stop, kind
        if kind in _HOLDERS:
            yield from boxes(content, start + 8, stop)
        start = stop


def _bits(chance: random.Random, content: bytearray, _: Mapping[str, bytes]) -> None:
    for _number in range(min(len(content), chance.choice((1, 4, 32, 256)))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _range(chance: random.Random, content: bytearray) -> tuple[int, int]:
    start = chance.randrange(len(content) + 1)
    return start, min(len(content), start + chance.choice((1, 2, 4, 8, 16, 64, 300, 3000)))


def _set(chance: random.Random, content: bytearray, _: Mapping[str, bytes]) -> None:
    start, end = _range(chance, content)
    content[start:end] = bytes([chance.choice((0, 0xFF, 0x7F, 0x80, chance.randrange(256)))]) * (end - start)


def _noise(chance: random.Random, content: bytearray, _: Mapping[str, bytes]) -> None:
    start, end = _range(chance, content)
    content[start:end] = chance.randbytes(end - start)


def _remove(chance: random.Random, content: bytearray, _: Mapping[str, bytes]) -> None:
    start, end = _range(chance, content)
    del content[start:end]


def _double(chance: random.Random, content: bytearray, _: Mapping[str, bytes]) -> None:
    start, end = _range(chance, content)
    content[end:end] = content[start:end] * chance.choice((1, 2, 20))


def _swap(chance: random.Random, content: bytearray, _: Mapping[str, bytes]) -> None:
    (a, b), (c, d) = sorted((_range(chance, content), _range(chance, content)))
    if b <= c:
        content[a:d] = content[c:d] + content[b:c] + content[a:b]


def _number(chance: random.Random, content: bytearray, _: Mapping[str, bytes]) -> None:
    """Write an extreme value in one of the sizes of numbers, mostly near an end, where the headers are."""
    width = chance.choice((1, 2, 4, 4, 4, 8))
    if len(content) < width:
        return
    room = len(content) - width
    near = chance.randrange(min(room, 1500) + 1)
    place = chance.choice((near, room - near, chance.randrange(room + 1)))
    value = chance.choice(_EXTREMES) & (1 << 8 * width) - 1
    content[place : place + width] = value.to_bytes(width, chance.choice(("big", "little")))


def _box_size(chance: random.Random, content: bytearray, _: Mapping[str, bytes]) -> None:
    found = list(boxes(content))
    if found:
        start, end, _kind = chance.choice(found)
        value = chance.choice((*_EXTREMES, end - start - 1, end - start + 1, end - start + 8, len(content)))
        struct.pack_into(">I", content, start, value & 2**32 - 1)


def _box_field(chance: random.Random, content: bytearray, _: Mapping[str, bytes]) -> None:
    """Write an extreme value into one of the first fields of a box: versions, counts, times."""
    found = [(start, end) for start, end, kind in boxes(content) if kind not in _HOLDERS and end - start >= 12]
    if found:
        start, end = chance.choice(found)
        place = start + 8 + 4 * chance.randrange(min(20, (end - start - 8) // 4))
        struct.pack_into(">I", content, place, chance.choice(_EXTREMES) & 2**32 - 1)


def _box_type(chance: random.Random, content: bytearray, _: Mapping[str, bytes]) -> None:
    found = list(boxes(content))
    if found:
        start = chance.choice(found)[0]
        content[start + 4 : start + 8] = chance.choice(_TYPES)


def _box_moved(chance: random.Random, content: bytearray, _: Mapping[str, bytes]) -> None:
    """Double or remove a box, or put it into another, whose size then grows or does not."""
    found = list(boxes(content))
    if not found:
        return
    start, end, _kind = chance.choice(found)
    box = bytes(content[start:end])
    if chance.random() < 0.4:
        del content[start:end]
        return
    at = chance.choice(found)[0]
    holders = [place for place, stop, kind in found if kind in _HOLDERS and place < at < stop]
    content[at:at] = box
    if chance.random() < 0.7:
        for place in holders:
            size = struct.unpack_from(">I", content, place)[0] + len(box)
            struct.pack_into(">I", content, place, size & 2**32 - 1)


def _cut(chance: random.Random, content: bytearray, _: Mapping[str, bytes]) -> None:
    del content[chance.randrange(len(content) + 1) :]


def _splice(chance: random.Random, content: bytearray, seeds: Mapping[str, bytes]) -> None:
    other = seeds[chance.choice(list(seeds))]
    place = chance.randrange(len(other) + 1)
    content[chance.randrange(len(content) + 1) :] = other[place:]


_MUTATIONS: tuple[Mutation, ...] = (
    *(_bits, _set, _noise, _remove, _double, _swap, _number, _number, _cut, _splice),
    *(_box_size, _box_field, _box_field, _box_type, _box_moved),
)
