"""The one table of settings: what each may hold, its default, and whether the image reads it.

Every fault is found before the first resource is declared, and all of them are told at once.
"""

# ruff: noqa: RUF009 - _setting makes a field

import difflib
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any

import pulumi
from pulumi.runtime import config as stack_config

WIDEST = 16383
"""Pixels; the widest picture that WebP holds. The limits of the other formats are larger."""

MOST_PATTERNS = 100
"""Suffixes times prefixes: S3 takes this many notifications for one bucket (Amazon S3 quotas)."""


class SettingsError(pulumi.RunError):
    """Settings that cannot be used. The message names each of them, what it holds and what it may hold."""

    def __init__(self, faults: Sequence[str]) -> None:
        count = "1 setting" if len(faults) == 1 else f"{len(faults)} settings"
        lines = "\n".join(f"  {fault}" for fault in faults)
        self.faults = f"{count} cannot be used, and nothing was changed:\n{lines}"
        """Without the advice how a stack's settings are set."""
        super().__init__(
            f"{self.faults}\n"
            "Set a key with `pulumi config set KEY VALUE`, one item of a list with "
            "`pulumi config set --path 'widths[0]' 640`, and remove a key with `pulumi config rm KEY`."
        )


@dataclass(frozen=True)
class _Kind:
    """What a setting may hold. `read` makes a value of the configuration's text, or raises ValueError."""

    read: Callable[[str], Any]
    may_hold: str
    allows: Callable[[Any], bool]


def _setting(default: Any, kind: _Kind, image: bool = False) -> Any:
    """Return a field of `Settings`. `image`: the function's image reads it, under the same name."""
    return field(default=default, metadata={"kind": kind, "image": image})


def _integer(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise ValueError(text)
    return int(text)


def _whole(least: int, most: int, unit: str = "") -> _Kind:
    may_hold = f"a whole number{unit and f' of {unit}'} from {least} to {most}"
    return _Kind(_integer, may_hold, lambda value: type(value) is int and least <= value <= most)


def _choice(*options: str) -> _Kind:
    return _Kind(str, f"{', '.join(options[:-1])} or {options[-1]}", options.__contains__)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


_FLAG = _Kind(_truth, "true or false", lambda value: isinstance(value, bool))


def _text(pattern: str, may_hold: str) -> _Kind:
    """Return a text that is empty, or all of which `pattern` matches; or an output, which nobody can look into yet."""

    def allows(value: Any) -> bool:
        return isinstance(value, pulumi.Output) or value == "" or re.fullmatch(pattern, value) is not None

    return _Kind(str, f"{may_hold}, or nothing", allows)


def _list_of(type_: type, may_hold: str, allows: Callable[[Sequence[Any]], bool]) -> _Kind:
    def read(text: str) -> tuple[Any, ...]:
        items = json.loads(text)
        # None is an item that was passed over: see `_filled`. type() and not isinstance(): true is an int to Python.
        if not isinstance(items, list) or any(item is not None and type(item) is not type_ for item in items):
            raise ValueError(text)
        return tuple(items)

    return _Kind(read, may_hold, lambda items: not isinstance(items, str) and allows(items))


def _texts(pattern: str, may_hold: str, most: int) -> _Kind:
    """Return a list of at most `most` different texts or outputs."""

    def allows(items: Sequence[Any]) -> bool:
        texts = [item for item in items if not isinstance(item, pulumi.Output)]
        return (
            len(items) <= most and len(set(texts)) == len(texts) and all(re.fullmatch(pattern, text) for text in texts)
        )

    return _list_of(str, f"a list of at most {most} different {may_hold}", allows)


def _apart(texts: Sequence[str], holds: Callable[[str, str], bool]) -> bool:
    return not any(holds(one, other) or holds(other, one) for one, other in itertools.combinations(texts, 2))


def _suffixes_fit(suffixes: Sequence[str]) -> bool:
    return (
        1 <= len(suffixes) <= MOST_PATTERNS
        and all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", suffix) for suffix in suffixes)
        and _apart(suffixes, str.endswith)
    )


def _prefixes_fit(prefixes: Sequence[str]) -> bool:
    return (
        len(prefixes) <= 20
        and all(0 < len(prefix.encode()) <= 128 and _key_fits(prefix) for prefix in prefixes)
        and _apart(prefixes, str.startswith)
    )


def _key_fits(start: str) -> bool:
    # *, ? and $ mean something in a role's policy, * and \ in a rule's pattern.
    return not start.startswith("/") and not any(mark in "*?$\\" or not mark.isprintable() for mark in start)


def _output_prefix_fits(prefix: str) -> bool:
    return len(prefix.encode()) <= 512 and "//" not in prefix and ".." not in prefix and _key_fits(prefix)


def _position_fits(position: str) -> bool:
    share = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%", position)
    if share:
        return float(share[1]) <= 100
    clock = r"([0-9]{1,3}:)?[0-5]?[0-9]:[0-5]?[0-9](\.[0-9]{1,3})?"
    return position == "auto" or re.fullmatch(rf"[0-9]{{1,6}}(\.[0-9]{{1,3}})?|{clock}", position) is not None


def _widths_fit(widths: Sequence[int]) -> bool:
    return (
        1 <= len(widths) <= 8
        and len(set(widths)) == len(widths)
        and all(type(width) is int and 0 <= width <= WIDEST for width in widths)
    )


def _bucket_fits(name: Any) -> bool:
    if isinstance(name, pulumi.Output) or name == "":
        return True
    return (
        re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name) is not None
        and ".." not in name
        and re.fullmatch(r"[0-9]+(\.[0-9]+){3}", name) is None
        # Names of access points, and of buckets that send no notifications (directory and table buckets).
        and not name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))
    )


