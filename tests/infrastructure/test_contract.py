"""What passes between the two worlds: one variable of JSON, written by the stack and read by the image."""

import importlib
import json
import re
from typing import Any

import pytest

import model
from thumbnailer import bus, dashboard
from thumbnailer.settings import MOST_PATTERNS, Settings, check, image_settings, output_endings, setting_names

from .conftest import EVERYTHING
from .recording import ROOT, record
from .test_settings import GOOD

FUNCTION = "aws:lambda/function:Function"
IMAGE = "docker:index/image:Image"

READ_BY_THE_IMAGE = {
    **{"position": str, "timeInName": bool, "widths": list, "format": str, "quality": int, "fit": str, "height": int},
    **{"padColor": str, "stills": int, "storyboard": bool, "storyboardPlaylist": bool, "storyboardJson": bool},
    **{"storyboardInterval": int, "storyboardTiles": int, "storyboardColumns": int, "storyboardWidth": int},
    **{"storyboardBudget": int, "preview": bool, "previewFormat": str, "previewSeconds": int, "previewScenes": int},
    **{"previewWidth": int, "previewRate": int, "manifest": bool, "placeholder": bool, "outputBucket": str},
    **{
        "outputPrefix": str,
        "cacheControl": str,
        "overwrite": bool,
        "deleteOutputs": bool,
        "jobSeconds": int,
        "eventBus": str,
    },
}


@pytest.fixture
def image(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the image's own code, found as Lambda finds it: from the folder that is its root."""
    monkeypatch.syspath_prepend(str(ROOT / "docker-ffmpeg-thumb"))
    return importlib.import_module


def written(**config: str) -> str:
    """Return the variable's text, as a stack with this configuration writes it."""
    text: str = record(config).one(FUNCTION).inputs["environment"]["variables"]["THUMBNAILER"]
    return text


@pytest.mark.parametrize("config", [{}, EVERYTHING], ids=["nothing set", "everything on"])
def test_the_variable_holds_each_setting_of_the_image_by_its_own_name_and_type(config: dict[str, str]) -> None:
    held: dict[str, Any] = json.loads(written(**config))
    assert {name: type(value) for name, value in held.items()} == READ_BY_THE_IMAGE
    assert held.keys() - {"eventBus"} <= set(setting_names())


def test_what_the_stack_leaves_at_its_default_has_the_same_default_in_the_image(image: Any) -> None:
    reader = image("service.settings")
    assert reader.read({"THUMBNAILER": written()}) == reader.read({})


@pytest.mark.parametrize(("key", "held", "value"), [row for row in GOOD if row[0] in READ_BY_THE_IMAGE])
def test_the_image_takes_every_value_that_the_stack_allows(image: Any, key: str, held: str, value: Any) -> None:
    field = re.sub("([A-Z])", r"_\1", key).lower()
    told = image_settings(Settings(**{field: value}))
    assert told[key] == value
    image("service.settings").read({"THUMBNAILER": json.dumps(told)})


@pytest.mark.parametrize("format_", ["jpg", "webp", "avif", "png"])
@pytest.mark.parametrize("preview", ["webp", "mp4", "gif"])
def test_no_object_that_the_image_writes_can_start_the_function(image: Any, format_: str, preview: str) -> None:
    settings = Settings(
        suffixes=[".mp4", ".MOV", "-raw.mkv"],
        widths=[640, 320, 0],
        format=format_,
        stills=2,
        storyboard=True,
        storyboard_playlist=True,
        storyboard_json=True,
        preview=True,
        preview_format=preview,
        manifest=True,
        output_prefix="bilder/häst & co/",
    )
    check(settings)
    read = image("service.settings").read({"THUMBNAILER": json.dumps(image_settings(settings))})
    for suffix in settings.suffixes:
        names = image("service.names").of("videos", f"films/cat{suffix}", read, read.wanted)
        keys = [*names.certain(), names.key("sheet", 1)]
        assert len(keys) == 12
        assert not [key for key in keys if key.endswith(tuple(settings.suffixes))]
        assert not [key for key in keys if not key.endswith(tuple(output_endings(settings)))]
        assert not [key for key in keys if not key.startswith(settings.output_prefix)]


def test_the_stacks_metrics_and_events_are_those_of_the_image(image: Any) -> None:
    announce = image("service.announce")
    assert (bus.SOURCE, bus.RETAKE) == (image("service.events").SOURCE, image("service.events").RETAKE)
    assert bus.MADE in announce.DETAIL_TYPES.values()
    assert set(dashboard.OUTCOMES) == {*announce.DETAIL_TYPES, "failed"}


def test_the_variable_holds_what_was_set() -> None:
    held = json.loads(written(widths="[320, 0]", position="25%", preview="true", outputPrefix="bilder/häst/"))
    assert (held["widths"], held["position"], held["preview"]) == ([320, 0], "25%", True)
    assert held["outputPrefix"] == "bilder/häst/"


def test_the_environment_fits_into_what_lambda_takes() -> None:
    longest = written(
        suffixes=json.dumps([f"-{number:02}".ljust(64, "x") for number in range(MOST_PATTERNS)]),
        widths=json.dumps(list(range(16376, 16384))),
        outputBucket="o" * 63,
        outputPrefix="ä" * 256,
        cacheControl="x" * 256,
    )
    # 4 KB for all names and values (Lambda Developer Guide, "Lambda quotas").
    assert len(f"THUMBNAILER{longest}".encode()) <= 4096


def test_the_default_of_the_base_image_is_the_dockerfiles_own() -> None:
    dockerfile = (ROOT / "docker-ffmpeg-thumb" / "Dockerfile").read_text()
    assert f"ARG BASE_IMAGE={Settings().base_image}\n" in dockerfile


def test_one_version_stands_in_the_metadata_of_outputs_the_label_of_the_image_and_the_changelog() -> None:
    assert record().one(IMAGE).inputs["build"]["args"]["VERSION"] == model.VERSION
    dockerfile = (ROOT / "docker-ffmpeg-thumb" / "Dockerfile").read_text()
    assert 'org.opencontainers.image.version="${VERSION}"' in dockerfile
    [newest, *_] = re.findall(r"(?m)^## (.+)$", (ROOT / "CHANGELOG.md").read_text())
    assert newest == model.VERSION
