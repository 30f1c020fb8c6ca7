"""What HEVC's sequence parameter set says of a video: colour tags, and whether its frames are coded as fields.

The syntax is that of ITU-T H.265, 7.3.2.2, 7.3.3, 7.3.4, 7.3.7 and E.2.1.
"""

from dataclasses import dataclass

from worker.bitstream import nal
from worker.bitstream.bits import Bits

_EXTENDED_ASPECT = 255
_MOST_REFERENCE_SETS, _MOST_REFERENCES, _MOST_LONG_TERM = 64, 16, 32


@dataclass(frozen=True)
class Parameters:
    """A sequence parameter set, as far as it is of use here."""

    tags: tuple[int, int, int]
    """Primaries, transfer and matrix; 2 is unspecified."""
    has_fields: bool
    """Whether each picture of the stream is a field: every second line of a frame."""
    order_bits: int
    """How many bits the number takes by which pictures are ordered (`slice_pic_order_cnt_lsb`)."""
    separate_planes: bool
    """Whether each plane of colour is coded by itself."""


def read(unit: bytes) -> Parameters:
    """Read the unit that holds a sequence parameter set.

    Raises:
        ValueError: it cannot be one.
    """
    bits = Bits(nal.unescaped(unit[2:]))
    bits.take(4)
    layers = bits.take(3)
    bits.take(1)
    _skip_profile(bits, layers)
    bits.unsigned()
    separate_planes = bits.unsigned() == 3 and bits.flag()
    bits.unsigned(), bits.unsigned()
    if bits.flag():
        for _ in range(4):
            bits.unsigned()
    bits.unsigned(), bits.unsigned()
    order_bits = min(bits.unsigned(), 12) + 4
    for _ in range(layers + 1 if bits.flag() else 1):
        bits.unsigned(), bits.unsigned(), bits.unsigned()
    for _ in range(6):
        bits.unsigned()
    if bits.flag() and bits.flag():
        _skip_scaling_lists(bits)
    bits.take(2)
    if bits.flag():
        bits.take(8)
        bits.unsigned(), bits.unsigned()
        bits.take(1)
    _skip_reference_sets(bits)
    if bits.flag():
        for _ in range(min(bits.unsigned(), _MOST_LONG_TERM)):
            bits.take(order_bits + 1)
    bits.take(2)
    tags, has_fields = _usability(bits) if bits.flag() else ((2, 2, 2), False)
    return Parameters(tags, has_fields, order_bits, separate_planes)


def _skip_profile(bits: Bits, layers: int) -> None:
    bits.take(88 + 8)
    present = [(bits.flag(), bits.flag()) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)


def _skip_scaling_lists(bits: Bits) -> None:
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.flag():
                bits.unsigned()
                continue
            for _ in range(min(64, 16 << 2 * size) + (size > 1)):
                bits.signed()


def _skip_reference_sets(bits: Bits) -> None:
    count = 0
    for number in range(min(bits.unsigned(), _MOST_REFERENCE_SETS)):
        if number and bits.flag():
            bits.take(1)
            bits.unsigned()
            # A picture is in the set if it is used by the current one, or else by those that follow.
            count = sum(bits.flag() or bits.flag() for _ in range(count + 1))
        else:
            before, after = bits.unsigned(), bits.unsigned()
            if before + after > _MOST_REFERENCES:
                raise ValueError(f"{before + after} reference pictures")
            count = before + after
            for _ in range(count):
                bits.unsigned()
                bits.take(1)


def _usability(bits: Bits) -> tuple[tuple[int, int, int], bool]:
    """Return the part of the usability information that tells colours and fields."""
    tags = 2, 2, 2
    if bits.flag() and bits.take(8) == _EXTENDED_ASPECT:
        bits.take(32)
    if bits.flag():
        bits.take(1)
    if bits.flag():
        bits.take(4)
        if bits.flag():
            tags = bits.take(8), bits.take(8), bits.take(8)
    if bits.flag():
        bits.unsigned(), bits.unsigned()
    bits.take(1)
    return tags, bits.flag()
