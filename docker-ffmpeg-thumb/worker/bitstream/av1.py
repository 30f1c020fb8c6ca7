"""What AV1's own units (OBUs) say. The syntax is that of the AV1 bitstream specification, 5.3 to 5.5 and 5.9."""

from collections.abc import Iterator

from worker.bitstream.bits import Bits

SEQUENCE_HEADER = 1
_FRAME_HEADER, _FRAME = 3, 6
_HEADER = 256
"""Bytes of a unit that are looked at; a sequence header with 32 operating points has fewer."""
_UNITS = 64
"""Units of a packet that are looked at; the headers are among the first."""


def units(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and beginning of each unit; the last may have no size and then reaches to the end."""
    position = 0
    for _ in range(_UNITS):
        if position >= len(content):
            return
        header = content[position]
        position += 2 if header & 4 else 1
        size = len(content) - position
        if header & 2:
            size, position = _size(content, position)
        yield header >> 3 & 15, content[position : position + min(size, _HEADER)]
        position += size


def begins_with_keyframe(packet: bytes) -> bool:
    """Return whether the first frame in a packet is a keyframe; True if the packet holds no frame."""
    is_still = False
    for kind, content in units(packet):
        bits = Bits(content)
        if kind == SEQUENCE_HEADER:
            bits.take(4)
            is_still = bits.flag()
        elif kind in (_FRAME_HEADER, _FRAME):
            shows_an_earlier_one = not is_still and bits.flag()
            return is_still or (not shows_an_earlier_one and bits.take(2) == 0)
    return True


def tags(header: bytes) -> tuple[int, int, int]:
    """Return primaries, transfer and matrix of a sequence header; 2 is unspecified.

    Raises:
        ValueError: it cannot be one.
    """
    bits = Bits(header)
    profile = bits.take(3)
    bits.take(1)
    is_still = bits.flag()
    if is_still:
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width, height = bits.take(4) + 1, bits.take(4) + 1
    bits.take(width + height)
    if not is_still and bits.flag():
        bits.take(7)
    bits.take(3)
    if not is_still:
        _skip_tools(bits)
    bits.take(3)
    if bits.flag() and profile == 2:
        bits.take(1)
    if profile != 1:
        bits.take(1)
    return (bits.take(8), bits.take(8), bits.take(8)) if bits.flag() else (2, 2, 2)


def _skip_operating_points(bits: Bits) -> None:
    delay_bits = 0
    if bits.flag():
        bits.take(64)
        if bits.flag():
            bits.unsigned()
        if bits.flag():
            delay_bits = bits.take(5) + 1
            bits.take(32 + 5 + 5)
    has_display_delay = bits.flag()
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.flag():
            bits.take(2 * delay_bits + 1)
        if has_display_delay and bits.flag():
            bits.take(4)


def _skip_tools(bits: Bits) -> None:
    bits.take(4)
    has_order = bits.flag()
    if has_order:
        bits.take(2)
    # Screen content tools: decided for each frame, or for all.
    if (bits.flag() or bits.flag()) and not bits.flag():
        bits.take(1)
    if has_order:
        bits.take(3)


def _size(content: bytes, position: int) -> tuple[int, int]:
    """Return a number in bytes of seven bits, the lowest first, and the place after it."""
    size = 0
    for number in range(8):
        byte = int.from_bytes(content[position : position + 1], "big")
        size |= (byte & 127) << 7 * number
        position += 1
        if byte < 128:
            break
    return size, position
