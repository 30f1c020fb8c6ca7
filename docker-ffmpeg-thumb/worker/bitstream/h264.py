"""What H.264's sequence parameter set says of a video: colour tags, where a container has none of its own, and fields.

FFmpeg's decoder reads it only with the first picture, and here no picture is decoded. The syntax is that of ITU-T
H.264, 7.3.2.1.1 and E.1.1.
"""

from dataclasses import dataclass

from worker.bitstream import nal
from worker.bitstream.bits import Bits

_WITH_CHROMA_FORMAT = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
"""Profiles whose parameter sets say more of the samples."""
HIGH_444_PREDICTIVE = 244
"""A profile, of 4:4:4 and of what loses nothing."""
_EXTENDED_ASPECT = 255


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
    order_bits: int
    """How many bits the number takes by which pictures are ordered; 0 if they have none (`pic_order_cnt_type`)."""


def of(configuration: bytes) -> Parameters | None:
    """Return the first parameter set in a configuration record, or among units after start codes; None without one."""
    try:
        unit = nal.parameter_set("h264", configuration)
        return read(unit) if unit else None
    except ValueError:
        return None


def read(unit: bytes) -> Parameters:
    """Read the unit that holds a sequence parameter set.

    Raises:
        ValueError: it cannot be one.
    """
    bits = Bits(nal.unescaped(unit[1:]))
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    separate_planes = _skip_sample_formats(bits) if profile in _WITH_CHROMA_FORMAT else False
    number_bits = bits.unsigned() + 4
    order_bits = _picture_order(bits)
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
    return Parameters(profile, tags, may_have_fields, number_bits, separate_planes, order_bits)


def frame_number(parameters: Parameters, slice_: bytes) -> tuple[int, Bits]:
    """Return the number of the picture that a slice is of (`frame_num`, 7.3.3), and what follows in its header.

    Raises:
        ValueError: the slice is too short.
    """
    bits = Bits(nal.unescaped(slice_[1:]))
    bits.unsigned(), bits.unsigned(), bits.unsigned()
    bits.take(2 * parameters.separate_planes)
    return bits.take(parameters.number_bits), bits


def _skip_sample_formats(bits: Bits) -> bool:
    """Read past the formats of samples; return whether colour planes are coded separately."""
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


def _picture_order(bits: Bits) -> int:
    """Read how pictures are ordered; how many bits their number takes."""
    kind = bits.unsigned()
    if kind == 0:
        return min(bits.unsigned(), 12) + 4
    if kind == 1:
        bits.take(1)
        bits.signed(), bits.signed()
        for _ in range(min(bits.unsigned(), 255)):
            bits.signed()
    return 0


def _usability(bits: Bits) -> tuple[int, int, int]:
    """Return the part of the usability information that tells colours."""
    if bits.take(1) and bits.take(8) == _EXTENDED_ASPECT:
        bits.take(32)
    if bits.take(1):
        bits.take(1)
    if bits.take(1):
        bits.take(4)
        if bits.take(1):
            return bits.take(8), bits.take(8), bits.take(8)
    return 2, 2, 2
