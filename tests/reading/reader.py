"""Runs the handler's job against the counting store, and adds up what it read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import av
import boto3
from botocore.config import Config

from benchmarks.store import BUCKET, Counted, Object, Request, Store, count
from pipeline import job, settings
from pipeline.events import Video
from pipeline.ffmpeg import Limits
from pipeline.outcome import Outcome
from pipeline.source import CONNECTIONS, MIB

READ_LIMIT = 192 * MIB
Range = tuple[int, int]


@dataclass(frozen=True)
class Read:
    """A job's outcome, and all that it asked of the store."""

    outcome: Outcome
    log: list[Request]

    @property
    def gets(self) -> list[Request]:
        """In the order in which the store had answered them."""
        return [request for request in self.log if request.method == "GET"]

    @property
    def ranges(self) -> list[Range]:
        """What the GETs brought, in order of place."""
        return sorted(get.range for get in self.gets if get.range is not None)

    @property
    def counted(self) -> Counted:
        """The sums."""
        return count(self.log)


def put(store: Store, path: Path, key: str | None = None) -> Video:
    """Puts a file into the store, and gives the event that S3 would send of it."""
    made = Object.of_file(path)
    store.objects[f"{BUCKET}/{key or path.name}"] = made
    return Video(BUCKET, key or path.name, made.size, made.etag, None, "01")


def read(
    store: Store,
    video: Video,
    position: str = "auto",
    read_limit: int = READ_LIMIT,
    seen: bool = False,
    outputs: Mapping[str, str] = MappingProxyType({}),
) -> Read:
    """Makes the poster of a video, and what else the function's environment asks for."""
    client = boto3.client(
        "s3",
        endpoint_url=store.url,
        region_name="us-east-1",
        aws_access_key_id="reader",
        aws_secret_access_key="reader",
        config=Config(
            max_pool_connections=CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": 4},
            response_checksum_validation="when_required",
        ),
    )
    store.clear()
    made = settings.read({"THUMBNAIL_POSITION": position, "THUMBNAIL_WIDTHS": "[160]", **outputs})
    outcome = job.run(client, video, made, Limits(memory=10**9, seconds=60), read_limit, seen)
    return Read(outcome, store.log)


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
