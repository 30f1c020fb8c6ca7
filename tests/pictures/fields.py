"""H.264 whose pictures are coded as two fields, as camcorders do and no encoder here can: written bit by bit.

The syntax is that of ITU-T H.264, 7.3; all macroblocks are raw samples (I_PCM).
"""

from collections.abc import Sequence

_WIDE, _HIGH = 4, 2
"""Macroblocks of 16 x 16 in a field; pictures are 64 x 64."""

Samples = tuple[int, int, int]
"""Y, Cb, Cr, none of them below 4, so that they look like no start code."""


class _Bits:
    def __init__(self) -> None:
        self._text = ""

    def put(self, value: int, length: int) -> None:
        self._text += f"{value:0{length}b}"

    def unsigned(self, *values: int) -> None:
        """Exp-Golomb codes, of which that of a signed zero is the same."""
        for value in values:
            self.put(value + 1, 2 * (value + 1).bit_length() - 1)

    def raw(self, content: bytes) -> None:
        self._text += "0" * (-len(self._text) % 8) + "".join(f"{byte:08b}" for byte in content)

    def unit(self, header: int) -> bytes:
        """Return a unit behind a start code, with its end and what keeps it from looking like another start."""
        text = self._text + "1"
        text += "0" * (-len(text) % 8)
        content = bytes(int(text[place : place + 8], 2) for place in range(0, len(text), 8))
        for byte in (b"\3", b"\2", b"\1", b"\0"):
            content = content.replace(b"\0\0" + byte, b"\0\0\3" + byte)
        return b"\0\0\0\1" + bytes([header]) + content


def _parameters() -> bytes:
    sequence, picture = _Bits(), _Bits()
    sequence.put(77, 8)
    sequence.put(0, 8)
    sequence.put(30, 8)
    # Its number, bits of the pictures' numbers, order of showing as of decoding, one picture that others refer to.
    sequence.unsigned(0, 0, 2, 1)
    sequence.put(0, 1)
    sequence.unsigned(_WIDE - 1, _HIGH - 1)
    # Not only frames, no mixture of both in one, and neither cropping nor colour tags.
    sequence.put(0b00100, 5)
    picture.unsigned(0, 0)
    picture.put(0, 2)
    picture.unsigned(0, 0, 0)
    picture.put(0, 3)
    picture.unsigned(0, 0, 0)
    # The deblocking filter can be turned off.
    picture.put(0b100, 3)
    return sequence.unit(0x67) + picture.unit(0x68)


def _field(number: int, samples: Samples, is_bottom: bool) -> bytes:
    bits = _Bits()
    bits.unsigned(0, 7, 0)
    bits.put(0, 4)
    bits.put(0b11 if is_bottom else 0b10, 2)
    if is_bottom:
        bits.put(0, 1)
    else:
        bits.unsigned(number % 2)
        bits.put(0, 2)
    bits.unsigned(0, 1)
    luma, blue, red = samples
    for _ in range(_WIDE * _HIGH):
        bits.unsigned(25)
        bits.raw(bytes([luma]) * 256 + bytes([blue]) * 64 + bytes([red]) * 64)
    # Only the first field of a picture that all begins with is of the kind that says so.
    return bits.unit(0x61 if is_bottom else 0x65)


def in_fields(pictures: Sequence[Samples]) -> list[bytes]:
    """Return the fields of pictures of one colour each, the upper one first; each picture is a keyframe."""
    return [
        (b"" if is_bottom else _parameters()) + _field(number, samples, is_bottom)
        for number, samples in enumerate(pictures)
        for is_bottom in (False, True)
    ]
