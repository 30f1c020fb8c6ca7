"""A worker: takes its job from the service, asks for ranges of the object, and gives back outputs and facts.

Messages from the service: `{"job": …}` first, then parts of the object as `{"at": place}` with bytes, ended by `{}`:
the beginning of the object unasked, and again after each `{"get": [[start, end], …]}`. `{"refused": reason}` stands for
ranges beyond the budget. Messages to it: `{"get": …}`, `{"output": …}` with bytes, `{"made": …}` when all outputs of a
kind were sent, and at the end `{"done": …}`, `{"settled": outcome, "reason": …}` or `{"failed": …}`. `made` and `done`
hold the same: what is known of the video, and notes.
"""

import errno
import socket
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from channel import Channel, ChannelClosed
from model import Job, Output, Range, Rejected, Settled, WorkerLimits
from worker import job
from worker.reader import Reader


class Asked:
    """Ranges of the object, asked of the service."""

    def __init__(self, channel: Channel, size: int) -> None:
        self._channel, self.size = channel, size

    def get(self, ranges: Sequence[Range]) -> Iterator[tuple[int, memoryview]]:
        """Ask for ranges; return (place, content) of each part as it comes.

        Raises:
            Rejected: that is more than may be read of the object.
        """
        self._channel.send({"get": ranges})
        return self.parts()

    def parts(self) -> Iterator[tuple[int, memoryview]]:
        """Yield the parts of an answer."""
        while True:
            message, content = self._channel.receive()
            if "refused" in message:
                raise Rejected(message["refused"])
            if "at" not in message:
                return
            yield message["at"], content


def run(end: socket.socket, limits: WorkerLimits) -> None:
    """Work on one object; what goes wrong is part of the answer."""
    channel = Channel(end)
    try:
        channel.send(_answer(channel, limits))
    except ChannelClosed:
        return  # Nobody waits for it any more.


def _answer(channel: Channel, limits: WorkerLimits) -> dict[str, Any]:
    try:
        message, _ = channel.receive()
        told = Job.from_json(message["job"])
        asked = Asked(channel, told.size)
        reader = Reader(asked, told.policy)
        for start, content in asked.parts():
            reader.keep(start, content)

        def give(output: Output, content: bytes) -> None:
            channel.send({"output": asdict(output)}, content)

        return {"done": _said(job.run(told, reader, give, lambda made: channel.send({"made": _said(made)})))}
    except ChannelClosed:
        raise
    except Settled as settled:
        return {"settled": settled.outcome, "reason": settled.reason}
    except Exception as fault:
        if _is_out_of_memory(fault):
            reason = f"its index or its packets need more than {limits.memory // 2**20} MiB of memory"
            return {"settled": Rejected.outcome, "reason": reason}
        place = traceback.extract_tb(fault.__traceback__)[-1]
        return {"failed": f"{type(fault).__name__}: {fault} ({Path(place.filename).name}:{place.lineno})"}


def _said(made: job.Told) -> dict[str, Any]:
    facts, notes = made
    return {"video": asdict(facts), "notes": list(notes)}


def _is_out_of_memory(fault: Exception) -> bool:
    # Python says no more than this of a thread that got no memory for its stack.
    return (
        isinstance(fault, MemoryError)
        or (isinstance(fault, OSError) and fault.errno == errno.ENOMEM)
        or (isinstance(fault, RuntimeError) and "can't start new thread" in str(fault))
    )
