"""The function's settings: the one reader of its environment.

The infrastructure writes them as one variable of JSON, `THUMBNAILER`, with the keys of `Pulumi.yaml`, where each is
described. A key that is missing has the default of the dataclass here.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from model import MIB, VERSION, WIDEST, Wanted
from position import Position

VARIABLE, MEMORY = "THUMBNAILER", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
FORMATS = ("jpg", "webp", "avif", "png")
FITS = ("contain", "cover", "pad")
PREVIEWS = ("webp", "mp4", "gif")
MOST_WIDTHS = 8
"""Each is a poster to encode and an object to write."""


class BadEnvironment(Exception):
    """The function's environment cannot be read; names every key at fault, what it holds and what it may hold."""


@dataclass(frozen=True)
class Settings:
    """What the stack asks of every video, and where its outputs go."""

    wanted: Wanted = field(default_factory=Wanted)
    output_bucket: str = ""
    """Bucket of the outputs; empty for the bucket of the video."""
    output_prefix: str = ""
    time_in_name: bool = True
    """Whether a name that ends in a time asks for it."""
    overwrite: bool = False
    """Whether objects that somebody else put where outputs go are replaced."""
    delete_outputs: bool = False
    """Whether the outputs of a video go with it."""
    event_bus: str = ""
    """Name or ARN of the bus that outcomes are announced on; empty for none."""
    job_seconds: float = 300
    """Wall-clock time for one object."""
    memory_bytes: int = 1769 * MIB
    """What Lambda gives the whole function."""


def fingerprint(wanted: Wanted) -> str:
    """Return what shapes the outputs as one line, stored with each of them, so that a replay is recognised.

    It names the version of the code, and the settings that differ from that version's defaults.
    """
    usual, ours = asdict(Wanted()), asdict(wanted)
    changed = {name: value for name, value in ours.items() if value != usual[name]}
    if "position" in changed:
        changed["position"] = str(wanted.position)
    text = json.dumps(changed, separators=(",", ":"), sort_keys=True)
    return f"{VERSION} {text}" if changed else VERSION


def read(environment: Mapping[str, str]) -> Settings:
    """Read the settings of the function.

    Raises:
        BadEnvironment: naming all the keys at fault at once.
    """
    text = environment.get(VARIABLE, "{}")
    try:
        held = json.loads(text)
    except ValueError as fault:
        raise BadEnvironment(f"{VARIABLE} holds no JSON: {fault}") from fault
    if not isinstance(held, dict):
        raise BadEnvironment(f"{VARIABLE} holds {text[:100]}; it may be an object of JSON")
    values: dict[str, Any] = {}
    faults = []
    for key, value in held.items():
        if key not in _KEYS:
            faults.append(f"{key} is not a setting of the function")
            continue
        name, parse, may_be = _KEYS[key]
        try:
            values[name] = parse(value)
        except (ValueError, KeyError, TypeError):
            faults.append(f"{key} holds {json.dumps(value)}; it may be {may_be}")
    memory = environment.get(MEMORY, "1769")
    if not re.fullmatch(r"[0-9]{1,6}", memory, re.ASCII):
        faults.append(f"{MEMORY} holds {memory!r}; it may be a whole number of MiB")
    if faults:
        raise BadEnvironment("the function's settings cannot be read: " + "; ".join(faults))
    values["preview"] = values.get("preview", "webp") if values.pop("preview_wanted", False) else "none"
    mine = {entry.name for entry in fields(Wanted)}
    wanted = Wanted(**{name: value for name, value in values.items() if name in mine})
    rest = {name: value for name, value in values.items() if name not in mine}
    return Settings(wanted=wanted, memory_bytes=int(memory) * MIB, **rest)


def widths(values: object) -> tuple[int, ...]:
    """Check the widths of posters, in pixels.

    Raises:
        ValueError: they are not a list of 1 to `MOST_WIDTHS` whole numbers from 0 to `WIDEST`, each once.
    """
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_WIDTHS or len(set(map(repr, values))) < len(values):
        raise ValueError(values)
    if not all(type(value) is int and 0 <= value <= WIDEST for value in values):
        raise ValueError(values)
    return tuple(values)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _position(value: object) -> Position:
    return Position.parse(_text(value))


def _colour(value: object) -> str:
    if not re.fullmatch("#[0-9a-fA-F]{6}", _text(value)):
        raise ValueError(value)
    return str(value)


def _one_of(choices: tuple[str, ...]) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value not in choices:
            raise ValueError(value)
        return str(value)

    return parse


def _between(least: int, most: int, unit: int = 1) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(value)
        return value * unit

    return parse


def _number(least: float, most: float) -> Callable[[object], float]:
    def parse(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            raise ValueError(value)
        return float(value)

    return parse


_YES_OR_NO = "true or false"
_KEYS: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "position": ("position", _position, "auto, seconds, mm:ss or a percentage"),
    "widths": ("widths", widths, f"a list of 1 to {MOST_WIDTHS} different whole numbers from 0 to {WIDEST}"),
    "format": ("format", _one_of(FORMATS), ", ".join(FORMATS)),
    "quality": ("quality", _between(1, 100), "a whole number from 1 to 100"),
    "fit": ("fit", _one_of(FITS), ", ".join(FITS)),
    "height": ("height", _between(0, WIDEST), f"a whole number from 0 to {WIDEST}"),
    "padColor": ("pad_colour", _colour, "a colour such as #1a2b3c"),
    "cacheControl": ("cache_control", _text, "a text"),
    "stills": ("stills", _between(0, 20), "a whole number from 0 to 20"),
    "storyboard": ("storyboard", _flag, _YES_OR_NO),
    "storyboardPlaylist": ("storyboard_playlist", _flag, _YES_OR_NO),
    "storyboardJson": ("storyboard_json", _flag, _YES_OR_NO),
    "storyboardBudget": ("storyboard_budget", _between(0, 128, MIB), "a whole number of MiB from 0 to 128"),
    "storyboardInterval": ("storyboard_interval", _number(0, 3600), "seconds from 0 to 3600"),
    "storyboardWidth": ("storyboard_width", _between(16, 640), "a whole number from 16 to 640"),
    "storyboardTiles": ("storyboard_tiles", _between(0, 500), "a whole number from 0 to 500"),
    "storyboardColumns": ("storyboard_columns", _between(1, 50), "a whole number from 1 to 50"),
    "preview": ("preview_wanted", _flag, _YES_OR_NO),
    "previewFormat": ("preview", _one_of(PREVIEWS), ", ".join(PREVIEWS)),
    "previewSeconds": ("preview_seconds", _number(1, 30), "seconds from 1 to 30"),
    "previewScenes": ("preview_scenes", _between(1, 20), "a whole number from 1 to 20"),
    "previewWidth": ("preview_width", _between(16, 1280), "a whole number from 16 to 1280"),
    "previewRate": ("preview_rate", _between(1, 30), "a whole number from 1 to 30"),
    "placeholder": ("placeholder", _flag, _YES_OR_NO),
    "manifest": ("manifest", _flag, _YES_OR_NO),
    "outputBucket": ("output_bucket", _text, "a text"),
    "outputPrefix": ("output_prefix", _text, "a text"),
    "timeInName": ("time_in_name", _flag, _YES_OR_NO),
    "overwrite": ("overwrite", _flag, _YES_OR_NO),
    "deleteOutputs": ("delete_outputs", _flag, _YES_OR_NO),
    "eventBus": ("event_bus", _text, "a text"),
    "jobSeconds": ("job_seconds", _between(5, 900), "a whole number from 5 to 900"),
}
"""What each key of the JSON becomes here, how it is read, and what it may hold."""
