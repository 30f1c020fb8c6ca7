"""Programs in other languages that use the package, on Pulumi's own engine, from folders outside this repository.

They name an image that is there already: what builds one is the stack's, and tested with it.
"""

import json
import shutil
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.emulator import ROOT

from .program import Engine

pytestmark = pytest.mark.timeout(600)  # npm and pip download what the program and the package need

DIGEST = "sha256:" + "0" * 64

YAML = """\
name: films
runtime: yaml
resources:
  thumbnails:
    type: thumbnailer:VideoThumbnailer
    properties:
      imageUri: {image}
      widths: [640, 320]
      storyboard: true
outputs:
  bucket: ${{thumbnails.bucket}}
  name: ${{thumbnails.function}}
"""

TYPESCRIPT = """\
import * as thumbnailer from "@pulumi/thumbnailer";

const thumbnails = new thumbnailer.VideoThumbnailer("thumbnails", {{
    imageUri: "{image}",
    widths: [640, 320],
    storyboard: true,
}});

export const bucket = thumbnails.bucket;
export const name = thumbnails.function;
"""

PACKAGE_JSON = {
    "name": "films",
    "main": "index.ts",
    "dependencies": {"@pulumi/pulumi": "^3"},
    "devDependencies": {"@types/node": "^20", "typescript": "^5"},
}


def test_a_program_in_yaml_is_up_unchanged_and_down(engine: Engine, program: Path) -> None:
    (program / "Pulumi.yaml").write_text(YAML.format(image=_image(engine, "of-yaml")))
    _up_and_down(engine, program)


@pytest.mark.skipif(not shutil.which("npm"), reason="npm was not found: install Node.js")
def test_a_program_in_typescript_is_up_unchanged_and_down(engine: Engine, program: Path) -> None:
    (program / "Pulumi.yaml").write_text("name: films\nruntime: nodejs\n")
    (program / "package.json").write_text(json.dumps(PACKAGE_JSON))
    (program / "index.ts").write_text(TYPESCRIPT.format(image=_image(engine, "of-typescript")))
    engine.run(program, "npm", "install", "--no-audit", "--no-fund")
    _up_and_down(engine, program)


def _image(engine: Engine, repository_name: str) -> str:
    """Return the name of an image in a new repository of the account's registry."""
    repository = engine.aws.client("ecr").create_repository(repositoryName=repository_name)["repository"]
    return f"{repository['repositoryUri']}@{DIGEST}"


def _up_and_down(engine: Engine, program: Path) -> None:
    engine.start(program)
    engine.run(program, "pulumi", "package", "add", str(ROOT / "component"))
    outputs = engine.up(program)

    function = engine.aws.client("lambda").get_function(FunctionName=outputs["name"])
    settings = json.loads(function["Configuration"]["Environment"]["Variables"]["THUMBNAILER"])
    assert (settings["widths"], settings["storyboard"]) == ([640, 320], True)
    assert function["Code"]["ImageUri"].endswith(DIGEST)
    s3 = engine.aws.client("s3")
    (trigger,) = s3.get_bucket_notification_configuration(Bucket=outputs["bucket"])["LambdaFunctionConfigurations"]
    assert trigger["LambdaFunctionArn"] == function["Configuration"]["FunctionArn"]

    engine.run(program, "pulumi", "preview", "--expect-no-changes", "--non-interactive")

    engine.run(program, "pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive")
    with pytest.raises(ClientError, match="Not Found"):
        s3.head_bucket(Bucket=outputs["bucket"])
