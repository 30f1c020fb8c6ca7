"""What the fuzzer has found: each was once an error that Lambda would have tried again in vain.

Mutants are named by their numbers; others are made here, as small as they show the fault.
"""

import struct
from collections.abc import Iterator

import pytest

from standin_s3.process import started
from standin_s3.s3 import S3

from . import fuzz
from .generate import box, entry, fragments, in_entry, movie, patched_in
from .mutate import mutant
from .seeds import make
from .warm import Answer, Warm

Good = dict[str, bytes]

MUTANTS = {
    80: "an index without a sample description: no codec at all",
    101: "MPEG with boxes in it: no codec at all",
    307: "a program that lists more streams than there are",
    166: "metadata that is not UTF-8",
    292: "the name of a track that is not UTF-8",
    609: "a table of streams that is changed while it is read",
}


@pytest.fixture(scope="module")
def store() -> Iterator[S3]:
    with started() as up:
        yield up


@pytest.fixture(scope="module")
def warm(store: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    with Warm(store.url(), tmp_path_factory.mktemp("warm"), job_seconds=fuzz.JOB_SECONDS, memory=fuzz.MEMORY) as up:
        yield up


def _stated(answer: Answer) -> None:
    assert answer.outcome in ("made", "skipped", "rejected"), answer.reason
    assert answer.outcome == "made" or answer.reason


@pytest.mark.parametrize("number", MUTANTS, ids=[MUTANTS[number] for number in MUTANTS])
def test_a_mutant_that_was_once_an_error_is_stated(store: S3, warm: Warm, good: Good, number: int) -> None:
    made = mutant(number, good)
    answer = warm.call(store.put(f"found {number}.mp4", made.content), settings=made.settings, block=made.block)
    assert fuzz.fault_of(made, answer) == ""


@pytest.mark.parametrize("kind", [b"SVQ9", b"fmp4", b"\0\0\0\0", b"tmcd"])
def test_a_track_of_no_known_codec_is_stated(store: S3, warm: Warm, kind: bytes) -> None:
    _stated(warm.call(store.put("codec.mp4", movie(entry(kind, (64, 64)), [bytes(100)] * 3))))


def test_a_title_in_another_encoding_takes_no_picture_away(store: S3, warm: Warm) -> None:
    """Latin-1 in the title, as older cameras and editors write it, is no fault of the pictures."""
    video = patched_in(make("turned.mp4"), b"\xa9nam", 20, b"\xe9\xe8")
    answer = warm.call(store.put("latin title.mp4", video))
    assert answer.outcome == "made", answer.reason


@pytest.mark.parametrize("preview", ["mp4", "webp"])
def test_a_good_video_gets_its_preview(store: S3, warm: Warm, good: Good, preview: str) -> None:
    answer = warm.call(store.put(f"preview {preview}.mp4", good["last.mp4"]), settings={"preview": preview})
    assert answer.outcome == "made", answer.reason


@pytest.mark.parametrize("position", ["99999999999999999999", "9" * 300])
def test_a_time_that_no_video_reaches_shows_the_last_picture(store: S3, warm: Warm, good: Good, position: str) -> None:
    answer = warm.call(store.put(f"far {len(position)}.mp4", good["last.mp4"], {"thumbnail-position": position}))
    assert answer.outcome == "made", answer.reason


def test_hundreds_of_widths_for_one_video_are_not_made(store: S3, warm: Warm, good: Good) -> None:
    """Each is a request that somebody else pays for, and was a thread."""
    widths = ",".join(str(width) for width in range(1, 300))
    answer = warm.call(store.put("widths.mp4", good["last.mp4"], {"thumbnail-widths": widths}))
    assert answer.outcome in ("made", "rejected"), answer.reason
    assert len(answer.outcomes[0]["images"]) <= 32


@pytest.mark.parametrize(("across", "down"), [(1, 65535), (1, 2000), (65535, 1)])
@pytest.mark.parametrize("position", ["auto", "0"])
@pytest.mark.parametrize("picture_format", ["jpg", "webp"])
def test_pixels_that_are_a_thousand_times_as_high_as_wide_end_in_a_statement(
    store: S3, warm: Warm, good: Good, across: int, down: int, position: str, picture_format: str
) -> None:
    video = in_entry(good["last.mp4"], box(b"pasp", struct.pack(">II", across, down)))
    settings = {"position": position, "format": picture_format}
    answer = warm.call(store.put(f"pixels {across} {down}.mp4", video), settings=settings)
    _stated(answer)
    assert answer.largest_job < fuzz.MEMORY * 2**20


@pytest.mark.parametrize("name", ["sidx beyond the end", "mfro beyond the start", "sidx of itself"])
@pytest.mark.parametrize("block", [4 * 2**20, 1024])
def test_an_index_that_points_outside_the_object_is_stated(
    store: S3, warm: Warm, good: Good, name: str, block: int
) -> None:
    _stated(warm.call(store.put(f"{name} {block}.mp4", fragments(good["fragments-plain.mp4"])[name]), block=block))
