"""The Lambda function: an event in, one outcome for every object out.

Everything that a warm call needs is made here, once: the process that workers are forked from, and S3's connections.
"""

import os
import warnings
from typing import Any

import isolation
from service.workers import JobFailed, Workers

# First of all, so that it gets ready while the rest is imported; its environment is empty.
WORKERS = Workers()
WORKERS.start_template()

from aws_lambda_powertools import Logger, Metrics  # noqa: E402
from aws_lambda_powertools.utilities.typing import LambdaContext  # noqa: E402

from model import Outcome  # noqa: E402
from service import events, settings  # noqa: E402
from service.announce import Announcer  # noqa: E402
from service.s3 import S3  # noqa: E402
from service.video import Videos  # noqa: E402

MARGIN = 3.0
"""Seconds that are kept to state the outcomes before Lambda ends the function."""
SERVICE = "video-thumbnailer"

SETTINGS = settings.read(os.environ)
HIDDEN = isolation.hide()
CONNECTIONS = S3()
VIDEOS = Videos(CONNECTIONS, WORKERS, SETTINGS)

# An event without objects has no metrics, and that is no fault.
warnings.filterwarnings("ignore", message="No application metrics to publish")

logger = Logger(service=SERVICE)
metrics = Metrics(namespace="VideoThumbnailer", service=SERVICE)
# So that two stacks in one account stay apart; the stack's dashboard reads the metrics by these two.
metrics.set_default_dimensions(FunctionName=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"))
ANNOUNCER = Announcer(logger, metrics, SETTINGS.event_bus)
_told: list[bool] = []


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Work on every object of an event.

    Returns:
        `{"outcomes": [...]}`, in the order of the event's records; see `model.Outcome`. To S3 Batch Operations the
        answer that it wants.

    Raises:
        JobFailed: some of the objects could not be worked on for a passing reason; the others are done, and will be
            `unchanged` when Lambda tries the event again.
        BadEvent: the event is of no known kind.
    """
    work = events.read(event)
    results: list[Outcome | Exception] = []
    CONNECTIONS.begin()
    for number, task in enumerate(work.tasks):
        left = context.get_remaining_time_in_millis() / 1000 - MARGIN
        try:
            results.append(_outcome(task, left / (len(work.tasks) - number)))
        # Any other fault: the event is tried again for this object, and the others keep their outcomes.
        except Exception as fault:
            reason = str(fault) if isinstance(fault, JobFailed) else f"{type(fault).__name__}: {fault}"
            results.append(JobFailed(reason))
            ANNOUNCER.tell_failure(task.video.bucket, task.video.key, reason)
    CONNECTIONS.end()
    _tell_isolation()
    if work.batch:
        return work.batch.answer(results)
    failures = [
        f"s3://{task.video.bucket}/{task.video.key}: {result}"
        for task, result in zip(work.tasks, results, strict=True)
        if isinstance(result, Exception)
    ]
    if failures:
        raise JobFailed(f"{len(failures)} of {len(results)} objects: {'; '.join(failures)}")
    return {"outcomes": [result.as_json() for result in results if isinstance(result, Outcome)]}


def _outcome(task: events.Task, seconds: float) -> Outcome:
    if seconds < 1:
        raise JobFailed("no time was left for it; raise the function's timeout")
    outcome = VIDEOS.outcome(task, seconds)
    ANNOUNCER.tell(outcome)
    return outcome


def _tell_isolation() -> None:
    """Log once which measures hold that keep a hostile file from the function's rights; kernels differ."""
    if not _told and WORKERS.isolation is not None:
        _told.append(True)
        logger.info("isolation", service_hidden=HIDDEN, worker=WORKERS.isolation)
