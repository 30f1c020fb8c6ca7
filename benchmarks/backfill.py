"""Backfills a bucket of the emulated AWS that was full before the stack, with hostile files, faults, and videos that
are uploaded anew meanwhile, and looks what became of each object. Writes docs/backfill.md.
"""

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from benchmarks.load.clips import NUMBERS, clip, shown
from benchmarks.load.plan import FAULTS, HOSTILE, hostile, picture_key
from benchmarks.load.report import _filled, _machine
from benchmarks.load.service import Service, service
from local.emulator import CREDENTIALS, ROOT
from standin_s3.faults import Fault

OBJECTS = 10_000
ENVIRONMENTS = 4
CALLS = 8
"""The command's `--workers`."""
SHARE = 0.05
"""Of the objects, for each of: hostile files, faults, videos that have a thumbnail, videos uploaded anew meanwhile."""
ANEW = 0.08
"""Seconds for each object of the bucket, over which the uploads meanwhile are spread: some of them before the task of
their video, some after, some at the same time."""
FOLDER = ROOT / ".local" / "backfill"
DOCS = ROOT / "docs"
UPLOADERS = 8


@dataclass(frozen=True)
class Object:
    """One object of the bucket."""

    key: str
    kind: str
    content: bytes
    number: int | None
    """What its thumbnail shows in the end; None where it has none."""
    outcomes: tuple[str, ...]
    """One of these must be its line in the report, ..."""
    later: tuple[str, ...]
    """... and one of these that of the second backfill."""
    newer: bytes | None = None
    """What is uploaded in its place while the backfill runs."""


@dataclass(frozen=True)
class Run:
    """One backfill."""

    said: str
    status: int
    seconds: float
    outcomes: dict[str, str]
    """Key, and the outcome in the report."""
    lines: int
    """Of the report."""


@dataclass(frozen=True)
class Result:
    """What a run has shown."""

    objects: tuple[Object, ...]
    first: Run
    second: Run
    injected: int
    """Requests to S3 that were made to fail."""
    events: int
    """Of videos that were uploaded anew, answered meanwhile."""
    wrong: tuple[str, ...]
    """What is not as it must be, one line each."""


def planned(count: int, seed: int = 1) -> tuple[tuple[Object, ...], tuple[Fault, ...]]:
    """Plan the objects of a bucket, and what goes wrong with the requests for some of them."""
    random = Random(seed)  # noqa: S311 - no secret: the same plan for the same seed
    places = random.sample(range(count), count)  # S3 lists by key: the kinds are mixed over the run.
    each = max(len(FAULTS) + 1, round(count * SHARE))
    objects: list[Object] = []
    faults: list[Fault] = []

    def add(kind: str, outcomes: tuple[str, ...], later: tuple[str, ...], content: bytes | None = None) -> Object:
        number = 1 + len(objects) % (NUMBERS - 1)
        video = content is None
        key = f"videos/{places[len(objects)]:05} {kind.split(':')[0]} ä+b.mp4"
        made = Object(key, kind, content or clip(number), number if video else None, outcomes, later)
        objects.append(made)
        return made

    stated = ("rejected", "skipped")
    for place in range(each):
        kind = HOSTILE[place % len(HOSTILE)]
        add(f"hostile: {kind}", stated, stated, hostile(kind, clip(1 + place % (NUMBERS - 1)), random))
    for place in range(each):
        name, fault, ends = FAULTS[place % len(FAULTS)]
        lasts = ends == "failure queue"
        made = add(f"fault: {name}", ("failed",) if lasts else ("made",), ("made",) if lasts else ("unchanged",))
        faults.append(replace(fault, key=made.key if fault.method == "GET" else picture_key(made.key)))
    for _ in range(each):
        add("pictured", ("unchanged",), ("unchanged",))
    for _ in range(each):
        made = add("uploaded anew", ("made", "unchanged", "superseded"), ("unchanged",))
        assert made.number is not None
        number = 1 + made.number % (NUMBERS - 1)
        objects[-1] = replace(made, number=number, newer=clip(number))
    while len(objects) < count:
        add("plain", ("made",), ("unchanged",))
    return tuple(objects), tuple(faults)


