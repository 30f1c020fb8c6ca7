"""A long index of which the sound's tables are left unread: the same picture of the same moment as with all of it."""

from pathlib import Path

import pytest

from .service import Answer, Service, is_near
from .videos import H264, SECONDS, Studio

SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:duration=8:sample_rate=48000")
TRACKS = {
    "video alone": ((), ("-map", "0")),
    "video, sound": (SOUND, ("-map", "0", "-map", "1")),
    "sound, video": (SOUND, ("-map", "1", "-map", "0")),
    "video, two sounds": ((*SOUND, *SOUND), ("-map", "0", "-map", "1", "-map", "2")),
    "video, sound that begins later": (("-itsoffset", "1.5", *SOUND), ("-map", "0", "-map", "1")),
    "video, sound that begins earlier": (("-itsoffset", "-1.5", *SOUND), ("-map", "0", "-map", "1")),
}
SPARED = {"video, sound", "video, sound that begins later", "video, sound that begins earlier"}


def with_sound(studio: Studio, tracks: str, *options: str) -> Path:
    inputs, maps = TRACKS[tracks]
    silent = studio.counting("silent.mp4", *H264, "-g", "20", "-bf", "2")
    codecs = ("-c:v", "copy", "-c:a", "aac", "-avoid_negative_ts", "disabled")
    return studio.run("sounding.mp4", "-i", str(silent), *inputs, *maps, *codecs, *options)


FRUGAL = {"edge": 1000, "tail": 1000, "hop": 600, "track": 600}
"""Reads a tiny video as it would one of hours: by ranges, its index in parts."""


def both(service: Service, video: Path, position: str) -> tuple[Answer, Answer]:
    """Return what is made with the whole index, and with a part of it."""
    answers = []
    for longest in (2**20, 256):
        service.read_by_ranges(**FRUGAL, index=longest)
        answers.append(service.poster(video, f"{position} of {longest}.mp4", position=position, format="png"))
    return answers[0], answers[1]


@pytest.mark.parametrize("order", ["index first", "index last"])
@pytest.mark.parametrize("tracks", TRACKS)
def test_the_picture_is_the_same_without_the_tables_of_the_sound(
    service: Service, studio: Studio, tracks: str, order: str
) -> None:
    video = with_sound(studio, tracks, *(("-movflags", "+faststart") if order == "index first" else ()))
    for position in ("auto", "4.55"):
        whole, part = both(service, video, position)
        assert part.seconds == whole.seconds, position
        assert part.object()["Content"] == whole.object()["Content"], position
        assert part.notes == whole.notes == []
    if tracks in SPARED:
        assert part.said["read"]["bytes"] < whole.said["read"]["bytes"] - 500


@pytest.mark.parametrize("tracks", ["video alone", "video, sound", "sound, video"])
@pytest.mark.parametrize(("position", "second"), [("0", 0), ("0.1", 0), ("1", 1), ("4.55", 4), ("7.9", 7)])
def test_each_moment_is_right_where_the_index_stands_first_and_little_lies_between_keyframes(
    service: Service, studio: Studio, tracks: str, position: str, second: int
) -> None:
    service.read_by_ranges(**FRUGAL)
    # The demuxer is opened before the pictures are here: what it has in its buffer then must not be shown.
    answer = service.poster(with_sound(studio, tracks, "-movflags", "+faststart"), position=position)
    assert is_near(answer.colour(), SECONDS[second]), answer
    assert answer.seconds == pytest.approx(float(position), abs=0.11)
