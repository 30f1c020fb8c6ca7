"""Stereo video: of two views in a frame one is shown, in its own shape."""

from pathlib import Path

import pytest
from PIL import Image

from .service import Service, colour_of, is_near
from .videos import BLUE, GREEN, H264, MAGENTA, RED, YELLOW, Studio, four, plain

SIZE = (256, 144)
"""Of a view as it is meant to be seen."""
CORNERS = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
MODES = {"side by side": "left_right", "top and bottom": "top_bottom"}
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-b:v", "2M")


def packed(packing: str, is_squeezed: bool) -> Image.Image:
    """Four colours for the left eye, magenta for the right one; squeezed into the size of one view, or not."""
    is_beside = packing == "side by side"
    frame = plain(MAGENTA, (SIZE[0] * (1 + is_beside), SIZE[1] * (2 - is_beside)))
    frame.paste(four(SIZE))
    return frame.resize(SIZE, Image.Resampling.BOX) if is_squeezed else frame


def shows_one_view(service: Service, video: Path | bytes, size: tuple[int, int] = SIZE) -> bool:
    answer = service.poster(video, widths=[0], storyboard=True)
    sheet = answer.picture(answer.numbers("storyboard")[0])
    width = min(160, size[0])
    tile = width, width * size[1] // size[0]
    # A tile for each of the five frames.
    assert sheet.size == (5 * tile[0], tile[1])
    for picture in (answer.picture(), sheet.crop((0, 0, *tile))):
        found = [colour_of(picture, x, y) for x, y in CORNERS]
        wanted = (RED, GREEN, BLUE, YELLOW)
        assert all(is_near(mine, other, 24) for mine, other in zip(found, wanted, strict=True)), found
    return answer.picture().size == size


@pytest.mark.parametrize(
    ("name", "packing", "is_squeezed"),
    [
        ("a.mp4", "side by side", True),
        ("a.mkv", "side by side", False),
        ("a.ts", "top and bottom", True),
        ("a.mp4", "top and bottom", False),
    ],
)
def test_where_the_stream_says_so(service: Service, studio: Studio, name: str, packing: str, is_squeezed: bool) -> None:
    number = 3 if packing == "side by side" else 4
    stereo = ("-x264-params", f"frame-packing={number}")
    video = studio.film([packed(packing, is_squeezed)] * 5, name, *H264, *stereo, rate="10")
    assert shows_one_view(service, video)


@pytest.mark.parametrize(
    ("name", "codec", "packing", "is_squeezed"),
    [
        ("a.mkv", H264, "side by side", True),
        ("a.mkv", H264, "side by side", False),
        ("a.mkv", H264, "top and bottom", True),
        ("a.mkv", H264, "top and bottom", False),
        ("a.webm", VP9, "side by side", True),
    ],
)
def test_where_matroska_says_so(
    service: Service, studio: Studio, name: str, codec: tuple[str, ...], packing: str, is_squeezed: bool
) -> None:
    mode = ("-metadata:s:v", f"stereo_mode={MODES[packing]}")
    assert shows_one_view(service, studio.film([packed(packing, is_squeezed)] * 5, name, *codec, *mode, rate="10"))


def in_mp4(studio: Studio, frame: Image.Image, packing: str, described: bytes | None = None) -> bytes:
    """Return an MP4 with Google's box (`st3d`), or with these boxes in its place."""
    mode = ("-metadata:s:v", f"stereo_mode={MODES[packing]}")
    film = studio.film([frame] * 5, "a.mkv", *H264, *mode, rate="10")
    content = studio.run("a.mp4", "-i", str(film), "-c", "copy", "-strict", "unofficial").read_bytes()
    start, end = content.index(b"st3d") - 4, content.index(EYES) + len(EYES)
    if described is None:
        return content.replace(b"vexu", b"free")
    changed = bytearray(content[:start] + described + content[end:])
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"):
        place = changed.rindex(kind, 0, start) - 4
        size = int.from_bytes(changed[place : place + 4], "big") + len(described) - (end - start)
        changed[place : place + 4] = size.to_bytes(4, "big")
    return bytes(changed)


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return (8 + len(content)).to_bytes(4, "big") + kind + content


EYES = box(b"eyes", box(b"stri", b"\0\0\0\0\3"))


@pytest.mark.parametrize(("packing", "is_squeezed"), [("side by side", True), ("top and bottom", False)])
def test_where_googles_box_in_mp4_says_so(service: Service, studio: Studio, packing: str, is_squeezed: bool) -> None:
    assert shows_one_view(service, in_mp4(studio, packed(packing, is_squeezed), packing))


@pytest.mark.parametrize("packing", MODES)
def test_where_apples_box_in_mp4_says_so(service: Service, studio: Studio, packing: str) -> None:
    packs = box(b"pack", box(b"pkin", bytes(4), {"side by side": b"side", "top and bottom": b"over"}[packing]))
    assert shows_one_view(service, in_mp4(studio, packed(packing, False), packing, box(b"vexu", EYES, packs)))


def test_a_half_of_a_sphere_is_as_high_as_it_is_wide(service: Service, studio: Studio) -> None:
    # Such as VR180: two squares, which are not squeezed.
    frame = plain(MAGENTA, (256, 128))
    frame.paste(four((128, 128)))
    projection = box(b"proj", box(b"prhd", bytes(16)), box(b"equi", bytes(20)))
    sphere = box(b"sv3d", box(b"svhd", bytes(5)), projection)
    content = in_mp4(studio, frame, "side by side", box(b"st3d", b"\0\0\0\0\2") + sphere)
    assert shows_one_view(service, content, (128, 128))
