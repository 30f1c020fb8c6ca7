"""VP9's frame header. The syntax is that of its bitstream specification, 6.2."""

from dataclasses import dataclass

from worker.bitstream.bits import Bits

_SYNC_CODE = 0x498342
_RGB = 7
"""The colour space in which the shape of chroma is not written."""
_MATRICES = {1: 6, 2: 1, 3: 6, 4: 7, 5: 9, 7: 0}
"""The matrix of ITU-T H.273 by the number of a colour space (BT.601, BT.709, SMPTE-170, SMPTE-240, BT.2020, RGB)."""


@dataclass(frozen=True)
class Keyframe:
    """What the header of a keyframe says."""

    size: tuple[int, int]
    """Pixels: width and height."""
    matrix: int
    """Of ITU-T H.273; 2 is unspecified."""


def stands_alone(packet: bytes) -> bool:
    """Return whether the first frame in a packet is a keyframe; True where it is no frame of VP9."""
    bits = Bits(packet[:2])
    return not _skip_profile(bits) or _is_keyframe(bits)


def keyframe(packet: bytes) -> Keyframe | None:
    """Return what the first frame of a packet says; None if it is not a keyframe."""
    bits = Bits(packet[:20])
    profile = _skip_profile(bits)
    if not profile or not _is_keyframe(bits):
        return None
    bits.take(2)
    if bits.take(24) != _SYNC_CODE:
        return None
    if profile > 2:
        bits.take(1)
    space = bits.take(3)
    if space != _RGB:
        bits.take(1)
    if profile in (2, 4):
        bits.take(1 if space == _RGB else 3)
    return Keyframe((bits.take(16) + 1, bits.take(16) + 1), _MATRICES.get(space, 2))


def _skip_profile(bits: Bits) -> int:
    """Return the profile, counted from 1; 0 where no frame begins."""
    if bits.take(2) != 2:
        return 0
    low, high = bits.take(1), bits.take(1)
    if low and high:
        bits.take(1)
    return 1 + low + 2 * high


def _is_keyframe(bits: Bits) -> bool:
    shows_an_earlier_one = bits.flag()
    return not shows_an_earlier_one and not bits.flag()
