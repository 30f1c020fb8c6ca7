"""Which way up a poster is, and how large."""

import io
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageOps

from .service import Service, colour_of, is_near
from .videos import BLACK, BLUE, BT709, GREEN, H264, MAGENTA, RED, WHITE, YELLOW, Studio, four, plain

CORNERS = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))


def corners(picture: Image.Image) -> list[tuple[int, ...]]:
    return [colour_of(picture, x, y) for x, y in CORNERS]


def looks_like(picture: Image.Image, wanted: Image.Image) -> bool:
    """Whether the middles of the four quarters have the same colours."""
    return all(is_near(mine, other) for mine, other in zip(corners(picture), corners(wanted), strict=True))


@pytest.mark.parametrize("name", ["turned.mp4", "turned.mkv", "fragmented.mp4"])
@pytest.mark.parametrize("flip", ["", "-display_hflip", "-display_vflip"], ids=["plain", "hflip", "vflip"])
@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_turned_or_mirrored_video_stands_upright(
    service: Service, studio: Studio, angle: int, flip: str, name: str
) -> None:
    matrix = ("-display_rotation", str(angle), *([flip] if flip else []))
    fragments = ("-movflags", "frag_keyframe+empty_moov") if name == "fragmented.mp4" else ()
    turned = studio.run(name, *matrix, "-i", str(studio.quadrants()), "-c", "copy", *fragments)
    # FFmpeg's options turn counterclockwise, as Pillow does, and mirror afterwards.
    wanted = four().rotate(angle, expand=True)
    if flip:
        wanted = ImageOps.mirror(wanted) if flip == "-display_hflip" else ImageOps.flip(wanted)
    picture = service.poster(turned).picture()
    assert picture.size == wanted.size
    assert looks_like(picture, wanted)


@pytest.mark.parametrize(
    # In the one direction or the other larger, never smaller, as browsers show it.
    ("aspect", "size"),
    [("2/1", (256, 64)), ("1/2", (128, 128)), ("4/3", (171, 64)), ("0/1", (128, 64))],
)
@pytest.mark.parametrize("name", ["wide.mp4", "wide.mkv"])
def test_pixels_become_square(service: Service, studio: Studio, aspect: str, size: tuple[int, int], name: str) -> None:
    scaled = ("-vf", f"{H264[7]},setsar={aspect}")
    video = studio.quadrants(name, *H264[:6], *scaled, *H264[8:])
    picture = service.poster(video, widths=[0]).picture()
    assert picture.size == size
    assert looks_like(picture, four())


@pytest.mark.parametrize("angle", [90, 270])
def test_rotation_and_oblong_pixels_go_together(service: Service, studio: Studio, angle: int) -> None:
    wide = studio.quadrants("wide.mp4", *H264[:6], "-vf", f"{H264[7]},setsar=2/1", *H264[8:])
    turned = studio.run("turned.mp4", "-display_rotation", str(angle), "-i", str(wide), "-c", "copy")
    picture = service.poster(turned, widths=[0]).picture()
    assert picture.size == (64, 256)
    assert looks_like(picture, four((256, 64)).rotate(angle, expand=True))


@pytest.mark.parametrize("size", [(127, 63), (33, 17), (5, 129), (1, 1)])
@pytest.mark.parametrize("codec", ["ffv1", "libvpx-vp9", "mjpeg"])
def test_odd_dimensions_are_kept(service: Service, studio: Studio, size: tuple[int, int], codec: str) -> None:
    layout = {"ffv1": "yuv420p", "libvpx-vp9": "yuv420p", "mjpeg": "yuvj420p"}[codec]
    options = ("-c:v", codec, "-pix_fmt", layout, "-q:v", "2", "-b:v", "1M")
    slices = ("-level", "1") if codec == "ffv1" else ()
    video = studio.film([plain(MAGENTA, size)] * 3, "odd.mkv", *options, *slices)
    picture = service.poster(video, widths=[0]).picture()
    assert picture.size == size
    assert is_near(colour_of(picture), MAGENTA, 20)


@pytest.mark.parametrize(
    ("size", "width", "wanted"),
    [
        ((1280, 720), 640, (640, 360)),
        ((720, 1280), 640, (640, 1138)),
        ((1280, 720), 0, (1280, 720)),
        ((128, 72), 640, (128, 72)),
        ((1280, 720), 333, (333, 187)),
        ((1280, 720), 1, (1, 1)),
        ((2048, 16), 64, (64, 1)),
        ((16, 2048), 8, (8, 1024)),
    ],
)
def test_a_poster_has_the_width_asked_for_and_is_never_enlarged(
    service: Service, studio: Studio, size: tuple[int, int], width: int, wanted: tuple[int, int]
) -> None:
    video = studio.film([plain(GREEN, size)] * 2, "sized.mp4", *H264)
    assert service.poster(video, widths=[width]).picture().size == wanted


