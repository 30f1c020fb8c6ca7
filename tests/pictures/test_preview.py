"""The preview: how long it moves, what it shows, and how large it is."""

import io
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from .service import Answer, Colour, Service, colour_of, is_near
from .videos import BLACK, BLUE, GREEN, GREY, H264, RED, SECONDS, WHITE, YELLOW, Studio, plain

PLACES = 64
"""How many places a marker goes through, from left to right, before it is back at the first."""


@dataclass(frozen=True)
class Moving:
    """A preview, decoded by somebody else's decoder."""

    pictures: list[Image.Image]
    shown: list[float]
    """How long each picture stays, in seconds."""

    @property
    def colours(self) -> list[Colour]:
        return [colour_of(picture, 0.5, 0.25) for picture in self.pictures]

    @property
    def seconds(self) -> float:
        return sum(self.shown)


def made(service: Service, video: Path, key: str = "video.mp4", kind: str = "webp", **asked: object) -> Answer:
    """Return a preview, and the poster that is found fastest."""
    return service.poster(video, key, **{"position": "0", "preview": kind, **asked})


def preview_of(answer: Answer) -> Moving:
    """Return the moving pictures of an answer."""
    (number,) = answer.numbers("preview")
    found, content = answer.object(number), answer.object(number)["Content"]
    said = answer.said["images"][number]
    kind = answer.keys[number].rpartition(".preview.")[2]
    assert found["ContentType"] == {"m4v": "video/mp4"}.get(kind, f"image/{kind}")
    moving = from_mp4(content) if kind == "m4v" else from_animation(content, kind)
    assert {picture.size for picture in moving.pictures} == {(said["width"], said["height"])}
    return moving


def from_animation(content: bytes, kind: str) -> Moving:
    image = Image.open(io.BytesIO(content))
    assert image.format == kind.upper()
    if getattr(image, "is_animated", False):
        assert image.info["loop"] == 0, "it does not go on for ever"
    pictures, shown = [], []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        pictures.append(image.convert("RGB"))
        shown.append(image.info.get("duration", 0) / 1000)
    return Moving(pictures, shown)


def from_mp4(content: bytes) -> Moving:
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        context = stream.codec_context
        assert context.codec.canonical_name == "h264"
        assert context.pix_fmt == "yuv420p"
        tags = context.colorspace, context.color_primaries, context.color_trc
        assert tags == (1, 1, 1), "without tags, each player takes the colours for something else"
    times = [float(frame.time) for frame in frames]
    ends = [*times[1:], float((frames[-1].pts or 0) + frames[-1].duration) * float(frames[-1].time_base or 1)]
    # By the matrix that the tags name.
    pictures = [frame.to_image(src_colorspace="ITU709") for frame in frames]  # type: ignore[no-untyped-call]
    return Moving(pictures, [end - begin for begin, end in zip(times, ends, strict=True)])


