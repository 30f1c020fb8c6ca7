"""What can be set, what each setting may hold, and the one reader of a stack's configuration.

Every fault is found before the first resource is declared, and all of them are told at once.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pulumi
from pulumi.runtime import config as stack_config


@dataclass(frozen=True)
class Settings:
    """How the service works; the defaults are those of `Pulumi.yaml`, where each setting is described."""

    suffixes: Sequence[str] = (".mp4",)
    position: str = "auto"
    widths: Sequence[int] = (640,)
    format: str = "jpg"
    quality: int = 80
    fit: str = "contain"
    height: int = 0
    pad_color: str = "#000000"
    storyboard: bool = False
    storyboard_playlist: bool = False
    storyboard_budget: int = 64
    preview: bool = False
    preview_format: str = "webp"
    placeholder: bool = False
    manifest: bool = False
    bucket: str | None = None
    output_bucket: str | None = None
    output_prefix: str = ""
    architecture: str = "x86_64"
    memory_size: int = 1769
    timeout: int = 900
    job_seconds: int = 300
    reserved_concurrency: int | None = None
    log_retention_days: int = 30
    alarm_email: str | None = None
    force_destroy: bool = False


class SettingsError(pulumi.RunError):
    """Settings that cannot be used. The message names each of them, what it holds and what it may hold."""


def output_endings(settings: Settings) -> list[str]:
    """The endings of every key that the function writes: the pictures', and those of what else is asked for."""
    # An MP4 of its own is called .m4v, because .mp4 is what mostly triggers.
    preview = ".preview.m4v" if settings.preview_format == "mp4" else ".preview.webp"
    further = (
        (settings.storyboard, ".storyboard.vtt"),
        (settings.storyboard and settings.storyboard_playlist, ".storyboard.m3u8"),
        (settings.preview, preview),
        (settings.manifest, ".thumbnails.json"),
    )
    return [f".{settings.format}", *(ending for wanted, ending in further if wanted)]


def setting_names() -> list[str]:
    """The keys of the configuration, in the order of `Pulumi.yaml`."""
    return [key.name for key in _KEYS]


def read_settings(config: pulumi.Config) -> Settings:
    """The settings in `config`; a key that is not set has its default. Raises `SettingsError` with every fault."""
    values: dict[str, Any] = {}
    faults = list(_unknown_keys(config.name))
    for key in _KEYS:
        text = config.get(key.name)
        if text is None:
            continue
        try:
            values[key.field] = key.read(text)
        except ValueError:
            faults.append(key.fault(text))
    faults += _rule_faults(Settings(**values), {fault.key for fault in faults})
    if faults:
        raise _error(faults)
    return Settings(**values)


def check(settings: Settings) -> None:
    """Raises `SettingsError` with every fault of `settings`."""
    faults = _rule_faults(settings, set())
    if faults:
        raise _error(faults)


@dataclass(frozen=True)
class _Fault:
    key: str
    says: str


@dataclass(frozen=True)
class _Key:
    """One setting. `read` makes its value of the configuration's text, or raises ValueError."""

    field: str
    read: Callable[[str], Any]
    may_hold: str
    allows: Callable[[Any], bool]

    @property
    def name(self) -> str:
        first, *rest = self.field.split("_")
        return first + "".join(word.title() for word in rest)

    def fault(self, held: object) -> _Fault:
        # Quoted where it could not be seen: the empty text, a blank at an end, a control character.
        plain = isinstance(held, str) and held and held.isprintable() and held == held.strip()
        shown = held if plain else json.dumps(held, default=repr)
        return _Fault(self.name, f"{self.name} holds {shown}; it may hold {self.may_hold}")


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise ValueError(text)
    return int(text)


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _list_of(kind: type) -> Callable[[str], tuple[Any, ...]]:
    def read(text: str) -> tuple[Any, ...]:
        items = json.loads(text)
        # type() and not isinstance(): true is an int to Python.
        if not isinstance(items, list) or any(type(item) is not kind for item in items):
            raise ValueError(text)
        return tuple(items)

    return read


def _or_unset(text: str) -> str | None:
    return text or None


def _whole_or_unset(text: str) -> int | None:
    return None if text == "-1" else _whole(text)


