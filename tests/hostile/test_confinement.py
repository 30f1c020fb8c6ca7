"""The processes below the handler, as /proc shows them: what they have, may, and hold open."""

import os
import re
from collections.abc import Iterator

import pytest

from standin_s3.pace import AT_ONCE, Pace
from standin_s3.s3 import S3

from .conftest import MEMORY, Service
from .watch import Watch


@pytest.fixture(autouse=True)
def slow(s3: S3) -> Iterator[None]:
    """Slow S3 down: a worker waits for it long enough to be seen, also on a busy machine."""
    s3.set_pace(Pace(latency=0.2))
    yield
    s3.set_pace(AT_ONCE)


def test_ffmpeg_has_no_environment_no_network_and_limits(service: Service, good: dict[str, bytes]) -> None:
    with Watch(service.warm.process.pid) as seen:
        for name in ("last.mp4", "hevc.mp4", "movie.mov", "film.mkv", "stream.ts"):
            assert service.answer(good[name], settings={"storyboard": True, "preview": "webp"}).outcome == "made"
    assert seen.ffmpeg, "no FFmpeg was seen"
    for process in seen.ffmpeg:
        command = process.command
        assert process.environment == b""
        assert process.folder == "/"
        assert command[command.index("-protocol_whitelist") + 1] == "pipe"
        before_input = command[: command.index("-i")]
        assert command[command.index("-i") + 1] == "pipe:0"
        assert before_input[before_input.index("-f") + 1] in ("mov", "matroska")
        assert before_input[before_input.index("-codec_whitelist") + 1]
        assert "-nostdin" in command
        assert "-max_pixels" in before_input
        assert not re.search(r"https?:|s3:|AKID|X-Amz", " ".join(command))
        limits = process.limits
        assert int(limits["Max data size"]) <= MEMORY * 2**20
        assert int(limits["Max cpu time"]) <= 60
        assert int(limits["Max file size"]) <= 64 * 2**20
        assert int(limits["Max open files"]) <= 64
        assert limits["Max core file size"] == "0"
        assert int(process.hard["Max data size"]) <= MEMORY * 2**20
        assert process.status["NoNewPrivs"] == "1"
        assert process.status["Seccomp"] == "2"
        assert int(process.status["CapEff"], 16) == 0 or os.getuid() == 0


def test_a_job_is_limited_before_it_reads_a_byte(service: Service, good: dict[str, bytes]) -> None:
    with Watch(service.warm.process.pid) as seen:
        service.answer(good["film.mkv"])
    assert seen.jobs, "no job was seen"
    for process in seen.jobs:
        assert int(process.limits["Max data size"]) <= MEMORY * 2**20
        assert int(process.limits["Max cpu time"]) <= 60
        assert process.limits["Max core file size"] == "0"
        # What it could raise them to again, if it was taken over: as far as FFmpeg's may need.
        assert int(process.hard["Max data size"]) <= MEMORY * 2**20
        assert int(process.hard["Max cpu time"]) <= 60 * (os.cpu_count() or 1) + 1
        assert int(process.hard["Max file size"]) <= 16 * 2**20
        assert int(process.hard["Max open files"]) == 64
        assert process.status["NoNewPrivs"] == "1"
        assert process.environment in (b"", None)


def test_a_job_may_write_no_byte_to_any_file_and_makes_all_its_outputs(
    service: Service, good: dict[str, bytes]
) -> None:
    everything = {"storyboard": True, "preview": "mp4", "manifest": True, "widths": [96, 48], "format": "avif"}
    with Watch(service.warm.process.pid) as seen:
        answer = service.answer(good["last.mp4"], settings=everything)
    assert answer.outcome == "made", answer.reason
    made = answer.outcomes[0]
    kinds = {file["kind"] for file in (*made["images"], *made["texts"])}
    assert kinds == {"poster", "storyboard", "preview", "manifest"}
    assert seen.jobs, "no job was seen"
    # The kernel enforces it, whatever there is room for and wherever it would be.
    assert {process.limits["Max file size"] for process in seen.jobs} == {"0"}


def test_no_process_below_the_handler_holds_a_file_of_the_machine_open(
    service: Service, good: dict[str, bytes]
) -> None:
    service.serves()
    with Watch(service.warm.process.pid) as seen:
        for name in ("last.mp4", "film.mkv", "vp8.webm", "fragments-mfra.mp4"):
            service.answer(good[name])
            service.answer(good[name][: len(good[name]) // 2])
    ours = (str(service.warm.log_path), "pipe:", "socket:", "anon_inode:", "/dev/null", "/memfd:", "/dev/urandom")
    # What FFmpeg opens as it starts, for moments. A worker has all that it needs from its template.
    program = ("ffmpeg", "ld.so.cache", ".so", "/proc/", "/sys/")
    foreign = {name for name in seen.files if not name.startswith(ours) and not any(part in name for part in program)}
    assert foreign == set()


def test_a_file_that_keeps_a_demuxer_busy_is_ended_and_stated(service: Service) -> None:
    from .generate import FTYP, box

    # Half a million boxes of nothing, a hundred times: no index, no video, only work.
    content = FTYP + box(b"moov", box(b"udta", box(b"free") * 400_000))
    answer = service.answer(content, settings={"job_seconds": 5})
    assert answer.outcome in ("rejected", "skipped"), answer.reason
    assert answer.seconds < 8
    service.serves()
