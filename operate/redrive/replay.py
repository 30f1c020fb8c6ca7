"""Hands events to the function again; a message leaves the queue only after Lambda has taken its event.

Lambda takes an event by storing it in the function's own queue (status 202). What fails there again comes back to the
failure queue as a new message. A process that is killed between the two steps leaves a message whose event was taken:
replayed once more, it is `unchanged`.
"""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from operate.function import HOPELESS, WORKERS
from operate.problem import said
from operate.redrive.failures import Failure
from operate.redrive.queue import Held


@dataclass(frozen=True)
class Kept:
    """An event whose message stays in the queue."""

    failure: Failure
    why: str


@dataclass(frozen=True)
class Replayed:
    """What became of the events that were to be replayed."""

    taken: int
    """Events that Lambda has taken and that are out of the queue."""
    kept: tuple[Kept, ...]


def replay(
    client: Any, function: str, failures: Sequence[Failure], held: Held, progress: Callable[[int], None]
) -> Replayed:
    """Invoke `function` asynchronously with each event, then delete its message.

    `progress` is told how many are done with. An error that all would meet ends it: the others are not tried.
    """
    stop, lock = threading.Event(), threading.Lock()
    kept: list[Kept] = []
    done = 0

    def one(failure: Failure) -> None:
        nonlocal done
        why = "not tried, because of the error before it" if stop.is_set() else _why_not(client, function, failure)
        if why is None:
            try:
                held.delete(failure.message)
            except (BotoCoreError, ClientError) as error:
                why = f"Lambda has taken its event, but its message could not be deleted: {said(error)}"
        with lock:
            done += 1
            if why is not None:
                kept.append(Kept(failure, why))
                if any(code in why for code in HOPELESS):
                    stop.set()
            progress(done)

    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            list(pool.map(one, failures))
        except BaseException:
            # Ctrl-C: those under way are finished, the others stay in the queue.
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return Replayed(len(failures) - len(kept), tuple(kept))


def _why_not(client: Any, function: str, failure: Failure) -> str | None:
    try:
        # In ASCII, as JSON allows: what was a lone surrogate in the record stays one.
        answer = client.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(failure.event))
    except (BotoCoreError, ClientError) as error:
        return f"Lambda did not take it: {said(error)}"
    return None if answer["StatusCode"] == 202 else f"Lambda answered it with status {answer['StatusCode']}"
