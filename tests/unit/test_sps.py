"""The colour tags in parameter sets that a real encoder wrote, and in those that nobody did."""

import random

import pytest

from pipeline import sps

from .encoded import encoded, packets

TAGS = {
    (1, 1, 1): "colorprim=bt709:transfer=bt709:colormatrix=bt709",
    (9, 16, 9): "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
    (9, 18, 9): "colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc",
    (5, 2, 5): "colorprim=bt470bg:colormatrix=bt470bg",
    (12, 13, 1): "colorprim=smpte432:transfer=iec61966-2-1:colormatrix=bt709",
    (2, 2, 2): "",
}
KINDS = {
    "high": ({}, "yuv420p", ""),
    "baseline": ({"profile": "baseline"}, "yuv420p", ""),
    "main": ({"profile": "main"}, "yuv420p", ""),
    "in fields": ({}, "yuv420p", "tff=1:"),
    "with scaling lists": ({}, "yuv420p", "cqm=jvt:"),
    "4:2:2, 10 bits": ({}, "yuv422p10le", ""),
    "4:4:4 with scaling lists": ({}, "yuv444p", "cqm=jvt:"),
    "with oblong pixels": ({}, "yuv420p", "sar=64/45:"),
    "with oddly oblong pixels": ({}, "yuv420p", "sar=999/1000:"),
    "with an overscan flag": ({}, "yuv420p", "overscan=show:"),
    "in full range": ({}, "yuv420p", "fullrange=on:"),
}


def configuration(kind: str, tags: str = "", size: tuple[int, int] = (64, 48)) -> bytes:
    options, layout, params = KINDS[kind]
    video = encoded("libx264", {**options, "x264-params": params + tags} if params + tags else options, size, layout)
    return packets(video)[0].codec_context.extradata or b""


@pytest.mark.parametrize("tags", TAGS, ids=map(str, TAGS))
@pytest.mark.parametrize("kind", KINDS)
def test_the_tags_of_every_kind_of_parameter_set_are_read(kind: str, tags: tuple[int, int, int]) -> None:
    assert sps.tags(configuration(kind, TAGS[tags])) == tags


@pytest.mark.parametrize("size", [(62, 46), (16, 16), (34, 18)])
def test_they_stand_behind_the_cropping(size: tuple[int, int]) -> None:
    assert sps.tags(configuration("high", TAGS[9, 16, 9], size)) == (9, 16, 9)


@pytest.mark.parametrize("content", [b"", b"\1", bytes(50), b"\0\0\0\1\x67\x64", b"\1\x64\0\x0a\xff\xe0\0\0\0\0"])
def test_what_is_no_configuration_record_has_no_tags(content: bytes) -> None:
    assert sps.tags(content) is None


def test_a_record_that_was_tampered_with_has_tags_or_none() -> None:
    chance = random.Random(3)
    record = configuration("with scaling lists", TAGS[9, 16, 9])
    seen = set()
    for _ in range(2000):
        content = bytearray(record[: chance.randrange(9, len(record) + 1)])
        for _ in range(chance.randrange(1, 6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        found = sps.tags(bytes(content))
        assert all(0 <= tag <= 255 for tag in found or ())
        seen.add(found)
    assert len(seen) > 3
