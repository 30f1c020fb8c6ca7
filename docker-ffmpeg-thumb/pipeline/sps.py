"""The colour tags in H.264's sequence parameter set, where a container has none of its own.

FFmpeg's decoder reads them only with the first picture, and here no picture is decoded. The syntax is that of ITU-T
H.264, 7.3.2.1.1 and E.1.1.
"""

_WITH_CHROMA_FORMAT = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
"""Profiles whose parameter sets say more of the samples."""
_EXTENDED_ASPECT = 255


class _Bits:
    """Reads bits, the first one first; past the end it reads zeros."""

    def __init__(self, content: bytes) -> None:
        self._value, self._left = int.from_bytes(content, "big"), 8 * len(content)

    def take(self, count: int) -> int:
        self._left -= count
        shifted = self._value >> self._left if self._left >= 0 else self._value << -self._left
        return shifted & ((1 << count) - 1)

    def unsigned(self) -> int:
        """An unsigned number in Exp-Golomb code."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise ValueError("a number of more than 32 bits")
        return (1 << zeros) - 1 + (self.take(zeros) if zeros else 0)

    def signed(self) -> int:
        """A signed number in Exp-Golomb code."""
        number = self.unsigned()
        return (number + 1) // 2 if number % 2 else -(number // 2)


def tags(configuration: bytes) -> tuple[int, int, int] | None:
    """Primaries, transfer and matrix of the first parameter set in a configuration record (`avcC`); 2 is unspecified.

    None for a record that cannot be read.
    """
    # ISO/IEC 14496-15, 5.3.3.1: five bytes, the number of sets, and each behind its length of two bytes.
    if len(configuration) < 9 or configuration[0] != 1 or configuration[5] & 31 == 0:
        return None
    length = int.from_bytes(configuration[6:8], "big")
    # Behind two zeros a 3 is no content: it keeps what follows from looking like a start code.
    content = configuration[9 : 8 + length].replace(b"\0\0\3", b"\0\0")
    try:
        return _tags(_Bits(content))
    except ValueError:
        return None


def _tags(bits: _Bits) -> tuple[int, int, int]:
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    if profile in _WITH_CHROMA_FORMAT:
        _skip_sample_formats(bits)
    bits.unsigned()
    _skip_picture_order(bits)
    bits.unsigned()
    bits.take(1)
    bits.unsigned(), bits.unsigned()
    if not bits.take(1):
        bits.take(1)
    bits.take(1)
    if bits.take(1):
        for _ in range(4):
            bits.unsigned()
    return _usability(bits) if bits.take(1) else (2, 2, 2)


def _skip_sample_formats(bits: _Bits) -> None:
    chroma = bits.unsigned()
    if chroma == 3:
        bits.take(1)
    bits.unsigned(), bits.unsigned()
    bits.take(1)
    if not bits.take(1):
        return
    for number in range(12 if chroma == 3 else 8):
        if bits.take(1):
            last = following = 8
            for _ in range(16 if number < 6 else 64):
                if following:
                    following = (last + bits.signed()) % 256
                last = following or last


def _skip_picture_order(bits: _Bits) -> None:
    kind = bits.unsigned()
    if kind == 0:
        bits.unsigned()
    elif kind == 1:
        bits.take(1)
        bits.signed(), bits.signed()
        for _ in range(min(bits.unsigned(), 255)):
            bits.signed()


def _usability(bits: _Bits) -> tuple[int, int, int]:
    """The part of the usability information that tells colours."""
    if bits.take(1) and bits.take(8) == _EXTENDED_ASPECT:
        bits.take(32)
    if bits.take(1):
        bits.take(1)
    if bits.take(1):
        bits.take(4)
        if bits.take(1):
            return bits.take(8), bits.take(8), bits.take(8)
    return 2, 2, 2
