"""`make local`: brings the stack up, shows it at work on videos, serves its page and watches it until Ctrl-C."""

import argparse
import json
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.emulator import ROOT
from local.failure import LocalFailure
from local.outcomes import Outcome
from local.page import SETTINGS, page, picture_bucket, suffixes
from local.samples import make_day, make_samples
from local.stack import Stack, choose_runtime, running
from local.table import Table

PORT = 4566
PICTURES = ROOT / ".local" / "pictures"
SECONDS_EACH = 120
"""Longest time between two outcomes of the first table; an event that fails is tried three times in that."""
SUCCESS = ("made", "unchanged")


@dataclass(frozen=True)
class Video:
    """A file of this machine and the key that it gets in the bucket."""

    path: Path
    key: str


class Stopped(BaseException):
    """A signal asks this program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        _run(options)
    except Stopped as stopped:
        print("\nstopped; nothing is left running", flush=True)
        return 0 if stopped.number == signal.SIGINT else 128 + stopped.number
    except LocalFailure as failure:
        print(f"make local: {failure}", file=sys.stderr, flush=True)
        return 1
    return 0


def _stop(number: int, _: FrameType | None) -> None:
    # Once: a second Ctrl-C must not interrupt the clearing away that the first has begun.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--video", type=Path, help="a video or a folder of them, instead of the samples")
    parser.add_argument("--settings", default="", help="settings of Pulumi.yaml: 'widths=[640,320] format=webp'")
    parser.add_argument("--runtime", choices=("auto", "processes", "docker"), default="auto")
    parser.add_argument("--port", type=int, default=PORT, help="port of the emulated AWS")
    parser.add_argument(
        "--page-port",
        default=os.environ.get("PAGE_PORT", "0"),
        type=int,
        help="port of the page on 127.0.0.1; a free one unless said",
    )
    parser.add_argument("--once", action="store_true", help="end after the table, without a page")
    return parser


def _run(options: argparse.Namespace) -> None:
    started = time.monotonic()
    given = None if options.video is None else videos_of(options.video)
    runtime = choose_runtime(options.runtime)
    settings = settings_of(options.settings)
    if not options.once:
        settings = _with_page(settings)
    with ExitStack() as contexts:
        stack = contexts.enter_context(running(settings, runtime=runtime, port=options.port))
        url = None if options.once else contexts.enter_context(page(stack, options.page_port))
        print(f"up after {time.monotonic() - started:.1f} s; logs: {shown(stack.folder)}", flush=True)
        videos = [video for video in given or _samples(options.once) if _triggers(stack, video)]
        if not videos:
            raise LocalFailure(f"{options.video} holds no video whose name ends in {' or '.join(suffixes(stack))}")
        table = Table([video.key for video in videos])
        print(f"\n{table.head()}", flush=True)
        outcomes = _show_all(stack, table, videos)
        _say_how_to_go_on(stack, url)
        if options.once:
            if bad := [outcome.key for outcome in outcomes if outcome.outcome not in SUCCESS]:
                raise LocalFailure(f"no picture of {', '.join(bad)}: the table says why")
            return
        print("watching for further uploads; Ctrl-C ends it and leaves nothing running\n", flush=True)
        _watch(stack, table)


def _with_page(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`settings`, and where they are silent the outputs that the page shows."""
    added = {key: value for key, value in SETTINGS.items() if key not in settings}
    if added:
        words = " ".join(f"{key}={json.dumps(value, separators=(',', ':'))}" for key, value in added.items())
        print(f"for the page: {words} (a stack's own defaults are fewer; SETTINGS='key=value' overrides)", flush=True)
    return {**settings, **added}


def settings_of(text: str) -> dict[str, Any]:
    """`widths=[640,320] format=webp` as settings: values are JSON where they parse as such, else text."""
    settings: dict[str, Any] = {}
    for word in shlex.split(text):
        key, equals, value = word.partition("=")
        if not equals:
            raise LocalFailure(f"setting {word!r} has no value: write {word}=…")
        try:
            settings[key] = json.loads(value)
        except ValueError:
            settings[key] = value
    return settings


def videos_of(path: Path) -> list[Video]:
    """The file, or the files of the folder and those below, with the keys that they get."""
    path = path.expanduser()
    if path.is_file():
        return [Video(path, path.name)]
    if path.is_dir():
        name = path.resolve().name
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return [Video(file, f"{name}/{file.relative_to(path).as_posix()}") for file in files]
    raise LocalFailure(f"{path} is neither a file nor a folder: VIDEO names a video or a folder of videos")


def _samples(short: bool) -> list[Video]:
    print("making sample videos …", flush=True)
    folder = ROOT / ".local" / "samples"
    paths = make_samples(folder) + ([] if short else [make_day(folder)])
    return [Video(path, f"samples/{path.name}") for path in paths]


def _triggers(stack: Stack, video: Video) -> bool:
    return video.key.endswith(tuple(suffixes(stack)))


def _show_all(stack: Stack, table: Table, videos: Sequence[Video]) -> list[Outcome]:
    """Upload `videos`, print the row of each outcome; returns the last one of each."""
    mark = stack.outcomes.count()
    s3 = stack.client("s3")
    for video in videos:
        s3.upload_file(str(video.path), stack.bucket, video.key)
    waiting = {video.key for video in videos}
    settled: list[Outcome] = []
    while waiting:
        came = stack.outcomes.since(mark, SECONDS_EACH)
        if not came:
            raise LocalFailure(
                f"no outcome of {', '.join(sorted(waiting))}; see {shown(stack.folder / 'function.log')}"
            )
        mark += len(came)
        for outcome in came:
            _show(stack, table, outcome)
            if outcome.settled and outcome.key in waiting:
                waiting.discard(outcome.key)
                settled.append(outcome)
    return settled


def _watch(stack: Stack, table: Table) -> None:
    mark = stack.outcomes.count()
    while True:
        # Waits are short so that a signal is seen at once, on every platform.
        came = stack.outcomes.since(mark, 1)
        mark += len(came)
        for outcome in came:
            _show(stack, table, outcome)
        stack.check()


def _show(stack: Stack, table: Table, outcome: Outcome) -> None:
    for line in table.lines(outcome):
        print(line, flush=True)
    bucket = picture_bucket(stack)
    for picture in outcome.pictures:
        path = PICTURES / safe_path(picture.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            stack.client("s3").download_file(bucket, picture.key, str(path))
        except (BotoCoreError, ClientError, OSError) as error:
            print(f"  picture {picture.key} could not be fetched: {error}", flush=True)


def safe_path(key: str) -> Path:
    """A key as a path below a folder: no part of it leads out, none is too long or empty."""
    parts = [re.sub(r"[\x00-\x1f]", "_", part)[-200:] for part in key.split("/")]
    return Path(*("_" if part in ("", ".", "..") else part for part in parts))


def _say_how_to_go_on(stack: Stack, url: str | None) -> None:
    suffix = suffixes(stack)[0]
    print(f"\npictures   {shown(PICTURES)}")
    if url:
        print(f"page       {url} takes videos that are dropped on it, and shows what becomes of them")
    print(f"bucket     s3://{stack.bucket} at {stack.endpoint}")
    print("your own   make local VIDEO=path, a video or a folder; or, while this runs, in another terminal:")
    print(
        f"           AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION={stack.region} \\\n"
        f"           aws --endpoint-url {stack.endpoint} s3 cp video{suffix} s3://{stack.bucket}/\n",
        flush=True,
    )


def shown(path: Path) -> str:
    """`path` as a person in this checkout types it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    sys.exit(main())