def run(count: int, seed: int, environments: int, folder: Path) -> Result:
    """Fill a bucket, backfill it, lift the faults, backfill it again."""
    objects, faults = planned(count, seed)
    with service(folder, environments) as up:
        s3, bucket = up.client("s3"), up.bucket
        trigger = s3.get_bucket_notification_configuration(Bucket=bucket)["LambdaFunctionConfigurations"]
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
        _upload(up, [(each.key, each.content) for each in objects])
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": trigger}
        )
        chosen = folder / "pictured.txt"
        chosen.write_text("".join(f"{each.key}\n" for each in objects if each.kind == "pictured"))
        _backfill(up, folder, "--list", str(chosen))
        before = len(up.outcomes.since(0))
        up.s3.fail(*faults)
        newer = [(each.key, each.newer) for each in objects if each.newer is not None]
        anew = threading.Thread(target=_upload, args=(up, newer, len(objects) * ANEW))
        anew.start()
        first = _backfill(up, folder)
        anew.join()
        injected = up.s3.injected()
        up.s3.fail()
        _settle(up)
        events = len(up.outcomes.since(0)) - before
        second = _backfill(up, folder)
        wrong = [*_compared(objects, first, "outcomes"), *_compared(objects, second, "later"), *_pictures(up, objects)]
    return Result(objects, first, second, injected, events, tuple(wrong))


def _upload(up: Service, contents: Sequence[tuple[str, bytes]], seconds: float = 0.0) -> None:
    """Upload, spread over `seconds`."""
    s3 = up.client("s3")
    pause = seconds * UPLOADERS / max(1, len(contents))

    def put(each: tuple[str, bytes]) -> None:
        s3.put_object(Bucket=up.bucket, Key=each[0], Body=each[1])
        time.sleep(pause)

    with ThreadPoolExecutor(UPLOADERS) as pool:
        list(pool.map(put, contents))


