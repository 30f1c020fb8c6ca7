"""`make local`: brings the stack up, shows it at work on videos, serves its page and watches it until Ctrl-C."""

import argparse
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
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
from thumbnailer.settings import Settings, SettingsError, check

PORT = 4566
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
        buckets = named_buckets(settings)
        for name in buckets:
            print(f"making the bucket {name} in the emulated AWS: yours is not touched", flush=True)
        stack = contexts.enter_context(running(settings, runtime=runtime, port=options.port, buckets=buckets))
        url = "" if options.once else contexts.enter_context(page(stack, options.page_port))
        print(f"up after {time.monotonic() - started:.1f} s; logs: {shown(stack.folder)}", flush=True)
        shutil.rmtree(pictures_of(stack), ignore_errors=True)  # of earlier runs on this port
        videos = [video for video in given or _samples(options.once) if triggers(stack.outputs, video.key)]
        if not videos:
            raise LocalFailure(nothing_to_show(options.video, stack.outputs))
        table = Table([video.key for video in videos])
        print(f"\n{table.head()}", flush=True)
        outcomes = _show_all(stack, table, videos)
        if options.once:
            print(f"\npictures   {shown(pictures_of(stack))}", flush=True)
            if bad := [outcome.key for outcome in outcomes if outcome.outcome not in SUCCESS]:
                raise LocalFailure(f"no picture of {', '.join(bad)}: the table says why")
            return
        _say_how_to_go_on(stack, url)
        print("watching for further uploads; Ctrl-C ends it and leaves nothing running\n", flush=True)
        _watch(stack, table)


def nothing_to_show(video: Path | None, outputs: Mapping[str, Any]) -> str:
    """Return why no file of `video`, or none of the samples, would call the function of a stack with these
    `outputs`."""
    wanted = f"ends in {' or '.join(outputs['suffixes'])}"
    if outputs["prefixes"]:
        wanted = f"begins with {' or '.join(outputs['prefixes'])} and {wanted}"
    if video is None:
        return f"no sample has a key that {wanted}: name a video of yours with VIDEO=path"
    return f"{video} holds no video whose key {wanted}"


def named_buckets(settings: Mapping[str, Any]) -> list[str]:
    """Return the buckets that settings name: none of them is in an AWS that has just started.

    A name that no bucket can have is left out: the program tells it, with all other faults.
    """
    names: list[str] = []
    for key in ("bucket", "outputBucket"):
        name = settings.get(key)
        if isinstance(name, str) and name and name not in names:
            with suppress(SettingsError):
                check(Settings(bucket=name))
                names.append(name)
    return names


def _with_page(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return `settings`, and where they are silent the outputs that the page shows."""
    added = {key: value for key, value in SETTINGS.items() if key not in settings}
    if added:
        words = " ".join(f"{key}={json.dumps(value, separators=(',', ':'))}" for key, value in added.items())
        print(f"for the page: {words} (a stack's own defaults are fewer; SETTINGS='key=value' overrides)", flush=True)
    return {**settings, **added}


def settings_of(text: str) -> dict[str, Any]:
    """`widths=[640,320] suffixes=[".mp4"] format=webp` as settings: values are JSON where they parse as such, else text
    up to the next blank.

    Raises:
        LocalFailure: something that is no `key=value`.
    """
    settings: dict[str, Any] = {}
    rest = text.strip()
    while rest:
        found = re.match(r"(\w+)=", rest)
        if found is None:
            word = rest.split()[0]
            raise LocalFailure(
                f"SETTINGS: {word!r} is no key=value; a value with blanks is a list in brackets, such as "
                "widths=[640,320], or in double quotes"
            )
        value, rest = _value(rest[found.end() :])
        settings[found[1]] = value
    return settings


def _value(text: str) -> tuple[Any, str]:
    """Return the value that a text begins with, and what follows it."""
    try:
        value, end = json.JSONDecoder().raw_decode(text)
        if not text[end : end + 1].strip():
            return value, text[end:].strip()
    except ValueError:
        pass
    word, _, rest = text.partition(" ")
    return word, rest.strip()


def videos_of(path: Path) -> list[Video]:
    """Return the file, or the files of the folder and those below, with the keys that they get."""
    path = path.expanduser()
    if path.is_file():
        return [Video(path, path.name)]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        if not files:
            raise LocalFailure(f"{path} is empty: VIDEO names a video or a folder of videos")
        return [Video(file, file.relative_to(path).as_posix()) for file in files]
    raise LocalFailure(f"{path} is neither a file nor a folder: VIDEO names a video or a folder of videos")


def _samples(short: bool) -> list[Video]:
    print("making sample videos …", flush=True)
    folder = ROOT / ".local" / "samples"
    paths = make_samples(folder) + ([] if short else [make_day(folder)])
    return [Video(path, f"samples/{path.name}") for path in paths]


def triggers(outputs: Mapping[str, Any], key: str) -> bool:
    """Return whether an object `key` calls the function of a stack with these `outputs`."""
    if not key.startswith(tuple(outputs["prefixes"] or [""])):
        return False
    if outputs["ignoreCase"]:
        return key.lower().endswith(tuple(suffix.lower() for suffix in outputs["suffixes"]))
    return key.endswith(tuple(outputs["suffixes"]))


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
        path = pictures_of(stack) / safe_path(picture.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            stack.client("s3").download_file(bucket, picture.key, str(path))
        except (BotoCoreError, ClientError, OSError) as error:
            print(f"  picture {picture.key} could not be fetched: {error}", flush=True)


def pictures_of(stack: Stack) -> Path:
    """Return the folder that this run's outputs are copied to; a run on another port has another."""
    return stack.folder / "pictures"


def safe_path(key: str) -> Path:
    """Return a key as a path below a folder: no part of it leads out, none is too long or empty."""
    parts = [re.sub(r"[\x00-\x1f]", "_", part)[-200:] for part in key.split("/")]
    return Path(*("_" if part in ("", ".", "..") else part for part in parts))


def _say_how_to_go_on(stack: Stack, url: str) -> None:
    suffix = suffixes(stack)[0]
    print(f"\npictures   {shown(pictures_of(stack))}")
    print(f"page       {url} takes videos that are dropped on it, and shows what becomes of them")
    print(f"bucket     s3://{stack.bucket} at {stack.endpoint}")
    print(f"function   {stack.function}")
    print(f"queue      {stack.queue_url} takes events that failed for good")
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