def _bus(text: str) -> bool | str:
    return text == "true" if text in ("", "true", "false") else text


_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""What CloudWatch Logs takes (API Reference, PutRetentionPolicy)."""

# S3 refuses notifications of which one key could match two. The characters of a suffix are those that S3's filters,
# EventBridge's patterns and IAM take as they are.
_SUFFIXES = _list_of(
    str,
    f'a list of 1 to {MOST_PATTERNS} endings such as [".mp4", ".mov"], each 1 to 64 letters, digits, dots, hyphens or '
    "underscores, none of them the ending of another",
    _suffixes_fit,
)
_PREFIXES = _list_of(
    str,
    'a list of at most 20 beginnings of keys such as ["videos/"], each at most 128 bytes with no / in front and none '
    "of * ? $ \\, none of them the beginning of another",
    _prefixes_fit,
)
_WIDTHS = _list_of(int, f"a list of 1 to 8 different whole numbers from 0 to {WIDEST}, such as [640, 320]", _widths_fit)
_BUCKET = _Kind(
    str,
    "the name of a general purpose bucket (3 to 63 lower-case letters, digits, dots and hyphens, "
    "with a letter or digit at each end), or nothing",
    _bucket_fits,
)
# S3's keys have at most 1,024 bytes: half for the prefix leaves half for the video's own name.
_OUTPUT_PREFIX = _Kind(
    str,
    "at most 512 bytes such as thumbnails/, with no / in front, no //, no .. and none of * ? $ \\",
    _output_prefix_fits,
)
_POSITION = _Kind(
    str,
    "auto, seconds such as 12.5 (less than 1000000), a time such as 1:30, or a share from 0% to 100%",
    _position_fits,
)
_COLOUR = _Kind(str, "a colour such as #1a2b3c", lambda colour: bool(re.fullmatch("#[0-9a-fA-F]{6}", colour)))
_NOTIFY = _Kind(
    _bus,
    "true (a bus of the stack), false, or the ARN of an EventBridge bus",
    lambda bus: (
        isinstance(bus, bool | pulumi.Output)
        or bool(re.fullmatch(r"arn:[a-z-]+:events:[a-z0-9-]+:\d{12}:event-bus/[\w./-]{1,256}", bus))
    ),
)
_RESERVED = _Kind(
    # 0 would stop the function for good; -1 is how the configuration says "unset".
    lambda text: None if text == "-1" else _integer(text),
    "a whole number from 1, or -1 to reserve nothing",
    lambda value: value is None or (type(value) is int and 1 <= value < 10**9),
)
_DAYS = _Kind(
    _integer,
    f"one of {', '.join(map(str, _RETENTION_DAYS))}",
    lambda value: type(value) is int and value in _RETENTION_DAYS,
)


@dataclass(frozen=True)
class Settings:
    """How the service works; `Pulumi.yaml` describes each setting, and has the same defaults.

    In a program, names of buckets and ARNs may be outputs of other resources.
    """

    # The videos
    bucket: pulumi.Input[str] = _setting("", _BUCKET)
    suffixes: Sequence[str] = _setting((".mp4",), _SUFFIXES)
    ignore_case: bool = _setting(False, _FLAG)
    prefixes: Sequence[str] = _setting((), _PREFIXES)
    trigger: str = _setting("auto", _choice("auto", "s3", "eventbridge"))
    backfill: bool = _setting(False, _FLAG)
    kms_keys: Sequence[pulumi.Input[str]] = _setting(
        (), _texts(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[\w-]+", "ARNs of KMS keys (arn:aws:kms:…:key/…)", 10)
    )
    # The poster
    position: str = _setting("auto", _POSITION, image=True)
    time_in_name: bool = _setting(True, _FLAG, image=True)
    widths: Sequence[int] = _setting((640,), _WIDTHS, image=True)
    format: str = _setting("jpg", _choice("jpg", "webp", "avif", "png"), image=True)
    quality: int = _setting(80, _whole(1, 100), image=True)
    fit: str = _setting("contain", _choice("contain", "cover", "pad"), image=True)
    height: int = _setting(0, _whole(0, WIDEST), image=True)
    pad_color: str = _setting("#000000", _COLOUR, image=True)
    stills: int = _setting(0, _whole(0, 20), image=True)
    # The storyboard
    storyboard: bool = _setting(False, _FLAG, image=True)
    storyboard_playlist: bool = _setting(False, _FLAG, image=True)
    storyboard_json: bool = _setting(False, _FLAG, image=True)
    storyboard_interval: int = _setting(0, _whole(0, 3600, "seconds"), image=True)
    storyboard_tiles: int = _setting(0, _whole(0, 500), image=True)
    storyboard_columns: int = _setting(10, _whole(1, 50), image=True)
    storyboard_width: int = _setting(160, _whole(16, 640, "pixels"), image=True)
    # What is read is kept in memory, and no more than 192 MiB of one video are.
    storyboard_budget: int = _setting(64, _whole(0, 128, "MiB"), image=True)
    # The preview
    preview: bool = _setting(False, _FLAG, image=True)
    preview_format: str = _setting("webp", _choice("webp", "mp4", "gif"), image=True)
    preview_seconds: int = _setting(5, _whole(1, 30, "seconds"), image=True)
    preview_scenes: int = _setting(4, _whole(1, 20), image=True)
    preview_width: int = _setting(320, _whole(16, 1280, "pixels"), image=True)
    preview_rate: int = _setting(12, _whole(1, 30, "frames a second"), image=True)
    # What is written, and where
    manifest: bool = _setting(False, _FLAG, image=True)
    placeholder: bool = _setting(False, _FLAG, image=True)
    output_bucket: pulumi.Input[str] = _setting("", _BUCKET, image=True)
    output_prefix: str = _setting("", _OUTPUT_PREFIX, image=True)
    # Files are replaced in place, when a video is uploaded again or retaken: an hour is how long a viewer may see the
    # old one, and spares S3 a request for each view. Not `public`, which would let shared caches keep what was fetched
    # with credentials.
    cache_control: str = _setting(
        "max-age=3600",
        _text(r"[\x20-\x7e]{1,256}", "a Cache-Control header of at most 256 ASCII characters"),
        image=True,
    )
    overwrite: bool = _setting(False, _FLAG, image=True)
    delete_outputs: bool = _setting(False, _FLAG, image=True)
    notify: bool | pulumi.Input[str] = _setting(False, _NOTIFY)
    # The function and its image
    architecture: str = _setting("x86_64", _choice("x86_64", "arm64"))
    # 10,240 is Lambda's most. Under 512 the Python side and the decoder of a 4K video do not fit side by side.
    memory_size: int = _setting(1769, _whole(512, 10240, "megabytes"))
    # 900 is Lambda's most. Under 30 a cold start and the index of a large video leave no time for the picture.
    timeout: int = _setting(900, _whole(30, 900, "seconds"))
    job_seconds: int = _setting(300, _whole(5, 900, "seconds"), image=True)
    reserved_concurrency: int | None = _setting(None, _RESERVED)
    subnet_ids: Sequence[pulumi.Input[str]] = _setting((), _texts(r"subnet-[0-9a-f]+", "subnets (subnet-…)", 16))
    security_group_ids: Sequence[pulumi.Input[str]] = _setting((), _texts(r"sg-[0-9a-f]+", "security groups (sg-…)", 5))
    image_uri: pulumi.Input[str] = _setting(
        "",
        _text(
            r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}",
            "an image of ECR by its digest (….dkr.ecr.….amazonaws.com/NAME@sha256:…)",
        ),
    )
    base_image: str = _setting(
        "public.ecr.aws/lambda/python:3.13",
        _Kind(
            str,
            "an image such as public.ecr.aws/lambda/python:3.13, which @sha256:… may follow",
            lambda image: bool(re.fullmatch(r"[a-z0-9][\w.:/-]{1,254}(@sha256:[0-9a-f]{64})?", image)),
        ),
    )
    build_on_preview: bool = _setting(False, _FLAG)
    # Operations
    log_retention_days: int = _setting(30, _DAYS)
    alarm_email: str = _setting(
        "", _text(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+", "an e-mail address such as team@example.com")
    )
    alarm_topic: pulumi.Input[str] = _setting(
        "", _text(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}", "the ARN of an SNS topic that is not FIFO")
    )
    force_destroy: bool = _setting(False, _FLAG)


def setting_names() -> list[str]:
    """Return the keys of the configuration, in the order of `Pulumi.yaml`."""
    return [_name(each) for each in fields(Settings)]


def image_settings(settings: Settings) -> dict[str, Any]:
    """Return what the image reads, by the keys of the configuration, as JSON takes it; the values may be outputs."""
    return {_name(each): getattr(settings, each.name) for each in fields(Settings) if each.metadata["image"]}


def output_endings(settings: Settings) -> list[str]:
    """Return the endings of every key that the function writes: the posters', and those of what else is asked for."""
    # An MP4 of its own is called .m4v, because .mp4 is what mostly triggers.
    preview = {"webp": ".preview.webp", "gif": ".preview.gif", "mp4": ".preview.m4v"}[settings.preview_format]
    further = (
        (settings.storyboard, ".storyboard.vtt"),
        (settings.storyboard and settings.storyboard_playlist, ".storyboard.m3u8"),
        (settings.storyboard and settings.storyboard_json, ".storyboard.json"),
        (settings.preview, preview),
        (settings.manifest, ".thumbnails.json"),
    )
    return [f".{settings.format}", *(ending for wanted, ending in further if wanted)]


