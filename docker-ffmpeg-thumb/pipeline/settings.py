"""The function's settings: the one reader of its environment. The stack's writer is `thumbnailer/environment.py`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pipeline.position import Position

FORMATS = ("jpg", "webp", "avif", "png")
WIDEST = 16_383
"""Pixels. The widest picture that WebP can hold (a 14-bit field of its header)."""

_T = TypeVar("_T")


class BadEnvironment(Exception):
    """The function's environment cannot be read; names every variable at fault, what it holds and what it may hold."""


@dataclass(frozen=True)
class Settings:
    """What the stack asks of every video."""

    suffixes: tuple[str, ...]
    position: Position
    widths: tuple[int, ...]
    """Pixels, the first for the poster itself; 0 is the video's own width."""
    format: str
    quality: int
    """1 to 100, as the encoders of JPEG, WebP and AVIF take it; PNG is lossless and ignores it."""
    manifest: bool
    output_bucket: str
    """Bucket of the images; empty for the bucket of the video."""
    output_prefix: str
    memory_bytes: int
    """What Lambda gives the whole function."""

    def fingerprint(self) -> str:
        """The settings that shape the images, as one line: stored with each image, so that a replay is recognised."""
        widths = ",".join(str(width) for width in self.widths)
        return f"position={self.position} widths={widths} format={self.format} quality={self.quality}"


def read(environment: Mapping[str, str]) -> Settings:
    """Reads the settings of the function.

    Raises:
        BadEnvironment: naming all the variables at fault at once.
    """
    faults: list[str] = []

    def variable(name: str, default: str, parse: Callable[[str], _T], may_be: str, stand_in: _T) -> _T:
        text = environment.get(name, default)
        try:
            return parse(text)
        except (ValueError, KeyError):
            faults.append(f"{name} holds {text!r}; it may be {may_be}")
            return stand_in

    settings = Settings(
        suffixes=variable("THUMBNAIL_SUFFIXES", '[".mp4"]', _suffixes, 'a JSON list such as [".mp4"]', ()),
        position=variable(
            "THUMBNAIL_POSITION", "auto", Position.parse, "auto, seconds, mm:ss or a percentage", Position("auto")
        ),
        widths=variable("THUMBNAIL_WIDTHS", "[640]", _widths, f"a JSON list of whole numbers from 0 to {WIDEST}", ()),
        format=variable("THUMBNAIL_FORMAT", "jpg", _format, ", ".join(FORMATS), ""),
        quality=variable("THUMBNAIL_QUALITY", "80", _quality, "a whole number from 1 to 100", 0),
        manifest=variable("THUMBNAIL_MANIFEST", "false", _TRUTH.__getitem__, "true or false", False),
        output_bucket=environment.get("THUMBNAIL_OUTPUT_BUCKET", ""),
        output_prefix=environment.get("THUMBNAIL_OUTPUT_PREFIX", ""),
        memory_bytes=variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769", int, "a whole number of MiB", 0) * 2**20,
    )
    if faults:
        raise BadEnvironment("the function's environment cannot be read: " + "; ".join(faults))
    return settings


_TRUTH = {"true": True, "false": False}


def _suffixes(text: str) -> tuple[str, ...]:
    values = json.loads(text)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) and value for value in values):
        raise ValueError(text)
    return tuple(values)


def _widths(text: str) -> tuple[int, ...]:
    values = json.loads(text)
    if not isinstance(values, list) or not values or not all(type(value) is int for value in values):
        raise ValueError(text)
    if not all(0 <= value <= WIDEST for value in values):
        raise ValueError(text)
    return tuple(values)


def _format(text: str) -> str:
    if text not in FORMATS:
        raise ValueError(text)
    return text


def _quality(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 100:
        raise ValueError(text)
    return value
