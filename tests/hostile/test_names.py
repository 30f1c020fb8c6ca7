"""Names and metadata of objects as input: for paths, shells, options, logs, pages and tables."""

import json

import pytest

from .conftest import Service, secrets
from .generate import KEYS, WISHES


@pytest.mark.parametrize("key", KEYS, ids=[ascii(key)[1:20] for key in KEYS])
def test_a_name_is_a_name_and_nothing_else(service: Service, good: dict[str, bytes], key: str) -> None:
    before = len(service.warm.log())
    answer = service.answer(good["last.mp4"], key)
    log = service.warm.log()[before:]
    assert service.faults_of(answer, ("made",), log) == []
    assert answer.outcomes[0]["key"] == key
    (image,) = answer.outcomes[0]["images"]
    assert image["key"] == key.removesuffix(".mp4") + ".jpg"
    found = service.s3.get(image["key"], service.bucket)
    assert found is not None
    assert len(found[1]) == image["bytes"]


@pytest.mark.parametrize("key", KEYS, ids=[ascii(key)[1:20] for key in KEYS])
def test_a_name_in_the_log_stays_within_its_line_and_field(service: Service, key: str) -> None:
    before = len(service.warm.log())
    answer = service.answer(b"no video", key)
    assert answer.outcome == "rejected"
    log = service.warm.log()[before:]
    lines = [json.loads(line) for line in log.split("\n") if line]
    (said,) = [line for line in lines if line.get("message") == "rejected"]
    assert said["key"] == key
    assert said["outcome"] == "rejected"
    assert "\x1b" not in log
    assert "\r" not in log


@pytest.mark.parametrize("wishes", WISHES, ids=[ascii(wishes)[1:40] for wishes in WISHES])
def test_hostile_wishes_end_in_an_outcome(service: Service, good: dict[str, bytes], wishes: dict[str, str]) -> None:
    before = len(service.warm.log())
    answer = service.answer(good["last.mp4"], metadata=wishes)
    log = service.warm.log()[before:]
    assert service.faults_of(answer, ("made", "rejected"), log) == []
    assert not [secret for secret in secrets(service.trap) if secret in log]
    service.serves()
