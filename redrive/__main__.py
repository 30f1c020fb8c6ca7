"""Looks at the events that failed for good, and replays them by choice.

Without --key, --message or --all it only looks: every message stays in the queue.
"""

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from redrive import target
from redrive.failures import Failure, Unreadable, read
from redrive.problem import RedriveFailure
from redrive.queue import Depth, Held, depth, held
from redrive.replay import WORKERS, Replayed, replay
from redrive.table import lines, printable, stamp
from redrive.target import Target

SHOWN = 10
"""Messages that are named each with its reason at the end of a replay."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; returns its exit status: 1 where something that was to be replayed stays in the queue."""
    options = _options().parse_args(arguments)
    stop = Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop.asked)
    try:
        return _run(options, stop)
    except RedriveFailure as failure:
        print(f"redrive: {failure}", file=sys.stderr)
    except KeyboardInterrupt:
        print("redrive: interrupted; what was not replayed is in the queue", file=sys.stderr)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `| head` has seen enough.
        return 0
    return 1


class Stop:
    """A wish to end, of Ctrl-C or a signal. The first waits until the call under way has its answer: messages that
    were received and forgotten would stay hidden until their timeout. The second ends at once.
    """

    def __init__(self) -> None:
        self._asked = False

    def asked(self, _: int, __: FrameType | None) -> None:
        """Notes the wish."""
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def check(self) -> None:
        """Ends here where that is wished."""
        if self._asked:
            raise KeyboardInterrupt


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m redrive", description=__doc__)
    where = parser.add_argument_group("where")
    where.add_argument("--queue", metavar="URL", help=f"the failure queue; else from --outputs or {_variable('queue')}")
    where.add_argument("--function", metavar="NAME", help=f"else from --outputs or {_variable('function')}")
    where.add_argument(
        "--outputs",
        metavar="FILE",
        help="what `pulumi stack output --json` printed; - reads it from the standard input",
    )
    what = parser.add_argument_group("what is replayed")
    what.add_argument("--key", action="append", default=[], help="events of the object with this key; may be repeated")
    what.add_argument("--message", action="append", default=[], metavar="ID", help="this message; may be repeated")
    what.add_argument("--all", action="store_true", help="every event that is in the queue at the start")
    return parser


def _variable(name: str) -> str:
    return {"queue": target.QUEUE_VARIABLE, "function": target.FUNCTION_VARIABLE}[name]


def _run(options: argparse.Namespace, stop: Stop) -> int:
    where = target.find(options.queue, options.function, _read(options.outputs), os.environ)
    wanted = bool(options.all or options.key or options.message)
    if wanted and where.function is None:
        raise RedriveFailure(f"no function is given: use --function NAME, --outputs FILE or {target.FUNCTION_VARIABLE}")
    sqs = _client("sqs", where)
    before = depth(sqs, where.queue)
    progress = Progress("reading", before.waiting, stop)
    if not wanted:
        with held(sqs, where.queue, progress.at) as holding:
            messages = holding.messages
        # They are everybody's again before the first line is printed: a reader may take his time.
        progress.end()
        _show([read(message) for message in messages], before, holding.complete)
        return 0
    with held(sqs, where.queue, progress.at) as holding:
        progress.end()
        return _replay(options, where, before, holding, stop)


