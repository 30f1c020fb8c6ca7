"""Shows the events that failed for good, and hands them to the function again.

Without --key, --message or --all it only looks: every message stays in the queue.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import timedelta

from operate import stack, table
from operate.progress import Progress, Stop
from operate.redrive.failures import Failure, Unreadable, read
from operate.redrive.queue import Depth, Held, depth, held
from operate.redrive.replay import Replayed, replay
from operate.stack import Stack
from operate.table import printable, stamp

SHOWN = 10
"""Messages that are named each with its reason at the end of a replay."""
HEAD = ("key", "failed at (UTC)", "tries", "message", "error")


def add_options(parser: ArgumentParser) -> None:
    """Add the command's options."""
    stack.add_options(parser, "queue", "function")
    what = parser.add_argument_group("what is replayed")
    what.add_argument("--key", action="append", default=[], help="events of the object with this key; may be repeated")
    what.add_argument("--message", action="append", default=[], metavar="ID", help="this message; may be repeated")
    what.add_argument("--all", action="store_true", help="every event that is in the queue at the start")


def run(options: Namespace, stop: Stop) -> int:
    """Show the failed events, or replay some; return 1 where something that was to be replayed stays in the queue.

    Raises:
        OperateFailure: AWS refuses, or is not told what it takes.
        KeyboardInterrupt: the command was stopped; what was not replayed is in the queue.
    """
    of = Stack.of(options)
    queue = of.queue()
    wanted = bool(options.all or options.key or options.message)
    function = of.need("function") if wanted else ""
    sqs = of.client("sqs")
    before = depth(sqs, queue)
    progress = Progress("reading", before.waiting, stop)
    try:
        with held(sqs, queue, progress.at) as holding:
            progress.end()
            if wanted:
                return _replay(options, of, function, before, holding, stop)
            messages = holding.messages
    except KeyboardInterrupt:
        raise KeyboardInterrupt("what was not replayed is in the queue") from None
    # They are everybody's again before the first line is printed: a reader may take his time.
    _show([read(message) for message in messages], before, holding.complete)
    return 0


def rows(items: Sequence[Failure | Unreadable]) -> list[tuple[str, ...]]:
    """Return the table's rows, a message each."""
    return [_row(item) for item in items]


def _row(item: Failure | Unreadable) -> tuple[str, ...]:
    if isinstance(item, Unreadable):
        return ("-", stamp(item.message.sent), "-", item.message.id, f"unreadable: {item.why}")
    key = ", ".join(item.keys) or "(no object is named)"
    tries = "-" if item.tries is None else str(item.tries)
    return (key, stamp(item.failed), tries, item.message.id, item.error)


def _show(items: Sequence[Failure | Unreadable], before: Depth, complete: bool) -> None:
    if not items:
        print("no failed events in the queue")
    else:
        table.show(HEAD, rows(items))
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


def _replay(options: Namespace, of: Stack, function: str, before: Depth, holding: Held, stop: Stop) -> int:
    items = [read(message) for message in holding.messages]
    chosen = [item for item in items if _is_chosen(item, options)]
    unmet = _unmet(options, items)
    failures = [item for item in chosen if isinstance(item, Failure)]
    unreadable = [item for item in chosen if isinstance(item, Unreadable)]
    progress = Progress("replaying", len(failures), stop)
    result = replay(of.client("lambda"), function, failures, holding, progress.at)
    progress.end()
    _tell(result, unreadable, unmet, len(items) - len(chosen))
    _note_the_unseen(before, holding.complete)
    return 1 if result.kept or unreadable or unmet else 0


def _is_chosen(item: Failure | Unreadable, options: Namespace) -> bool:
    if options.all or item.message.id in options.message:
        return True
    return isinstance(item, Failure) and not set(options.key).isdisjoint(item.keys)


def _unmet(options: Namespace, items: Sequence[Failure | Unreadable]) -> list[str]:
    """Return what was asked for by name and is not in the queue."""
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