def _within(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _suffixes_fit(suffixes: Sequence[str]) -> bool:
    def overlap(one: str, other: str) -> bool:
        return one.endswith(other) or other.endswith(one)

    return (
        not isinstance(suffixes, str)
        and 1 <= len(suffixes) <= 20
        and all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", suffix) for suffix in suffixes)
        and not any(overlap(one, other) for at, one in enumerate(suffixes) for other in suffixes[at + 1 :])
    )


def _position_fits(position: str) -> bool:
    share = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%", position)
    if share:
        return float(share[1]) <= 100
    clock = r"([0-9]{1,3}:)?[0-5]?[0-9]:[0-5]?[0-9](\.[0-9]{1,3})?"
    return position == "auto" or re.fullmatch(rf"[0-9]{{1,6}}(\.[0-9]{{1,3}})?|{clock}", position) is not None


def _widths_fit(widths: Sequence[int]) -> bool:
    return 1 <= len(widths) <= 8 and len(set(widths)) == len(widths) and all(map(_within(0, 16383), widths))


def _bucket_fits(name: str | None) -> bool:
    return name is None or (
        re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name) is not None
        and ".." not in name
        and re.fullmatch(r"[0-9]+(\.[0-9]+){3}", name) is None
        # Names of access points, and of buckets that send no notifications (directory and table buckets).
        and not name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))
    )


def _prefix_fits(prefix: str) -> bool:
    return (
        len(prefix.encode()) <= 512
        and not prefix.startswith("/")
        and "//" not in prefix
        and ".." not in prefix
        # *, ? and $ mean something in the policy that lets the function write there.
        and not any(mark in "*?$\\" or not mark.isprintable() for mark in prefix)
    )