def spellings(settings: Settings) -> Iterator[str]:
    """Yield the suffixes as those must name them who tell capitals from small letters: IAM, S3 and EventBridge's
    wildcards.

    With `ignore_case` there are 2 ** n for a suffix of n letters.
    """
    for suffix in settings.suffixes:
        marks = [{mark.lower(), mark.upper()} if settings.ignore_case else {mark} for mark in suffix]
        yield from map("".join, itertools.product(*map(sorted, marks)))


def read_settings(config: pulumi.Config) -> Settings:
    """Return the settings in `config`; a key that is not set has its default. Raises `SettingsError` with every
    fault."""
    values: dict[str, Any] = {}
    faults = list(_unknown_keys(config.name))
    for each in fields(Settings):
        text = config.get(_name(each))
        if text is None:
            continue
        try:
            values[each.name] = _filled(each, _kind(each).read(text))
        except _PassedOver as gap:
            faults.append(_Fault(_name(each), str(gap)))
        except ValueError:
            faults.append(_fault(each, text))
    faults += _rule_faults(Settings(**values), {fault.key for fault in faults})
    if faults:
        raise SettingsError([fault.says for fault in faults])
    return Settings(**values)


def check(settings: Settings) -> None:
    """Raise `SettingsError` with every fault of `settings`."""
    faults = _rule_faults(settings, set())
    if faults:
        raise SettingsError([fault.says for fault in faults])


