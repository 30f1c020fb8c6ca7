"""The function as S3 meets it: an object is put, its event is handed over, the images are fetched and looked at."""

import io
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote_plus

import pytest
from PIL import Image

from model import ReadPolicy
from service import settings
from tests.settings import environment_of

Colour = tuple[int, ...]


@dataclass(frozen=True)
class Context:
    """What Lambda tells the function of a call, as far as the handler asks."""

    seconds: float = 60.0
    function_name: str = "thumbnailer"
    function_version: str = "1"
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:thumbnailer"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass(frozen=True, repr=False)
class Answer:
    """What the handler said of one object, and the images that it left in the bucket."""

    client: Any
    bucket: str
    said: dict[str, Any]

    def __repr__(self) -> str:
        return json.dumps(self.said, ensure_ascii=False)

    @property
    def outcome(self) -> str:
        return str(self.said["outcome"])

    @property
    def reason(self) -> str:
        return str(self.said["reason"])

    @property
    def notes(self) -> list[str]:
        return list(self.said["notes"])

    @property
    def files(self) -> list[dict[str, Any]]:
        """All that was written: images, then texts."""
        return [*self.said["images"], *self.said["texts"]]

    @property
    def keys(self) -> list[str]:
        return [str(file["key"]) for file in self.files]

    @property
    def seconds(self) -> float:
        """The moment that the poster shows."""
        return float(self.said["images"][0]["seconds"])

    def object(self, number: int = 0) -> dict[str, Any]:
        """Return what S3 answers to a GET of an image, its body under `Content`."""
        assert self.outcome == "made", f"{self.outcome}: {self.reason}"
        found: dict[str, Any] = self.client.get_object(Bucket=self.bucket, Key=self.keys[number])
        return {**found, "Content": found["Body"].read()}

    def picture(self, number: int = 0) -> Image.Image:
        picture = Image.open(io.BytesIO(self.object(number)["Content"]))
        picture.load()
        said = self.files[number]
        assert picture.size == (said["width"], said["height"]), "the outcome states another size than the image has"
        return picture

    def numbers(self, kind: str) -> list[int]:
        """Return the numbers of the files of one kind."""
        return [number for number, file in enumerate(self.files) if file["kind"] == kind]

    def text(self, ending: str) -> str:
        """Return the one file whose name ends so."""
        (number,) = (number for number, key in enumerate(self.keys) if key.endswith(ending))
        return str(self.object(number)["Content"].decode())

    def colour(self, x: float = 0.5, y: float = 0.5) -> Colour:
        """Return the colour at a place of the poster, as shares of its width and height."""
        return colour_of(self.picture(), x, y)


class Service:
    """The function in this process, its settings changed from test to test."""

    def __init__(self, handler: ModuleType, client: Any, monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
        self.handler, self.client, self.bucket = handler, client, bucket
        self._monkeypatch, self._numbers = monkeypatch, itertools.count()

    def configure(self, **values: object) -> None:
        """Set the function's environment, and nothing else of it: `position="25%"`, `widths=[640, 320]`."""
        self._monkeypatch.setattr(self.handler.VIDEOS, "settings", settings.read(environment_of(values)))

    def read_by_ranges(self, **policy: int) -> None:
        """Shrinks what is fetched at once, so that tiny videos are read as large ones are: piece by piece."""
        small = {"whole": 9000, "edge": 4200, "tail": 4200, "gap": 0, "block": 4200, "hop": 4200}
        self._monkeypatch.setattr(self.handler.VIDEOS, "policy", ReadPolicy(**{**small, **policy}))

    def put(self, key: str, content: bytes | Path, **options: Any) -> dict[str, Any]:
        """Upload an object; return the record that S3 would send of it."""
        body = content.read_bytes() if isinstance(content, Path) else content
        response = self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **options)
        return record(self.bucket, key, len(body), response["ETag"].strip('"'), f"{next(self._numbers):016X}")

    def call(self, *records: Mapping[str, Any], context: Context | None = None) -> list[Answer]:
        """Hand the handler one event."""
        said = self.handler.handler({"Records": list(records)}, context or Context())
        json.dumps(said)  # as Lambda does with what a function returns
        return [Answer(self.client, self.bucket, outcome) for outcome in said["outcomes"]]

    def answer(self, content: bytes | Path, key: str = "video.mp4", **values: Any) -> Answer:
        """Return what becomes of one new object."""
        self.configure(**values)
        (answer,) = self.call(self.put(key, content))
        return answer

    def poster(self, content: bytes | Path, key: str = "video.mp4", **values: Any) -> Answer:
        """Return the answer for a video that must get its pictures."""
        answer = self.answer(content, key, **values)
        assert answer.outcome == "made", f"{answer.outcome}: {answer.reason}"
        return answer

    def listed(self) -> list[str]:
        """All objects of the bucket."""
        return [item["Key"] for item in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])]


def record(bucket: str, key: str, size: int, etag: str, sequencer: str) -> dict[str, Any]:
    """Return a record of an event, in S3's own notation."""
    return {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": bucket},
            "object": {"key": quote_plus(key, safe="/"), "size": size, "eTag": etag, "sequencer": sequencer},
        },
    }


def colour_of(picture: Image.Image, x: float = 0.5, y: float = 0.5) -> Colour:
    """Return the mean colour around a place, as shares of width and height: codecs ring, so one pixel tells little."""
    column, row = round(x * picture.width - 0.5), round(y * picture.height - 0.5)
    box = (max(0, column - 1), max(0, row - 1), min(picture.width, column + 2), min(picture.height, row + 2))
    patch = picture.crop(box).resize((1, 1), Image.Resampling.BOX)
    if patch.mode not in ("RGB", "RGBA"):
        patch = patch.convert("RGB")
    pixel = patch.getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel


def is_near(found: Sequence[int], wanted: Sequence[int], tolerance: int = 12) -> bool:
    """Whether two colours are the same to the eye."""
    return len(found) == len(wanted) and all(
        abs(mine - other) <= tolerance for mine, other in zip(found, wanted, strict=True)
    )
