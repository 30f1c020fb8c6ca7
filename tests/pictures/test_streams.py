"""Streams as recorders and receivers write them: cut anywhere, joined, without an index, and long."""

import json
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from model import ReadPolicy
from tests.unit.fake_object import fake_object
from worker.choose import pick
from worker.container import open_video

from .service import Answer, Service, colour_of, is_near
from .videos import BLACK, BT709, H264, SECONDS, Studio, noise, plain

MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2", "-g", "10", "-bf", "2", "-r", "25", "-f", "vob")
SHORT_GOPS = (*H264, "-g", "10", "-bf", "2")


def shown(answer: Answer, second: int) -> None:
    assert is_near(answer.colour(y=0.3), SECONDS[second], 20), f"no second {second}: {answer}"


def shows_its_seconds(service: Service, content: bytes, *positions: float, **settings: object) -> None:
    for position in positions or (0.0, 0.95, 2.0, 4.5, 7.95):
        answer = service.poster(content, f"at {position}.mp4", position=str(position), **settings)
        shown(answer, int(position))
        assert answer.seconds == pytest.approx(position, abs=0.12)


def tiles(answer: Answer) -> list[tuple[float, float, int]]:
    """When each tile of the storyboard begins and ends, and the number of the colour that it shows."""
    (number, *_) = answer.numbers("storyboard")
    sheet = answer.picture(number)
    lines = answer.text(".vtt").splitlines()
    found = []
    for times, place in pairwise(lines):
        if "#xywh=" not in place:
            continue
        start, end = (sum(float(n) * 60**i for i, n in enumerate(reversed(t.split(":")))) for t in times.split(" --> "))
        x, y, width, height = (int(part) for part in place.partition("#xywh=")[2].split(","))
        colour = colour_of(sheet.crop((x, y, x + width, y + height)), 0.5, 0.3)
        distances = [sum(abs(a - b) for a, b in zip(colour, its, strict=True)) for its in SECONDS]
        found.append((start, end, distances.index(min(distances))))
    return found


def duration(answer: Answer) -> float:
    return float(json.loads(answer.text(".thumbnails.json"))["video"]["seconds"])