@dataclass(frozen=True)
class _Fault:
    key: str
    says: str


class _PassedOver(Exception):
    """An item of a list has no value."""


def _name(setting: Field[Any]) -> str:
    first, *rest = setting.name.split("_")
    return first + "".join(word.title() for word in rest)


def _kind(setting: Field[Any]) -> _Kind:
    kind: _Kind = setting.metadata["kind"]
    return kind


def _fault(setting: Field[Any], held: object) -> _Fault:
    # Quoted where it could not be seen: the empty text, a blank at an end, a control character.
    plain = isinstance(held, str) and held and held.isprintable() and held == held.strip()
    shown = held if plain else json.dumps(held, default=repr)
    return _Fault(_name(setting), f"{_name(setting)} holds {shown}; it may hold {_kind(setting).may_hold}")


def _filled(setting: Field[Any], value: Any) -> Any:
    """Return a list with the default's items where it has none: `pulumi config set --path 'widths[1]' 320` on a key
    that has only its default writes `[null, 320]`."""
    if not isinstance(value, tuple):
        return value
    default: Any = setting.default
    filled = tuple(
        item if item is not None else (default[place] if place < len(default) else None)
        for place, item in enumerate(value)
    )
    if None in filled:
        item = f"{_name(setting)}[{filled.index(None)}]"
        raise _PassedOver(f"{item} has no value; set it: pulumi config set --path '{item}' VALUE")
    return filled


