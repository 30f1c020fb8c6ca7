"""The component as a package for other languages: its schema, and what it makes of a program's arguments."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.provider.experimental.component import ComponentProvider

from component.provider import PACKAGE, VideoThumbnailer, settings_of
from thumbnailer import Settings
from thumbnailer.settings import setting_names

from .recording import ROOT, ProgramFailed, Recording, record

TYPE = f"{PACKAGE}:index:VideoThumbnailer"
MAY_BE_OUTPUTS = {"bucket", "outputBucket", "notify", "imageUri", "alarmTopic"}
LISTS_OF_OUTPUTS = {"kmsKeys", "subnetIds", "securityGroupIds"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """Return what the engine makes packages of."""
    found: dict[str, Any] = json.loads(ComponentProvider([VideoThumbnailer], PACKAGE).schema or "")["resources"][TYPE]
    return found


def test_its_inputs_are_the_settings_described_as_in_the_project_file(schema: dict[str, Any]) -> None:
    described = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert sorted(schema["inputProperties"]) == sorted(setting_names())
    for name, given in schema["inputProperties"].items():
        assert " ".join(given["description"].split()) == " ".join(described[name]["description"].split()), name
        assert given["type"] == described[name].get("type", "array"), name


def test_none_is_required_and_those_that_may_be_outputs_take_them(schema: dict[str, Any]) -> None:
    inputs = schema["inputProperties"]
    assert not schema.get("requiredInputs")
    assert {name for name, given in inputs.items() if not given.get("plain")} == MAY_BE_OUTPUTS
    lists = {name: given["items"] for name, given in inputs.items() if given["type"] == "array"}
    assert {name for name, item in lists.items() if not item.get("plain")} == LISTS_OF_OUTPUTS


def test_its_outputs_are_those_of_the_stack(schema: dict[str, Any]) -> None:
    mine = set(record({"notify": "true", "backfill": "true"}).outputs)
    beside = {"account", "region", "prefixes", "ignoreCase"}
    assert set(schema["properties"]) == (mine - beside) | {"outputs"}


def test_numbers_and_flags_arrive_as_the_settings_want_them() -> None:
    given = settings_of({"widths": [640.0, 320.0], "memory_size": 1024.0, "notify": "true"})  # type: ignore[list-item, typeddict-item]
    assert given == Settings(widths=[640, 320], memory_size=1024, notify=True)
    bus = "arn:aws:events:eu-north-1:123456789012:event-bus/mine"
    assert settings_of({"notify": bus}) == Settings(notify=bus)


PROGRAM = """
from pulumi.provider.experimental.component import ComponentProvider

from component.provider import PACKAGE, VideoThumbnailer

provider = ComponentProvider([VideoThumbnailer], PACKAGE)
provider.construct("video-thumbnailer-dev", "{type}", {inputs})
"""


def constructed(tmp_path: Path, inputs: dict[str, object]) -> Recording:
    """Return what the package declares when the engine asks for a component with these inputs."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(type=TYPE, inputs=inputs))
    return record(program=str(program))


def test_it_declares_what_the_stack_of_the_same_name_and_settings_declares(tmp_path: Path) -> None:
    mine = constructed(tmp_path, {"widths": [640.0, 320.0], "storyboard": True, "timeout": 120.0, "notify": "true"})
    stack = record({"widths": "[640, 320]", "storyboard": "true", "timeout": "120", "notify": "true"})

    def told(made: Recording) -> list[tuple[object, ...]]:
        return [
            (each.label, {**each.inputs, "build": None}, each.waits_for, each.deleted_with, each.retained)
            for each in made.resources
        ]

    assert told(mine) == told(stack)
    image = mine.one("docker:index/image:Image").inputs["build"]
    assert image["context"] == str(ROOT / "docker-ffmpeg-thumb")


def test_settings_that_cannot_be_used_are_all_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed) as failed:
        constructed(tmp_path, {"quality": 101.0, "format": "gif"})
    assert "2 settings cannot be used" in str(failed.value)
    assert "quality holds 101" in str(failed.value)
    assert "format holds gif" in str(failed.value)


def test_the_folder_is_a_plugin_that_the_engine_can_start() -> None:
    plugin = yaml.safe_load((ROOT / "component" / "PulumiPlugin.yaml").read_text())
    assert plugin["runtime"]["name"] == "python"
    assert (ROOT / "component" / "requirements.txt").read_text() == "-r ../requirements.txt\n"
    assert VideoThumbnailer.__mro__[1].__module__.split(".")[0] == PACKAGE
