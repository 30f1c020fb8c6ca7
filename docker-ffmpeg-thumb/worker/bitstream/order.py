"""In which order the frames of a stream are shown, where its container only says in which they are decoded.

Sources: ITU-T H.264, 7.3.3 and 8.2.1.1; H.265, 7.3.2.3, 7.3.6.1 and 8.3.1; ISO/IEC 14496-2, 6.2.5; 13818-2, 6.2.3.
Other codecs of such containers show frames as they are decoded, or are taken to do so.
"""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from worker.bitstream import h264, hevc, nal
from worker.bitstream.bits import Bits

REORDER = 16
"""The most frames that a codec shows later than it decodes them (H.264 and HEVC: 16)."""
_SLICE_HEADER = 40
"""Bytes of a slice that hold the number by which it is ordered."""
_IDR = 5
_BLA, _HEVC_IDR, _LEADING = range(16, 19), range(19, 21), range(6, 10)
"""Types of HEVC's units (table 7-1)."""
_HEVC_FRAME_SET = 34
"""The type of its picture parameter set."""
_FRAME = {"mpeg4": b"\0\0\1\xb6", "mpeg1video": b"\0\0\1\0", "mpeg2video": b"\0\0\1\0"}
"""The start codes before the header of a frame."""
_PLACEHOLDER = 20
"""Bytes. A frame of MPEG-4 up to this size stands for one that was packed with the frame before it (DivX)."""
_APART = 1000
"""Between the numbers of frames that others refer to: more than there are between them."""

Frame = TypeVar("Frame")