def test_each_width_is_a_picture_of_its_own(service: Service, studio: Studio) -> None:
    video = studio.quadrants("large.mp4", size=(1000, 500))
    answer = service.poster(video, "a/cat.mp4", widths=[320, 640, 0, 5000])
    assert answer.keys == ["a/cat.jpg", "a/cat.640w.jpg", "a/cat.0w.jpg", "a/cat.5000w.jpg"]
    pictures = [answer.picture(number) for number in range(4)]
    assert [picture.size for picture in pictures] == [(320, 160), (640, 320), (1000, 500), (1000, 500)]
    assert all(looks_like(picture, four()) for picture in pictures)


PAD = (26, 43, 60)
FITS = {
    # What is asked for, what becomes of a picture of 400x200, and what stands at its sides and above and below.
    "contain": ("contain", (200, 200), (200, 100), BLACK, BLACK),
    "contain within a height": ("contain", (400, 50), (100, 50), BLACK, BLACK),
    "cover": ("cover", (200, 200), (200, 200), None, BLACK),
    "cover of a low box": ("cover", (200, 40), (200, 40), BLACK, None),
    "pad above and below": ("pad", (200, 200), (200, 200), BLACK, PAD),
    "pad at the sides": ("pad", (400, 50), (400, 50), PAD, BLACK),
}


def crossed(size: tuple[int, int]) -> Image.Image:
    """Four colours with a black border and a white cross in the middle, which tell what was cut off, and where."""
    picture = plain(BLACK, size)
    picture.paste(four((size[0] - 40, size[1] - 40)), (20, 20))
    middle = size[0] // 2, size[1] // 2
    picture.paste(WHITE, (middle[0] - 8, 20, middle[0] + 8, size[1] - 20))
    picture.paste(WHITE, (20, middle[1] - 8, size[0] - 20, middle[1] + 8))
    return picture


@pytest.mark.parametrize("fit", FITS)
def test_a_height_is_filled_as_the_settings_say(service: Service, studio: Studio, fit: str) -> None:
    kind, (width, height), size, at_the_sides, above_and_below = FITS[fit]
    video = studio.film([crossed((400, 200))] * 2, "crossed.mp4", *H264)
    asked: dict[str, Any] = {"widths": [width], "height": height, "fit": kind, "pad_color": "#1a2b3c", "format": "png"}
    picture = service.poster(video, position="0", **asked).picture()
    assert picture.size == size
    assert is_near(colour_of(picture), WHITE), "the middle of the video is not in the middle"
    for places, wanted in (([(0, 0.5), (1, 0.5)], at_the_sides), ([(0.5, 0), (0.5, 1)], above_and_below)):
        for place in places:
            # Without the border it is the cross that reaches the edge.
            assert is_near(colour_of(picture, *place), wanted or WHITE, 20), place


@pytest.mark.parametrize(("fit", "size"), [("contain", (128, 64)), ("cover", (64, 64)), ("pad", (300, 300))])
def test_no_fit_enlarges_a_picture(service: Service, studio: Studio, fit: str, size: tuple[int, int]) -> None:
    answer = service.poster(studio.quadrants(), widths=[300], height=300, fit=fit, pad_color="#1a2b3c", position="0")
    picture = answer.picture()
    assert picture.size == size
    if fit == "pad":
        assert is_near(colour_of(picture, 0.25, 0.5), PAD)
        picture = picture.crop((86, 118, 86 + 128, 118 + 64))
    assert looks_like(picture, four())


def test_the_other_widths_have_heights_in_proportion(service: Service, studio: Studio) -> None:
    video = studio.quadrants("large.mp4", size=(1000, 500))
    answer = service.poster(video, widths=[200, 100, 0], height=200, fit="cover", position="0")
    assert [answer.picture(number).size for number in range(3)] == [(200, 200), (100, 100), (1000, 500)]


def test_a_turned_video_is_fitted_as_it_is_seen(service: Service, studio: Studio) -> None:
    video = studio.quadrants("large.mp4", size=(400, 200))
    turned = studio.run("turned.mp4", "-display_rotation", "90", "-i", str(video), "-c", "copy")
    answer = service.poster(turned, widths=[100], height=100, fit="contain")
    assert answer.picture().size == (50, 100)


def bordered(size: tuple[int, int], border: tuple[int, int]) -> Image.Image:
    """Four colours in a magenta border that is not to be seen, as wide and as high as told."""
    picture = plain(MAGENTA, (size[0] + 2 * border[0], size[1] + 2 * border[1]))
    picture.paste(four(size), border)
    return picture


