"""How long each picture of a preview is shown."""

import pytest

from pipeline.preview import RATE, _durations


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
