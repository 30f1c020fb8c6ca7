"""What the handler prints and answers holds no credentials, no presigned URL and nothing of the video."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from local.processes import free_port
from policy.rules import secrets_in
from standin_s3.s3 import S3
from tests.infrastructure.recording import ROOT

# Of AWS's form, and nobody's; in two parts, so that no scanner takes this file for a leak.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "ASIA" + "ABCDEFGHIJ234567",
    "AWS_SECRET_ACCESS_KEY": "abcdefghij" * 4,
    "AWS_SESSION_TOKEN": "session-token-" + "0123456789" * 8,
}
MARK = b"these-bytes-are-the-videos-own"

RUN = """
import json, sys
import handler

class Context:
    function_name, function_version, memory_limit_in_mb = "thumbnailer", "1", 1769
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:thumbnailer"
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    def get_remaining_time_in_millis(self):
        return 60_000

try:
    print(json.dumps(handler.handler(json.load(sys.stdin), Context())))
except Exception:
    import traceback
    traceback.print_exc()
"""


def run(event: dict[str, Any], endpoint: str) -> str:
    """Everything that the handler prints of an event, and what it answers or raises, with the log at its loudest."""
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        check=False,
        input=json.dumps(event),
        capture_output=True,
        text=True,
        errors="replace",
        cwd=ROOT / "docker-ffmpeg-thumb",
        timeout=120,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "POWERTOOLS_SERVICE_NAME": "video-thumbnailer",
            "POWERTOOLS_METRICS_NAMESPACE": "VideoThumbnailer",
            "POWERTOOLS_LOG_LEVEL": "DEBUG",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        },
    )
    return done.stdout + done.stderr


def event(key: str, size: int) -> dict[str, Any]:
    item = {"key": key, "size": size}
    return {"Records": [{"s3": {"bucket": {"name": "content-logs"}, "object": item}}]}


@pytest.fixture(scope="module")
def bucket(s3: S3, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Fill a bucket with a video, a text and a video that breaks off; return their sizes by their keys."""
    video = tmp_path_factory.mktemp("videos") / "video.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:d=1"]
    subprocess.run([*command, "-metadata", f"title={MARK.decode()}", str(video)], check=True)
    contents = {
        "video.mp4": video.read_bytes(),
        "text.mp4": MARK * 100,
        "cut.mp4": video.read_bytes()[:-2000] + MARK,
    }
    for key, content in contents.items():
        s3.put(key, content, {"note": MARK.decode()}, bucket="content-logs")
    return {key: len(content) for key, content in contents.items()}


@pytest.mark.parametrize(
    ("key", "says"),
    [("video.mp4", '"made"'), ("text.mp4", '"rejected"'), ("cut.mp4", '"outcome"'), ("gone.mp4", '"rejected"')],
)
def test_no_outcome_shows_a_secret_or_the_video(s3: S3, bucket: dict[str, int], key: str, says: str) -> None:
    shown = run(event(key, bucket.get(key, 1000)), s3.url())
    assert says in shown
    assert_clean(shown)


def test_a_failure_shows_no_secret() -> None:
    # Nobody listens there: the exception of the HTTP client, with the request in it, is what is told.
    shown = run(event("video.mp4", 1000), f"http://127.0.0.1:{free_port()}")
    assert "JobFailed" in shown
    assert_clean(shown)


def test_a_bad_event_shows_no_secret(tmp_path: Path) -> None:
    shown = run({"Records": [{"s3": MARK.decode()}], **CREDENTIALS}, "http://127.0.0.1:9")
    assert "BadEvent" in shown
    assert_clean(shown)


def assert_clean(shown: str) -> None:
    for name, value in CREDENTIALS.items():
        assert value not in shown, f"{name} is shown"
    assert secrets_in(shown) == []
    assert "Authorization" not in shown
    assert MARK.decode() not in shown