def in_packets(content: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    return b"".join(before + content[at : at + 188] + after for at in range(0, len(content), 188))


CUTS: dict[str, Callable[[bytes], bytes]] = {
    "whole": lambda ts: ts,
    "from mid-packet": lambda ts: ts[100:],
    "from mid-packet, with error correction": lambda ts: in_packets(ts, after=bytes(16))[70:],
    "with times before packets": lambda ts: in_packets(ts, before=b"\x12\x34\x56\x78"),
    "after an ID3 tag": lambda ts: b"ID3\x04\0\0\0\0\0\x3f" + bytes(63) + ts,
    "with bytes lost in the middle": lambda ts: ts[: len(ts) // 2 + 50] + ts[len(ts) // 2 + 3000 :],
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_transport_stream_is_read_wherever_it_begins(service: Service, studio: Studio, cut: str) -> None:
    content = CUTS[cut](studio.counting("film.ts", *SHORT_GOPS).read_bytes())
    shows_its_seconds(service, content, 1.5, 7.5)


@pytest.mark.parametrize("cut", ["from a PES packet", "after zeros", "from mid-packet"])
def test_a_program_stream_is_read_wherever_it_begins(service: Service, studio: Studio, cut: str) -> None:
    film = studio.counting("film.mpg", *MPEG2).read_bytes()
    second_pack = film.index(b"\0\0\x01\xba", 100)
    content = {
        "from a PES packet": film[film.index(b"\0\0\x01\xe0") :],
        "after zeros": bytes(3000) + film,
        "from mid-packet": film[second_pack - 700 :],
    }[cut]
    shows_its_seconds(service, content, 1.5, 7.5)


HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "8", *BT709)
RAW = {
    "H.264": ("-f", "h264", *SHORT_GOPS),
    "H.264 with many B-frames": ("-f", "h264", *H264, "-g", "40", "-bf", "8", "-x264-params", "b-pyramid=normal"),
    "HEVC": (
        "-f",
        "hevc",
        "-c:v",
        "libx265",
        "-crf",
        "8",
        *BT709,
        "-x265-params",
        "log-level=none:keyint=10:bframes=0",
    ),
    "MPEG-4": ("-f", "m4v", "-c:v", "mpeg4", "-q:v", "2", "-g", "10"),
}


@pytest.mark.parametrize("codec", RAW)
def test_raw_video_is_shown_at_its_own_rate(service: Service, studio: Studio, codec: str) -> None:
    shows_its_seconds(service, studio.counting("film.mp4", *RAW[codec]).read_bytes())


JOINED = {
    "ts": (*SHORT_GOPS, "-f", "mpegts"),
    "ts, far apart": (*SHORT_GOPS, "-f", "mpegts", "-output_ts_offset", "5000"),
    "mpg": MPEG2,
    "flv": (*SHORT_GOPS, "-f", "flv"),
}


@pytest.mark.parametrize("kind", JOINED)
@pytest.mark.parametrize("swapped", [False, True], ids=["as recorded", "swapped"])
def test_joined_recordings_are_one_film(service: Service, studio: Studio, kind: str, swapped: bool) -> None:
    first = studio.counting("first.mp4", *JOINED[kind], seconds=4)
    options = JOINED["ts"] if kind == "ts, far apart" else JOINED[kind]
    second = studio.run("second.mp4", "-i", str(studio.counting()), "-ss", "4", *options)
    order = (4, 5, 6, 7, 0, 1, 2, 3) if swapped else tuple(range(8))
    parts = (second, first) if swapped else (first, second)
    header = 13 if kind == "flv" else 0
    content = parts[0].read_bytes() + parts[1].read_bytes()[header:]
    answer = service.poster(content, position="75%", storyboard=True, manifest=True)
    shown(answer, order[6])
    assert duration(answer) == pytest.approx(8, abs=0.25)
    assert any("clock was set anew" in note for note in answer.notes)
    for position in (0.5, 3.5, 4.5, 7.5):
        shown(service.poster(content, f"at {position}.mp4", position=str(position)), order[int(position)])


LONG = {
    "ts": (
        "-c:v",
        "libx264",
        "-b:v",
        "2M",
        "-maxrate",
        "2M",
        "-bufsize",
        "400k",
        "-g",
        "10",
        "-bf",
        "2",
        "-f",
        "mpegts",
    ),
    "m2ts": ("-c:v", "libx264", "-b:v", "2M", "-g", "10", "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "mpg": ("-c:v", "mpeg2video", "-b:v", "2M", "-g", "10", "-bf", "2", "-f", "vob"),
    "flv": ("-c:v", "libx264", "-b:v", "2M", "-g", "10", "-bf", "2", "-f", "flv"),
    "live mkv": ("-c:v", "libx264", "-b:v", "2M", "-g", "10", "-bf", "2", "-f", "matroska", "-live", "1"),
    "live webm": ("-c:v", "libvpx", "-b:v", "2M", "-g", "10", "-cpu-used", "8", "-f", "webm", "-live", "1"),
    "asf": ("-c:v", "wmv2", "-b:v", "2M", "-g", "10", "-f", "asf"),
    "ogg": ("-c:v", "libtheora", "-b:v", "2M", "-g", "10", "-f", "ogg", "-page_duration", "100000"),
    "raw H.264": ("-c:v", "libx264", "-b:v", "2M", "-g", "10", "-bf", "2", "-f", "h264"),
    "AVI without its index": ("-c:v", "mpeg4", "-b:v", "2M", "-g", "10", "-f", "avi"),
}
UNTIMED = {"raw H.264", "AVI without its index"}


POLICY = {"whole": 0, "edge": 65_536, "tail": 65_536, "block": 65_536, "scan": 2**20, "largest_block": 2**19}
"""What is read of a video of 5 MB as of one of a hundred times its size."""


def noisy(studio: Studio) -> list[str]:
    """Forty seconds of noise below their colours, five of each."""
    film = studio.counting("film.mp4", *SHORT_GOPS)
    slowed = f"setpts=5*PTS,fps=10,scale=128:48,split[a][b];[b]noise=alls=90:allf=t[c];[a][c]vstack,{BT709[1]}"
    return ["-i", str(film), "-vf", slowed, *BT709[2:]]


def long(studio: Studio, kind: str, *options: str) -> bytes:
    """Return a video without an index."""
    content = studio.run("long.mp4", *noisy(studio), *LONG[kind], *options).read_bytes()
    return content[: content.rindex(b"idx1")] if kind == "AVI without its index" else content


@pytest.mark.parametrize("kind", LONG)
def test_of_a_long_stream_samples_are_read(service: Service, studio: Studio, kind: str) -> None:
    content = long(studio, kind)
    slack, about = (2.4, 0.1) if kind in UNTIMED else (0.2, 0.01)
    service.read_by_ranges(**POLICY)
    for position in ("2.5", "12.5", "22.5", "37.5"):
        answer = service.poster(content, f"at {position}.mp4", position=position, manifest=True)
        shown(answer, int(float(position)) // 5)
        assert answer.seconds == pytest.approx(float(position), abs=slack)
        assert duration(answer) == pytest.approx(40, rel=about)
        assert any("no index" in note for note in answer.notes)
        assert answer.said["read"]["bytes"] < len(content) * 0.6
    shown(service.poster(content, "middle.mp4", position="55%"), 4)
    board = service.poster(content, "board.mp4", position="100%", storyboard=True)
    shown(board, 7)
    # A tile shows the nearest frame of the samples, which are so many seconds apart.
    apart = 40 / (POLICY["scan"] / POLICY["block"])
    near = max(slack, apart / 2)
    for start, end, second in tiles(board):
        assert start - 5 - near <= 5 * second <= end + near


EVEN = ("ts", "m2ts", "flv", "live mkv", "asf")
"""Kinds of `LONG` whose encoders place keyframes evenly."""


@pytest.mark.parametrize("kind", EVEN)
def test_of_a_long_stream_each_tile_shows_an_even_keyframe_of_its_own(
    service: Service, studio: Studio, kind: str
) -> None:
    service.read_by_ranges(**POLICY, gap=8192)
    board = service.poster(long(studio, kind), position="0", storyboard=True, storyboardTiles=8)
    assert [second for _, _, second in tiles(board)] == [*range(8)]


@pytest.mark.parametrize("kind", EVEN)
def test_of_a_long_stream_even_keyframes_are_read_with_little_else(studio: Studio, kind: str) -> None:
    content = long(studio, kind)
    reader, ranges = fake_object(content, policy=ReadPolicy(**POLICY, gap=8192))
    demuxer = open_video(reader, 8)
    before = ranges.bytes
    runs = demuxer.read(pick.spread(demuxer.index, 8, len(content)))
    assert [run.start for run in runs] == pytest.approx([5 * number + 2.5 for number in range(8)], abs=0.6)
    # With what lies around them, as uneven ones are read, they would take from 13 to 25%.
    assert ranges.bytes - before < 0.09 * len(content)
    demuxer.close()


@pytest.mark.parametrize("gop", ["999", "15"])
@pytest.mark.parametrize("name", ["a.ts", "a.flv", "a.mpg"])
def test_after_a_poster_that_was_chosen_each_tile_still_shows_its_part(
    service: Service, studio: Studio, name: str, gop: str
) -> None:
    film = studio.counting(
        name, *SHORT_GOPS, "-g", gop, "-keyint_min", gop, *(("-f", "vob") if name == "a.mpg" else ())
    )
    board = service.poster(film, position="auto", storyboard=True, storyboardTiles=16)
    assert [second for _, _, second in tiles(board)] == [number // 2 for number in range(16)]


UNEVEN = ",".join(f"{start + offset}" for start in range(0, 40, 5) for offset in (0, 0.4, 1.9, 3.6))
UNEVENLY = ("-g", "999", "-force_key_frames", UNEVEN)


@pytest.mark.parametrize("kind", ["ts", "m2ts", "flv", "live mkv"])
def test_of_a_long_stream_uneven_keyframes_are_looked_for_in_each_part(
    service: Service, studio: Studio, kind: str
) -> None:
    content = long(studio, kind, *UNEVENLY)
    service.read_by_ranges(**POLICY, gap=8192)
    board = service.poster(content, position="0", storyboard=True, storyboardTiles=8, manifest=True)
    assert [second for _, _, second in tiles(board)] == [*range(8)]
    assert board.said["read"]["bytes"] < 0.6 * len(content)
    assert not any("nearest keyframe" in note for note in board.notes)


@pytest.mark.parametrize("kind", ["ts", "flv", "live mkv"])
def test_a_stream_is_read_whole_if_keyframes_would_be_looked_for_in_most_of_it(
    service: Service, studio: Studio, kind: str
) -> None:
    content = long(studio, kind, *UNEVENLY)
    service.read_by_ranges(**{**POLICY, "scan": len(content) // 3})
    board = service.poster(content, position="0", storyboard=True, storyboardTiles=40, manifest=True)
    assert [second for _, _, second in tiles(board)] == [number // 5 for number in range(40)]
    # What is late is asked for again, and counted.
    assert board.said["read"]["bytes"] >= len(content)
    assert not board.notes
    few = service.poster(content, "few.mp4", position="0", storyboard=True, storyboardTiles=3)
    assert few.said["read"]["bytes"] < 0.5 * len(content)


LOW_LATENCY = ("-f", "mp4", "-movflags", "frag_every_frame+empty_moov+default_base_moof+skip_trailer")
FRAGMENTED = {
    "even keyframes": ("-c:v", "libx264", "-b:v", "2M", "-g", "10", "-bf", "2", *LOW_LATENCY),
    "uneven keyframes": ("-c:v", "libx264", "-b:v", "2M", *UNEVENLY, *LOW_LATENCY),
}
"""Recordings of live streams of low latency: what a fragment holds is known, and where it lies is not."""


@pytest.mark.parametrize("kind", FRAGMENTED)
def test_of_a_long_file_of_tiny_fragments_each_tile_shows_a_keyframe_of_its_own(
    service: Service, studio: Studio, kind: str
) -> None:
    content = studio.run("long.mp4", *noisy(studio), *FRAGMENTED[kind]).read_bytes()
    service.read_by_ranges(**POLICY, gap=4096, hop=8192)
    board = service.poster(content, position="0", storyboard=True, storyboardTiles=8, manifest=True)
    assert [second for _, _, second in tiles(board)] == [*range(8)]
    assert not board.notes
    # Uneven ones are looked for in all that lies after a place.
    assert board.said["read"]["bytes"] < len(content) * (0.2 if kind == "even keyframes" else 0.4)


def test_a_program_stream_has_one_clock_wherever_samples_of_it_begin(studio: Studio) -> None:
    content = long(studio, "mpg")
    for block in range(16_384, 131_072, 4_096):
        reader, _ = fake_object(content, policy=ReadPolicy(**{**POLICY, "block": block}))
        demuxer = open_video(reader)
        assert demuxer.index.duration == pytest.approx(40, abs=0.5), block
        demuxer.close()


def test_of_a_long_stream_that_was_joined_the_times_count_on(service: Service, studio: Studio) -> None:
    content = long(studio, "ts")
    half = len(content) // 188 // 2 * 188
    content = content[half:] + content[:half]
    service.read_by_ranges(**POLICY)
    answer = service.poster(content, position="78%", manifest=True)
    assert any("clock was set anew" in note for note in answer.notes)
    assert duration(answer) == pytest.approx(40, rel=0.15)
    shown(answer, 2)
    shown(service.poster(content, "quarter.mp4", position="28%"), 6)


def test_of_a_recording_with_a_single_keyframe_what_follows_it_is_looked_at(service: Service, studio: Studio) -> None:
    seconds = [plain(BLACK)] * 20 + [noise(number, (128, 72)) for number in range(60)]
    live = ("-c:v", "libvpx", "-b:v", "2M", "-g", "9999", "-deadline", "realtime", "-live", "1")
    content = studio.film(seconds, "live.webm", *live, rate="10").read_bytes()
    service.read_by_ranges(**{**POLICY, "block": 16_384, "scan": 131_072})
    assert service.poster(content).seconds >= 2
    answer = service.poster(content, "late.mp4", position="6.5", manifest=True)
    assert answer.seconds == pytest.approx(6.5, abs=0.1)
    assert duration(answer) == pytest.approx(8, abs=0.2)


@pytest.mark.parametrize("kind", ["good", "of another file", "of the beginning alone"])
def test_an_flv_is_read_by_its_table_of_keyframes_if_that_is_its_own(
    service: Service, studio: Studio, kind: str, tmp_path: Path
) -> None:
    (tmp_path / "long.flv").write_bytes(long(studio, "flv"))
    options = ("-i", str(tmp_path / "long.flv"), "-c", "copy", "-flvflags", "add_keyframe_index", "-f", "flv")
    content = bytearray(studio.run("table.flv", *options).read_bytes())
    places = content.index(b"filepositions") + len(b"filepositions") + 5
    for number in range(40 if kind != "good" else 0):
        value = 1e9 + number if kind == "of another file" else 500.0 + number
        struct.pack_into(">d", content, places + 9 * number + 1, value)
    service.read_by_ranges(**POLICY)
    answer = service.poster(bytes(content), position="22.5")
    shown(answer, 4)
    assert answer.seconds == pytest.approx(22.5, abs=0.2)
    assert (answer.notes == []) == (kind == "good")
    assert answer.said["read"]["bytes"] < len(content) * 0.6


def test_raw_dv_is_read_frame_by_frame(service: Service, studio: Studio) -> None:
    dv = (
        "-vf",
        "scale=720:576:out_color_matrix=bt601",
        "-c:v",
        "dvvideo",
        "-pix_fmt",
        "yuv420p",
        "-r",
        "25",
        "-f",
        "dv",
    )
    content = studio.run("film.mp4", "-i", str(studio.counting("film.mp4", *SHORT_GOPS)), *dv).read_bytes()
    service.read_by_ranges(whole=0, scan=200_000)
    for position in (0.2, 4.5, 7.9):
        answer = service.poster(content, f"at {position}.mp4", position=str(position), manifest=True)
        assert is_near(answer.colour(y=0.3), SECONDS[int(position)], 30), answer
        assert duration(answer) == 8.0
        assert answer.said["read"]["bytes"] < len(content) / 3
