"""The component in the form that Pulumi infers a package's schema from: `args` whose type names the inputs."""

from pathlib import Path
from typing import Any

import pulumi

import thumbnailer
from thumbnailer import Settings

from .args import VideoThumbnailerArgs

PACKAGE = "thumbnailer"
"""Pulumi's name of the package: the first part of the component's type."""
IMAGE = Path(__file__).resolve().parent.parent / "docker-ffmpeg-thumb"
"""The folder of the image: absolute, because the engine starts a package in the folder of the program that uses it."""


class VideoThumbnailer(thumbnailer.VideoThumbnailer):
    """Puts a thumbnail beside every video that is put into an S3 bucket.

    Raises, before the first resource of AWS is declared:
        SettingsError: `args` hold what they may not hold.
        Refused: the bucket has notifications that would be lost, or does not send its events to EventBridge.
    """

    def __init__(self, name: str, args: VideoThumbnailerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, settings_of(args), str(IMAGE), opts)


def settings_of(args: VideoThumbnailerArgs) -> Settings:
    """Return the settings that a program gave. Numbers arrive as the engine sends them, all with a fraction; and a
    schema has no type that is a flag or a text, so that `notify` is always a text."""
    given = {name: _whole(value) for name, value in args.items()}
    if given.get("notify") in ("true", "false"):
        given["notify"] = given["notify"] == "true"
    return Settings(**given)


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
