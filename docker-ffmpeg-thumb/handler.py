"""The Lambda function: an S3 event in, one outcome for every object out.

Everything that a warm call needs is made here, once; the work itself is done by `pipeline.job`, in a process of its own
for every object.
"""

import os
import warnings
from collections import deque
from typing import Any

import av.subtitles.stream  # noqa: F401 - PyAV imports it for the first video of a process, which here is every video
import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from PIL import Image

from pipeline import confinement, events, job, settings
from pipeline.confinement import Allowance, JobFailed
from pipeline.events import Video
from pipeline.ffmpeg import Limits
from pipeline.outcome import REJECTED, Outcome
from pipeline.source import CONNECTIONS, MIB

LONGEST_DECODING = 120.0
"""Seconds of wall-clock time for one run of FFmpeg."""
MARGIN = 3.0
"""Seconds that are kept to state the outcomes before Lambda ends the function."""
READ_LIMIT = 192 * MIB
"""Bytes of one object that are read and kept in memory: its index and the longest run of packets, with room."""

REMEMBERED = 1000
"""How many of the last objects are known again, without asking S3."""

SETTINGS = settings.read(os.environ)
S3 = boto3.client(
    "s3",
    config=Config(
        signature_version="s3v4",
        connect_timeout=3,
        read_timeout=10,
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": 4},
        # Ranges have no checksum to compare with; what is written gets one.
        response_checksum_validation="when_required",
    ),
)

_seen: deque[tuple[str | None, ...]] = deque(maxlen=REMEMBERED)

confinement.hide()

# Pillow does so at the first picture of a process, and each job is one.
Image.preinit()

# An event without objects has no metrics, and that is no fault.
warnings.filterwarnings("ignore", message="No application metrics to publish")

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Works on every object of an S3 event.

    Returns:
        `{"outcomes": [...]}`, in the order of the event's records; see `pipeline.outcome.Outcome`.

    Raises:
        JobFailed: some of the objects could not be worked on for a passing reason; the others are done, and will be
            `unchanged` when Lambda tries the event again.
        BadEvent: this is no event of S3's.
    """
    outcomes: list[Outcome] = []
    failures: list[str] = []
    videos = events.videos(event)
    for number, video in enumerate(videos):
        left = context.get_remaining_time_in_millis() / 1000 - MARGIN
        try:
            outcomes.append(_work(video, left / (len(videos) - number)))
        except JobFailed as failure:
            failures.append(str(failure))
            metrics.add_metric("failed", MetricUnit.Count, 1)
            logger.error("failed", bucket=video.bucket, key=video.key, reason=str(failure))
    if failures:
        raise JobFailed(f"{len(failures)} of {len(videos)} objects: {'; '.join(failures)}")
    return {"outcomes": [outcome.as_json() for outcome in outcomes]}


def _work(video: Video, seconds: float) -> Outcome:
    if seconds < 1:
        raise JobFailed(f"s3://{video.bucket}/{video.key}: no time was left for it; raise the function's timeout")
    seconds = min(seconds, SETTINGS.job_seconds)
    # Of the function's memory FFmpeg may have half, the demuxer three eighths; the rest is the handler's own.
    decoding = Limits(memory=SETTINGS.memory_bytes // 2, seconds=min(seconds * 0.8, LONGEST_DECODING))
    demuxing = Allowance(seconds, SETTINGS.memory_bytes * 3 // 8, memory_of_children=decoding.memory)
    outcome = confinement.run(
        lambda: job.run(S3, video, SETTINGS, decoding, READ_LIMIT, seen=video.content in _seen),
        video.bucket,
        video.key,
        demuxing,
    )
    _seen.append(video.content)
    for name, unit, value in (
        (outcome.outcome, MetricUnit.Count, 1),
        ("bytes_read", MetricUnit.Bytes, outcome.read.bytes),
        ("requests", MetricUnit.Count, outcome.read.requests),
        ("chain", MetricUnit.Count, outcome.read.chain),
        ("seconds", MetricUnit.Seconds, outcome.seconds),
    ):
        metrics.add_metric(name, unit, value)
    log = logger.warning if outcome.outcome == REJECTED else logger.info
    log(outcome.outcome, **outcome.as_json())
    return outcome
