"""What one video asks for itself, in its object's metadata, over the settings of the stack."""

import pytest

from .service import Answer, Service, is_near
from .videos import SECONDS, Studio

POSITION, WIDTHS = "thumbnail-position", "thumbnail-widths"


def asking(service: Service, studio: Studio, key: str = "cat.mp4", **metadata: str) -> Answer:
    """Return what becomes of a video with this metadata."""
    wishes = {name.replace("_", "-"): value for name, value in metadata.items()}
    (answer,) = service.call(service.put(key, studio.counting(), Metadata=wishes))
    assert answer.outcome == "made", answer
    return answer


@pytest.mark.parametrize(
    ("wish", "second"), [("5.5", 5), ("0:03.5", 3), ("00:00:06.5", 6), ("56%", 4), ("100%", 7), ("99", 7)]
)
def test_a_video_may_ask_for_its_position(service: Service, studio: Studio, wish: str, second: int) -> None:
    service.configure(position="1.5")
    answer = asking(service, studio, thumbnail_position=wish)
    assert is_near(answer.colour(), SECONDS[second])
    assert answer.notes == []


def test_a_wish_comes_before_the_time_in_the_name(service: Service, studio: Studio) -> None:
    service.configure()
    answer = asking(service, studio, "cat_00-02.mp4", thumbnail_position="5.5")
    assert answer.keys == ["cat.jpg"]
    assert is_near(answer.colour(), SECONDS[5])


@pytest.mark.parametrize("wish", ["100,50,0", " 100 , 50,0"])
def test_a_video_may_ask_for_its_widths(service: Service, studio: Studio, wish: str) -> None:
    service.configure(widths=[64, 32])
    answer = asking(service, studio, thumbnail_widths=wish)
    assert answer.keys == ["cat.jpg", "cat.50w.jpg", "cat.0w.jpg"]
    assert [answer.picture(number).width for number in range(3)] == [100, 50, 128]
    assert answer.notes == []


def test_a_width_beyond_the_videos_own_is_noted(service: Service, studio: Studio) -> None:
    service.configure(widths=[640])
    answer = asking(service, studio, thumbnail_widths="1280,64")
    assert answer.picture().width == 128
    assert answer.notes == ["thumbnail-widths asks for 1280 pixels; the video has 128, and is never enlarged"]
    # What the stack has for all of its videos is no request of this one.
    assert asking(service, studio, "other.mp4").notes == []


@pytest.mark.parametrize("wish", ["", "soon", "-1", "101%", "1:99", "5s", "x" * 200, "<b>"])
def test_a_position_that_is_none_is_named_and_the_stacks_is_used(service: Service, studio: Studio, wish: str) -> None:
    service.configure(position="2.5")
    answer = asking(service, studio, thumbnail_position=wish)
    assert is_near(answer.colour(), SECONDS[2])
    (note,) = answer.notes
    assert note.startswith(f"{POSITION} holds {wish!r}")
    assert note.endswith("the stack's 2.5 was used")


@pytest.mark.parametrize(
    "wish",
    ["", "640;320", "wide", "-1", "+64", "6_4", "16384", "64,64", "1,2,3,4,5,6,7,8,9", "9" * 200],
)
def test_widths_that_are_none_are_named_and_the_stacks_are_used(service: Service, studio: Studio, wish: str) -> None:
    service.configure(widths=[64, 32], position="0")
    answer = asking(service, studio, thumbnail_widths=wish)
    assert [answer.picture(number).width for number in range(2)] == [64, 32]
    (note,) = answer.notes
    assert note.startswith(f"{WIDTHS} holds {wish!r}")
    assert note.endswith("the stack's 64,32 was used")


def test_of_two_wishes_the_good_one_is_granted(service: Service, studio: Studio) -> None:
    service.configure(position="2.5", manifest=True)
    answer = asking(service, studio, thumbnail_position="later", thumbnail_widths="100")
    assert is_near(answer.colour(), SECONDS[2])
    assert answer.picture().width == 100
    assert len(answer.notes) == 1
    assert repr("later") in answer.text(".json").encode().decode("unicode_escape")


def test_other_metadata_asks_for_nothing(service: Service, studio: Studio) -> None:
    service.configure(position="2.5")
    answer = asking(service, studio, position="5.5", thumbnail_height="7", thumbnail="9")
    assert is_near(answer.colour(), SECONDS[2])
    assert answer.notes == []


def test_the_same_video_with_another_wish_is_made_anew_and_with_the_same_is_not(
    service: Service, studio: Studio
) -> None:
    service.configure()
    for wish, second in (("1.5", 1), ("5.5", 5)):
        assert is_near(asking(service, studio, thumbnail_position=wish).colour(), SECONDS[second])
    (again,) = service.call(service.put("cat.mp4", studio.counting(), Metadata={POSITION: "5.5"}))
    assert again.outcome == "unchanged"
