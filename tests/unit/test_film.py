"""Which stream is the film, by what a container says of its streams."""

from dataclasses import replace

import pytest

from worker.container.film import Candidate, choose

FILM = Candidate(is_supported=True, is_default=True, frames=200, width=640, height=360)
UNCOUNTED = replace(FILM, frames=0)
OTHERS = {
    "a cover": replace(FILM, is_film=False, frames=1, width=2000, height=2000),
    "a still": replace(FILM, frames=1, width=4000, height=3000),
    "slides": replace(FILM, frames=9, width=1920, height=1080),
    "a smaller rendition": replace(FILM, width=320, height=180),
    "one of an unsupported codec": replace(FILM, is_supported=False, width=1920, height=1080),
    "one that is shown if asked for": replace(FILM, is_default=False, width=1920, height=1080),
    "one of no known size": replace(FILM, width=0, height=0),
    "one that has no frames": replace(FILM, frames=0, width=1920, height=1080),
    "another one": FILM,
}


@pytest.mark.parametrize("other", OTHERS)
def test_the_film_is_chosen_before(other: str) -> None:
    assert choose([FILM, OTHERS[other]]) == 0
    if OTHERS[other] != FILM:
        assert choose([OTHERS[other], FILM]) == 1


def test_a_stream_alone_is_the_film_whatever_it_has() -> None:
    for its in OTHERS.values():
        assert choose([its]) == (0 if its.is_film else None)


def test_no_stream_is_no_film() -> None:
    assert choose([]) is None


def test_where_no_frames_were_counted_the_larger_one_is_the_film() -> None:
    assert choose([UNCOUNTED, replace(UNCOUNTED, width=1280, height=720)]) == 1
