"""What metadata may ask for; more of it on real videos in `tests/pictures/test_wishes.py`."""

import pytest

from pipeline import overrides, settings

STACK = settings.read({"THUMBNAIL_WIDTHS": "[640, 320]", "THUMBNAIL_POSITION": "25%"})


def test_no_metadata_changes_nothing() -> None:
    assert overrides.apply({"author": "somebody"}, STACK) == (STACK, None, ())
    assert overrides.wishes({"author": "somebody"}) == ""


@pytest.mark.parametrize(
    ("text", "widths"), [("1280", (1280,)), ("1280,0", (1280, 0)), (" 16383 , 1", (16_383, 1)), ("00640", (640,))]
)
def test_widths_are_whole_numbers_with_commas(text: str, widths: tuple[int, ...]) -> None:
    found, position, notes = overrides.apply({"thumbnail-widths": text}, STACK)
    assert found.widths == widths
    assert (position, notes) == (None, ())


@pytest.mark.parametrize("text", ["", ",", "1 2", "0x10", "1e3", "١٢", "-0", "1,1", "01,1", "99999", "9" * 5000])
def test_anything_else_is_noted_and_leaves_the_stacks(text: str) -> None:
    found, _, (note,) = overrides.apply({"thumbnail-widths": text}, STACK)
    assert found == STACK
    assert repr(text) in note
    assert "640,320 was used" in note


def test_what_was_asked_for_is_one_line() -> None:
    metadata = {"thumbnail-widths": "1", "x": "y", "thumbnail-position": "2"}
    assert overrides.wishes(metadata) == "thumbnail-position=2 thumbnail-widths=1"
