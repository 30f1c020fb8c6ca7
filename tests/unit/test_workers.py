"""Workers: whatever one does, the service states what became of its object, and nothing of it is left.

The workers here do to themselves what a hostile file does to a demuxer or a decoder; see `misbehaving`.
"""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from channel import ChannelClosed
from local.processes import descendants
from model import Outcome, Rejected, Video, WorkerLimits
from service import settings
from service.events import Task
from service.video import Videos
from service.workers import JobFailed, Workers
from tests.hostile.seeds import make
from tests.privileges import SYS_RESOURCE, has_capability
from tests.settings import environment_of

from .fake_s3 import ETAG, FakeS3

MISBEHAVING, IMPORTING = (
    (sys.executable, str(Path(__file__).with_name(name))) for name in ("misbehaving.py", "importing.py")
)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    made = Workers(MISBEHAVING)
    made.start_template()
    # From here on it takes no part of an object's time to get ready.
    made.start(WorkerLimits(20, 2**30, 2**30))
    assert made.end()["status"] is not None
    yield made
    made.close()


@pytest.fixture(scope="module")
def importing() -> Iterator[Workers]:
    made = Workers(IMPORTING)
    made.start_template()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def nothing_left(workers: Workers) -> Iterator[None]:
    """After each object: no process more than before, the template among them, and no descriptor."""
    files, processes = open_files(), len(descendants(os.getpid()))
    yield
    assert len(descendants(os.getpid())) <= processes
    assert open_files() <= files


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def outcome(
    workers: Workers, name: str, seconds: float = 20, content: bytes = b"x" * 1000, **wanted: object
) -> Outcome:
    """Return what becomes of an object of this name, with these settings."""
    store = FakeS3(len(content), {0: content})
    videos = Videos(store, workers, settings.read(environment_of({"memory": 1769, **wanted})))
    task = Task(Video("b", f"{name}.mp4", len(content), ETAG, None, "01"))
    made = videos.outcome(task, seconds)
    assert (made.bucket, made.key) == ("b", f"{name}.mp4")
    return made


@pytest.mark.parametrize("seed", ["first.mp4", "prores.mov", "film.mkv", "vp9.webm", "stream.ts", "old.avi"])
@pytest.mark.parametrize(("image", "preview"), [("jpg", "webp"), ("webp", "mp4"), ("avif", "gif"), ("png", "webp")])
def test_a_worker_finds_every_module_in_its_template(importing: Workers, seed: str, image: str, preview: str) -> None:
    # What it imports itself it imports for each object anew, from folders that it has no business in.
    made = outcome(importing, seed, content=make(seed), storyboard=True, preview=preview, manifest=True, format=image)
    assert (made.outcome, made.notes) == ("made", ())


@pytest.mark.parametrize("number", ["SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT"])
def test_a_crash_is_the_doing_of_the_file(workers: Workers, number: str) -> None:
    found = outcome(workers, f"crash {number}")
    assert found.outcome == "rejected"
    assert number in found.reason


def test_a_worker_that_is_killed_from_outside_is_tried_again(workers: Workers) -> None:
    with pytest.raises(JobFailed, match="memory"):
        outcome(workers, "crash SIGKILL")


def test_a_worker_that_ends_without_a_word_is_tried_again(workers: Workers) -> None:
    with pytest.raises(JobFailed, match="without an answer"):
        outcome(workers, "leave")


@pytest.mark.parametrize("how", ["burn", "stubborn", "child"])
def test_a_worker_that_is_busy_past_its_deadline_is_the_doing_of_the_file(workers: Workers, how: str) -> None:
    began = time.monotonic()
    found = outcome(workers, how, seconds=1.5)
    assert time.monotonic() - began < 6
    assert found.outcome == "rejected"
    assert "longer than 2 s" in found.reason


def test_a_worker_that_the_kernel_kills_for_its_processor_time_is_the_doing_of_the_file(workers: Workers) -> None:
    with workers.start(WorkerLimits(0.9, 2**30, 2**30)) as worker:
        worker.channel.send({"job": {"stem": "overdue"}})
        worker.channel.send({})
        with pytest.raises(ChannelClosed):
            worker.channel.receive()
        assert isinstance(why := worker.why_it_ended(), Rejected)
    assert "longer than 1 s" in str(why)


