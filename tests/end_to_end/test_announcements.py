"""Three consumers are told of new thumbnails, each by one line of a program: a queue, a topic, a function."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.emulator import ROOT
from local.stack import running

from .service import SECONDS, Service
from .videos import Films

pytestmark = pytest.mark.parametrize("runtime", ["processes"], indirect=True, scope="session")

PROGRAM = """
import pulumi
import pulumi_aws as aws
from thumbnailer import OnNewThumbnail, VideoThumbnailer, read_settings

service = VideoThumbnailer("announced", read_settings(pulumi.Config()), context={context!r})
queue = aws.sqs.Queue("site")
topic = aws.sns.Topic("site")
handlers = {{"queue": queue.arn, "topic": topic.arn, "function": {function!r}}}
for name, handler in handlers.items():
    OnNewThumbnail(f"to-{{name}}", bus=service.event_bus, handler=handler)
for name, value in {{**service.outputs, "queue": queue.url, "topic": topic.arn}}.items():
    pulumi.export(name, value)
"""

CONSUMER = """
import json, pathlib

def handler(event, context):
    pathlib.Path({told!r}).write_text(json.dumps(event))
"""


@pytest.fixture(scope="module")
def announced(runtime: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Path]]:
    """Yield the stack with its three consumers, and the file that the function writes what it was told into."""
    folder = tmp_path_factory.mktemp("announced")
    told, function = folder / "told.json", "arn:aws:lambda:us-east-1:000000000000:function:site"
    program = folder / "program"
    program.mkdir()
    (program / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    context = str(ROOT / "docker-ffmpeg-thumb")
    (program / "__main__.py").write_text(PROGRAM.format(context=context, function=function))
    with running({"notify": True}, runtime="processes", folder=folder, program=program) as stack:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("consumer.py", CONSUMER.format(told=str(told)))
        stack.client("lambda").create_function(
            FunctionName="site",
            Runtime="python3.12",
            Handler="consumer.handler",
            Role=stack.registered.function.role,
            Code={"ZipFile": packed.getvalue()},
        )
        yield Service(stack, stack.bucket), told


def test_a_queue_a_topic_and_a_function_are_told_when_all_files_are_there(
    announced: tuple[Service, Path], films: Films
) -> None:
    service, told = announced
    sqs, sns = service.stack.client("sqs"), service.stack.client("sns")
    behind_topic = sqs.create_queue(QueueName="behind-the-topic")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=behind_topic, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=service.stack.outputs["topic"], Protocol="sqs", Endpoint=arn)

    assert service.outcome("told/cat.mp4", films.corners(0)).outcome == "made"

    by_queue = received(sqs, service.stack.outputs["queue"])
    by_topic = json.loads(received(sqs, behind_topic)["Message"])
    assert by_queue == by_topic == read(told)
    assert (by_queue["source"], by_queue["detail-type"]) == ("video-thumbnailer", "Thumbnails Made")
    detail = by_queue["detail"]
    assert (detail["bucket"], detail["key"], detail["outcome"]) == (service.stack.bucket, "told/cat.mp4", "made")
    assert service.keys(service.stack.bucket, "told/cat.jpg") == ["told/cat.jpg"]


def received(sqs: Any, url: str) -> Any:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
            return json.loads(message["Body"])
    raise AssertionError(f"nothing came to {url}")


def read(path: Path) -> Any:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()):
            return json.loads(text)
        time.sleep(0.1)
    raise AssertionError(f"nothing came to {path}")
