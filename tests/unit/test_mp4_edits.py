"""When an MP4 shows what, by its edit list: a moment of the presentation is a time of the media."""

import pytest

from model import Rejected
from worker.container.mp4.boxes import header
from worker.container.mp4.edits import MOST_PARTS, Timeline, edited, plain

from .fake_object import box

MEDIA = 8000
"""Ticks of the media, a thousand a second; the presentation has ten ticks a second."""


def timeline(*parts: tuple[int, int] | tuple[int, int, float], version: int = 0) -> Timeline | None:
    """Of parts (length in tenths of a second, beginning in ticks of the media, rate)."""
    wide = 8 if version else 4
    rows = b"".join(
        length.to_bytes(wide, "big")
        + start.to_bytes(wide, "big", signed=True)
        + round((rate[0] if rate else 1) * 65536).to_bytes(4, "big", signed=True)
        for length, start, *rate in parts
    )
    content = box(b"elst", bytes([version, 0, 0, 0]), len(parts).to_bytes(4, "big"), rows)
    elst = header(content, 0, 0, len(content))
    assert elst is not None
    return edited(content, elst, 10, 1000, MEDIA)


def shown(found: Timeline | None, *moments: float) -> list[int]:
    """Return the times of the media at some moments."""
    assert found is not None
    return [found.at(moment)[1] for moment in moments]


def moments(found: Timeline | None, *places: tuple[int, int]) -> list[float]:
    """Return the moments at which parts show times of the media."""
    assert found is not None
    return [round(found.parts[part].seconds(tick), 6) for part, tick in places]


@pytest.mark.parametrize("first", [0, 500])
def test_without_an_edit_list_time_begins_with_the_first_frame(first: int) -> None:
    found = plain(first, MEDIA, 1000)
    assert found.duration == (MEDIA - first) / 1000
    assert shown(found, 0, 1.5, 99) == [first, first + 1500, MEDIA - 1]
    assert moments(found, (0, first), (0, first + 40), (0, 0)) == [0, 0.04, 0]


@pytest.mark.parametrize("version", [0, 1])
def test_what_is_cut_off_at_either_end_is_never_shown(version: int) -> None:
    found = timeline((30, 2000), version=version)
    assert found is not None
    assert found.duration == 3
    assert shown(found, -1, 0, 1, 2.999, 3, 99) == [2000, 2000, 3000, 4999, 4999, 4999]
    assert moments(found, (0, 1900), (0, 2040)) == [0, 0.04]


def test_what_is_cut_out_of_the_middle_is_never_shown() -> None:
    found = timeline((20, 0), (20, 6000))
    assert found is not None
    assert found.duration == 4
    assert shown(found, 0, 1.999, 2, 3.5, 4) == [0, 1999, 6000, 7500, 7999]
    assert moments(found, (1, 6000), (1, 6500)) == [2, 2.5]


def test_parts_may_repeat_and_stand_in_another_order() -> None:
    found = timeline((10, 6000), (10, 0), (10, 6000))
    assert [found.at(moment) for moment in (0.5, 1.5, 2.5)] == [(0, 6500), (1, 500), (2, 6500)] if found else False


def test_in_empty_time_what_was_shown_last_stays_and_before_the_beginning_what_comes_first() -> None:
    found = timeline((20, -1), (10, 1000), (30, -1), (10, 5000), (5, -1))
    assert found is not None
    assert found.duration == 7.5
    assert shown(found, 0, 1.9, 2.5, 3, 5.9, 6, 6.5, 7.2) == [1000, 1000, 1500, 1999, 1999, 5000, 5500, 5999]


def test_a_frame_may_be_held() -> None:
    found = timeline((10, 0), (50, 3000, 0), (10, 4000))
    assert found is not None
    assert found.duration == 7
    assert shown(found, 0.5, 1, 5.9, 6) == [500, 3000, 3000, 4000]
    assert moments(found, (1, 3000)) == [1]


def test_a_part_may_be_slow_or_fast() -> None:
    found = timeline((40, 0, 0.5), (10, 2000, 3))
    assert shown(found, 1, 3.99, 4, 4.5) == [500, 1995, 2000, 3500]
    assert moments(found, (0, 500), (1, 3500)) == [1, 4.5]


def test_a_part_may_run_backwards() -> None:
    found = timeline((20, 4000, -1), (10, 0))
    assert shown(found, 0, 0.5, 1.999, 2) == [5999, 5499, 4000, 0]
    assert moments(found, (0, 5999), (0, 4999)) == [0, 1]


def test_a_length_of_zero_is_that_of_all_the_rest() -> None:
    found = timeline((0, 3000))
    assert found is not None
    assert found.duration == 5


def test_a_last_part_that_is_longer_than_the_media_ends_with_it() -> None:
    found = timeline((10, 0), (999, 6000))
    assert found is not None
    assert found.duration == 3


@pytest.mark.parametrize("parts", [(), ((10, -1),), ((10, 9000),)])
def test_an_edit_list_that_shows_nothing_is_none(parts: tuple[tuple[int, int], ...]) -> None:
    assert timeline(*parts) is None


def test_an_edit_list_of_too_many_parts_is_rejected() -> None:
    with pytest.raises(Rejected, match="edit list"):
        timeline(*[(1, 0)] * (MOST_PARTS + 1))


@pytest.mark.parametrize("timescale", [600, 30_000, 90_000, 10_000_000])
def test_the_moment_at_which_a_frame_begins_leads_back_to_it(timescale: int) -> None:
    whole = plain(0, 7200 * timescale, timescale)
    lasts = timescale * 1001 // 30_000
    for begins in range(0, 7200 * timescale, 997 * lasts):
        _, tick = whole.at(whole.parts[0].seconds(begins))
        assert begins <= tick < begins + lasts
