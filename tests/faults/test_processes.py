"""Faults of FFmpeg and of the function itself: the job is stated or raised, and another attempt makes the picture."""

import os
import signal
import stat
import time
from pathlib import Path

import pytest

from local.processes import descendants
from model import Job, Limits, Output, ReadPolicy, Rejected, Wanted
from standin_s3.faults import Fault
from standin_s3.s3 import BUCKET, S3
from tests.hostile.warm import Answer, Warm
from tests.unit.fake_s3 import FakeS3
from worker import job
from worker.decode import ffmpeg
from worker.reader import Reader

from .videos import colour

_SETTINGS = {"job_seconds": 10, "memory": 1024}


def _wait_for_ffmpeg(handler: Warm, stopped: bool = False) -> int:
    """Wait for the FFmpeg below a handler and return its id; where `stopped` is set, stop it as soon as it is seen."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for pid in descendants(handler.process.pid):
            try:
                if "ffmpeg" in Path(f"/proc/{pid}/exe").readlink().name:
                    os.kill(pid, signal.SIGSTOP if stopped else signal.SIGKILL)
                    return pid
            except OSError:
                continue
    raise AssertionError("no FFmpeg was seen")


def _is_made(store: S3, answer: Answer, key: str, want: str = "red") -> None:
    assert answer.outcome == "made", answer.reason
    found = store.get(key)
    assert found is not None
    assert colour(found[1]) == want


def test_a_killed_ffmpeg_is_raised_and_the_next_attempt_makes_the_picture(
    store: S3, warm: Warm, large_red: bytes
) -> None:
    record = store.put("killed ffmpeg.mp4", large_red)
    warm.send(record, settings=_SETTINGS)
    _wait_for_ffmpeg(warm)
    answer = warm.receive()
    assert answer.raised == "JobFailed", answer.reason
    assert f"s3://{BUCKET}/killed ffmpeg.mp4" in answer.message
    _is_made(store, warm.call(record, settings=_SETTINGS), "killed ffmpeg.jpg")


def test_a_hung_ffmpeg_is_ended_within_the_budget(store: S3, warm: Warm, red: bytes, large_red: bytes) -> None:
    record = store.put("hung ffmpeg.mp4", large_red)
    warm.send(record, settings={"job_seconds": 5, "memory": 1024})
    hung = _wait_for_ffmpeg(warm, stopped=True)
    answer = warm.receive()
    # A second FFmpeg may still make the picture in the time that is left.
    assert answer.outcome in ("made", "rejected", "raised")
    assert answer.outcome == "made" or answer.reason
    assert answer.seconds < 8
    assert answer.children == 0
    assert hung not in descendants(warm.process.pid)
    _is_made(store, warm.call(store.put("after the hung one.mp4", red), settings=_SETTINGS), "after the hung one.jpg")


def test_a_killed_job_is_raised_with_the_name_of_its_object(store: S3, warm: Warm, red: bytes) -> None:
    record = store.put("killed job.mp4", red)
    store.fail(Fault("stall", "GET", 1))
    (template,) = descendants(warm.process.pid)
    warm.send(record, settings=_SETTINGS)
    while not (workers := descendants(template)):
        time.sleep(0.005)
    os.kill(workers[0], signal.SIGKILL)
    answer = warm.receive()
    assert answer.raised == "JobFailed", answer.reason
    assert f"s3://{BUCKET}/killed job.mp4" in answer.message
    store.fail()
    _is_made(store, warm.call(record, settings=_SETTINGS), "killed job.jpg")


def test_a_function_that_is_killed_midway_leaves_nothing_that_the_next_attempt_minds(
    store: S3, warm: Warm, red: bytes, tmp_path: Path
) -> None:
    record = store.put("killed function.mp4", red)
    for number in range(1, 5):
        with Warm(store.url(), tmp_path / str(number), **_SETTINGS) as doomed:
            doomed.call(store.put("warming.mp4", b"x"))
            doomed.send(record, settings={"widths": [96, 64, 32], "manifest": True, **_SETTINGS})
            time.sleep(0.04 * number)
            doomed.process.kill()
    answer = warm.call(record, settings={"widths": [96, 64, 32], "manifest": True, **_SETTINGS})
    assert answer.outcome in ("made", "unchanged"), answer.reason
    names = [f"killed function{middle}.jpg" for middle in ("", ".64w", ".32w")]
    found = [store.get(name) for name in [*names, "killed function.thumbnails.json"]]
    assert all(found)


def test_what_is_missing_of_a_videos_images_is_made_by_the_next_attempt(store: S3, warm: Warm, red: bytes) -> None:
    record = store.put("half.mp4", red)
    settings = {"widths": [96, 64, 32], **_SETTINGS}
    store.fail(Fault("403", "PUT", 1, skip=1))
    assert warm.call(record, settings=settings).raised == "JobFailed"
    store.fail()
    assert warm.call(record, settings=settings).outcome == "made"
    assert all(store.get(name) for name in ("half.jpg", "half.64w.jpg", "half.32w.jpg"))


def test_without_any_room_in_the_temporary_folder_the_picture_is_made(store: S3, red: bytes, tmp_path: Path) -> None:
    with Warm(store.url(), tmp_path / "full", **_SETTINGS) as handler:
        # Nothing may be written there; where all may write everywhere, there is no folder at all.
        handler.temporary.chmod(stat.S_IRUSR | stat.S_IXUSR)
        handler.temporary.rmdir()
        _is_made(store, handler.call(store.put("no room.mp4", red)), "no room.jpg")


def test_an_ffmpeg_whose_disk_is_full_is_stated_and_the_next_job_makes_its_picture(
    long: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All that it writes to files: the times of its frames, without which none of them is known.
    policy = ReadPolicy()
    told = Job(len(long), "k", Wanted(), Limits(memory=2**30, seconds=10), policy)
    made: list[Output] = []

    def work() -> None:
        job.run(told, Reader(FakeS3(len(long), {0: long}), policy), lambda output, _: made.append(output))

    with monkeypatch.context() as full:
        full.setattr(ffmpeg, "WRITTEN", 1)
        with pytest.raises(Rejected, match="SIGXFSZ"):
            work()
    work()
    assert [output.kind for output in made] == ["poster"]


def test_too_little_memory_is_stated_or_raised_and_more_of_it_makes_the_picture(
    store: S3, warm: Warm, long: bytes
) -> None:
    record = store.put("little memory.mp4", long)
    for memory in (64, 96, 128, 160, 192, 256, 320, 400):
        answer = warm.call(record, settings={"job_seconds": 10, "memory": memory, "widths": [0]})
        assert answer.outcome in ("rejected", "raised", "made"), answer.reason
        assert answer.reason or answer.outcome == "made"
        assert answer.children == 0
        if answer.outcome == "rejected":
            # What says that the file is at fault must be said of memory, or the user looks in the wrong place.
            assert "memory" in answer.reason, f"{memory} MiB: {answer.reason}"
        else:
            break
    final = warm.call(record, settings={"job_seconds": 10, "memory": 1769, "widths": [0]})
    assert final.outcome in ("made", "unchanged"), final.reason


def test_a_function_without_time_raises_and_names_the_object(store: S3, warm: Warm, red: bytes) -> None:
    record = store.put("no time.mp4", red)
    answer = warm.call(record, seconds=3.5)
    assert answer.raised == "JobFailed"
    assert f"s3://{BUCKET}/no time.mp4" in answer.message
    _is_made(store, warm.call(record), "no time.jpg")
