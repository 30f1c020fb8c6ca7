"""Where every object ended, looked for in the bucket, the failure queue and the log.

The bucket and the queue have the last word: a picture counts as made of the newest bytes where it shows the number
that those bytes carry. What is rejected or skipped leaves nothing in either, so that it was stated is looked for in the
log, and that it was rightly stated is known from the plan.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks.load.clips import shown
from benchmarks.load.plan import STATED, Plan, Put, State, picture_key
from benchmarks.load.service import Service
from operate.redrive.failures import Failure, read
from operate.redrive.queue import held

READERS = 8
MOST_LINES = 10_000
"""Of a log group that one answer holds."""


@dataclass(frozen=True)
class Found:
    """What there is to find after a run."""

    pictures: dict[str, int]
    """Key of a picture, and the number that it shows."""
    queued: dict[str, int]
    """Key of a video, and how many messages of it are in the failure queue."""
    stated: dict[str, set[State]]
    """Key of a video, and what the log states of it: rejected, skipped, or nothing."""
    videos: dict[str, str]
    """Key of a video, and its ETag."""


@dataclass(frozen=True)
class Verdict:
    """Whether every object ended as it must."""

    states: dict[str, int]
    """How many objects ended in each state."""
    faults: tuple[str, ...]
    """What is wrong, one line an object."""


def look(service: Service) -> Found:
    """Read bucket, failure queue and log."""
    s3 = service.client("s3")
    objects: dict[str, str] = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=service.bucket):
        objects |= {item["Key"]: item["ETag"].strip('"') for item in page.get("Contents", [])}
    pictures = [key for key in objects if key.endswith(".jpg")]

    def number(key: str) -> int:
        return shown(s3.get_object(Bucket=service.bucket, Key=key)["Body"].read())

    with ThreadPoolExecutor(READERS) as pool:
        numbers = dict(zip(pictures, pool.map(number, pictures), strict=True))
    with held(service.client("sqs"), service.registered.queue_url, lambda _: None) as holding:
        failures = [item for item in map(read, holding.messages) if isinstance(item, Failure)]
    return Found(
        pictures=numbers,
        queued=dict(Counter(key for failure in failures for key in failure.keys)),
        stated=_stated(service),
        videos={key: etag for key, etag in objects.items() if not key.endswith(".jpg")},
    )


def verdict(plan: Plan, found: Found, redriven: bool = False) -> Verdict:
    """Compare with the plan; once what failed was `redriven` with no fault left, all of it must have pictures."""
    states: Counter[str] = Counter()
    faults = []
    for key, put in plan.final.items():
        ended = _states(found, key)
        states[" and ".join(ended) or "lost"] += 1
        must: tuple[State, ...] = ("picture",) if redriven and put.ends == ("failure queue",) else put.ends
        if len(ended) != 1 or ended[0] not in must:
            faults.append(f"{key} ({put.kind}) ended in {' and '.join(ended) or 'nothing'}, not in {' or '.join(must)}")
        elif ended == ["picture"] and found.pictures[picture_key(key)] != put.number:
            faults.append(_wrong_picture(key, put, found))
        if key not in found.videos:
            faults.append(f"{key} ({put.kind}) is not in the bucket any more")
    for extra in sorted(found.pictures.keys() - {picture_key(key) for key in plan.final}):
        faults.append(f"{extra} is a picture of nothing that was uploaded")
    return Verdict(dict(states), tuple(faults))


def _states(found: Found, key: str) -> list[State]:
    states: list[State] = []
    if picture_key(key) in found.pictures:
        states.append("picture")
    states += sorted(found.stated.get(key, ()))
    if key in found.queued:
        states.append("failure queue")
    return states


def _wrong_picture(key: str, put: Put, found: Found) -> str:
    shows = found.pictures[picture_key(key)]
    older = put.after is not None and put.after.number == shows
    what = "the bytes that were overwritten" if older else f"other bytes (it shows {shows}, not {put.number})"
    return f"the picture of {key} ({put.kind}) is made of {what}"


def _stated(service: Service) -> dict[str, set[State]]:
    stated: dict[str, set[State]] = {}
    logs = service.client("logs")
    for word in STATED:
        # Filtered by the service, by a word: MiniStack gives 10,000 lines of a log group and no token for the others,
        # and takes a pattern of JSON for none.
        found = logs.filter_log_events(logGroupName=service.registered.log_group, filterPattern=f'"{word}"')["events"]
        assert len(found) < MOST_LINES, f"the log holds more lines with {word} than are handed out"
        for line in map(_parsed, found):
            # Metrics are lines too, of the same name.
            if line.get("message") == word and "key" in line:
                stated.setdefault(str(line["key"]), set()).add(word)
    return stated


def _parsed(event: dict[str, Any]) -> dict[str, Any]:
    try:
        line = json.loads(event["message"])
    except ValueError:
        return {}  # a line of the runtime
    return line if isinstance(line, dict) else {}
