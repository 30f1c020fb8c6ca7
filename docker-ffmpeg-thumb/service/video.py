"""One video from its event to its outcome: the service's side."""

import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from channel import BadMessage, ChannelClosed
from model import (
    LARGEST_OUTPUTS,
    MADE,
    MIB,
    MOST_SHEETS,
    REMOVED,
    UNCHANGED,
    File,
    Job,
    Limits,
    Outcome,
    Output,
    ReadPolicy,
    Rejected,
    Settled,
    Skipped,
    Superseded,
    Video,
    VideoFacts,
    Wanted,
    WorkerLimits,
)
from service import answers, manifest, names, requested
from service.answers import BadAnswer
from service.events import Task
from service.names import Names
from service.object import NoSuchObject, VideoObject
from service.outputs import Content, Outputs, Present
from service.requests import Requests
from service.s3 import Connections
from service.settings import Settings
from service.workers import JobFailed, Worker, Workers

READ_LIMIT = 192 * MIB
"""Bytes of one object that are read and kept in memory: its index and the longest run of packets, with room."""
LONGEST_DECODING = 120.0
"""Seconds of wall-clock time for one run of FFmpeg."""
WRITING, LEAST_WRITING = 0.1, 1.0
"""The share of the time, and the seconds at least, that are kept for writing the outputs, once there are some."""
REMEMBERED = 1000
"""How many of the last objects are known again, without asking S3."""
A_PROCESSOR = 1769 * MIB
"""Memory that brings one whole processor (Lambda Developer Guide, "Memory")."""


@dataclass(frozen=True)
class Made:
    """What a worker gave back."""

    outputs: tuple[tuple[Output, memoryview], ...]
    facts: VideoFacts
    notes: tuple[str, ...]


class Videos:
    """What lives from one video to the next: connections, workers, and which videos were seen."""

    def __init__(
        self,
        s3: Connections,
        workers: Workers,
        settings: Settings,
        policy: ReadPolicy | None = None,
        read_limit: int = READ_LIMIT,
        requests: Requests | None = None,
    ) -> None:
        """`read_limit`: the most bytes that are read of one object."""
        self.settings, self.policy, self.read_limit = settings, policy or ReadPolicy(), read_limit
        self._s3, self._workers = s3, workers
        self._requests = requests or Requests(s3.forget_connections)
        self._seen: deque[tuple[str | None, ...]] = deque(maxlen=REMEMBERED)

    def outcome(self, task: Task, seconds: float) -> Outcome:
        """Make the outputs of one video, or remove them, or state why not; in at most so many seconds.

        Raises:
            Exception: anything transient; another attempt at the same event may succeed.
        """
        return _Work(self, task, min(seconds, self.settings.job_seconds)).outcome()

    def knows(self, video: Video) -> bool:
        """Return whether this content was here before."""
        return video.content in self._seen

    def remember(self, video: Video) -> None:
        """Know this content again."""
        self._seen.append(video.content)


