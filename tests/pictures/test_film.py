"""The film is shown, and none of the other streams of video that a file has."""

from pathlib import Path

import pytest

from .service import Service, is_near
from .videos import BLACK, H264, SECONDS, Studio, plain

MPEG4 = ("-c:v", "mpeg4", "-q:v", "2", "-g", "10")


def still(studio: Studio) -> Path:
    """Return a single black frame, larger than the film."""
    return studio.film([plain(BLACK, (640, 360))], "still.avi", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("still.mp4", ()),
        ("still.mov", ()),
        ("still.mkv", ()),
        ("still.wmv", ("-f", "asf")),
        ("still.avi", ()),
    ],
)
@pytest.mark.parametrize("first", ["film", "still"])
def test_a_still_beside_the_film_is_not_shown(
    service: Service, studio: Studio, name: str, options: tuple[str, ...], first: str
) -> None:
    film = studio.counting("film.avi", *MPEG4)
    inputs = [film, still(studio)] if first == "film" else [still(studio), film]
    maps = ("-i", str(inputs[0]), "-i", str(inputs[1]), "-map", "0", "-map", "1", "-c", "copy", *options)
    answer = service.poster(studio.run(name, *maps), position="4.5", storyboard=True)
    assert is_near(answer.colour(), SECONDS[4], 20), answer


@pytest.mark.parametrize("name", ["renditions.mp4", "renditions.mkv", "renditions.ts"])
def test_the_largest_rendition_is_shown(service: Service, studio: Studio, name: str) -> None:
    film = studio.counting("film.mp4", *H264, "-g", "20")
    sizes = ("64x36", "256x144", "128x72")
    graph = "[0]split=3[a][b][c];" + ";".join(f"[{n}]scale={s}[{n}{n}]" for n, s in zip("abc", sizes, strict=True))
    maps = ("-filter_complex", graph, "-map", "[aa]", "-map", "[bb]", "-map", "[cc]", "-disposition:v", "default")
    video = studio.run(name, "-i", str(film), *maps, "-c:v", "libx264", "-preset", "ultrafast", "-g", "20")
    answer = service.poster(video, position="4.5")
    assert answer.picture().size == (256, 144)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_program_whose_video_is_not_in_the_file_is_left_out(service: Service, studio: Studio, missing: int) -> None:
    film = studio.counting("film.mp4", *H264, "-g", "20")
    programs = ("-program", "title=one:st=0", "-program", "title=two:st=1", "-f", "mpegts")
    both = studio.run("both.ts", "-i", str(film), "-i", str(film), "-map", "0", "-map", "1", "-c", "copy", *programs)
    packets = [both.read_bytes()[at : at + 188] for at in range(0, both.stat().st_size, 188)]
    kept = [packet for packet in packets if int.from_bytes(packet[1:3], "big") & 0x1FFF != 256 + missing]
    assert len(kept) < len(packets)
    answer = service.poster(b"".join(kept), position="4.5")
    assert is_near(answer.colour(), SECONDS[4], 20), answer


def test_stills_and_sound_alone_are_skipped(service: Service, studio: Studio) -> None:
    cover = studio.film([plain(BLACK)], "cover.png", "-frames:v", "1")
    inputs = ("-f", "lavfi", "-i", "sine=duration=1", "-i", str(cover), "-map", "0", "-map", "1")
    song = studio.run("song.m4a", *inputs, "-c:v", "copy", "-c:a", "aac", "-disposition:v:0", "attached_pic")
    answer = service.answer(song)
    assert (answer.outcome, answer.reason) == ("skipped", "it holds no video, only audio")