def test_a_worker_that_stands_still_is_tried_again(workers: Workers) -> None:
    with pytest.raises(JobFailed, match="stood still"):
        outcome(workers, "sleep", seconds=2)


@pytest.mark.parametrize(
    ("how", "note"),
    [
        ("crash SIGKILL", "killed by signal 9"),
        ("crash SIGSEGV", "SIGSEGV"),
        ("leave", "without an answer"),
        ("burn", "its worker ended"),
        ("sleep", "stood still"),
        ("fail", "it has a bug"),
    ],
)
def test_what_goes_wrong_after_the_poster_costs_no_poster(
    workers: Workers, how: str, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine takes seconds to start the template, and more than one to write.
    monkeypatch.setattr("service.video.LEAST_WRITING", 6.0)
    found = outcome(workers, f"after {how}", seconds=10)
    assert [file.key for file in found.images] == [f"after {how}.jpg"]
    assert note in found.notes[0]
    assert found.seconds < 10


def test_what_a_worker_gave_of_a_kind_that_it_did_not_finish_is_not_there(workers: Workers) -> None:
    # It gives another poster than the one that was wanted.
    with pytest.raises(JobFailed, match="an output that nobody wants"):
        outcome(workers, "after many")


@pytest.mark.parametrize("how", ["parent", "orphan"])
def test_what_a_worker_started_ends_with_it(workers: Workers, how: str) -> None:
    with pytest.raises(JobFailed):
        outcome(workers, how, seconds=3)


@pytest.mark.parametrize(
    "name",
    [
        "bytes ",
        "bytes 00",
        "bytes 0000000200000000" + b"[]".hex(),
        "bytes 0000000200000000fffe",
        "long",
        "flood",
        "say something",
        "say get",
        "say output",
        "say done",
        "get 0,1,2",
        "get 5,3",
        "get -1,3",
        "get 0,1001",
        "output kind=manifest",
        "output kind=sheet",
        "output number=0",
        "output width=64",
        "output seconds=soon",
        "output colour=red",
        "none",
        "many",
        "facts coded_width",
        "facts more",
        "facts storyboard",
    ],
)
def test_a_malformed_answer_costs_its_object_alone(workers: Workers, name: str) -> None:
    began = time.monotonic()
    with pytest.raises(JobFailed):
        outcome(workers, name, seconds=10)
    assert time.monotonic() - began < 6


def test_a_worker_may_ask_for_what_the_object_has(workers: Workers) -> None:
    assert outcome(workers, "get 10,900").reason == "it was answered"


def test_texts_of_a_worker_are_cut_to_what_people_read(workers: Workers) -> None:
    found = outcome(workers, "notes")
    assert found.outcome == "made"
    assert len(found.notes) <= 32
    assert max(map(len, found.notes)) <= 2048
    assert outcome(workers, "facts codec").outcome == "made"


def test_a_worker_can_write_no_large_file(workers: Workers) -> None:
    with pytest.raises(JobFailed):
        outcome(workers, "write")
    Path("/tmp/misbehaving").unlink(missing_ok=True)


@pytest.mark.parametrize("kind", ["RLIMIT_DATA", "RLIMIT_CPU", "RLIMIT_NOFILE"])
def test_a_worker_cannot_raise_its_limits(workers: Workers, kind: str) -> None:
    outcome(workers, "get 10,900")
    assert workers.isolation is not None
    if has_capability(SYS_RESOURCE) and not workers.isolation["network"]:
        # Whoever has it raises limits as they like where the kernel allows no namespace in which they are nobody.
        assert outcome(workers, f"limits {kind}").reason == "raised"
    else:
        assert "not allowed" in outcome(workers, f"limits {kind}").reason


def test_a_worker_has_no_environment(workers: Workers) -> None:
    said = outcome(workers, "environment").reason
    assert "AWS" not in said
    assert said.startswith(("[]", "['LC_CTYPE']", "['LD_LIBRARY_PATH'"))


def test_if_the_template_dies_the_next_object_gets_another(workers: Workers) -> None:
    with pytest.raises(JobFailed):
        outcome(workers, "template", seconds=3)
    assert outcome(workers, "get 10,900").reason == "it was answered"
