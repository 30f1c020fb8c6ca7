"""The real program's resources as the rules take them."""

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from policy.rules import UNKNOWN, Resource
from tests.infrastructure import recording
from tests.infrastructure.aws_mock import ACCOUNT, DIGEST, REGION
from tests.infrastructure.conftest import EVERYTHING
from tests.infrastructure.recording import Recording, record

STACKS: Mapping[str, Mapping[str, str]] = {
    "nothing set": {},
    "everything on": EVERYTHING,
    "existing buckets and arm64": {
        **EVERYTHING,
        "bucket": "films",
        "outputBucket": "posters",
        "architecture": "arm64",
        "previewFormat": "mp4",
    },
    "by EventBridge": {**EVERYTHING, "trigger": "eventbridge", "ignoreCase": "true"},
    "an image from elsewhere": {
        "imageUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/thumbs@{DIGEST}",
        "alarmTopic": f"arn:aws:sns:{REGION}:{ACCOUNT}:ops",
    },
}


def recorded(config: Mapping[str, str], preview: bool = False) -> list[Resource]:
    """Return what the program declares with `config`; each call gives a copy of its own, to be changed at will."""
    return as_resources(record(config, preview=preview))


def as_resources(declared: Recording) -> list[Resource]:
    """Return the recorded resources; the recording knows what a resource is made of, and not by which input."""
    return [
        Resource(
            id=each.label,
            type=each.type,
            name=each.name,
            inputs=_with_unknowns(copy.deepcopy(each.inputs)),
            needs={"": frozenset(each.waits_for)},
        )
        for each in declared.resources
    ]


MAIN = {
    "aws:iam/role:Role": "-role",
    "aws:iam/rolePolicy:RolePolicy": "-role",
    "aws:lambda/permission:Permission": "-bucket",
}
"""Of the types that a stack has several of, what the name of the function's own ends in."""


def one(stack: list[Resource], type_: str, name_ends: str | None = None) -> dict[str, Any]:
    """Return the inputs of the only resource of a type, or of the function's own; else of the one whose name ends
    so."""
    ends = MAIN.get(type_, "") if name_ends is None else name_ends
    [found] = [each for each in stack if each.type == type_ and each.name.endswith(ends)]
    assert isinstance(found.inputs, dict)
    return found.inputs


def change_policy(inputs: dict[str, Any], key: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a policy that lies in an input as JSON."""
    document = json.loads(inputs[key])
    change(document)
    inputs[key] = json.dumps(document)


def _with_unknowns(value: Any) -> Any:
    if value == recording.UNKNOWN:
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _with_unknowns(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_unknowns(item) for item in value]
    return value
