"""Positions: what may be written, and what it means."""

import pytest

from position import Position


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("auto", "auto", 0),
        ("0", "seconds", 0),
        ("12.5", "seconds", 12.5),
        ("86400", "seconds", 86_400),
        ("0%", "percent", 0),
        ("25%", "percent", 25),
        ("33.3%", "percent", 33.3),
        ("100%", "percent", 100),
        ("01:30", "seconds", 90),
        ("1:05", "seconds", 65),
        ("00:01.5", "seconds", 1.5),
        ("1:00:00", "seconds", 3600),
        ("100:00:01", "seconds", 360_001),
    ],
)
def test_a_position_means(text: str, kind: str, value: float) -> None:
    found = Position.parse(text)
    assert found.kind == kind
    assert found.value == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "Auto", "-1", "+1", "1e3", "nan", "inf", "1,5", "5s", "%", "-5%", "101%", "100.1%", "nan%"),
        *("1:60", "60:00", "1:2:3:4", ":30", "1:", "0x10", "١٢", "12.", ".5", "1 ", "9" * 400, "\n5", "5\n"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Position.parse(text)


@pytest.mark.parametrize("text", ["auto", "0", "12.5", "25%", "33.3%", "90"])
def test_a_position_is_written_as_it_was_read(text: str) -> None:
    assert str(Position.parse(text)) == text


def test_different_moments_are_written_differently() -> None:
    # The settings' fingerprint is made of this: two moments that look the same would leave an old image in place.
    assert str(Position.parse("1234567.5")) != str(Position.parse("1234567"))
