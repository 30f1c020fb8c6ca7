"""What is uploaded, what goes wrong with it, and how each object must end; the same for the same numbers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from benchmarks.load.clips import NUMBERS, clip
from standin_s3.faults import WITHOUT_END, Fault

State = Literal["picture", "rejected", "skipped", "failure queue"]

SHARE = 0.05
"""Of the uploads, for each of: hostile files, faults, events sent twice, overwritten objects."""
LEAST = 6
"""Of each of these in a small run, so that it has one of every kind."""
S3_TRIES, READ_TRIES = 4, 5
"""How often the function's client asks (handler.py), and how often a body that broke off is asked for (source.py): a
fault that comes so often makes one invocation fail, and its retry finds S3 well."""

CUT = 100
"""Bytes of a video that still come: a part of every clip."""
FAULTS: tuple[tuple[str, Fault, State], ...] = (
    ("SlowDown for one attempt", Fault("SlowDown", count=S3_TRIES), "picture"),
    ("body cut off for one attempt", Fault("short", count=READ_TRIES, after=CUT), "picture"),
    ("reset while writing for one attempt", Fault("reset", "PUT", S3_TRIES), "picture"),
    ("forbidden for good", Fault("403", count=WITHOUT_END), "failure queue"),
    ("body cut off for good", Fault("short", count=WITHOUT_END, after=CUT), "failure queue"),
)
"""(name, what S3 does, where the object ends); the fault's method says whether it is the video's or its picture's."""
FAULT_SHARES = (3, 3, 2, 1, 1)
STATED: tuple[State, ...] = ("rejected", "skipped")
"""What must be said of a file that no picture can be made of: one of these."""

HOSTILE = ("playlist", "script", "page", "truncated", "garbage", "noise")


@dataclass(frozen=True)
class Put:
    """One upload."""

    key: str
    content: bytes
    kind: str
    """What it is, for the report."""
    number: int | None
    """What the clip shows; None for what is no video."""
    ends: tuple[State, ...]
    """The final states of the object, as long as the faults last, of which it must be in one."""
    after: "Put | None" = None
    """The upload of the same key that this one replaces."""
    sent_again: Literal["at once", "late"] | None = None
    """Whether its event is sent a second time: as soon as it is known, or when all uploads are done."""


@dataclass(frozen=True)
class Plan:
    """All uploads in their order, and what goes wrong with some of them."""

    puts: tuple[Put, ...]
    faults: tuple[Fault, ...]

    @property
    def final(self) -> dict[str, Put]:
        """The upload that decides of each key."""
        return {put.key: put for put in self.puts}

    @property
    def deliveries(self) -> int:
        """Events that the function gets, retries not counted."""
        return len(self.puts) + sum(put.sent_again is not None for put in self.puts)

    @property
    def settled(self) -> int:
        """Deliveries that end without a message in the failure queue while the faults last."""
        return self.deliveries - sum(put.ends == ("failure queue",) for put in self.puts)


def picture_key(key: str) -> str:
    """Return where the picture of a video goes."""
    return key.removesuffix(".mp4") + ".jpg"


def planned(uploads: int, seed: int = 1) -> Plan:
    """Return a plan of `uploads` uploads, of which 1 in 20 each is hostile, faulty, told twice, or one half of an
    overwrite.

    Raises:
        ValueError: more uploads than there are numbers, or too few for one of every kind.
    """
    each = max(LEAST, round(uploads * SHARE))
    if not 5 * each <= uploads < NUMBERS:
        raise ValueError(f"{uploads} uploads cannot be planned: 30 to {NUMBERS - 1} can")
    random = Random(seed)  # noqa: S311 - no secret: the same plan for the same seed
    numbers = iter(range(1, NUMBERS))
    faults: list[Fault] = []
    puts: list[Put] = []

    def video(kind: str, key: str | None = None, after: Put | None = None, ends: State = "picture") -> Put:
        number = next(numbers)
        return Put(key or f"load/{kind.split()[0]}-{number:04}.mp4", clip(number), kind, number, (ends,), after)

    for place in range(each):
        kind = HOSTILE[place % len(HOSTILE)]
        number = next(numbers)
        puts.append(
            Put(
                f"load/{kind}-{number:04}.mp4",
                hostile(kind, clip(number), random),
                f"hostile: {kind}",
                None,
                STATED,
            )
        )
    for (name, fault, ends), _ in zip(_weighted(), range(each), strict=False):
        put = video(f"fault: {name}", key=f"load/fault-{len(puts):04}.mp4", ends=ends)
        faults.append(replace(fault, key=put.key if fault.method == "GET" else picture_key(put.key)))
        puts.append(put)
    for place in range(each):
        put = video("event sent twice")
        puts.append(_again(put, "at once" if place % 2 else "late"))
    first = [_again(video("overwritten"), "late") for _ in range(each // 2)]
    # The second half of them only when the first versions have long got their pictures.
    second = [video("overwriting", key=put.key, after=put) for put in first]
    puts += first
    puts += [video("plain") for _ in range(uploads - len(puts) - len(second))]
    random.shuffle(puts)
    for place, put in enumerate(second):
        assert put.after is not None
        at = puts.index(put.after) + 1
        puts.insert(at if place % 2 else random.randint(at, len(puts)), put)
    return Plan(tuple(puts), tuple(faults))


def hostile(kind: str, video: bytes, random: Random) -> bytes:
    """Return a file of another kind than its name says."""
    return {
        "playlist": b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/segment.ts\nfile:///etc/passwd\n",
        "script": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "page": b"<!doctype html><title>video.mp4</title><script>alert(1)</script>\n",
        "truncated": video[: len(video) // 2],
        "garbage": video[:32] + random.randbytes(len(video)),
        "noise": random.randbytes(2048),
    }[kind]


def _again(put: Put, when: Literal["at once", "late"]) -> Put:
    return Put(put.key, put.content, put.kind, put.number, put.ends, put.after, when)


def _weighted() -> Iterator[tuple[str, Fault, State]]:
    # One of every kind first, so that a small run has them all.
    yield from FAULTS
    while True:
        for fault, share in zip(FAULTS, FAULT_SHARES, strict=True):
            for _ in range(share):
                yield fault
