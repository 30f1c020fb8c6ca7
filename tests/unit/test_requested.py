"""What metadata may ask for; more of it on real videos in `tests/pictures/test_wishes.py`."""

import pytest

from model import Wanted
from position import Position
from service import requested

STACK = Wanted(widths=(640, 320), position=Position("percent", 25))


def test_no_metadata_changes_nothing() -> None:
    assert requested.apply({"author": "somebody"}, STACK) == (STACK, False, ())
    assert requested.text_of({"author": "somebody"}) == ""


@pytest.mark.parametrize(
    ("text", "widths"), [("1280", (1280,)), ("1280,0", (1280, 0)), (" 16383 , 1", (16_383, 1)), ("00640", (640,))]
)
def test_widths_are_whole_numbers_with_commas(text: str, widths: tuple[int, ...]) -> None:
    found, has_position, notes = requested.apply({"thumbnail-widths": text}, STACK)
    assert found.widths == widths
    assert (has_position, notes) == (False, ())


@pytest.mark.parametrize("text", ["", ",", "1 2", "0x10", "1e3", "١٢", "-0", "1,1", "01,1", "99999", "9" * 5000])
def test_anything_else_is_noted_and_leaves_the_stacks(text: str) -> None:
    found, _, (note,) = requested.apply({"thumbnail-widths": text}, STACK)
    assert found == STACK
    assert repr(text) in note
    assert "640,320 was used" in note


def test_what_was_asked_for_is_one_line() -> None:
    metadata = {"thumbnail-widths": "1", "x": "y", "thumbnail-position": "2"}
    assert requested.text_of(metadata) == "thumbnail-position=2 thumbnail-widths=1"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"thumbnail-position": "12.5"},
        {"thumbnail-widths": "640,320"},
        {"thumbnail-position": "not = a position", "thumbnail-widths": "1, 2"},
    ],
)
def test_what_the_line_says_can_be_read_again(asked: dict[str, str]) -> None:
    assert requested.parse(requested.text_of(asked)) == asked


def test_a_position_is_known_to_have_been_asked_for() -> None:
    found, has_position, _ = requested.apply({"thumbnail-position": "auto"}, STACK)
    assert (found.position, has_position) == (Position("auto"), True)