def with_aperture(video: bytes, size: tuple[int, int]) -> bytes:
    """Return an MP4 whose index stands last, with a clean aperture (ISO/IEC 14496-12, 12.1.4) in the middle."""
    width, height = size
    clap = b"".join(number.to_bytes(4, "big") for number in (40, 0, width, 1, height, 1, 0, 1, 0, 1))
    clap = clap[:4] + b"clap" + clap[8:]
    content = bytearray(video)
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"):
        place = content.rindex(kind) - 4
        length = int.from_bytes(content[place : place + 4], "big")
        content[place : place + 4] = (length + len(clap)).to_bytes(4, "big")
    # Its other boxes begin behind the 78 bytes that every picture's description has.
    behind = content.rindex(b"avc1") + 4 + 78
    return bytes(content[:behind] + clap + content[behind:])


@pytest.mark.parametrize("name", ["cropped.mp4", "cropped.mkv"])
def test_what_lies_outside_of_the_clean_aperture_is_not_shown(
    service: Service, studio: Studio, name: str, tmp_path: Path
) -> None:
    video = studio.film([bordered((128, 64), (16, 8))] * 5, "bordered.mp4", *H264)
    content = with_aperture(video.read_bytes(), (128, 64))
    if name.endswith(".mkv"):
        # FFmpeg says it there as well (PixelCropTop and others).
        (tmp_path / "bordered.mp4").write_bytes(content)
        content = studio.run(name, "-i", str(tmp_path / "bordered.mp4"), "-c", "copy").read_bytes()
        assert b"\x54\xaa" in content
    picture = service.poster(content, widths=[0]).picture()
    assert picture.size == (128, 64)
    assert is_near(colour_of(picture, 0.03, 0.05), RED)
    assert is_near(colour_of(picture, 0.97, 0.95), YELLOW)


@pytest.mark.parametrize("name", ["cropped.mp4", "cropped.mkv", "cropped.ts"])
def test_what_the_stream_itself_crops_is_not_shown(service: Service, studio: Studio, name: str) -> None:
    whole = studio.film([bordered((128, 64), (16, 8))] * 5, "bordered.mp4", *H264)
    crop = "h264_metadata=crop_left=16:crop_right=16:crop_top=8:crop_bottom=8"
    video = studio.run(name, "-i", str(whole), "-c", "copy", "-bsf:v", crop)
    picture = service.poster(video, widths=[0]).picture()
    assert picture.size == (128, 64)
    assert is_near(colour_of(picture, 0.03, 0.05), RED)
    assert is_near(colour_of(picture, 0.97, 0.95), YELLOW)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("fields.mp4", ("-c:v", "libx264", "-x264-params", "tff=1", "-crf", "5")),
        ("fields.mp4", ("-c:v", "libx264", "-x264-params", "bff=1", "-crf", "5")),
        ("fields.mpg", ("-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-q:v", "2", "-f", "vob")),
        ("fields.mov", ("-c:v", "prores_ks", "-flags", "+ildct", "-pix_fmt", "yuv422p10le")),
    ],
    ids=["H.264 top first", "H.264 bottom first", "MPEG-2", "ProRes"],
)
def test_interlaced_video_is_shown_without_combs(
    service: Service, studio: Studio, name: str, options: tuple[str, ...]
) -> None:
    # A white bar that is on the left in one field and on the right in the other: woven, every second row has it.
    frame = plain(BLACK, (128, 96))
    for row in range(96):
        left = 16 if row % 2 == 0 else 80
        frame.paste(WHITE, (left, row, left + 32, row + 1))
    field = ("-vf", "setfield=tff,scale=out_color_matrix=bt709:interl=1,format=yuv422p10le,format=yuv420p")
    if "bff=1" in options:
        field = (field[0], field[1].replace("tff", "bff"))
    if "prores_ks" in options:
        field = (field[0], field[1].removesuffix(",format=yuv420p"))
    video = studio.film([frame] * 5, name, *field, *options)
    picture = service.poster(video, widths=[0], position="0").picture().convert("L")
    for column in (32, 96):
        rows = list(picture.crop((column, 20, column + 1, 76)).tobytes())
        steps = [abs(row - below) for row, below in pairwise(rows)]
        assert max(steps) < 80, f"column {column} is combed: {rows[:8]}"


@pytest.mark.parametrize(("position", "colour", "size"), [("0.5", RED, (128, 72)), ("1.5", BLUE, (64, 36))])
def test_a_video_that_changes_its_size_shows_both_sizes(
    service: Service, studio: Studio, position: str, colour: tuple[int, ...], size: tuple[int, int]
) -> None:
    parts = [
        studio.film([plain(of, dimensions)] * 10, "part.ts", *H264, "-output_ts_offset", str(start), rate="10")
        for of, dimensions, start in ((RED, (128, 72), 0), (BLUE, (64, 36), 1))
    ]
    answer = service.poster(b"".join(part.read_bytes() for part in parts), position=position, widths=[0])
    assert is_near(answer.colour(), colour)
    assert answer.picture().size == size


