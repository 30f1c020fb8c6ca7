"""What a Pulumi program declares: run once under mocks, in a process of its own, and written down.

    record({"widths": "[320]"}, stack="dev", preview=True).one("aws:lambda/function:Function").inputs

Pulumi's runtime keeps its settings in globals, and a program can wait for ever: so every run has its own process and a
time limit. It is forked from one that has Pulumi imported, which takes longer than all else. A policy pack can use
`record` too: it returns every resource with its inputs.
"""

import json
import multiprocessing
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.infrastructure.forked import run

ROOT = Path(__file__).parents[2]
TIME_LIMIT_SECONDS = 60
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.infrastructure.run_program", "thumbnailer"])
UNKNOWN = "(known after the update)"
SECRET = "(secret)"


@dataclass(frozen=True)
class Resource:
    """One registration. `waits_for` names the resources, as `type name`, that the engine makes before this one."""

    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    waits_for: tuple[str, ...]
    deleted_with: str = ""
    """The resource, as `type name`, with which this one goes by itself."""
    retained: bool = False
    """Whether it stays in AWS when the program no longer declares it."""

    @property
    def label(self) -> str:
        return f"{self.type} {self.name}"


@dataclass(frozen=True)
class Recording:
    """Everything that one run declared. `outputs` are the stack's, `said` are the warnings it logged."""

    resources: tuple[Resource, ...]
    outputs: dict[str, Any]
    component_outputs: dict[str, Any]
    said: tuple[str, ...]

    def all(self, type_: str) -> list[Resource]:
        """Return the resources of a type."""
        return [resource for resource in self.resources if resource.type == type_]

    def one(self, type_: str, name_ends: str = "") -> Resource:
        """Return the only resource of a type (whose name ends so). Raises LookupError when there are none or
        several."""
        found = [resource for resource in self.all(type_) if resource.name.endswith(name_ends)]
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources of type {type_} whose name ends in {name_ends!r}, not one")
        return found[0]


class ProgramFailed(Exception):
    """The program ended in an error, or not at all; the message is what it printed."""


def record(
    config: Mapping[str, str] | None = None,
    stack: str = "dev",
    preview: bool = False,
    program: str = "__main__.py",
    buckets: Mapping[str, Mapping[str, Any]] | None = None,
) -> Recording:
    """Run `program` with `config` (the project's own keys, values as text). Raises `ProgramFailed`.

    `buckets` are those that are there already, as `AwsMock` takes them.
    """
    return _record(tuple(sorted((config or {}).items())), stack, preview, program, json.dumps(buckets or {}))


@cache
def _record(config: tuple[tuple[str, str], ...], stack: str, preview: bool, program: str, buckets: str) -> Recording:
    request = {
        "config": dict(config),
        "stack": stack,
        "preview": preview,
        "program": program,
        "buckets": json.loads(buckets),
    }
    with tempfile.NamedTemporaryFile("w+") as answered, tempfile.NamedTemporaryFile("w+") as printed:
        process = _FORKS.Process(target=run, args=(json.dumps(request), answered.name, printed.name))
        process.start()
        process.join(TIME_LIMIT_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
            raise ProgramFailed(f"{program} was not done after {TIME_LIMIT_SECONDS} seconds: {printed.read()}")
        if process.exitcode:
            raise ProgramFailed(printed.read())
        answer = json.load(answered)
    return Recording(
        resources=tuple(
            Resource(**{**resource, "waits_for": tuple(resource["waits_for"])}) for resource in answer["resources"]
        ),
        outputs=answer["outputs"],
        component_outputs=answer["component_outputs"],
        said=tuple(answer["said"]),
    )
