"""The units that H.264, HEVC and VVC consist of (network abstraction layer): where they stand in a packet."""

from collections.abc import Iterator

_START_CODE = b"\0\0\1"
_PARAMETER_SETS = {"h264": 7, "hevc": 33}
"""The type of the unit that holds a sequence parameter set."""
_LONGEST_SET = 2048
"""Bytes of a parameter set that are looked at; one with all scaling lists has some 1500."""
_UNITS = 4096
"""Units of a packet that are looked at; a frame of 8K has as many slices at most, and few have ten."""
_ARRAYS = 16
"""Kinds of units that a configuration record of HEVC may hold; more are not looked at."""


def length_size(codec: str, configuration: bytes | None) -> int:
    """Return how many bytes say the length of a unit in a packet, by the configuration record; 0 where start codes
    stand between units, and for other codecs."""
    # avcC (ISO/IEC 14496-15, 5.3.3.1) and hvcC (8.3.3.1) begin with version 1, vvcC (11.2.4.2) with five ones, a start
    # code with zeros.
    if not configuration:
        return 0
    if codec == "h264" and len(configuration) > 6 and configuration[0] == 1:
        return (configuration[4] & 3) + 1
    if codec == "hevc" and len(configuration) > 22 and configuration[0] == 1:
        return (configuration[21] & 3) + 1
    if codec == "vvc" and configuration[0] >> 3 == 31:
        return (configuration[0] >> 1 & 3) + 1
    return 0


def units(content: bytes, length: int) -> Iterator[int]:
    """Yield where units begin that stand after lengths of so many bytes, or after start codes (length 0)."""
    position = 0 if length else content.find(_START_CODE)
    for _ in range(_UNITS):
        start = position + (length or len(_START_CODE))
        if position < 0 or start >= len(content):
            break
        yield start
        position = (
            start + int.from_bytes(content[position:start], "big") if length else content.find(_START_CODE, start)
        )


def parameter_set(codec: str, configuration: bytes, wanted: int | None = None) -> bytes:
    """Return the first sequence parameter set of H.264 or HEVC in a configuration record; empty without one.

    In place of a record there may be units after start codes. `wanted`: the type of another of HEVC's sets.
    """
    wanted = wanted or _PARAMETER_SETS[codec]
    if not length_size(codec, configuration):
        return parameter_set_in(codec, configuration, 0, wanted)
    # ISO/IEC 14496-15: each set stands after its length of two bytes, in avcC from the seventh byte on (5.3.3.1), in
    # hvcC (8.3.3.1) in arrays, each after its type and the number of its units.
    if codec == "h264":
        return _after_length(configuration, 6, 2)[:_LONGEST_SET] if configuration[5] & 31 else b""
    position = 23
    for _ in range(min(configuration[22], _ARRAYS)):
        kind, count = configuration[position : position + 1], int.from_bytes(configuration[position + 1 : position + 3])
        position += 3
        if count and kind and kind[0] & 63 == wanted:
            return _after_length(configuration, position, 2)[:_LONGEST_SET]
        for _ in range(min(count, _ARRAYS)):
            position += 2 + int.from_bytes(configuration[position : position + 2])
    return b""


def parameter_set_in(codec: str, packet: bytes, length: int, wanted: int | None = None) -> bytes:
    """Return the first sequence parameter set of H.264 or HEVC in a packet, before its first slice; empty without one.

    `length`: how many bytes say the length of a unit, or 0. `wanted`: the type of another set.
    """
    wanted = wanted or _PARAMETER_SETS[codec]
    for place in units(packet, length):
        its = kind(codec, packet[place])
        if its == wanted:
            return unit(packet, place, length, _LONGEST_SET)
        if is_slice(codec, its):
            break
    return b""


def kind(codec: str, first: int) -> int:
    """Return the type of a unit of H.264 or HEVC by its first byte."""
    return first & 31 if codec == "h264" else first >> 1 & 63


def is_slice(codec: str, kind: int) -> bool:
    """Return whether units of a type hold a part of a frame."""
    return 1 <= kind <= 5 if codec == "h264" else kind < 32


def unit(content: bytes, place: int, length: int, most: int) -> bytes:
    """Return the unit that begins at a place which `units` gave, or its first `most` bytes."""
    if length:
        return _after_length(content, place - length, length)[:most]
    # Zeros after a unit belong to the next start code.
    return content[place : place + most].partition(_START_CODE)[0].rstrip(b"\0")


def unescaped(content: bytes) -> bytes:
    """Return a unit without its escapes: a 3 after two zeros only keeps what follows from looking like a start code."""
    return content.replace(b"\0\0\3", b"\0\0")


def _after_length(content: bytes, position: int, length: int) -> bytes:
    start = position + length
    return content[start : start + int.from_bytes(content[position:start])]