def _address_fits(address: str | None) -> bool:
    return address is None or re.fullmatch(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+", address) is not None


_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""What CloudWatch Logs takes (API Reference, PutRetentionPolicy)."""

_FORMATS = ("jpg", "webp", "avif", "png")
_ARCHITECTURES = ("x86_64", "arm64")

_BUCKET = (
    "the name of a general purpose bucket (3 to 63 lower-case letters, digits, dots and hyphens, "
    "with a letter or digit at each end), or nothing"
)

_KEYS = (
    # S3 refuses rules of which one key could match two. The limits keep the role's policy, which names every suffix
    # twice, under IAM's 10,240 characters; the characters are those that S3's filters and IAM take as they are.
    _Key(
        "suffixes",
        _list_of(str),
        'a list of 1 to 20 endings such as [".mp4", ".mov"], each 1 to 64 letters, digits, dots, hyphens or '
        "underscores, none of them the ending of another",
        _suffixes_fit,
    ),
    _Key(
        "position",
        str,
        "auto, seconds such as 12.5 (less than 1000000), a time such as 1:30, or a share from 0% to 100%",
        _position_fits,
    ),
    # 16,383 is the widest picture that WebP holds; the other formats' limits are larger.
    _Key(
        "widths",
        _list_of(int),
        "a list of 1 to 8 different whole numbers from 0 to 16383, such as [640, 320]",
        _widths_fit,
    ),
    _Key("format", str, "jpg, webp, avif or png", _FORMATS.__contains__),
    _Key("quality", _whole, "a whole number from 1 to 100", _within(1, 100)),
    _Key("fit", str, "contain, cover or pad", ("contain", "cover", "pad").__contains__),
    _Key("height", _whole, "a whole number from 0 to 16383", _within(0, 16383)),
    _Key("pad_color", str, "a colour such as #1a2b3c", lambda colour: bool(re.fullmatch("#[0-9a-fA-F]{6}", colour))),
    _Key("storyboard", _flag, "true or false", lambda value: isinstance(value, bool)),
    _Key("storyboard_playlist", _flag, "true or false", lambda value: isinstance(value, bool)),
    # What is read is kept in memory, and no more than 192 MiB of one video are.
    _Key("storyboard_budget", _whole, "a whole number of MiB from 0 to 128", _within(0, 128)),
    _Key("preview", _flag, "true or false", lambda value: isinstance(value, bool)),
    _Key("preview_format", str, "webp or mp4", ("webp", "mp4").__contains__),
    _Key("placeholder", _flag, "true or false", lambda value: isinstance(value, bool)),
    _Key("manifest", _flag, "true or false", lambda value: isinstance(value, bool)),
    _Key("bucket", _or_unset, _BUCKET, _bucket_fits),
    _Key("output_bucket", _or_unset, _BUCKET, _bucket_fits),
    # S3's keys have at most 1,024 bytes: half for the prefix leaves half for the video's own name.
    _Key(
        "output_prefix",
        str,
        "at most 512 bytes such as thumbnails/, with no / in front, no //, no .. and none of * ? $ \\",
        _prefix_fits,
    ),
    _Key("architecture", str, "x86_64 or arm64", _ARCHITECTURES.__contains__),
    # 10,240 is Lambda's most. Under 512 the Python side and the decoder of a 4K video do not fit side by side.
    _Key("memory_size", _whole, "a whole number of megabytes from 512 to 10240", _within(512, 10240)),
    # 900 is Lambda's most. Under 30 a cold start and the index of a large video leave no time for the picture.
    _Key("timeout", _whole, "a whole number of seconds from 30 to 900", _within(30, 900)),
    _Key("job_seconds", _whole, "a whole number of seconds from 5 to 900", _within(5, 900)),
    # 0 would stop the function for good; -1 is how the configuration says "unset".
    _Key(
        "reserved_concurrency",
        _whole_or_unset,
        "a whole number from 1, or -1 to reserve nothing",
        lambda value: value is None or _within(1, 10**9)(value),
    ),
    _Key(
        "log_retention_days",
        _whole,
        f"one of {', '.join(map(str, _RETENTION_DAYS))}",
        lambda value: type(value) is int and value in _RETENTION_DAYS,
    ),
    _Key("alarm_email", _or_unset, "an e-mail address such as team@example.com, or nothing", _address_fits),
    _Key("force_destroy", _flag, "true or false", lambda value: isinstance(value, bool)),
)

assert [key.field for key in _KEYS] == [field.name for field in fields(Settings)]


def _rule_faults(settings: Settings, known_bad: set[str]) -> list[_Fault]:
    held = {key: getattr(settings, key.field) for key in _KEYS}
    faults = [key.fault(value) for key, value in held.items() if key.name not in known_bad and not _fits(key, value)]
    bad = known_bad | {fault.key for fault in faults}
    return faults + list(_combination_faults(settings, bad))


def _fits(key: _Key, value: Any) -> bool:
    # A value of another type, which only a Python caller can pass, is a fault like any other.
    try:
        return key.allows(value)
    except (TypeError, AttributeError):
        return False


def _combination_faults(settings: Settings, bad: set[str]) -> Iterator[_Fault]:
    if settings.height and not bad & {"height", "widths"} and settings.widths[0] == 0:
        yield _Fault(
            "height",
            f"height holds {settings.height}; it may hold 0 where the first of widths is 0, the video's own size",
        )
    if not bad & {"suffixes", "format", "manifest", "storyboard", "storyboardPlaylist", "preview", "previewFormat"}:
        endings = output_endings(settings)
        loops = [
            suffix
            for suffix in settings.suffixes
            if any(suffix.endswith(ending) or ending.endswith(suffix) for ending in endings)
        ]
        # In another bucket too: that may be the bucket of another stack, or of this one under its own name.
        if loops:
            yield _Fault(
                "suffixes",
                f"suffixes holds {', '.join(loops)}; it may hold no ending that a picture could have, which would "
                f"start the function again: with these settings its objects end in {' and '.join(endings)}",
            )


def _unknown_keys(namespace: str) -> Iterator[_Fault]:
    # Config has no list of its keys; these two are where it looks them up.
    visible: Mapping[str, Any] = {**stack_config.get_config_env(), **stack_config.CONFIG.get()}
    names = setting_names()
    for full_name in sorted(visible):
        found_in, _, name = full_name.partition(":")
        if found_in == namespace and name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(names)}"
            yield _Fault(name, f"{name} is no setting; {hint}")


def _error(faults: Sequence[_Fault]) -> SettingsError:
    count = "1 setting" if len(faults) == 1 else f"{len(faults)} settings"
    lines = "\n".join(f"  {fault.says}" for fault in faults)
    return SettingsError(
        f"{count} cannot be used, and nothing was changed:\n{lines}\n"
        "Set a key with `pulumi config set KEY VALUE`, one item of a list with "
        "`pulumi config set --path 'widths[0]' 640`, and remove a key with `pulumi config rm KEY`."
    )
