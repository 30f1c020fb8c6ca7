"""One handler and one set of generated videos for all tests; a bucket and a settings reader for each."""

import importlib
import itertools
import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from local.emulator import CREDENTIALS, Emulator

from .service import Service
from .videos import Studio

_buckets = itertools.count()


@pytest.fixture(scope="session")
def handler(s3_emulator: Emulator) -> Iterator[ModuleType]:
    """The handler as Lambda imports it: it reads its environment at once, so that is set before."""
    environment = {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": s3_emulator.endpoint,
        "AWS_DEFAULT_REGION": CREDENTIALS["AWS_REGION"],
        "POWERTOOLS_SERVICE_NAME": "video-thumbnailer",
        "POWERTOOLS_METRICS_NAMESPACE": "VideoThumbnailer",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "THUMBNAIL_"))]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        yield importlib.import_module("handler")


@pytest.fixture
def service(
    handler: ModuleType, s3_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, nothing_left_running: None
) -> Service:
    """The function and a new bucket; whatever a test does, the handler has no child left behind it."""
    client: Any = s3_emulator.client("s3")
    bucket = f"videos-{next(_buckets)}"
    client.create_bucket(Bucket=bucket)
    return Service(handler, client, monkeypatch, bucket)


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """Makes videos, each once."""
    return Studio(tmp_path_factory.mktemp("videos"))
