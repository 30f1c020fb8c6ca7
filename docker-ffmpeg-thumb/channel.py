"""Messages between the service and a worker, over a socket: JSON that says what, and bytes that belong to it.

Nothing is ever unpickled: a worker may have been taken over by a hostile file.
"""

import json
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any, TypeAlias

Content: TypeAlias = "bytes | bytearray | memoryview"

LONGEST_TEXT = 2**20
"""The most JSON in one message, in bytes."""
LARGEST_CONTENT = 128 * 2**20
"""The most content that follows one message, in bytes: a range of the object, or one output."""

_HEADER = struct.Struct(">II")


class ChannelClosed(Exception):
    """The other side is gone."""


class BadMessage(Exception):
    """The other side sent something that is no message."""


class Channel:
    """One end of the socket. Deadlines are seconds of `time.monotonic`; None waits for as long as it takes.

    Raises from both methods:
        ChannelClosed: the other side is gone.
        TimeoutError: the deadline passed.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, message: Mapping[str, Any], content: Content = b"", deadline: float | None = None) -> None:
        """Send one message."""
        text = json.dumps(message).encode()
        try:
            self._wait(deadline)
            self._end.sendall(_HEADER.pack(len(text), len(content)) + text)
            if content:
                self._wait(deadline)
                self._end.sendall(content)
        except (BrokenPipeError, ConnectionResetError) as fault:
            raise ChannelClosed from fault

    def receive(self, deadline: float | None = None) -> tuple[dict[str, Any], memoryview]:
        """Receive one message.

        Raises:
            BadMessage: what came is too long, or no JSON object.
        """
        lengths = _HEADER.unpack(self._exactly(_HEADER.size, deadline))
        if lengths[0] > LONGEST_TEXT or lengths[1] > LARGEST_CONTENT:
            raise BadMessage(f"a message of {lengths[0]} and {lengths[1]} bytes")
        text = self._exactly(lengths[0], deadline)
        try:
            message = json.loads(bytes(text))
        except (ValueError, RecursionError) as fault:
            raise BadMessage(f"no JSON: {fault}") from fault
        if not isinstance(message, dict):
            raise BadMessage(f"JSON of type {type(message).__name__}")
        return message, self._exactly(lengths[1], deadline)

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def _exactly(self, length: int, deadline: float | None) -> memoryview:
        content = memoryview(bytearray(length))
        filled = 0
        while filled < length:
            self._wait(deadline)
            try:
                count = self._end.recv_into(content[filled:])
            except ConnectionResetError as fault:
                raise ChannelClosed from fault
            if count == 0:
                raise ChannelClosed
            filled += count
        return content

    def _wait(self, deadline: float | None) -> None:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._end.settimeout(left)
