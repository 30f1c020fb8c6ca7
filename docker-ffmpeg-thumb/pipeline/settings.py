"""The function's settings: the one reader of its environment. The stack's writer is `thumbnailer/environment.py`."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar

from pipeline.position import Position

FORMATS = ("jpg", "webp", "avif", "png")
FITS = ("contain", "cover", "pad")
PREVIEWS = ("none", "webp", "mp4")
WIDEST = 16_383
"""Pixels. The widest picture that WebP can hold (a 14-bit field of its header)."""

MOST_WIDTHS = 8
"""Each is a picture to encode and an object to write."""

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
    fit: str
    """How a poster fills `height`: `contain` within it, `cover` it and lose what stands out, `pad` to it."""
    height: int
    """Pixels, of the first of `widths`, the others in proportion; 0 for what the video's shape gives."""
    pad_colour: str
    """`#rrggbb`, behind a padded poster and behind what is transparent where the format cannot be."""
    storyboard: bool
    storyboard_playlist: bool
    """Whether an HLS image playlist lies beside the storyboard."""
    storyboard_budget: int
    """Bytes that may be read for tiles that need more than a keyframe."""
    preview: str
    """`webp`, `mp4`, or `none`."""
    placeholder: bool
    """Whether the manifest holds a BlurHash of the poster."""
    manifest: bool
    job_seconds: float
    """Wall-clock time for one object."""
    output_bucket: str
    """Bucket of the images; empty for the bucket of the video."""
    output_prefix: str
    memory_bytes: int
    """What Lambda gives the whole function."""

    def fingerprint(self) -> str:
        """The settings that shape the images, as one line: stored with each image, so that a replay is recognised."""
        shaping = asdict(self) | {"position": str(self.position), "widths": ",".join(map(str, self.widths))}
        for name in ("suffixes", "output_bucket", "output_prefix", "job_seconds", "memory_bytes"):
            del shaping[name]
        return " ".join(f"{name}={value}" for name, value in sorted(shaping.items()))


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
        format=variable("THUMBNAIL_FORMAT", "jpg", _one_of(FORMATS), ", ".join(FORMATS), ""),
        quality=variable("THUMBNAIL_QUALITY", "80", _between(1, 100), "a whole number from 1 to 100", 0),
        fit=variable("THUMBNAIL_FIT", "contain", _one_of(FITS), ", ".join(FITS), ""),
        height=variable("THUMBNAIL_HEIGHT", "0", _between(0, WIDEST), f"a whole number from 0 to {WIDEST}", 0),
        pad_colour=variable("THUMBNAIL_PAD_COLOR", "#000000", _colour, "a colour such as #1a2b3c", ""),
        storyboard=variable("THUMBNAIL_STORYBOARD", "false", _TRUTH.__getitem__, "true or false", False),
        storyboard_playlist=variable(
            "THUMBNAIL_STORYBOARD_PLAYLIST", "false", _TRUTH.__getitem__, "true or false", False
        ),
        storyboard_budget=variable(
            "THUMBNAIL_STORYBOARD_BUDGET", "64", _between(0, 128), "a whole number of MiB from 0 to 128", 0
        )
        * 2**20,
        preview=variable("THUMBNAIL_PREVIEW", "none", _one_of(PREVIEWS), ", ".join(PREVIEWS), ""),
        placeholder=variable("THUMBNAIL_PLACEHOLDER", "false", _TRUTH.__getitem__, "true or false", False),
        job_seconds=variable("THUMBNAIL_JOB_SECONDS", "300", _between(5, 900), "a whole number from 5 to 900", 0),
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
    return widths(json.loads(text))


def widths(values: object) -> tuple[int, ...]:
    """Checks the widths of posters, in pixels.

    Raises:
        ValueError: they are not a list of 1 to `MOST_WIDTHS` whole numbers from 0 to `WIDEST`, each once.
    """
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_WIDTHS or len(set(map(repr, values))) < len(values):
        raise ValueError(values)
    if not all(type(value) is int and 0 <= value <= WIDEST for value in values):
        raise ValueError(values)
    return tuple(values)


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return parse


def _between(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise ValueError(text)
        return value

    return parse


def _colour(text: str) -> str:
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        raise ValueError(text)
    return text