class Order:
    """Tells it by the codec and its configuration record or parameter sets.

    Packets have to be asked for in the order of decoding, the first of them a keyframe.
    """

    def __init__(self, codec: str, configuration: bytes | None) -> None:
        self._codec, self._length = codec, nal.length_size(codec, configuration)
        self._parameters = h264.of(configuration or b"") if codec == "h264" else None
        self._hevc = _hevc_headers(configuration or b"") if codec == "hevc" else None
        self._number: int | None = None
        """Of the last frame that others refer to."""
        self._between = 0
        self._is_packed = False

    def number(self, packet: bytes) -> tuple[bool, int] | None:
        """Return whether numbers begin anew at the frame in a packet, and its number; they grow as frames are shown.

        None if that cannot be told: the frame is then shown as it is decoded.
        """
        try:
            if self._codec == "h264":
                return self._of_h264(packet)
            if self._codec == "hevc":
                return self._of_hevc(packet)
        except ValueError:
            return None
        return self._by_type(packet) if self._codec in _FRAME else None

    def decoded(self, packet: bytes, is_apart: bool) -> tuple[bool, int] | None:
        """Return what `number` does of an H.264 frame that is shown when it is decoded, as FFmpeg's decoder counts.

        `is_apart`: whether the frames before it are not there. The decoder then takes it for one of the same period as
        the last one that it got (libavcodec/h264_slice.c, h264_field_start), though it may be of a later one.
        """
        parameters, slice_ = self._parameters, self._slice(packet)
        if parameters is None or parameters.order_bits or not slice_:
            return None
        try:
            low, _ = h264.frame_number(parameters, slice_)
        except ValueError:
            return None
        begins = slice_[0] & 31 == _IDR or self._number is None
        before, period = self._number or 0, 1 << parameters.number_bits
        is_later = not is_apart and low < before % period
        self._number = low if begins else before - before % period + low + period * is_later
        return begins, self._number

    def _of_h264(self, packet: bytes) -> tuple[bool, int] | None:
        parameters, slice_ = self._parameters, self._slice(packet)
        if parameters is None or not parameters.order_bits or not slice_:
            return None
        is_idr = slice_[0] & 31 == _IDR
        _, bits = h264.frame_number(parameters, slice_)
        if parameters.may_have_fields and bits.flag():
            bits.take(1)
        if is_idr:
            bits.unsigned()
        return self._counted(bits.take(parameters.order_bits), parameters.order_bits, is_idr, slice_[0] & 0x60 != 0)

    def _slice(self, packet: bytes) -> bytes:
        """Return the beginning of the first slice of H.264 in a packet; empty without one."""
        units = nal.units(packet, self._length)
        place = next((place for place in units if 1 <= packet[place] & 31 <= _IDR), len(packet))
        return packet[place : place + 1 + _SLICE_HEADER]

    def _of_hevc(self, packet: bytes) -> tuple[bool, int] | None:
        slice_ = next((place for place in nal.units(packet, self._length) if packet[place] >> 1 & 63 < 32), None)
        if self._hevc is None or slice_ is None:
            return None
        parameters, extra_bits, has_output_flag = self._hevc
        kind = packet[slice_] >> 1 & 63
        bits = Bits(nal.unescaped(packet[slice_ + 2 : slice_ + 2 + _SLICE_HEADER]))
        bits.take(2 if kind >= _BLA[0] else 1)
        bits.unsigned()
        bits.take(extra_bits)
        bits.unsigned()
        bits.take(has_output_flag + 2 * parameters.separate_planes)
        low = 0 if kind in _HEVC_IDR else bits.take(parameters.order_bits)
        # Leading frames, those of higher layers and those that no other needs say nothing of the ones after them.
        is_base = packet[slice_ + 1 : slice_ + 2] != b"" and packet[slice_ + 1] & 7 == 1
        counts = is_base and kind not in _LEADING and not (kind < _BLA[0] and kind % 2 == 0)
        return self._counted(low, parameters.order_bits, kind in _BLA or kind in _HEVC_IDR, counts)

    def _counted(self, low: int, bits: int, begins: bool, counts: bool) -> tuple[bool, int]:
        """Return the number whose low bits are given: less than half a period away from that of the last frame that
        counts."""
        begins |= self._number is None
        before, period = self._number or 0, 1 << bits
        number = low if begins else before + (low - before + period // 2) % period - period // 2
        if begins or counts:
            self._number = number
        return begins, number

    def _by_type(self, packet: bytes) -> tuple[bool, int]:
        """Return the number of a frame by its type: one that others refer to is shown when the next of them is decoded,
        others at once."""
        header = packet.partition(_FRAME[self._codec])[2]
        if self._codec == "mpeg4":
            is_between = header[:1] >= b"\x80" and header[:1] < b"\xc0"
            # A packet may hold a frame and one that is shown before it; a small one then follows in its place.
            is_between |= self._is_packed and len(packet) <= _PLACEHOLDER
            self._is_packed = _FRAME["mpeg4"] in header or (self._is_packed and is_between)
        else:
            is_between = header[1:2] != b"" and header[1] >> 3 & 7 == 3
        begins = self._number is None
        if begins or not is_between:
            self._number = _APART if begins else (self._number or 0) + _APART
            self._between = 0
            return begins, self._number or 0
        self._between += 1
        return False, (self._number or 0) - _APART + self._between


def _hevc_headers(configuration: bytes) -> tuple[hevc.Parameters, int, bool] | None:
    """Return HEVC's parameters, how many bits of a slice's header are reserved, and whether it says if it is output."""
    frame_set = nal.parameter_set("hevc", configuration, _HEVC_FRAME_SET)
    if not frame_set:
        return None
    try:
        parameters = hevc.read(nal.parameter_set("hevc", configuration))
        bits = Bits(nal.unescaped(frame_set[2:]))
        bits.unsigned(), bits.unsigned()
    except ValueError:
        return None
    _, has_output_flag, extra_bits = bits.take(1), bits.flag(), bits.take(3)
    return parameters, extra_bits, has_output_flag


def ranked(frames: Iterable[Frame], number: Callable[[Frame], tuple[bool, int] | None]) -> Iterator[tuple[Frame, int]]:
    """Yield frames in the order of decoding, each with its place in the order of showing, from 0.

    `number`: see `Order.number`.
    """
    first, numbers = 0, list[int]()
    waiting: deque[tuple[Frame, int]] = deque()
    for frame in frames:
        found = number(frame)
        if found is None or found[0]:
            yield from ((earlier, first + bisect.bisect_left(numbers, its)) for earlier, its in waiting)
            first, numbers = first + len(numbers), []
            waiting.clear()
        if found is None:
            yield frame, first
            first += 1
            continue
        its_number = found[1]
        bisect.insort(numbers, its_number)
        waiting.append((frame, its_number))
        if len(waiting) > REORDER:
            earlier, its = waiting.popleft()
            yield earlier, first + bisect.bisect_left(numbers, its)
    yield from ((earlier, first + bisect.bisect_left(numbers, its)) for earlier, its in waiting)