def _read(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise RedriveFailure(f"the stack's outputs {path} cannot be read: {error}") from error


def _client(service: str, where: Target) -> Any:
    # AWS_ENDPOINT_URL, AWS_PROFILE and the like are boto3's to follow.
    config = Config(
        connect_timeout=5,
        read_timeout=30,
        max_pool_connections=WORKERS,
        retries={"mode": "standard", "total_max_attempts": 5},
    )
    session: Any = boto3.session.Session()
    try:
        # AWS_REGION is what every other SDK reads; boto3 reads AWS_DEFAULT_REGION.
        return session.client(service, region_name=where.region or os.environ.get("AWS_REGION"), config=config)
    except BotoCoreError as error:
        raise RedriveFailure(f"AWS cannot be called: {error} Set AWS_REGION, AWS_PROFILE as needed.") from error


def _show(items: Sequence[Failure | Unreadable], before: Depth, complete: bool) -> None:
    if not items:
        print("no failed events in the queue")
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in lines(items, width):
            print(line)
        oldest = min(item.message.sent for item in items)
        print(
            f"\n{len(items):,} in the queue; SQS deletes the oldest at"
            f" {stamp(oldest + timedelta(seconds=before.kept_seconds))} UTC"
        )
    _note_the_unseen(before, complete)


def _note_the_unseen(before: Depth, complete: bool) -> None:
    if before.held:
        print(f"{before.held:,} more are held by somebody who looks at them or replays them at this moment")
    if not complete:
        print("and there are more: SQS shows at most 120,000 at a time; replay or delete some of these first")


def _replay(options: argparse.Namespace, where: Target, before: Depth, holding: Held, stop: Stop) -> int:
    items = [read(message) for message in holding.messages]
    chosen = [item for item in items if _is_chosen(item, options)]
    unmet = _unmet(options, items)
    failures = [item for item in chosen if isinstance(item, Failure)]
    unreadable = [item for item in chosen if isinstance(item, Unreadable)]
    progress = Progress("replaying", len(failures), stop)
    assert where.function is not None
    result = replay(_client("lambda", where), where.function, failures, holding, progress.at)
    progress.end()
    _tell(result, unreadable, unmet, len(items) - len(chosen))
    _note_the_unseen(before, holding.complete)
    return 1 if result.kept or unreadable or unmet else 0


def _is_chosen(item: Failure | Unreadable, options: argparse.Namespace) -> bool:
    if options.all or item.message.id in options.message:
        return True
    return isinstance(item, Failure) and not set(options.key).isdisjoint(item.keys)


def _unmet(options: argparse.Namespace, items: Sequence[Failure | Unreadable]) -> list[str]:
    """What was asked for by name and is not in the queue."""
    keys = {key for item in items if isinstance(item, Failure) for key in item.keys}
    ids = {item.message.id for item in items}
    return [f"key {key}" for key in options.key if key not in keys] + [
        f"message {id}" for id in options.message if id not in ids
    ]


def _tell(result: Replayed, unreadable: Sequence[Unreadable], unmet: Sequence[str], others: int) -> None:
    print(f"{result.taken:,} replayed; what fails again comes back to the queue")
    reasons = [(kept.failure.message.id, kept.why) for kept in result.kept]
    reasons += [(item.message.id, f"unreadable: {item.why}") for item in unreadable]
    if reasons:
        print(f"{len(reasons):,} kept in the queue:")
    for message, why in reasons[:SHOWN]:
        print(f"  {message}  {printable(why)}")
    if len(reasons) > SHOWN:
        print(f"  … and {len(reasons) - SHOWN:,} more")
    for each in unmet:
        print(f"{printable(each)} is not in the queue")
    if others:
        print(f"{others:,} others were not asked for, and stay")


class Progress:
    """How far it has come: one line that moves on a terminal, a line each tenth elsewhere."""

    def __init__(self, what: str, total: int, stop: Stop) -> None:
        self._what, self._total, self._stop, self._tenth = what, total, stop, 0
        self._terminal = sys.stderr.isatty()

    def at(self, count: int) -> None:
        """So many are done. Raises KeyboardInterrupt where that is to be all."""
        self._stop.check()
        if self._terminal:
            print(f"\r\033[K{self._what} {count:,} of {max(self._total, count):,}", end="", file=sys.stderr, flush=True)
        elif self._total and (tenth := count * 10 // self._total) > self._tenth:
            self._tenth = tenth
            print(f"{self._what} {count:,} of {self._total:,}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leaves the terminal's line empty."""
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
