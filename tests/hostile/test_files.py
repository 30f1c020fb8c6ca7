"""Each class of hostile file through the handler: stated, within the budget, and nobody touched what it points at."""

import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from . import generate
from .conftest import Service
from .generate import Files
from .watch import Trap

Good = dict[str, bytes]
ANY = ("made", "rejected", "skipped")
NEVER_MADE = ("rejected", "skipped")

CLASSES: dict[str, tuple[Callable[[Good], Files], tuple[str, ...]]] = {
    "counts and sizes that ask for gigabytes": (lambda good: generate.declared(good["last.mp4"]), ANY),
    "tracks by the thousand": (lambda good: generate.many_tracks(good["last.mp4"]), ANY),
    "packed indexes": (lambda good: generate.compressed(good["last.mp4"]), ANY),
    "boxes of odd sizes": (lambda good: generate.shapes(good["last.mp4"]), ANY),
    "fragments with an index that lies": (lambda good: generate.fragments(good["fragments-plain.mp4"]), ANY),
    "sizes that are not those of the pictures": (lambda good: generate.dimensions(good["last.mp4"]), ANY),
    "streams that declare hundreds of megapixels": (lambda _: generate.resolution_bombs(), ANY),
    "pictures that unpack to gigabytes": (lambda _: generate.image_bombs(), ANY),
    "codecs off the list": (lambda _: generate.off_the_list(), NEVER_MADE),
    "a video cut in each of its regions": (lambda good: generate.cut_everywhere(good["last.mp4"]), ANY),
    "a video with its index first, cut": (lambda good: generate.cut_everywhere(good["first.mp4"]), ANY),
    "fragments cut": (lambda good: generate.cut_everywhere(good["fragments-sidx.mp4"]), ANY),
}


def test_the_trap_catches_whoever_takes_the_bait(tmp_path: Path) -> None:
    trap = Trap(tmp_path / "trap")
    try:
        assert trap.taken() == []
        with pytest.raises(OSError, match=r"."):
            urllib.request.urlopen(trap.bait.http, timeout=5)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", ("127.0.0.1", trap.bait.port))
        trap.bait.fifo.open("rb").close()
        trap.bait.secret.read_bytes()
        assert set(trap.taken()) == {
            "somebody connected",
            "somebody sent a datagram",
            "the FIFO was opened",
            "the file with the marker was read",
        }
    finally:
        trap.close()


@pytest.mark.parametrize("kind", CLASSES)
def test_files_that_ask_for_too_much_are_stated_within_the_budget(service: Service, good: Good, kind: str) -> None:
    make, allowed = CLASSES[kind]
    assert service.faults(make(good), allowed) == []


def test_texts_that_name_what_to_open_are_rejected_and_nothing_is_opened(service: Service, trap: Trap) -> None:
    assert service.faults(generate.playlists(trap.bait)) == []


def test_texts_behind_the_look_of_a_container_open_nothing(service: Service, trap: Trap) -> None:
    assert service.faults(generate.behind_a_container(trap.bait)) == []


def test_references_to_other_files_are_not_followed(service: Service, trap: Trap, good: Good) -> None:
    assert service.faults(generate.references(good["last.mp4"], trap.bait), ANY) == []


def test_linked_segments_and_attachments_are_left_alone(service: Service, trap: Trap, good: Good) -> None:
    assert service.faults(generate.linked_segments(good["film.mkv"], trap.bait), ANY) == []
    assert not Path("/tmp/dropped.ttf").exists()


def test_more_pictures_than_anybody_looks_at_cost_no_more_than_the_budget(service: Service, good: Good) -> None:
    movie = good["movie.mov"]
    place = movie.index(b"\xff\xd8\xff")
    jpeg = movie[place : movie.index(b"\xff\xd9", place) + 2]
    assert service.faults(generate.picture_count_bomb(jpeg), ANY) == []


def test_other_kinds_of_files_are_rejected(service: Service, good: Good) -> None:
    movie = good["movie.mov"]
    place = movie.index(b"\xff\xd8\xff")
    jpeg = movie[place : movie.index(b"\xff\xd9", place) + 2]
    png = b"\x89PNG\r\n\x1a\n" + bytes(100)
    assert service.faults(generate.other_files(jpeg, png)) == []


@pytest.mark.parametrize("content_type", ["video/mp4", "image/svg+xml", "text/html"])
def test_pages_and_drawings_are_rejected_whatever_they_are_said_to_be(
    service: Service, trap: Trap, content_type: str
) -> None:
    assert service.faults(generate.pages(trap.bait), headers={"content-type": content_type}) == []


@pytest.mark.parametrize("content_type", ["application/vnd.apple.mpegurl", "application/sdp", "text/html", "x" * 200])
def test_a_content_type_that_lies_changes_nothing(service: Service, good: Good, content_type: str) -> None:
    answer = service.answer(good["last.mp4"], headers={"content-type": content_type})
    assert answer.outcome == "made", answer.reason
    text = service.answer(b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n", headers={"content-type": "video/mp4"})
    assert text.outcome == "rejected", text.reason
