"""Runs the handler's job against the S3 stand-in, and adds up what it read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import av
import boto3
from botocore.config import Config

from model import Job, Limits, Outcome, Output, ReadPolicy, Video, Wanted
from service import requests, settings
from service.events import Task
from service.requests import CONNECTIONS
from service.video import READ_LIMIT, Videos
from service.workers import Workers
from standin_s3.content import File
from standin_s3.log import Counted, Request
from standin_s3.pace import AT_ONCE, Pace
from standin_s3.s3 import BUCKET, S3
from tests.settings import environment_of
from tests.unit.fake_s3 import FakeS3
from worker.job import run as worker_run
from worker.reader import Reader

Range = tuple[int, int]

WORKERS = Workers()
"""One template for all tests."""


@dataclass(frozen=True)
class Read:
    """A job's outcome, and all that it asked of the store."""

    outcome: Outcome
    log: list[Request]
    counted: Counted

    @property
    def gets(self) -> list[Request]:
        """In the order in which the store had answered them."""
        return [request for request in self.log if request.method == "GET"]

    @property
    def ranges(self) -> list[Range]:
        """What the GETs brought, in order of place."""
        return sorted(get.range for get in self.gets if get.range is not None)


def put(store: S3, path: Path) -> Video:
    """Put a file into the store; return the event that S3 would send of it."""
    item = store.put(path.name, File(path))["s3"]["object"]
    return Video(BUCKET, path.name, item["size"], item["eTag"], None, item["sequencer"])


def read(
    store: S3,
    video: Video,
    position: str = "auto",
    read_limit: int = READ_LIMIT,
    seen: bool = False,
    outputs: Mapping[str, object] = MappingProxyType({}),
    policy: ReadPolicy = ReadPolicy(),
) -> Read:
    """Make the poster of a video, and what else the function's environment asks for."""
    client: Any = boto3.client(
        "s3",
        endpoint_url=store.url(),
        region_name="us-east-1",
        aws_access_key_id="reader",
        aws_secret_access_key="reader",
        config=Config(
            max_pool_connections=CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": 1},
            response_checksum_validation="when_required",
        ),
    )
    store.clear()
    made = settings.read(environment_of({"position": position, "widths": [160], **outputs}))
    # What is counted must not depend on how busy this machine is.
    patient = requests.Requests(pace=requests.Pace(least=60))
    videos = Videos(_Connections(client), WORKERS, made, policy, read_limit, patient)
    if seen:
        videos.remember(video)
    return Read(videos.outcome(Task(video), 60), store.requests(), store.counted())


def read_until(good: Callable[[Read], bool], store: S3, video: Video, position: str = "auto") -> Read:
    """Read a video anew until what is said of a run is true of it, with more and more patience.

    Where a machine has much else to do, it sends one by one what was to be sent together. That can only make a chain
    longer and never shorter, so that one good run shows that it can be as short.
    """
    for settle in (0.03, 0.2, 1.0):
        # Nothing is answered before so many seconds have passed without a new request.
        store.set_pace(Pace(settle=settle))
        made = read(store, video, position)
        if good(made):
            break
        store.remove(*(key for key in store.stored() if key != video.key))
    store.set_pace(AT_ONCE)
    return made


def within(chain: int) -> Callable[[Read], bool]:
    """Whether a run had no longer chain."""
    return lambda made: made.counted.chain <= chain


def work(path: Path, wanted: Wanted) -> list[Output]:
    """Return what a worker makes of a video, in this process."""
    content = path.read_bytes()
    policy = ReadPolicy()
    job = Job(len(content), path.stem, wanted, Limits(2**30, 60), policy)
    made: list[Output] = []
    worker_run(job, Reader(FakeS3(len(content), {0: content}), policy), lambda output, _: made.append(output))
    return made


@dataclass(frozen=True)
class _Connections:
    client: Any

    def forget_connections(self) -> None:
        """All of them are this test's own."""


def index_of(path: Path) -> tuple[Range, list[Range]]:
    """Where `moov` lies in an MP4, and where each keyframe that it names does."""
    with av.open(str(path)) as container:
        entries = container.streams.video[0].index_entries
        keyframes = [(entry.pos, entry.pos + entry.size) for entry in entries if entry.is_keyframe]
    content, position = path.read_bytes(), 0
    while content[position + 4 : position + 8] != b"moov":
        position += int.from_bytes(content[position : position + 4], "big")
    return (position, position + int.from_bytes(content[position : position + 4], "big")), keyframes


def total(ranges: list[Range]) -> int:
    """How many different bytes the ranges hold."""
    reached = held = 0
    for start, end in sorted(ranges):
        held += max(0, end - max(start, reached))
        reached = max(reached, end)
    return held