def _backfill(up: Service, folder: Path, *options: str) -> Run:
    """Return what a person would do: `python -m operate backfill`."""
    outputs, report = folder / "outputs.json", folder / f"report-{time.time_ns()}.csv"
    outputs.write_text(json.dumps(up.registered.outputs))
    command = [sys.executable, "-m", "operate", "backfill", "--outputs", str(outputs), "--csv", str(report), "--yes"]
    began = time.monotonic()
    done = subprocess.run(
        [*command, "--workers", str(CALLS), *options],
        cwd=ROOT,
        env={**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": up.emulator.endpoint},
        stdout=subprocess.PIPE,
        text=True,
    )
    with report.open(newline="") as file:
        rows = list(csv.DictReader(file))
    outcomes = {row["key"]: row["outcome"] for row in rows}
    return Run(done.stdout, done.returncode, time.monotonic() - began, outcomes, len(rows))


def _settle(up: Service) -> None:
    """Wait until the events of what was uploaded anew are done with."""
    quiet, before = time.monotonic(), -1
    while time.monotonic() - quiet < 5:
        if (now := len(up.outcomes.since(0))) != before:
            quiet, before = time.monotonic(), now
        time.sleep(0.5)


def _compared(objects: Sequence[Object], run: Run, expected: str) -> list[str]:
    wrong = [f"{run.lines} lines in the report, and {len(objects)} objects"] if run.lines != len(objects) else []
    for each in objects:
        found, wanted = run.outcomes.get(each.key, "missing"), getattr(each, expected)
        if found not in wanted:
            wrong.append(f"{each.key} ({each.kind}) is {found} in the report, not {' or '.join(wanted)}")
    return wrong


def _pictures(up: Service, objects: Sequence[Object]) -> list[str]:
    s3 = up.client("s3")
    keys = {
        item["Key"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=up.bucket)
        for item in page["Contents"]
        if item["Key"].endswith(".jpg")
    }

    def look(each: Object) -> str | None:
        key = picture_key(each.key)
        if each.number is None:
            return f"{each.key} ({each.kind}) has a thumbnail" if key in keys else None
        if key not in keys:
            return f"{each.key} ({each.kind}) has no thumbnail"
        found = shown(s3.get_object(Bucket=up.bucket, Key=key)["Body"].read())
        return None if found == each.number else f"the thumbnail of {each.key} ({each.kind}) is of other bytes"

    with ThreadPoolExecutor(UPLOADERS) as pool:
        found = list(pool.map(look, objects))
    wrong = [line for line in found if line]
    extra = len(keys) - sum(each.number is not None for each in objects)
    return [*wrong, f"{extra} thumbnails of nothing"] if extra > 0 else wrong


def written(result: Result, command: str) -> str:
    """Write docs/backfill.md."""
    kinds = list(dict.fromkeys(each.kind for each in result.objects))
    names = ("made", "unchanged", "superseded", "skipped", "rejected", "failed")
    lines = [
        "# Backfill",
        "",
        _filled(
            f"`{command}`: {len(result.objects):,} objects that were in the bucket before the stack listened to it, in"
            " the emulated AWS, with the real function as processes. The emulated AWS has no S3 Batch Operations: the"
            " command's own runner takes the same requests, calls the function by the same schema, and writes the same"
            " report. What stands between the function and S3 lets some requests fail."
        ),
        "",
        _filled(f"Measured on {_machine()}, while others worked on it."),
        "",
        "Every object is in the report once, with the outcome that it must have, and every thumbnail is of the newest"
        if not result.wrong
        else "Not everything is as it must be:",
        *(["bytes of its video."] if not result.wrong else ["", *(f"- {line}" for line in result.wrong)]),
        "",
        "| kind | objects | " + " | ".join(names) + " | second backfill |",
        "| --- | ---: |" + " ---: |" * len(names) + " --- |",
    ]
    for kind in kinds:
        keys = [each.key for each in result.objects if each.kind == kind]
        first = Counter(result.first.outcomes.get(key, "missing") for key in keys)
        second = Counter(result.second.outcomes.get(key, "missing") for key in keys)
        cells = [f"{first[name]:,}" if first[name] else "" for name in names]
        again = ", ".join(f"{count:,} {name}" for name, count in second.most_common())
        lines.append(f"| {kind} | {len(keys):,} | {' | '.join(cells)} | {again} |")
    rate = len(result.objects) / result.first.seconds
    lines += [
        "",
        _filled(
            "`pictured`: had their thumbnails by an earlier backfill. `uploaded anew`: replaced by other bytes while"
            " the backfill ran; their own event and the task of the backfill race, and the thumbnail must be of the"
            " newer bytes. Faults for one attempt end within the task's three tries. Before the second backfill the"
            " faults were lifted."
        ),
        "",
        "| | |",
        "| --- | ---: |",
        f"| first backfill | {result.first.seconds:,.0f} s, {rate:.1f} objects a second |",
        f"| second backfill | {result.second.seconds:,.0f} s |",
        f"| requests that were made to fail | {result.injected:,} |",
        f"| events of videos uploaded anew, answered meanwhile | {result.events:,} |",
        "",
        "What the first one printed:",
        "",
        "```",
        *(re.sub(r"in \S+\.csv", "in backfill.csv", result.first.said)).strip().splitlines()[1:],
        "```",
        "",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; return 1 where an object is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backfill", description=__doc__)
    parser.add_argument("--objects", type=int, default=OBJECTS)
    parser.add_argument("--seed", type=int, default=1, help="another plan of the same size")
    parser.add_argument("--environments", type=int, default=ENVIRONMENTS, help="handlers that work at the same time")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where backfill.md goes")
    options = parser.parse_args(arguments)
    shutil.rmtree(FOLDER, ignore_errors=True)
    result = run(options.objects, options.seed, options.environments, FOLDER)
    command = f"python -m benchmarks.backfill --objects {options.objects}"
    options.docs.mkdir(parents=True, exist_ok=True)
    (options.docs / "backfill.md").write_text(written(result, command))
    for line in result.wrong:
        print(f"backfill: {line}", file=sys.stderr)
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
