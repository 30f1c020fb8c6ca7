"""One handler and one set of generated videos for all tests; a bucket and a settings reader for each."""

import importlib
import itertools
import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from standin_s3.client import client_of
from standin_s3.s3 import S3

from .service import Service
from .videos import Studio

_buckets = itertools.count()


@pytest.fixture(scope="session")
def handler(s3: S3) -> Iterator[ModuleType]:
    """Yield the handler as Lambda imports it: it reads its environment at once, so that is set before."""
    environment = {
        **s3.environment(),
        "POWERTOOLS_SERVICE_NAME": "video-thumbnailer",
        "POWERTOOLS_METRICS_NAMESPACE": "VideoThumbnailer",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "THUMBNAILER"))]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        yield importlib.import_module("handler")


@pytest.fixture
def service(handler: ModuleType, client: Any, monkeypatch: pytest.MonkeyPatch, nothing_left_running: None) -> Service:
    """Return the function and a new bucket; whatever a test does, the handler has no child left behind it."""
    return Service(handler, client, monkeypatch, f"videos-{next(_buckets)}")


@pytest.fixture(scope="session")
def client(s3: S3) -> Any:
    """Return a client of the S3 that the function uses."""
    return client_of(s3)


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """Return what makes videos, each once."""
    return Studio(tmp_path_factory.mktemp("videos"))
