"""Which packets hold a picture that no other picture is decoded from, so that it need not be decoded to show another.

Of what x264 writes by default that is every second one. H.264 says it in `nal_ref_idc` (ITU-T H.264, 7.4.1), HEVC in
the type of the unit: below 16, the even ones are "sub-layer non-reference" (ITU-T H.265, table 7-1), to which nothing
refers where there is but one sub-layer.
"""

from collections.abc import Iterator

from worker.bitstream import nal


class Disposables:
    """Tells them by the codec and its configuration record, which an MP4 and Matroska carry beside the packets."""

    def __init__(self, codec: str, configuration: bytes | None) -> None:
        self._codec = codec
        # Without lengths, such as between the start codes of a transport stream, packets are left alone.
        self._length = nal.length_size(codec, configuration) if codec in ("h264", "hevc") else 0
        # With several temporal layers a picture of a lower one may be referred to by one of a higher.
        if codec == "hevc" and self._length and configuration and configuration[21] >> 3 & 7 != 1:
            self._length = 0

    def has(self, packet: bytes) -> bool:
        """Return whether no other picture needs the one in this packet; False where that cannot be told."""
        if not self._length:
            return False
        kinds = list(self._pictures(packet))
        if self._codec == "h264":
            return bool(kinds) and all(kind >> 5 & 3 == 0 for kind in kinds)
        return bool(kinds) and all((kind >> 1 & 63) % 2 == 0 for kind in kinds)

    def _pictures(self, packet: bytes) -> Iterator[int]:
        """Yield the first byte of each unit that holds a part of a picture."""
        for place in nal.units(packet, self._length):
            first = packet[place]
            is_picture = 1 <= first & 31 <= 5 if self._codec == "h264" else (first >> 1 & 63) < 16
            if is_picture:
                yield first