class _Work:
    """The work on one video."""

    def __init__(self, videos: Videos, task: Task, seconds: float) -> None:
        self._videos, self._task, self._seconds = videos, task, seconds
        self._began = time.monotonic()
        self._deadline = self._began + seconds
        self._client = videos._s3.client
        self._video = task.video
        self._object = self._open(task.video)
        self._notes: list[str] = []
        self._asked: dict[str, str] = {}
        self._worker: Worker | None = None

    def outcome(self) -> Outcome:
        """See `Videos.outcome`."""
        try:
            return self._removed() if self._task.action == "remove" else self._made()
        except Settled as settled:
            if settled.outcome == UNCHANGED:
                self._videos.remember(self._video)
            return self._stated(settled.outcome, settled.reason)

    def _open(self, video: Video) -> VideoObject:
        videos = self._videos
        return VideoObject(self._client, videos._requests, video, videos.policy, videos.read_limit, self._deadline)

    def _made(self) -> Outcome:
        settings = self._videos.settings
        # An event that says all, of a video that is new: while S3 is asked whether its outputs are there already, its
        # beginning is read and a worker started.
        is_new = self._video.etag is not None and self._video.size is not None and not self._videos.knows(self._video)
        if self._video.etag is None or self._video.size is None:
            head = self._object.head()
            self._video = replace(self._video, size=head.size, etag=head.etag)
            self._object = self._open(self._video)
            self._object.metadata = head.metadata
        named = names.of(self._video.bucket, self._video.key, settings, settings.wanted)
        outputs = self._outputs(named.bucket, settings.wanted)
        keys = named.certain()
        if not is_new:
            outputs.look(keys)
        with self._videos._workers.start(self._worker_limits()) as worker:
            self._worker = worker
            beginning = self._beginning(outputs, keys if is_new else [])
            wanted, named, asked = self._wanted(outputs)
            made = self._work(worker, wanted, named, beginning)
        contents = [self._content(named, output, content) for output, content in made.outputs]
        self._notes += [*made.notes, *requested.too_wide(self._asked, wanted, made.facts.width), *outputs.notes]
        outputs.notes.clear()
        if wanted.manifest:
            files = [content.file for content in contents if not outputs.leaves(content.file.key)]
            contents.append(self._manifest(named, made.facts, files))
        written = outputs.put(contents, self._object.etag or "", asked)
        self._notes += outputs.notes
        if not written:
            raise Skipped("; ".join(self._notes))
        self._videos.remember(self._video)
        return self._stated(MADE, files=written)

    def _outputs(self, bucket: str, wanted: Wanted) -> Outputs:
        retake = None if self._task.retake is None else requested.text_of(self._task.retake)
        return Outputs(
            self._client,
            self._videos._requests,
            bucket,
            self._video,
            wanted,
            self._deadline,
            overwrite=self._videos.settings.overwrite,
            retake=retake,
        )

    def _beginning(self, outputs: Outputs, keys: list[str]) -> list[tuple[int, bytearray]]:
        """Fetch the beginning of the object, and at the same time find out what lies at the keys."""
        ranges = self._object.opening()
        asks = [*(self._object.ask(piece) for piece in ranges), *(outputs.head(key) for key in keys)]
        sizes = [*(end - start for start, end in ranges), *(0 for _ in keys)]
        parts: list[tuple[int, bytearray]] = []
        found: dict[str, Present | None] = {}
        for number, answer in self._videos._requests.all(asks, self._deadline, sizes):
            if isinstance(answer, tuple):
                parts.append(answer)
            else:
                found[keys[number - len(ranges)]] = answer
            if keys and len(found) == len(keys):
                outputs.decide(found, keys)
                keys = []
        return parts

    def _wanted(self, outputs: Outputs) -> tuple[Wanted, Names, str]:
        """Return what is wanted of this video, the names of that, and what its metadata asks for."""
        settings, metadata = self._videos.settings, self._object.metadata or {}
        kept = requested.parse(outputs.kept_retake)
        self._asked = {**metadata, **kept}
        wanted, has_position, notes = requested.apply(self._asked, settings.wanted)
        self._notes += notes
        named = names.of(self._video.bucket, self._video.key, settings, wanted)
        if named.asked is not None and not has_position:
            wanted = replace(wanted, position=named.asked)
            named = replace(named, wanted=wanted)
        return wanted, named, requested.text_of(metadata)

    def _worker_limits(self) -> WorkerLimits:
        # Of the function's memory FFmpeg may have half, the worker three eighths; the rest is the service's own.
        memory = self._videos.settings.memory_bytes
        return WorkerLimits(self._seconds, memory * 3 // 8, memory // 2)

    def _limits(self) -> Limits:
        memory = self._videos.settings.memory_bytes
        processors = max(1, min(os.cpu_count() or 1, round(memory / A_PROCESSOR)))
        return Limits(memory // 2, min(self._seconds * 0.8, LONGEST_DECODING), processors)

    def _work(self, worker: Worker, wanted: Wanted, named: Names, beginning: list[tuple[int, bytearray]]) -> Made:
        """Have a worker do its part: answer its questions until it has given all.

        If it ends after it gave the posters, only the outputs that it had not made yet are lost.
        """
        channel, deadline = worker.channel, self._deadline
        made: Made | None = None
        job = Job(self._object.size, named.stem, wanted, self._limits(), self._videos.policy)
        outputs: list[tuple[Output, memoryview]] = []
        given = 0
        try:
            channel.send({"job": job.as_json()}, deadline=deadline)
            self._hand_over(worker, iter(beginning))
            while True:
                message, content = channel.receive(deadline)
                if "get" in message:
                    wanted_ranges = answers.ranges(message["get"], self._object.size)
                    try:
                        parts = self._object.get(wanted_ranges)
                    except Rejected as rejected:
                        channel.send({"refused": rejected.reason}, deadline=deadline)
                    else:
                        self._hand_over(worker, parts)
                elif "output" in message:
                    given += len(content)
                    if given > LARGEST_OUTPUTS:
                        raise BadAnswer(f"outputs of more than {LARGEST_OUTPUTS} bytes")
                    output = answers.output(message["output"], wanted, [before for before, _ in outputs])
                    outputs.append((output, content))
                elif "made" in message:
                    made = self._told(message["made"], outputs)
                    deadline = self._deadline - max(WRITING * self._seconds, LEAST_WRITING)
                elif "done" in message:
                    return self._told(message["done"], outputs)
                else:
                    raise self._why_nothing_is_made(message)
        except ChannelClosed:
            return _so_far(made, worker.why_it_ended())
        except TimeoutError:
            return _so_far(made, worker.why_it_is_late())
        except (JobFailed, Rejected) as fault:
            return _so_far(made, fault)
        except (BadMessage, BadAnswer) as fault:
            raise JobFailed(f"its worker gave a malformed answer: {fault}") from fault

    def _hand_over(self, worker: Worker, parts: Iterator[tuple[int, bytearray]]) -> None:
        for start, content in parts:
            worker.channel.send({"at": start}, content, self._deadline)
        worker.channel.send({}, deadline=self._deadline)

    def _told(self, said: object, outputs: list[tuple[Output, memoryview]]) -> Made:
        """Return what is made by now."""
        if not isinstance(said, dict):
            raise BadAnswer("a message of no known kind")
        if not outputs or (outputs[0][0].kind, outputs[0][0].number) != ("poster", 0):
            raise BadAnswer("no poster")
        sheets = sum(output.kind == "sheet" for output, _ in outputs)
        return Made(tuple(outputs), answers.facts(said.get("video"), sheets), answers.notes(said.get("notes")))

    def _why_nothing_is_made(self, message: dict[str, Any]) -> Exception:
        if "failed" in message:
            return JobFailed(answers.text(message["failed"]))
        if "settled" in message:
            reason = answers.text(message.get("reason"))
            return Skipped(reason) if message["settled"] == Skipped.outcome else Rejected(reason)
        return BadAnswer("a message of no known kind")

    def _content(self, named: Names, output: Output, content: memoryview) -> Content:
        key = named.key(output.kind, output.number)
        kind = "storyboard" if output.kind in ("sheet", "cues", "tiles", "playlist") else output.kind
        sides = (output.width, output.height)
        return Content(File(kind, key, names.media_type(key), *sides, len(content), output.seconds), content)

    def _manifest(self, named: Names, facts: VideoFacts, files: list[File]) -> Content:
        content = manifest.write(
            self._video,
            self._object.etag,
            self._object.size,
            facts,
            files,
            self._notes,
            self._object.tally.reading,
            self._passed,
        )
        key = named.key("manifest")
        return Content(File("manifest", key, names.media_type(key), None, None, len(content), 0.0), content)

    @property
    def _passed(self) -> float:
        """Seconds since the work began."""
        return round(time.monotonic() - self._began, 3)

    def _removed(self) -> Outcome:
        """Remove the outputs of a video that was deleted."""
        settings = self._videos.settings
        if not settings.delete_outputs:
            raise Skipped("it was deleted, and deleteOutputs is not set: its outputs stay")
        try:
            self._open(replace(self._video, version=None)).head()
        except NoSuchObject:
            pass
        else:
            raise Superseded("another version of the object is there, so its outputs stay")
        named = names.of(self._video.bucket, self._video.key, settings, settings.wanted)
        outputs = self._outputs(named.bucket, settings.wanted)
        # The poster's metadata says what the video, or a retake, asked for.
        wanted, _, _ = requested.apply(outputs.asked_at(named.key("poster")), settings.wanted)
        named = replace(named, wanted=wanted)
        sheets: list[str] = []
        if wanted.storyboard:
            sheets = [named.key("sheet", number) for number in range(1, MOST_SHEETS)]
        gone = outputs.remove(named.certain())
        # Their number is stored nowhere: they are numbered without gaps.
        for sheet in sheets:
            if not (removed := outputs.remove([sheet])):
                break
            gone += removed
        if not gone:
            raise Skipped("it was deleted, and has no outputs")
        return self._stated(REMOVED, reason=f"it was deleted, and with it {', '.join(gone)}")

    def _stated(self, outcome: str, reason: str = "", files: list[File] | None = None) -> Outcome:
        images, texts = _parted(tuple(files or ()))
        return Outcome(
            bucket=self._video.bucket,
            key=self._video.key,
            outcome=outcome,
            reason=reason,
            images=images,
            texts=texts,
            notes=tuple(self._notes),
            read=self._object.tally.reading,
            seconds=self._passed,
            peak=self._worker.peak if self._worker else 0,
            etag=self._object.etag,
            version=self._video.version,
        )


def _so_far(made: Made | None, why: Exception) -> Made:
    """Return what a worker had made when it ended; if that is nothing, raise why it ended."""
    if made is None:
        raise why from None
    return replace(made, notes=(*made.notes, f"it has only what was made before its worker ended: {why}"))


def _parted(files: tuple[File, ...]) -> tuple[tuple[File, ...], tuple[File, ...]]:
    """Return images and texts."""
    return tuple(file for file in files if file.width), tuple(file for file in files if not file.width)
