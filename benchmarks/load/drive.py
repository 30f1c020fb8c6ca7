"""Uploads as fast as they go, sends events again, waits for the end."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from benchmarks.load.plan import Plan, Put
from benchmarks.load.service import Service, tapped

UPLOADERS = 8
QUIET = 3.0
"""Seconds without any word of the function, after which an event that came one time too often has been heard of."""
STALLED = 90.0
"""Seconds without any word of the function, after which nothing more is waited for; the checks then say what is
missing. The longest silence of a run that goes on is that of a job whose client backs off."""


class LoadFailure(Exception):
    """What went wrong, why, and what to do, in one line."""


@dataclass(frozen=True)
class Times:
    """Seconds since the first upload began."""

    uploaded: float
    """All uploads were done."""
    settled: float
    """The last event was done with."""


def upload_all(service: Service, plan: Plan) -> None:
    """Upload everything, in the plan's order, several at a time; what replaces another waits for that one."""
    s3 = service.client("s3")
    done = {id(put): threading.Event() for put in plan.puts}

    def upload(put: Put) -> None:
        try:
            if put.after is not None:
                done[id(put.after)].wait()
            s3.put_object(Bucket=service.bucket, Key=put.key, Body=put.content)
        finally:
            done[id(put)].set()

    with ThreadPoolExecutor(UPLOADERS) as pool:
        for each in [pool.submit(upload, put) for put in plan.puts]:
            each.result()


class Repeater:
    """Sends events a second time: true copies, out of the tap, with the sequencer that S3 gave them."""

    def __init__(self, service: Service, plan: Plan) -> None:
        self._service = service
        self._wanted = {(put.key, len(put.content), _etag(put)): put for put in plan.puts if put.sent_again}
        self._late: list[dict[str, Any]] = []
        self._uploads = len(plan.puts)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen = self.sent = 0
        self._thread.start()

    def finish(self) -> None:
        """Wait for the last event of the tap, then send those that are to come late."""
        self._thread.join()
        for event in self._late:
            self._send(event)

    def _run(self) -> None:
        silent = 0
        while self.seen < self._uploads and silent < STALLED:
            events = tapped(self._service)
            silent = 0 if events else silent + 1
            for event in events:
                self.seen += 1
                item = event["Records"][0]["s3"]["object"]
                put = self._wanted.get((unquote_plus(item["key"]), item["size"], item["eTag"].strip('"')))
                if put is None:
                    continue
                if put.sent_again == "late":
                    self._late.append(event)
                else:
                    self._send(event)

    def _send(self, event: dict[str, Any]) -> None:
        self._service.client("lambda").invoke(
            FunctionName=self._service.registered.function.name, InvocationType="Event", Payload=json.dumps(event)
        )
        self.sent += 1


def _etag(put: Put) -> str:
    return hashlib.md5(put.content, usedforsecurity=False).hexdigest()


def wait(service: Service, settled: int, failed: int, seconds: float, progress: Callable[[int, int], None]) -> None:
    """Until the function has answered `settled` events and `failed` others are in the queue, or nothing moves any more.

    Raises:
        LoadFailure: it still goes on after `seconds`.
    """
    began = moved = time.monotonic()
    before: tuple[int, int] | None = None
    while True:
        service.emulator.check()
        words = service.outcomes.since(0)
        answered, queued = sum(outcome.settled for outcome in words), service.failed()
        now = time.monotonic()
        if (len(words), queued) != before:
            before, moved = (len(words), queued), now
        progress(answered, queued)
        if now - moved > (QUIET if answered >= settled and queued >= failed else STALLED):
            return
        if now - began > seconds:
            raise LoadFailure(
                f"after {seconds:.0f} s {answered} of {settled} events were answered and {queued} of {failed} were in "
                "the failure queue: run fewer uploads, or allow more time"
            )
        time.sleep(0.25)
