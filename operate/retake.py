"""Makes the thumbnails of videos anew: at another moment, in other widths, or as the stack's settings have them.

Without --position and --widths an earlier choice is taken back. The choice holds until the video is uploaded again.
"""

import argparse
import json
import re
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from operate import function, stack, table
from operate.function import CallFailed, call, each
from operate.listing import chosen, objects
from operate.problem import OperateFailure, said
from operate.progress import Progress, Stop
from operate.stack import Stack

SOURCE, DETAIL_TYPE = "video-thumbnailer", "Retake Requested"
"""Of the event on a bus (`service/events.py` of the image reads it)."""
ENTRIES = 10
"""Events that EventBridge takes at once (`PutEvents`)."""
HEAD = ("key", "outcome", "what")
SHOWN = 50
"""Of more videos than these, only those are named that have not what was asked."""
FAILED, SENT = "failed", "sent"
WELL = ("made", "unchanged", SENT)
"""Outcomes after which nothing is left to do."""


@dataclass(frozen=True)
class Told:
    """What became of one video."""

    key: str
    outcome: str
    """The function's, `failed` or `sent`."""
    what: str


def add_options(parser: ArgumentParser) -> None:
    """Add the command's options."""
    stack.add_options(parser, "function", "bucket")
    which = parser.add_argument_group("which videos")
    which.add_argument("keys", nargs="*", metavar="KEY", help="key of a video, as it is (not URL-encoded)")
    which.add_argument("--prefix", help="all videos whose keys start with this")
    which.add_argument("--list", metavar="FILE", help="keys, one a line; - reads the standard input")
    stack.add_suffixes(which)
    what = parser.add_argument_group("which thumbnails")
    what.add_argument("--position", type=position, help="auto, seconds (12.5), a time (1:30) or a share (25%%)")
    what.add_argument("--widths", type=widths, help="pixels, with commas: 1280,640; 0 is the video's own")
    how = parser.add_argument_group("how")
    how.add_argument(
        "--bus",
        nargs="?",
        const="",
        metavar="NAME",
        help="send events to this EventBridge bus, or to the stack's, and do not wait",
    )
    how.add_argument("--no-wait", action="store_true", help="hand the events to the function, and do not wait")
    how.add_argument("--yes", action="store_true", help="do not ask")


def position(text: str) -> str:
    """Check a position; what it means is the function's to read."""
    if not re.fullmatch(r"auto|\d+(\.\d+)?%?|(\d{1,3}:)?[0-5]?\d:[0-5]?\d(\.\d+)?", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, seconds, mm:ss, hh:mm:ss or a percentage")
    return text


def widths(text: str) -> list[int]:
    """Read widths in pixels with commas between."""
    if not re.fullmatch(r"\d{1,5}(,\d{1,5}){0,7}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not one to eight whole numbers with commas between")
    return [int(width) for width in text.split(",")]


def run(options: Namespace, stop: Stop) -> int:
    """Make thumbnails anew; return 1 where one of the videos has none as asked, and says why.

    Raises:
        OperateFailure: AWS refuses, or it is not said what to retake.
        KeyboardInterrupt: the command was stopped; what was made stays.
    """
    of = Stack.of(options)
    bucket = of.need("bucket")
    bus = None if options.bus is None else options.bus or of.need("bus")
    name = of.need("function") if bus is None else ""
    keys = _keys(options, of, bucket)
    if not keys:
        print("there is no such video")
        return 1
    if options.prefix is not None and not options.yes:
        question = f"Make the thumbnails of {len(keys):,} videos anew, such as {table.printable(keys[0])}?"
        if not stop.confirmed(question):
            print("nothing was done")
            return 1
    items = [asked(bucket, key, options.position, options.widths) for key in keys]
    progress = Progress("sending" if bus or options.no_wait else "retaking", len(items), stop)
    told: list[Told] = []
    places = {key: place for place, key in enumerate(keys)}
    try:
        for some in _do(of, name, bus, options.no_wait, items):
            told += some
            progress.at(len(told))
    finally:
        progress.end()
        _show(sorted(told, key=lambda each: places[each.key]))
    return 0 if all(each.outcome in WELL for each in told) else 1


def asked(bucket: str, key: str, position: str | None, widths: Sequence[int] | None) -> dict[str, Any]:
    """Return one item of the event's list `retake`."""
    choice = {"position": position, "widths": widths}
    return {"bucket": bucket, "key": key, **{name: value for name, value in choice.items() if value is not None}}


def _keys(options: Namespace, of: Stack, bucket: str) -> Sequence[str]:
    keys = [*options.keys, *(chosen(options.list) if options.list else [])]
    if options.prefix is not None:
        found = objects(of.client("s3"), bucket, options.prefix)
        keys += [each.key for each in found if of.is_video(each.key)]
    elif not keys:
        raise OperateFailure("which videos is not said: name KEYs, --prefix or --list")
    return list(dict.fromkeys(keys))


def _do(of: Stack, name: str, bus: str | None, no_wait: bool, items: Sequence[dict[str, Any]]) -> Iterable[list[Told]]:
    if bus:
        events = of.client("events")
        batches = [items[first : first + ENTRIES] for first in range(0, len(items), ENTRIES)]
        return (_sent(events, bus, batch) for batch in batches)
    lambdas = function.client(of)
    action = _handed if no_wait else _made
    return ([told] for _, told in each(lambda item: action(lambdas, name, item), items))


def _sent(events: Any, bus: str, items: Sequence[dict[str, Any]]) -> list[Told]:
    entries = [
        {"EventBusName": bus, "Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps({"retake": [item]})}
        for item in items
    ]
    try:
        answers = events.put_events(Entries=entries)["Entries"]
    except (BotoCoreError, ClientError) as error:
        raise OperateFailure(f"the bus {bus} takes no events: {said(error)}") from error
    return [
        Told(item["key"], FAILED, f"{answer['ErrorCode']}: {answer.get('ErrorMessage', '')}")
        if "ErrorCode" in answer
        else Told(item["key"], SENT, f"to the bus {bus}")
        for item, answer in zip(items, answers, strict=True)
    ]


def _handed(client: Any, name: str, item: dict[str, Any]) -> Told:
    try:
        client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps({"retake": [item]}))
    except (BotoCoreError, ClientError) as error:
        return Told(item["key"], FAILED, said(error))
    return Told(item["key"], SENT, f"to {name}")


def _made(client: Any, name: str, item: dict[str, Any]) -> Told:
    try:
        (outcome,) = call(client, name, {"retake": [item]})["outcomes"]
        files = [str(file["key"]) for part in ("images", "texts") for file in outcome.get(part, [])]
        return Told(item["key"], str(outcome["outcome"]), "; ".join([*_texts(outcome), *files]))
    except CallFailed as failure:
        return Told(item["key"], FAILED, str(failure))
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        return Told(item["key"], FAILED, f"the function gave an answer of another form ({fault!r})")


def _texts(outcome: dict[str, Any]) -> list[str]:
    return [str(text) for text in (outcome.get("reason"), *outcome.get("notes", [])) if text]


def _show(told: Sequence[Told]) -> None:
    if told:
        shown = told if len(told) <= SHOWN else [each for each in told if each.outcome not in WELL]
        table.show(HEAD, [(each.key, each.outcome, each.what) for each in shown])
        print(f"\n{', '.join(f'{count:,} {outcome}' for outcome, count in Counter(t.outcome for t in told).items())}")
