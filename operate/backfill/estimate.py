"""What a backfill costs and how long it takes: arithmetic with published prices, before anything is started.

US dollars of us-east-1, on demand, without free tier and discounts, as AWS publishes them (docs/burst.md).
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from operate.problem import OperateFailure, said

JOB, OBJECT = 0.25, 1.00 / 1e6
"""S3 Batch Operations: a job, and an object that is worked on."""
INVOCATION, GB_SECOND = 0.20 / 1e6, 0.0000166667
"""Lambda, x86_64; arm64 is a fifth cheaper a second."""
PUT, GET = 0.005 / 1000, 0.0004 / 1000
"""S3 Standard."""
GETS = 3
"""HEAD and GET requests for a clip of up to 4 MiB: of the video, of the poster, the video itself."""
LOG = 2500 / 1e9 * 0.50
"""CloudWatch Logs, for the lines of one video."""
SECONDS = 1.0
"""Of one video, where nobody says better; a clip takes half of it, a film of some GB four times as much."""


@dataclass(frozen=True)
class Bounds:
    """What bounds the function."""

    arn: str
    memory_mb: int
    timeout: int
    """Seconds."""
    concurrency: int
    """How many invocations may run at the same time."""


@dataclass(frozen=True)
class Estimate:
    """What making the thumbnails of some videos takes; those that are there already take less."""

    dollars: float
    seconds: float
    """With the assumed seconds for each video."""
    longest: float
    """Seconds if every video took as long as the function may run."""


def look(lambdas: Any, name: str) -> Bounds:
    """Ask what bounds the function.

    Raises:
        OperateFailure: it may not be asked, or there is none of that name.
    """
    try:
        found = lambdas.get_function_configuration(FunctionName=name)
        reserved = lambdas.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
        if reserved is None:
            reserved = lambdas.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    except (BotoCoreError, ClientError) as error:
        raise OperateFailure(
            f"the function {name} cannot be looked at: {said(error)}; the rights it takes are in docs/operations.md"
        ) from error
    return Bounds(found["FunctionArn"], found["MemorySize"], found["Timeout"], reserved)


def estimate(objects: int, bounds: Bounds, seconds: float) -> Estimate:
    """Estimate a job of `objects` videos that take `seconds` and get one file each."""
    each = OBJECT + INVOCATION + seconds * bounds.memory_mb / 1024 * GB_SECOND + GETS * GET + PUT + LOG
    at_once = max(1, min(bounds.concurrency, objects))
    return Estimate(JOB + objects * each, objects * seconds / at_once, objects * bounds.timeout / at_once)


def in_words(seconds: float) -> str:
    """Write a duration as people say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"
