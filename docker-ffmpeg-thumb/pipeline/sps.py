"""What H.264's sequence parameter set says of a video: colour tags, where a container has none of its own, and fields.

FFmpeg's decoder reads it only with the first picture, and here no picture is decoded. The syntax is that of ITU-T
H.264, 7.3.2.1.1 and E.1.1.
"""

from dataclasses import dataclass

from pipeline import nal

_WITH_CHROMA_FORMAT = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
"""Profiles whose parameter sets say more of the samples."""
HIGH_444_PREDICTIVE = 244
"""A profile, of 4:4:4 and of what loses nothing."""
_EXTENDED_ASPECT = 255
_PARAMETER_SET = 7
"""The type of the unit that holds one."""


class Bits:
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


@dataclass(frozen=True)
class Parameters:
    """A sequence parameter set, as far as it is of use here."""

    profile: int
    """The standard's number (`profile_idc`)."""
    tags: tuple[int, int, int]
    """Primaries, transfer and matrix; 2 is unspecified."""
    may_have_fields: bool
    """Whether pictures may be coded as two fields."""
    number_bits: int
    """How many bits the number of a picture (`frame_num`) takes."""
    separate_planes: bool
    """Whether each plane of colour is coded by itself."""


def tags(configuration: bytes) -> tuple[int, int, int] | None:
    """Primaries, transfer and matrix; 2 is unspecified. None without a parameter set that can be read."""
    parameters = read(configuration)
    return parameters.tags if parameters else None


def read(configuration: bytes) -> Parameters | None:
    """The first parameter set in a configuration record (`avcC`), or in units behind start codes; None without one."""
    if nal.length_size("h264", configuration):
        # ISO/IEC 14496-15, 5.3.3.1: five bytes, the number of sets, and each behind its length of two bytes.
        if len(configuration) < 9 or configuration[5] & 31 == 0:
            return None
        unit = configuration[8 : 8 + int.from_bytes(configuration[6:8], "big")]
    else:
        places = nal.units(configuration, 0)
        unit = next((configuration[place:] for place in places if configuration[place] & 31 == _PARAMETER_SET), b"")
    try:
        return _parameters(Bits(nal.unescaped(unit[1:]))) if unit else None
    except ValueError:
        return None


def _parameters(bits: Bits) -> Parameters:
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    separate_planes = _skip_sample_formats(bits) if profile in _WITH_CHROMA_FORMAT else False
    number_bits = bits.unsigned() + 4
    _skip_picture_order(bits)
    bits.unsigned()
    bits.take(1)
    bits.unsigned(), bits.unsigned()
    may_have_fields = not bits.take(1)
    if may_have_fields:
        bits.take(1)
    bits.take(1)
    if bits.take(1):
        for _ in range(4):
            bits.unsigned()
    tags = _usability(bits) if bits.take(1) else (2, 2, 2)
    return Parameters(profile, tags, may_have_fields, number_bits, separate_planes)


def _skip_sample_formats(bits: Bits) -> bool:
    """Reads on behind them; whether planes are separate."""
    chroma = bits.unsigned()
    separate_planes = chroma == 3 and bool(bits.take(1))
    bits.unsigned(), bits.unsigned()
    bits.take(1)
    if not bits.take(1):
        return separate_planes
    for number in range(12 if chroma == 3 else 8):
        if bits.take(1):
            last = following = 8
            for _ in range(16 if number < 6 else 64):
                if following:
                    following = (last + bits.signed()) % 256
                last = following or last
    return separate_planes


def _skip_picture_order(bits: Bits) -> None:
    kind = bits.unsigned()
    if kind == 0:
        bits.unsigned()
    elif kind == 1:
        bits.take(1)
        bits.signed(), bits.signed()
        for _ in range(min(bits.unsigned(), 255)):
            bits.signed()


def _usability(bits: Bits) -> tuple[int, int, int]:
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
