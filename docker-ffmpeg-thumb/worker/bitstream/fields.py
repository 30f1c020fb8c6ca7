"""Which packets hold one field of a picture each: H.264 as camcorders write it into transport streams.

The lines of such a picture lie in two packets, one with every second line, and FFmpeg shows nothing of one alone. The
syntax of the slice header is that of ITU-T H.264, 7.3.3.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from worker.bitstream import h264, nal

_HEADER = 24
"""Bytes from the start of a slice that hold the fields looked at: three numbers of at most 32 bits, and two more."""


@dataclass(frozen=True)
class _Field:
    number: int
    """Of the picture that it belongs to (`frame_num`)."""
    is_bottom: bool


class Fields:
    """Tells them by the codec and its configuration record or parameter sets."""

    def __init__(self, codec: str, configuration: bytes | None) -> None:
        parameters = h264.of(configuration or b"") if codec == "h264" else None
        self._parameters = parameters if parameters and parameters.may_have_fields else None
        self._length = nal.length_size(codec, configuration)

    def is_one(self, packet: bytes) -> bool:
        """Return whether a packet holds a single field."""
        return self._parameters is not None and self._field(self._parameters, packet) is not None

    def are_two(self, first: bytes, second: bytes) -> bool:
        """Return whether two packets hold the two fields of one picture."""
        if self._parameters is None:
            return False
        one, other = self._field(self._parameters, first), self._field(self._parameters, second)
        return one is not None and other is not None and one == _Field(other.number, not other.is_bottom)

    def _field(self, parameters: h264.Parameters, packet: bytes) -> _Field | None:
        try:
            found = {_read(parameters, unit) for unit in self._slices(packet)}
        except ValueError:
            return None
        return found.pop() if len(found) == 1 else None

    def _slices(self, packet: bytes) -> Iterator[bytes]:
        for start in nal.units(packet, self._length):
            if packet[start] & 31 in (1, 5):
                yield packet[start : start + _HEADER]


def _read(parameters: h264.Parameters, slice_: bytes) -> _Field | None:
    number, bits = h264.frame_number(parameters, slice_)
    return _Field(number, bool(bits.take(1))) if bits.take(1) else None