TURNED = {
    "libvpx": ("-deadline", "realtime", "-b:v", "2M"),
    "libvpx-vp9": (*BT709, "-deadline", "realtime", "-b:v", "2M"),
    "libx264": (*BT709, "-x264-params", "repeat-headers=1", "-crf", "5"),
    "libx265": (*BT709, "-x265-params", "log-level=error:repeat-headers=1:crf=5"),
    "libsvtav1": (*BT709, "-preset", "12", "-crf", "10"),
    "mjpeg": ("-q:v", "2", "-pix_fmt", "yuvj420p"),
}


def joined(parts: list[Path]) -> bytes:
    """Matroska of the packets of several files, with the headers of the first."""
    content = io.BytesIO()
    with av.open(content, "w", format="matroska") as output:
        copy, now = None, 0
        for part in parts:
            with av.open(str(part)) as container:
                stream = container.streams.video[0]
                copy = copy or output.add_stream_from_template(stream, opaque=True)
                for packet in container.demux(stream):
                    if packet.size:
                        packet.stream, packet.time_base = copy, Fraction(1, 1000)
                        packet.pts = packet.dts = now
                        now += 100
                        output.mux(packet)
    return content.getvalue()


@pytest.mark.parametrize("codec", TURNED)
def test_each_frame_of_a_video_that_changes_its_size_keeps_its_shape(
    service: Service, studio: Studio, codec: str
) -> None:
    # A phone that is turned while it records, such as by a browser.
    wide, high = four((128, 64)), four((64, 128))
    options = ("-c:v", codec, *TURNED[codec], "-g", "10", "-bf", "0")
    parts = [studio.film([frame] * 100, "part.mkv", *options, rate="10") for frame in (wide, high)]
    answer = service.poster(joined(parts), position="15", widths=[0], storyboard=True, preview="webp")
    assert answer.picture().size == (64, 128)
    assert looks_like(answer.picture(), high)
    assert service.poster(joined(parts), "early.mp4", position="5", widths=[0]).picture().size == (128, 64)
    sheet = answer.picture(answer.numbers("storyboard")[0])
    moving = answer.picture(answer.numbers("preview")[0])
    assert moving.size == (128, 64)
    moving.seek(moving.n_frames - 1)  # type: ignore[attr-defined]
    tile = sheet.crop((sheet.width - 128, sheet.height - 64, sheet.width, sheet.height))
    for last in (tile, moving.convert("RGB")):
        # In the middle, with nothing at its sides.
        assert looks_like(last.crop((48, 0, 80, 64)), high)
        assert is_near(colour_of(last, 0.1, 0.5), BLACK)
    assert looks_like(sheet.crop((0, 0, 128, 64)), wide)


FIELDS = {
    "in MP4": "a.mp4",
    "in Matroska": "a.mkv",
    "in a transport stream": "a.ts",
}


@pytest.mark.parametrize("name", FIELDS.values(), ids=FIELDS)
def test_hevc_that_is_coded_as_fields_has_its_full_height(service: Service, studio: Studio, name: str) -> None:
    split = ("-vf", f"setfield=tff,separatefields,{BT709[1]}", *BT709[2:])
    codec = ("-c:v", "libx265", "-x265-params", "log-level=error:interlace=tff:keyint=10:crf=5")
    video = studio.film([four((128, 96))] * 25, name, *split, *codec)
    for position in ("0", "0.5", "auto"):
        picture = service.poster(video, f"{position}.mp4", position=position, widths=[0]).picture()
        assert picture.size == (128, 96)
        assert looks_like(picture, four((128, 96)))


def test_the_cover_art_is_not_the_poster(service: Service, studio: Studio) -> None:
    cover = studio.film([plain(YELLOW)], "cover.png", "-frames:v", "1")
    inputs = ("-i", str(cover), "-i", str(studio.film([plain(BLUE)] * 10, "film.mp4", *H264)))
    video = studio.run(
        "covered.mp4", *inputs, "-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic"
    )
    assert is_near(service.poster(video).colour(), BLUE)


@pytest.mark.parametrize("name", ["two.mp4", "two.mkv"])
@pytest.mark.parametrize("default", [0, 1])
def test_of_two_tracks_the_default_one_is_shown(service: Service, studio: Studio, default: int, name: str) -> None:
    films = [studio.film([plain(colour)] * 10, "film.mp4", *H264) for colour in (RED, GREEN)]
    inputs = ("-i", str(films[0]), "-i", str(films[1]), "-map", "0", "-map", "1", "-c", "copy")
    marks = (f"-disposition:v:{default}", "default", f"-disposition:v:{1 - default}", "0")
    video = studio.run(name, *inputs, *marks)
    assert is_near(service.poster(video).colour(), (RED, GREEN)[default])
