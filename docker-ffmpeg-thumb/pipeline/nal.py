"""The units that H.264 and HEVC consist of (network abstraction layer): where they stand in a packet."""

from collections.abc import Iterator

_START_CODE = b"\0\0\1"


def length_size(codec: str, configuration: bytes | None) -> int:
    """How many bytes say the length of a unit in a packet, by the configuration record; 0 where start codes stand
    between units, and for other codecs."""
    # avcC (ISO/IEC 14496-15, 5.3.3.1) and hvcC (8.3.3.1) begin with version 1, a start code with zeros.
    if not configuration or configuration[0] != 1:
        return 0
    if codec == "h264" and len(configuration) > 6:
        return (configuration[4] & 3) + 1
    if codec == "hevc" and len(configuration) > 22:
        return (configuration[21] & 3) + 1
    return 0


def units(content: bytes, length: int) -> Iterator[int]:
    """Where units begin that stand behind lengths of so many bytes, or behind start codes (length 0)."""
    if length:
        position = 0
        while position + length < len(content):
            yield position + length
            position += length + int.from_bytes(content[position : position + length], "big")
        return
    position = content.find(_START_CODE)
    while 0 <= position < len(content) - len(_START_CODE):
        yield position + len(_START_CODE)
        position = content.find(_START_CODE, position + len(_START_CODE))


def unescaped(content: bytes) -> bytes:
    """The content of a unit: behind two zeros a 3 is none of it, but keeps what follows from looking like a start."""
    return content.replace(b"\0\0\3", b"\0\0")