def _rule_faults(settings: Settings, known_bad: set[str]) -> list[_Fault]:
    held = [(each, getattr(settings, each.name)) for each in fields(Settings) if _name(each) not in known_bad]
    faults = [_fault(each, value) for each, value in held if not _fits(each, value)]
    bad = known_bad | {fault.key for fault in faults}
    return faults + list(_combinations(settings, bad))


def _fits(setting: Field[Any], value: Any) -> bool:
    # A value of another type, which only a Python caller can pass, is a fault like any other.
    try:
        return _kind(setting).allows(value)
    except (TypeError, AttributeError):
        return False


def _combinations(settings: Settings, bad: set[str]) -> Iterator[_Fault]:
    """Faults of settings that do not go together; one that is bad by itself is compared with no other."""

    def good(*keys: str) -> bool:
        return not bad & set(keys)

    if good("height", "widths") and settings.height and settings.widths[0] == 0:
        yield _Fault(
            "height",
            f"height holds {settings.height}; it may hold 0 where the first of widths is 0, the video's own size",
        )
    if good("suffixes", "ignoreCase", "format", "manifest", "preview", "previewFormat") and good(
        "storyboard", "storyboardPlaylist", "storyboardJson"
    ):
        yield from _loops(settings)
    if good("suffixes", "ignoreCase") and settings.ignore_case:
        if not _apart([suffix.lower() for suffix in settings.suffixes], str.endswith):
            yield _Fault("suffixes", "suffixes holds two that end alike; with ignoreCase .mp4 stands for .MP4 too")
        if settings.trigger == "s3":
            yield _Fault("ignoreCase", "ignoreCase holds true; it may hold false with trigger s3, whose filters cannot")
    if good("suffixes", "ignoreCase", "prefixes") and settings.prefixes:
        # S3 and EventBridge's wildcards need each of them spelled out.
        spelled = sum(1 for _ in itertools.islice(spellings(settings), MOST_PATTERNS + 1)) * len(settings.prefixes)
        if spelled > MOST_PATTERNS:
            yield _Fault(
                "prefixes",
                f"prefixes holds {len(settings.prefixes)}; with the {len(settings.suffixes)} suffixes"
                f"{', in capitals and small letters,' if settings.ignore_case else ''} that makes more than "
                f"{MOST_PATTERNS} pairs; it may hold fewer, or suffixes may",
            )
    if good("storyboardColumns", "storyboardWidth"):
        across = settings.storyboard_columns * settings.storyboard_width
        if across > WIDEST:
            yield _Fault(
                "storyboardColumns",
                f"storyboardColumns holds {settings.storyboard_columns}; it may hold at most "
                f"{WIDEST // settings.storyboard_width} with tiles of {settings.storyboard_width} pixels, because a "
                f"sheet is at most {WIDEST} pixels wide",
            )
    if good("subnetIds", "securityGroupIds") and bool(settings.subnet_ids) != bool(settings.security_group_ids):
        empty, other = ("subnetIds", "securityGroupIds")[:: 1 if settings.security_group_ids else -1]
        yield _Fault(empty, f"{empty} holds []; it may hold at least one with {other}, as Lambda needs both or neither")


def _loops(settings: Settings) -> Iterator[_Fault]:
    def written(text: str) -> str:
        return text.lower() if settings.ignore_case else text

    endings = output_endings(settings)
    loops = [
        suffix
        for suffix in settings.suffixes
        if any(not _apart((written(suffix), ending), str.endswith) for ending in endings)
    ]
    # In another bucket too: that may be the bucket of another stack, or of this one under its own name.
    if loops:
        yield _Fault(
            "suffixes",
            f"suffixes holds {', '.join(loops)}; it may hold no ending that an output could have, which would start "
            f"the function again: with these settings its objects end in {' and '.join(endings)}",
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
