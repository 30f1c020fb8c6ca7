"""How long each picture of a preview is shown, and that the same pictures make the same file."""

import io
import os
from itertools import pairwise
from typing import cast

import av
import pytest
from PIL import Image

from pipeline import decode, pick
from pipeline.demux import Demuxer, Run
from pipeline.ffmpeg import Frame, Limits
from pipeline.pick import Scenes
from pipeline.preview import RATE, _durations, _film, take
from tests.pictures.service import colour_of


def test_pictures_follow_one_another_as_in_the_video() -> None:
    assert _durations([0, 0.08, 0.16, 0.28], 1, 0.36) == pytest.approx([0.08, 0.08, 0.12, 0.08], abs=0.01)


def test_between_scenes_nothing_lingers() -> None:
    shown = _durations([0, 0.1, 0.2, 0.6, 0.7, 30, 30.1], 3, 0.4 + 3 / RATE)
    assert shown == pytest.approx([0.1, 0.1, 1 / RATE, 0.1, 1 / RATE, 0.1, 1 / RATE])


@pytest.mark.parametrize("moments", [[0.0], [0.0, 20, 40, 60], [0.0, 1, 20, 21, 40, 41, 60, 61]])
def test_what_changes_seldom_is_shown_for_as_long(moments: list[float]) -> None:
    shown = _durations(moments, min(4, len(moments)), 5)
    assert sum(shown) == pytest.approx(5)
    assert max(shown) <= 5 / min(4, len(moments))


def test_a_picture_that_stands_in_a_clip_stands_in_its_preview() -> None:
    assert _durations([0, 0.1, 3.1], 1, 3.3) == pytest.approx([0.1, 3, 0.2])


@pytest.mark.parametrize("moments", [[0.0, 0.1, 0.3, 0.2, 0.4], [0.0, 0.1, 0.1, 0.1, 0.2]], ids=["crossed", "doubled"])
@pytest.mark.parametrize("kind", ["webp", "mp4"])
def test_pictures_come_one_behind_the_other_whatever_times_a_decoder_gives_them(
    monkeypatch: pytest.MonkeyPatch, kind: str, moments: list[float]
) -> None:
    frames = [Frame(seconds, Image.new("RGB", (64, 36), (50 * n,) * 3)) for n, seconds in enumerate(moments)]
    monkeypatch.setattr(pick, "scenes", lambda *_: Scenes([], 1, 0.5))
    monkeypatch.setattr(decode, "frames", lambda *_: iter(frames))

    class Opened:
        def stills(self, _numbers: list[int]) -> list[Run]:
            return []

    made = take(cast(Demuxer, Opened()), kind, "#000000", Limits(memory=2**30, seconds=10))
    assert made.start == 0.0
    if kind == "webp":
        image = Image.open(io.BytesIO(made.content))
        assert getattr(image, "n_frames", 1) == len(frames)
        return
    with av.open(io.BytesIO(made.content), "r") as container:
        decoded = list(container.decode(video=0))
    pictures = [frame.to_image() for frame in decoded]  # type: ignore[no-untyped-call]
    shown = [(float(frame.time), colour_of(picture)[0]) for frame, picture in zip(decoded, pictures, strict=True)]
    assert all(before < after for before, after in pairwise(shown))
    assert [round(level / 50) for _, level in shown] == list(range(len(frames)))


def test_the_same_pictures_make_the_same_film_whatever_was_in_memory_before() -> None:
    texture = Image.frombytes("RGB", (40, 30), bytes(range(200)) * 18)
    pictures = [texture.rotate(3 * n).resize((320, 240)) for n in range(30)]
    films = set()
    for length in (1, 100_000, 300_000, 1_000_000):
        rubbish = [os.urandom(length) for _ in range(5)]
        del rubbish
        films.add(_film(pictures, [1 / RATE] * len(pictures)))
    assert len(films) == 1
