"""The template for `pulumi new`: a program of its own, which uses the component of this version."""

import re
from typing import Any

import pytest
import yaml

from component.provider import IMAGE, PACKAGE
from thumbnailer.image import version
from thumbnailer.settings import setting_names

from .recording import ROOT, record

FOLDER = ROOT / "template"


@pytest.fixture
def template() -> dict[str, Any]:
    """Return what `pulumi new` makes of it."""
    text = (FOLDER / "Pulumi.yaml").read_text()
    made: dict[str, Any] = yaml.safe_load(text.replace("${PROJECT}", "films").replace("${DESCRIPTION}", "Films"))
    return made


def test_all_of_its_blanks_are_ones_that_pulumi_fills_in() -> None:
    blanks = {blank for file in FOLDER.iterdir() for blank in re.findall(r"\$\{([A-Z_]+)\}", file.read_text())}
    assert blanks == {"PROJECT", "DESCRIPTION"}


def test_it_uses_the_component_of_this_version(template: dict[str, Any]) -> None:
    assert template["packages"][PACKAGE].endswith(f"/component@{version(IMAGE)}")
    assert [each["type"] for each in template["resources"].values()] == [f"{PACKAGE}:VideoThumbnailer"]


def test_what_it_sets_and_shows_is_there(template: dict[str, Any]) -> None:
    (given,) = (each["properties"] for each in template["resources"].values())
    assert set(given) <= set(setting_names())
    outputs = record({"widths": "[640, 320]", "storyboard": "true"}).outputs
    shown = {name: re.fullmatch(r"\$\{thumbnails\.(\w+)\}", value) for name, value in template["outputs"].items()}
    assert {name: found and found[1] for name, found in shown.items()} == {name: name for name in template["outputs"]}
    assert set(template["outputs"]) <= set(outputs)
