"""The stack that a command works on: names from its options, from `pulumi stack output --json`, or the environment."""

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from operate.problem import OperateFailure

CONNECTIONS = 64
"""Calls at the same time, at most."""


@dataclass(frozen=True)
class Known:
    """Where the name of one part of the stack is found; the first that is given counts."""

    option: str
    means: str
    """The option's value, for people."""
    what: str
    output: str
    """The stack's output (`__main__.py`)."""
    variable: str | None = None
    """Of the environment."""


KNOWN = {
    "queue": Known("--queue", "URL", "the failure queue", "failureQueue", "THUMBNAILER_FAILURE_QUEUE"),
    "function": Known("--function", "NAME", "the function", "function", "THUMBNAILER_FUNCTION"),
    "bucket": Known("--bucket", "NAME", "the bucket of the videos", "bucket"),
    "role": Known("--role", "ARN", "the role of S3 Batch Operations (setting `backfill`)", "backfillRole"),
    "bus": Known("--bus", "NAME", "the bus of the stack's events (setting `notify`)", "eventBus"),
    "output bucket": Known("--output-bucket", "NAME", "the bucket of the outputs", "outputBucket"),
    "reports": Known("--reports", "S3URI", "where jobs write their reports", "backfillReports"),
}


def add_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """Give a command the options that name these parts of the stack, and `--outputs`."""
    group = parser.add_argument_group("which stack")
    group.add_argument(
        "--outputs",
        metavar="FILE",
        help="what `pulumi stack output --json` printed; - reads it from the standard input",
    )
    for name in names:
        known = KNOWN[name]
        otherwise = " or ".join(["from --outputs", *([known.variable] if known.variable else [])])
        group.add_argument(known.option, metavar=known.means, dest=name, help=f"{known.what}; else {otherwise}")


def add_suffixes(parser: argparse._ArgumentGroup) -> None:
    """Add the option that says which keys are videos."""
    parser.add_argument(
        "--suffix",
        action="append",
        dest="suffixes",
        metavar="ENDING",
        help="ending of the keys that are videos; may be repeated; else from --outputs, or .mp4",
    )


class Stack:
    """Names of the stack's parts, and clients of AWS in its region."""

    def __init__(
        self,
        given: Mapping[str, str | None],
        outputs: str | None,
        environment: Mapping[str, str],
        suffixes: Sequence[str] | None = None,
    ) -> None:
        """`given`: values of options by their names in `KNOWN`; `outputs`: JSON; `suffixes`: those of options.

        Raises:
            OperateFailure: the outputs are not what `pulumi stack output --json` prints.
        """
        self._given, self._environment, self._suffixes = given, environment, suffixes
        self.outputs = _parsed(outputs) if outputs is not None else {}

    @staticmethod
    def of(options: argparse.Namespace) -> "Stack":
        """Return the stack that a command's options name.

        Raises:
            OperateFailure: the file of the outputs cannot be read, or is something else.
        """
        given = {name: getattr(options, name, None) for name in KNOWN}
        return Stack(given, _read(options.outputs), os.environ, getattr(options, "suffixes", None))

    def find(self, name: str) -> str | None:
        """Return the name of a part of the stack, None where nothing names it."""
        known = KNOWN[name]
        output = self.outputs.get(known.output)
        variable = self._environment.get(known.variable) if known.variable else None
        return self._given.get(name) or (output if isinstance(output, str) else None) or variable or None

    def need(self, name: str) -> str:
        """Return the name of a part of the stack.

        Raises:
            OperateFailure: nothing names it.
        """
        found = self.find(name)
        if found is None:
            known = KNOWN[name]
            ways = [f"{known.option} {known.means}", "--outputs FILE (of `pulumi stack output --json`)"]
            ways += [known.variable] if known.variable else []
            raise OperateFailure(f"{known.what} is not given: use {', '.join(ways[:-1])} or {ways[-1]}")
        return found

    def is_video(self, key: str) -> bool:
        """Return whether a key ends as those of videos do."""
        if self.outputs.get("ignoreCase"):
            return key.lower().endswith(tuple(suffix.lower() for suffix in self._endings()))
        return key.endswith(self._endings())

    def spellings(self) -> tuple[str, ...]:
        """Return the endings of the keys that are videos, each as it is spelled: without `ignoreCase` just as set."""
        if not self.outputs.get("ignoreCase"):
            return self._endings()
        spelled = [(each.lower(), each.upper(), _capital(each)) for each in self._endings()]
        return tuple(dict.fromkeys(spelling for spellings in spelled for spelling in spellings))

    def prefixes(self) -> tuple[str, ...]:
        """Return what the keys that are videos start with; none where all do."""
        output = self.outputs.get("prefixes")
        return tuple(output) if isinstance(output, list) else ()

    def _endings(self) -> tuple[str, ...]:
        output = self.outputs.get("suffixes")
        return tuple(self._suffixes or (output if isinstance(output, list) else None) or [".mp4"])

    def queue(self) -> str:
        """Return the failure queue's URL.

        Raises:
            OperateFailure: nothing names it, or what does is no URL.
        """
        url = self.need("queue")
        if not url.startswith(("https://", "http://")):
            raise OperateFailure(f"the queue {url!r} is no URL: `pulumi stack output failureQueue` prints it")
        return url

    @cached_property
    def _session(self) -> Any:
        # One for all clients: it keeps what it has read of their models.
        return boto3.session.Session()

    @property
    def region(self) -> str | None:
        """The stack's region, or that of the queue's URL; None where AWS's settings of the machine decide."""
        if isinstance(output := self.outputs.get("region"), str):
            return output
        pattern = r"https://(?:sqs\.)?([a-z0-9-]+)(?:\.queue)?\.amazonaws\.com(?:\.cn)?/.*"
        found = re.fullmatch(pattern, self.find("queue") or "")
        return found[1] if found else None

    def client(self, service: str, read_timeout: int = 30, attempts: int = 5) -> Any:
        """Make a boto3 client; AWS_ENDPOINT_URL, AWS_PROFILE and the like are boto3's to follow.

        `read_timeout`: seconds that an answer may take.

        Raises:
            OperateFailure: there is no region, no profile of that name, or the like.
        """
        config = Config(
            connect_timeout=5,
            read_timeout=read_timeout,
            max_pool_connections=CONNECTIONS,
            # A call that waits for the function sends nothing meanwhile, which routers take for the end.
            tcp_keepalive=True,
            retries={"mode": "standard", "total_max_attempts": attempts},
        )
        try:
            # AWS_REGION is what every other SDK reads; boto3 reads AWS_DEFAULT_REGION.
            return self._session.client(service, region_name=self.region or os.environ.get("AWS_REGION"), config=config)
        except BotoCoreError as error:
            raise OperateFailure(f"AWS cannot be called: {error} Set AWS_REGION, AWS_PROFILE as needed.") from error


def _capital(suffix: str) -> str:
    """`.mp4` as `.Mp4`."""
    first = re.search(r"[^\W\d_]", suffix)
    return suffix if not first else suffix[: first.start()] + suffix[first.start() :].capitalize()


def _read(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise OperateFailure(f"the stack's outputs {path} cannot be read: {error}") from error


def _parsed(text: str) -> dict[str, Any]:
    try:
        outputs: Any = json.loads(text)
    except ValueError as error:
        raise OperateFailure(f"the stack's outputs are no JSON ({error}): use `pulumi stack output --json`") from None
    if not isinstance(outputs, dict):
        raise OperateFailure("the stack's outputs are no JSON object: use `pulumi stack output --json`")
    return outputs
