"""Raw video and palettes: every layout of pixels that AVI and QuickTime know is shown as it was meant."""

import zlib

import pytest
from PIL import Image, ImageOps

from .avi import avi
from .service import Service, colour_of, is_near
from .videos import BLUE, GREEN, RED, YELLOW, Studio, four

CORNERS = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
COLOURS = (RED, GREEN, BLUE, YELLOW)
SIZE = (101, 60)
"""An odd width, whose rows are padded to whole words."""
RAW = ("-c:v", "rawvideo", "-pix_fmt")


def shows_the_four(service: Service, video: object, tolerance: int = 12) -> bool:
    answer = service.poster(video, format="png", widths=[0], position="0.2")  # type: ignore[arg-type]
    picture = answer.picture()
    assert picture.mode == "RGB"
    found = [colour_of(picture, x, y) for x, y in CORNERS]
    return all(is_near(mine, wanted, tolerance) for mine, wanted in zip(found, COLOURS, strict=True))


def rows(bits: int, size: tuple[int, int] = SIZE, is_bottom_up: bool = True) -> bytes:
    """Return the four colours as Windows lays them out; of 8 bits and fewer, as their numbers."""
    content, pixels, width = b"", four(size).tobytes(), 3 * size[0]
    lines = [pixels[place : place + width] for place in range(0, len(pixels), width)]
    for line in reversed(lines) if is_bottom_up else lines:
        colours = [tuple(line[place : place + 3]) for place in range(0, width, 3)]
        if bits <= 8:
            text = "".join(f"{COLOURS.index(colour):0{bits}b}" for colour in colours)
            row = bytes(int(text[place : place + 8].ljust(8, "0"), 2) for place in range(0, len(text), 8))
        elif bits == 16:
            row = b"".join((r >> 3 << 10 | g >> 3 << 5 | b >> 3).to_bytes(2, "little") for r, g, b in colours)
        else:
            row = b"".join(bytes((*reversed(colour), *bytes(bits // 8 - 3))) for colour in colours)
        content += row.ljust(-(-len(row) // 4) * 4, b"\0")
    return content


def palette(bits: int) -> bytes:
    return b"".join(bytes((*reversed(colour), 0)) for colour in COLOURS).ljust(4 << bits, b"\0")


@pytest.mark.parametrize("is_bottom_up", [True, False], ids=["from the bottom up", "from the top down"])
@pytest.mark.parametrize("bits", [4, 8, 16, 24, 32])
def test_windows_own_layouts_stand_upright_in_their_colours(service: Service, bits: int, is_bottom_up: bool) -> None:
    # The fourth byte of 32 bits is no transparency, though it is 0.
    size = SIZE if is_bottom_up else (SIZE[0], -SIZE[1])
    record = palette(bits) if bits <= 8 else b""
    assert shows_the_four(service, avi([rows(bits, is_bottom_up=is_bottom_up)] * 5, size, bits, record=record))


def planes(order: str, size: tuple[int, int]) -> bytes:
    """Return the four colours in planes of 4:2:0, the chroma in this order."""
    picture = four(size).convert("YCbCr")
    small = picture.resize((size[0] // 2, size[1] // 2), Image.Resampling.NEAREST).split()
    # Pillow's are in full range.
    limited = [
        plane.point([round(low + value * high / 255) for value in range(256)])
        for plane, low, high in ((picture.getchannel("Y"), 16, 219), (small[1], 16, 224), (small[2], 16, 224))
    ]
    return b"".join(limited["YUV".index(name)].tobytes() for name in order)


@pytest.mark.parametrize(("tag", "order"), [(b"I420", "YUV"), (b"YV12", "YVU")], ids=["I420", "YV12"])
def test_planes_of_chroma_stand_in_the_order_of_their_tag(service: Service, tag: bytes, order: str) -> None:
    assert shows_the_four(service, avi([planes(order, (100, 60))] * 5, (100, 60), 12, tag))


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        *(("a.avi", layout) for layout in ("uyvy422", "yuyv422", "yuv420p", "nv12", "yuv411p", "rgba")),
        *(("a.mov", layout) for layout in ("rgb24", "argb", "rgb555be", "bgra", "uyvy422", "yuyv422", "rgb48be")),
        *(("a.mkv", layout) for layout in ("yuv420p", "uyvy422")),
    ],
)
def test_the_layouts_of_raw_video_are_kept(service: Service, studio: Studio, name: str, layout: str) -> None:
    size = (102, 60) if name == "a.mkv" else SIZE
    assert shows_the_four(service, studio.quadrants(name, *RAW, layout, size=size))


@pytest.mark.parametrize(
    ("name", "layout"), [("a.avi", "gray"), ("a.mkv", "gray"), ("a.mov", "gray"), ("a.mov", "gray16be")]
)
def test_grey_video_is_grey(service: Service, studio: Studio, name: str, layout: str) -> None:
    picture = service.poster(studio.quadrants(name, *RAW, layout), format="png", position="0.2").picture()
    for (x, y), (red, green, blue) in zip(CORNERS, COLOURS, strict=True):
        grey = round(0.299 * red + 0.587 * green + 0.114 * blue)
        assert is_near(colour_of(picture, x, y), (grey,) * 3)


@pytest.mark.parametrize("name", ["v210.avi", "v210.mov", "y41p.avi"])
def test_packed_layouts_have_codecs_of_their_own(service: Service, studio: Studio, name: str) -> None:
    assert shows_the_four(service, studio.quadrants(name, "-c:v", name[:4], size=(104, 60)), 24)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.avi", (*RAW, "pal8")),
        ("a.mov", (*RAW, "pal8")),
        ("a.avi", ("-c:v", "msrle")),
        ("a.mov", ("-c:v", "smc")),
        ("a.mov", ("-c:v", "png", "-pix_fmt", "pal8")),
        ("a.avi", ("-c:v", "zmbv", "-pix_fmt", "pal8")),
    ],
    ids=["raw in AVI", "raw in QuickTime", "Microsoft RLE", "QuickTime graphics", "PNG", "DOSBox"],
)
def test_a_palette_is_kept(service: Service, studio: Studio, name: str, options: tuple[str, ...]) -> None:
    # FFmpeg's general palette has six levels of each colour or so.
    assert shows_the_four(service, studio.quadrants(name, *options), 48)


@pytest.mark.parametrize("kind", ["qtrle", "rawvideo"])
def test_quicktimes_own_palette_of_greys_is_known(service: Service, studio: Studio, kind: str) -> None:
    video = studio.quadrants("a.mov", "-c:v", kind, "-pix_fmt", "gray")
    picture = service.poster(video, format="png", position="0.2").picture()
    found = [colour_of(picture, x, y) for x, y in CORNERS]
    assert all(red == green == blue for red, green, blue in found)
    assert found[2] < found[0] < found[1] < found[3]


def run_lengths(pixel: bytes, width: int, height: int) -> bytes:
    """Return a frame of one colour in Microsoft's RLE: runs of up to 255 pixels, ends of rows, the end."""
    runs = b"".join(bytes([min(255, width - x)]) + pixel for x in range(0, width, 255))
    return (runs + b"\0\0") * height + b"\0\1"


@pytest.mark.parametrize("bits", [8, 24])
def test_the_depth_of_a_screen_recording_is_kept(service: Service, bits: int) -> None:
    # Camtasia's: only the header of AVI says how many bytes a pixel has, and of 8 bits its colour.
    pixel = b"\3" if bits == 8 else bytes(reversed(YELLOW))
    frame = zlib.compress(run_lengths(pixel, 64, 48))
    video = avi([frame] * 5, (64, 48), bits, b"tscc", palette(8) if bits == 8 else b"")
    assert is_near(service.poster(video, format="png").colour(), YELLOW)


@pytest.mark.parametrize(
    ("codec", "angle", "flip"),
    [
        ("liboapv", 90, ""),
        ("liboapv", 180, ""),
        ("liboapv", 270, "-display_hflip"),
        ("rawvideo", 90, "-display_vflip"),
        ("rawvideo", 270, ""),
        ("rawvideo", 0, "-display_hflip"),
        ("rawvideo", 0, "-display_vflip"),
    ],
)
def test_raw_video_and_apv_are_turned_as_others_are(
    service: Service, studio: Studio, codec: str, angle: int, flip: str
) -> None:
    layout = {"liboapv": "yuv422p10le", "rawvideo": "uyvy422"}[codec]
    video = studio.quadrants("a.mov", "-c:v", codec, "-pix_fmt", layout, size=(512, 288))
    matrix = ("-display_rotation", str(angle), *([flip] if flip else []))
    turned = studio.run("a.mov", *matrix, "-i", str(video), "-c", "copy")
    # FFmpeg's options turn counterclockwise, as Pillow does, and mirror afterwards.
    wanted = four((512, 288)).rotate(angle, expand=True)
    if flip:
        wanted = ImageOps.mirror(wanted) if flip == "-display_hflip" else ImageOps.flip(wanted)
    picture = service.poster(turned, widths=[0]).picture()
    assert picture.size == wanted.size
    found = [colour_of(picture, x, y) for x, y in CORNERS]
    assert all(is_near(mine, colour_of(wanted, x, y), 24) for mine, (x, y) in zip(found, CORNERS, strict=True))
