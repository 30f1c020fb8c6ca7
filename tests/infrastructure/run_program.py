"""Runs one Pulumi program under mocks and writes down what it declares.

Only `recording.record` starts it, in a process of its own: Pulumi's runtime cannot be used a second time in the same
process.
"""

import importlib
import json
import logging
import os
import runpy
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
import pulumi_docker  # noqa: F401 - as above
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.stack import Stack

from .aws_mock import AwsMock
from .recording import ROOT, SECRET, UNKNOWN, Recording, Resource

PROJECT = "video-thumbnailer"

# Of Pulumi's SDK, where both are private (pulumi.runtime.rpc).
_UNKNOWN_ON_THE_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SECRET_ON_THE_WIRE = ("4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270")

# Pulumi's providers load their parts when something of them is first used. Here they are there before a process is
# forked for a program; one that is missing costs that program a moment.
for _part in ("cloudwatch", "ecr", "iam", "kms", "lambda_", "s3", "sns", "sqs"):
    hasattr(importlib.import_module(f"pulumi_aws.{_part}"), "__all__")

# Neither has types: by name, so that a type checker says the same whether or not somebody installed stubs for them.
_json_format: Any = importlib.import_module("google.protobuf.json_format")
_awaited: Any = pulumi.runtime.test


class RecordingMonitor(MockMonitor):
    """The engine's side: answers as the mock does, and keeps what it was asked for."""

    def __init__(self, mocks: pulumi.runtime.Mocks) -> None:
        super().__init__(mocks)
        self.declared: list[Resource] = []
        self.component_outputs: dict[str, Any] = {}
        self._answers: Any = super()

    def RegisterResource(self, request: Any) -> Any:
        if request.type != "pulumi:pulumi:Stack":
            self.declared.append(
                Resource(
                    type=request.type,
                    name=request.name,
                    parent=_label(request.parent) if request.parent else "",
                    inputs=_readable(_json_format.MessageToDict(request.object)),
                    waits_for=tuple(sorted({_label(urn) for urn in request.dependencies})),
                    deleted_with=_label(request.deletedWith) if request.deletedWith else "",
                    retained=request.retainOnDelete,
                )
            )
        return self._answers.RegisterResource(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "VideoThumbnailer" in request.urn:
            self.component_outputs.update(_readable(_json_format.MessageToDict(request.outputs)))
        return self._answers.RegisterResourceOutputs(request)


class Kept(logging.Handler):
    """Keeps what the program logs from warnings on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def run(config: dict[str, str], stack: str, preview: bool, program: str, buckets: dict[str, Any]) -> Recording:
    """Run `program`; its exceptions pass through."""
    kept = Kept()
    logger = logging.getLogger("program")
    logger.propagate = False
    logger.addHandler(kept)
    mock = AwsMock(preview, buckets)
    monitor = RecordingMonitor(mock)
    pulumi.runtime.set_mocks(mock, PROJECT, stack, preview, logger, monitor)
    pulumi.runtime.set_all_config({f"{PROJECT}:{key}": value for key, value in config.items()})
    outputs: dict[str, Any] = {}

    def declare() -> pulumi.Output[Any]:
        runpy.run_path(program, run_name="__main__")
        root = pulumi.runtime.get_root_resource()
        assert isinstance(root, Stack)
        # An unknown output calls nobody back.
        outputs.update(dict.fromkeys(root.outputs, UNKNOWN))
        return pulumi.Output.all(
            *(
                pulumi.Output.from_input(value).apply(partial(outputs.__setitem__, key))
                for key, value in root.outputs.items()
            )
        )

    _awaited(declare)()
    return Recording(
        resources=tuple(sorted(monitor.declared, key=lambda each: each.label)),
        outputs=outputs,
        component_outputs=monitor.component_outputs,
        said=tuple(kept.lines),
    )


def _readable(value: Any) -> Any:
    """Return a value of the wire format with its markers for secrets and unknowns replaced by words."""
    if value == _UNKNOWN_ON_THE_WIRE:
        return UNKNOWN
    if isinstance(value, dict):
        if value.get(_SECRET_ON_THE_WIRE[0]) == _SECRET_ON_THE_WIRE[1]:
            return SECRET
        return {key: _readable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_readable(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _label(urn: str) -> str:
    qualified_type, _, name = urn.split("::", 2)[2].partition("::")
    return f"{qualified_type.split('$')[-1]} {name}"


def main(request: str, answer: Path, printed: Path) -> None:
    """Run what a request in JSON names; write the recording to one file and all that is printed to another."""
    with printed.open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.chdir(ROOT)
    answer.write_text(json.dumps(asdict(run(**json.loads(request)))))
