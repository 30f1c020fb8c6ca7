"""Which queue is looked at, and which function gets the events again."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redrive.problem import RedriveFailure

QUEUE_VARIABLE, FUNCTION_VARIABLE = "THUMBNAILER_FAILURE_QUEUE", "THUMBNAILER_FUNCTION"
QUEUE_OUTPUT, FUNCTION_OUTPUT = "failureQueue", "function"
"""Names of the stack's outputs (`__main__.py`)."""


@dataclass(frozen=True)
class Target:
    """Where failed events come from and go to."""

    queue: str
    """URL."""
    function: str | None
    """Name or ARN; a look at the queue needs none."""

    @property
    def region(self) -> str | None:
        """The region that the queue's URL names; None where AWS's settings of the machine decide."""
        found = re.fullmatch(r"https://(?:sqs\.)?([a-z0-9-]+)(?:\.queue)?\.amazonaws\.com(?:\.cn)?/.*", self.queue)
        return found[1] if found else None


def find(queue: str | None, function: str | None, outputs: str | None, environment: Mapping[str, str]) -> Target:
    """The first of each that is given: as an option, in the stack's outputs (JSON), in the environment.

    Raises:
        RedriveFailure: no queue is given, or the outputs are not what `pulumi stack output --json` prints.
    """
    stack = _outputs(outputs) if outputs is not None else {}
    found = queue or stack.get(QUEUE_OUTPUT) or environment.get(QUEUE_VARIABLE)
    if not found:
        raise RedriveFailure(
            f"no queue is given: use --queue URL, --outputs FILE (of `pulumi stack output --json`) or {QUEUE_VARIABLE}"
        )
    if not found.startswith(("https://", "http://")):
        raise RedriveFailure(f"the queue {found!r} is no URL: `pulumi stack output {QUEUE_OUTPUT}` prints it")
    return Target(found, function or stack.get(FUNCTION_OUTPUT) or environment.get(FUNCTION_VARIABLE) or None)


def _outputs(text: str) -> dict[str, str]:
    try:
        outputs: Any = json.loads(text)
    except ValueError as error:
        raise RedriveFailure(f"the stack's outputs are no JSON ({error}): use `pulumi stack output --json`") from None
    if not isinstance(outputs, dict):
        raise RedriveFailure("the stack's outputs are no JSON object: use `pulumi stack output --json`")
    return {name: value for name, value in outputs.items() if isinstance(value, str)}