def marked(number: int, colour: tuple[int, ...], size: tuple[int, int]) -> Image.Image:
    """Return a picture whose number, modulo `PLACES`, is told by a white marker below on black."""
    picture = plain(colour, size)
    width = size[0] // PLACES
    picture.paste(BLACK, (0, size[1] // 2, *size))
    left = number % PLACES * width
    picture.paste(WHITE, (left, size[1] // 2, left + width, size[1]))
    return picture


def place_of(picture: Image.Image) -> int:
    """Return the number that a marker tells."""
    row = picture.convert("L").crop((0, picture.height * 3 // 4, picture.width, picture.height * 3 // 4 + 1))
    luma = list(row.resize((PLACES, 1), Image.Resampling.BOX).tobytes())
    return luma.index(max(luma))


def film(studio: Studio, name: str = "film.mp4", *options: str, gop: int = 24, seconds: int = 40) -> Path:
    """Another colour each fifth of it, and a marker that moves on with each of its twelve pictures a second."""
    count = seconds * 12
    frames = [marked(number, SECONDS[5 * number // count], (320, 180)) for number in range(count)]
    return studio.film(frames, name, *H264, "-g", str(gop), "-sc_threshold", "0", *options, rate="12")


def is_smooth(places: list[int], scenes: int = 4) -> bool:
    """Whether each picture is the next of its film, but for cuts."""
    steps = [(after - before) % PLACES for before, after in pairwise(places)]
    return steps.count(1) >= len(steps) - scenes


@pytest.mark.parametrize("gop", [24, 1000], ids=["short GOPs", "one GOP"])
@pytest.mark.parametrize("kind", ["webp", "mp4", "gif"])
def test_it_moves_for_five_seconds_through_four_places_of_the_video(
    service: Service, studio: Studio, kind: str, gop: int
) -> None:
    answer = made(service, film(studio, gop=gop), "a/cat.mp4", kind=kind)
    assert answer.keys == ["a/cat.jpg", f"a/cat.preview.{'m4v' if kind == 'mp4' else kind}"]
    moving = preview_of(answer)
    assert moving.seconds == pytest.approx(5, abs=0.1)
    assert max(moving.shown) <= 0.1
    assert [n for n in range(5) if any(is_near(found, SECONDS[n]) for found in moving.colours)] == [0, 1, 2, 3]
    order = [n for found in moving.colours for n in range(4) if is_near(found, SECONDS[n])]
    assert order == sorted(order)
    assert len(order) == len(moving.pictures)
    assert is_smooth([place_of(picture) for picture in moving.pictures])


def test_length_scenes_width_and_rate_can_be_asked_for(service: Service, studio: Studio) -> None:
    asked: dict[str, Any] = {"preview_seconds": 8, "preview_scenes": 2, "preview_width": 160, "preview_rate": 6}
    moving = preview_of(made(service, film(studio), **asked))
    assert moving.seconds == pytest.approx(8, abs=0.1)
    assert moving.pictures[0].size == (160, 90)
    assert len(moving.pictures) == pytest.approx(48, abs=2)
    # Four seconds each, from the keyframes at 6 and at 20 s on.
    assert [n for n in range(5) if any(is_near(found, SECONDS[n]) for found in moving.colours)] == [0, 1, 2]
    steps = [(place_of(after) - place_of(before)) % PLACES for before, after in pairwise(moving.pictures)]
    assert steps.count(2) >= len(steps) - 2


CONTAINERS = {
    "index first": ("film.mp4", ("-movflags", "+faststart")),
    "fragmented": ("film.mp4", ("-movflags", "frag_keyframe+empty_moov+default_base_moof")),
    "Matroska": ("film.mkv", ()),
    "transport stream": ("film.ts", ()),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_has_a_preview(service: Service, studio: Studio, container: str) -> None:
    service.read_by_ranges()
    name, options = CONTAINERS[container]
    moving = preview_of(made(service, film(studio, name, *options)))
    assert moving.seconds == pytest.approx(5, abs=0.2)
    assert all(any(is_near(found, colour) for found in moving.colours) for colour in SECONDS[:4])


@pytest.mark.parametrize("kind", ["webp", "mp4"])
@pytest.mark.parametrize(
    ("size", "wanted"), [((1280, 640), (320, 160)), ((640, 362), (320, 181)), ((128, 72), (128, 72))]
)
def test_it_is_320_pixels_wide_and_never_enlarged(
    service: Service, studio: Studio, size: tuple[int, int], wanted: tuple[int, int], kind: str
) -> None:
    video = studio.quadrants("sized.mp4", size=size)
    picture = preview_of(made(service, video, kind=kind)).pictures[0]
    # H.264 has a sample of colour for two rows.
    assert picture.size == (wanted[0], wanted[1] // 2 * 2 if kind == "mp4" else wanted[1])
    found = [colour_of(picture, x, y) for x, y in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))]
    assert all(is_near(mine, other, 16) for mine, other in zip(found, (RED, GREEN, BLUE, YELLOW), strict=True)), found


@pytest.mark.parametrize("kind", ["webp", "mp4"])
def test_a_short_clip_is_shown_from_its_beginning_to_its_end(service: Service, studio: Studio, kind: str) -> None:
    moving = preview_of(made(service, film(studio, seconds=3), kind=kind))
    assert moving.seconds == pytest.approx(3, abs=0.1)
    assert [place_of(picture) for picture in moving.pictures] == list(range(36))


@pytest.mark.parametrize("kind", ["webp", "mp4"])
def test_a_single_picture_is_its_own_preview(service: Service, studio: Studio, kind: str) -> None:
    (colour,) = preview_of(made(service, studio.film([plain(BLUE)], "one.mp4", *H264), kind=kind)).colours
    assert is_near(colour, BLUE, 20)


@pytest.mark.parametrize("kind", ["webp", "mp4", "gif"])
@pytest.mark.parametrize("slides", [2, 3, 20])
def test_a_preview_of_slides_is_as_long_as_any_and_shows_each_long_enough(
    service: Service, studio: Studio, slides: int, kind: str
) -> None:
    frames = [plain(SECONDS[number * 5 // slides]) for number in range(slides)]
    video = studio.film(frames, "slides.mp4", *H264, "-qp", "8", "-g", "1", rate="1/10")
    moving = preview_of(made(service, video, kind=kind))
    assert moving.seconds == pytest.approx(5, abs=0.01)
    assert min(moving.shown) > 1
    assert len(moving.pictures) == min(slides, 4)


def test_ordinary_material_stays_well_under_a_megabyte(service: Service, studio: Studio) -> None:
    # Zooming through a set of Mandelbrot's, each picture differs from the one before in every place.
    source = "mandelbrot=s=320x180:rate=25:start_scale=0.5:end_scale=0.01,scale=out_color_matrix=bt709:out_range=tv"
    video = studio.run("zoom.mp4", "-f", "lavfi", "-i", source, "-t", "12", *H264[:4], "-crf", "24", *H264[6:])
    for kind in ("webp", "mp4"):
        answer = made(service, video, f"{kind}.mp4", kind=kind)
        assert answer.said["images"][1]["bytes"] == len(answer.object(1)["Content"]) < 600_000, kind
        assert preview_of(answer).seconds == pytest.approx(5, abs=0.1)


def test_behind_what_is_transparent_lies_the_colour_of_the_settings(service: Service, studio: Studio) -> None:
    video = studio.film([plain((*RED, 0))] * 5, "clear.mov", "-c:v", "qtrle", "-pix_fmt", "argb")
    answer = made(service, video, pad_color="#808080")
    assert is_near(preview_of(answer).colours[0], GREY)
