"""Colours: patches whose samples are computed here, by the standards' own formulas, must look as they were meant.

Each video has four patches side by side, written sample for sample, so that no other converter is trusted.
"""

import math
from collections.abc import Sequence

import pytest

from .service import Service, colour_of, is_near
from .videos import Studio

Linear = tuple[float, float, float]

PATCHES = ((200, 40, 40), (40, 160, 60), (50, 60, 200), (180, 180, 180))
KR_KB = {
    "bt709": (0.2126, 0.0722),
    "smpte170m": (0.299, 0.114),
    "bt470bg": (0.299, 0.114),
    "bt2020nc": (0.2627, 0.0593),
}
TO_2020 = ((0.6274, 0.3293, 0.0433), (0.0691, 0.9195, 0.0114), (0.0164, 0.0880, 0.8956))
TO_P3 = ((0.8225, 0.1774, 0.0), (0.0332, 0.9669, 0.0), (0.0171, 0.0724, 0.9108))
SUBSAMPLED = {"420": (2, 2), "422": (2, 1), "444": (1, 1)}


def samples(
    signals: Sequence[Linear], matrix: str, chroma: str, depth: int, full: bool, patch: tuple[int, int] = (32, 32)
) -> bytes:
    """One planar frame of patches, of R'G'B' signals from 0 to 1 (ITU-T H.273, equations 11 to 64)."""
    red, blue = KR_KB[matrix]
    planes: list[list[int]] = [[], [], []]
    peak, step = 2**depth - 1, 2 ** (depth - 8)
    for r, g, b in signals:
        luma = red * r + (1 - red - blue) * g + blue * b
        differences = ((b - luma) / (2 * (1 - blue)), (r - luma) / (2 * (1 - red)))
        planes[0].append(round(luma * peak if full else step * (16 + 219 * luma)))
        for plane, value in zip(planes[1:], differences, strict=True):
            plane.append(round(2 ** (depth - 1) + (value * peak if full else step * 224 * value)))
    content = b""
    for number, plane in enumerate(planes):
        across, down = SUBSAMPLED[chroma] if number else (1, 1)
        row = b"".join(
            min(peak, max(0, value)).to_bytes(1 if depth == 8 else 2, "little") * (patch[0] // across)
            for value in plane
        )
        content += row * (patch[1] // down)
    return content


def tagged(matrix: str, primaries: str, transfer: str, full: bool = False) -> tuple[str, ...]:
    """Return the options that tag a stream and leave its samples as they are."""
    extent = "full" if full else "limited"
    marks = f"setparams=range={extent}:colorspace={matrix}:color_primaries={primaries}:color_trc={transfer}"
    return ("-vf", marks)


def signals(patches: Sequence[tuple[int, int, int]] = PATCHES) -> list[Linear]:
    return [(r / 255, g / 255, b / 255) for r, g, b in patches]


def in_gamut(matrix: Sequence[Linear], patches: Sequence[tuple[int, int, int]] = PATCHES) -> list[Linear]:
    """Return the signals of the same colours in a wider gamut, for a screen with the gamma of BT.1886, 2.4."""
    found = []
    for signal in signals(patches):
        light = [value**2.4 for value in signal]
        r, g, b = (sum(k * v for k, v in zip(row, light, strict=True)) ** (1 / 2.4) for row in matrix)
        found.append((r, g, b))
    return found


def patches_of(service: Service, video: object, count: int = 4) -> list[tuple[int, ...]]:
    """Return the colours of the patches as the poster shows them."""
    picture = service.poster(video, format="png", widths=[0]).picture()  # type: ignore[arg-type]
    return [colour_of(picture, (number + 0.5) / count) for number in range(count)]


def are_near(found: Sequence[tuple[int, ...]], wanted: Sequence[tuple[int, ...]], tolerance: int = 8) -> bool:
    return all(is_near(mine, other, tolerance) for mine, other in zip(found, wanted, strict=True))


H264 = ("-c:v", "libx264", "-qp", "1")
FFV1 = ("-c:v", "ffv1")
HEVC = ("-c:v", "libx265", "-x265-params", "log-level=error:qp=2")
PRORES = ("-c:v", "prores_ks", "-profile:v", "4444", "-qscale:v", "2")

ORDINARY = {
    "8-bit 4:2:0, BT.709": ("a.mp4", H264, "bt709", "420", 8, False),
    "8-bit 4:2:0, full range": ("a.mp4", H264, "bt709", "420", 8, True),
    "8-bit 4:2:2": ("a.mp4", H264, "bt709", "422", 8, False),
    "8-bit 4:4:4": ("a.mp4", H264, "bt709", "444", 8, False),
    "BT.601, NTSC": ("a.mp4", H264, "smpte170m", "420", 8, False),
    "BT.601, PAL": ("a.mp4", H264, "bt470bg", "420", 8, False),
    "BT.601, full range": ("a.mp4", H264, "smpte170m", "420", 8, True),
    "10-bit 4:2:0": ("a.mp4", H264, "bt709", "420", 10, False),
    "10-bit 4:2:0 HEVC": ("a.mp4", HEVC, "bt709", "420", 10, False),
    "10-bit 4:2:0, full range": ("a.mp4", H264, "bt709", "420", 10, True),
    "10-bit 4:2:2": ("a.mp4", H264, "bt709", "422", 10, False),
    "10-bit 4:2:2 ProRes": ("a.mov", ("-c:v", "prores_ks", "-qscale:v", "2"), "bt709", "422", 10, False),
    "10-bit 4:4:4 ProRes": ("a.mov", PRORES, "bt709", "444", 10, False),
    "12-bit 4:4:4": ("a.mp4", HEVC, "bt709", "444", 12, False),
    "BT.709 in Matroska": ("a.mkv", FFV1, "bt709", "444", 10, False),
    "BT.601 in Matroska": ("a.mkv", FFV1, "smpte170m", "420", 8, False),
    "full range in Matroska": ("a.mkv", FFV1, "bt709", "420", 8, True),
}


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_video_has_its_colours(service: Service, studio: Studio, kind: str) -> None:
    name, codec, matrix, chroma, depth, full = ORDINARY[kind]
    layout = f"yuv{chroma}p" + (f"{depth}le" if depth > 8 else "")
    frame = samples(signals(), matrix, chroma, depth, full)
    primaries = {"bt709": "bt709", "smpte170m": "smpte170m", "bt470bg": "bt470bg"}[matrix]
    marks = tagged(matrix, primaries, "smpte170m" if matrix == "smpte170m" else "bt709", full)
    video = studio.raw([frame] * 3, (128, 32), layout, name, *marks, *codec)
    assert are_near(patches_of(service, video), PATCHES), kind


def test_the_range_that_only_the_container_tells_is_believed(service: Service, studio: Studio) -> None:
    frame = samples(signals(), "smpte170m", "420", 8, True)
    full = ("-vf", "setparams=range=full", "-color_range", "pc")
    assert are_near(patches_of(service, studio.raw([frame] * 3, (128, 32), "yuv420p", "a.mkv", *full, *FFV1)), PATCHES)


@pytest.mark.parametrize(
    ("size", "matrix"), [((160, 90), "smpte170m"), ((720, 576), "smpte170m"), ((1280, 720), "bt709")]
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_untagged_video_is_taken_for_what_players_take_it(
    service: Service, studio: Studio, size: tuple[int, int], matrix: str, name: str
) -> None:
    # Most of the world's H.264 says nothing of its colours. Browsers and players go by the size: BT.601 for standard
    # definition, BT.709 for what is larger.
    frame = samples(signals(), matrix, "420", 8, False, (size[0] // 4, size[1]))
    video = studio.raw([frame] * 2, size, "yuv420p", name, *H264, "-preset", "ultrafast")
    assert are_near(patches_of(service, video), PATCHES)


def test_reserved_and_contradictory_tags_are_no_failure(service: Service, studio: Studio) -> None:
    frame = samples(signals(), "smpte170m", "420", 8, False)
    plain = studio.raw([frame] * 3, (128, 32), "yuv420p", "a.mp4", *H264)
    for tags in (
        "colour_primaries=3:transfer_characteristics=3:matrix_coefficients=3",
        "colour_primaries=0:transfer_characteristics=0:matrix_coefficients=3",
        "colour_primaries=22:transfer_characteristics=18:matrix_coefficients=2",
        "colour_primaries=2:transfer_characteristics=16:matrix_coefficients=2",
        "colour_primaries=9:transfer_characteristics=2:matrix_coefficients=0",
        "colour_primaries=9:transfer_characteristics=16:matrix_coefficients=14",
        "colour_primaries=200:transfer_characteristics=200:matrix_coefficients=200",
    ):
        video = studio.run("odd.mp4", "-i", str(plain), "-c", "copy", "-bsf:v", f"h264_metadata={tags}")
        # A picture of known colours where the tags say nothing; of any where they say what cannot be.
        answer = service.poster(video, f"{tags}.mp4")
        if tags.endswith("=3"):
            assert is_near(answer.colour(0.125), PATCHES[0]), tags


def test_rgb_video_is_not_converted(service: Service, studio: Studio) -> None:
    content = b"".join(bytes(patch) * 32 for patch in PATCHES) * 32
    for name, codec in (("a.mp4", ("-c:v", "libx264rgb", "-qp", "1")), ("a.mkv", ("-c:v", "ffv1", "-pix_fmt", "gbrp"))):
        assert are_near(patches_of(service, studio.raw([content] * 2, (128, 32), "rgb24", name, *codec)), PATCHES)


@pytest.mark.parametrize(
    ("gamut", "matrix", "primaries", "transfer"),
    [
        (TO_2020, "bt2020nc", "bt2020", "bt2020-10"),
        (TO_P3, "bt709", "smpte432", "bt709"),
        (TO_P3, "bt709", "smpte432", "iec61966-2-1"),
    ],
    ids=["BT.2020", "P3", "P3 with the transfer of sRGB"],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_the_colours_of_a_wide_gamut_are_brought_into_that_of_a_screen(
    service: Service,
    studio: Studio,
    gamut: Sequence[Linear],
    matrix: str,
    primaries: str,
    transfer: str,
    name: str,
) -> None:
    frame = samples(in_gamut(gamut), matrix, "420", 10, False)
    video = studio.raw([frame] * 3, (128, 32), "yuv420p10le", name, *tagged(matrix, primaries, transfer), *HEVC)
    assert are_near(patches_of(service, video), PATCHES, 12)


def perceptual(nits: float) -> float:
    """Return the signal of a light, by SMPTE ST 2084."""
    power = (max(nits, 0) / 10_000) ** (2610 / 16384)
    return float(((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32))


def hybrid(nits: float) -> float:
    """Return the signal of a grey light on a screen of 1000 nits, by ITU-R BT.2100 (HLG)."""
    scene = (nits / 1000) ** (1 / 1.2)
    if scene <= 1 / 12:
        return float((3 * scene) ** 0.5)
    logarithm = math.log(12 * scene - 0.28466892)
    return 0.17883277 * logarithm + 0.55991073


GREYS = (0.0, 26.0, 203.0, 1000.0)
"""Black, a grey card, a white page and a highlight, in candela per square metre (ITU-R BT.2408)."""


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_greys_of_hdr_look_as_a_person_expects(service: Service, studio: Studio, transfer: str, name: str) -> None:
    curve = perceptual if transfer == "smpte2084" else hybrid
    frame = samples([(curve(nits),) * 3 for nits in GREYS], "bt2020nc", "420", 10, False)
    marks = tagged("bt2020nc", "bt2020", transfer)
    found = patches_of(service, studio.raw([frame] * 3, (128, 32), "yuv420p10le", name, *marks, *HEVC))
    assert are_greys(found), found


def are_greys(found: Sequence[tuple[int, ...]]) -> bool:
    """Whether black, a card, a page and a highlight look as they should.

    A card of 18% is 118 in sRGB, and in SDR practice a little darker; lights above a white page must not all become the
    same white.
    """
    black, card, page, highlight = (colour[1] for colour in found)
    has_no_hue = all(max(colour) - min(colour) <= 6 for colour in found)
    return has_no_hue and black <= 8 and 90 <= card <= 135 and 190 <= page <= 250 and page < highlight


def without_records(content: bytes, kind: bytes, kept: int) -> bytes:
    """Return an MP4 that says nothing of its colours but in its stream: `kind` is the configuration record, of which so
    many bytes are kept; what follows is made free space."""
    changed = bytearray(content.replace(b"colr", b"free"))
    place = changed.rindex(kind) - 4
    rest = int.from_bytes(changed[place : place + 4], "big") - 8 - kept
    assert rest >= 8
    changed[place : place + 4] = (8 + kept).to_bytes(4, "big")
    after = place + 8 + kept
    changed[after : after + 8] = rest.to_bytes(4, "big") + b"free"
    if kind == b"hvcC":
        # The number of arrays of parameter sets.
        changed[after - 1] = 0
    return bytes(changed)


IN_THE_STREAM = {
    "HEVC": ("-c:v", "libx265", "-tag:v", "hev1", "-x265-params", "log-level=error:qp=2:repeat-headers=1:keyint=5"),
    "AV1": ("-c:v", "libsvtav1", "-preset", "10", "-crf", "10", "-g", "5"),
}


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
@pytest.mark.parametrize("codec", IN_THE_STREAM)
def test_hdr_that_only_the_stream_tells_is_mapped(service: Service, studio: Studio, codec: str, transfer: str) -> None:
    curve = perceptual if transfer == "smpte2084" else hybrid
    frame = samples([(curve(nits),) * 3 for nits in GREYS], "bt2020nc", "420", 10, False)
    marks = tagged("bt2020nc", "bt2020", transfer)
    film = studio.raw([frame] * 10, (128, 32), "yuv420p10le", "a.mp4", *marks, *IN_THE_STREAM[codec], rate="10")
    content = without_records(film.read_bytes(), *((b"hvcC", 23) if codec == "HEVC" else (b"av1C", 4)))
    for position in ("0", "0.7"):
        picture = service.poster(content, f"{position}.mp4", format="png", widths=[0], position=position).picture()
        found = [colour_of(picture, (number + 0.5) / 4) for number in range(4)]
        assert are_greys(found), found


@pytest.mark.parametrize("name", ["a.ts", "a.mp4", "a.mkv"])
def test_hlg_that_old_players_take_for_bt2020_is_mapped(service: Service, studio: Studio, name: str) -> None:
    # As broadcasts say it: the parameter set names BT.2020's own transfer, and a message the one that was meant.
    frame = samples([(hybrid(nits),) * 3 for nits in GREYS], "bt2020nc", "420", 10, False)
    codec = ("-c:v", "libx265", "-x265-params", "log-level=error:qp=2:repeat-headers=1:atc-sei=18")
    marks = tagged("bt2020nc", "bt2020", "bt2020-10")
    found = patches_of(service, studio.raw([frame] * 5, (128, 32), "yuv420p10le", name, *marks, *codec))
    assert are_greys(found), found


def test_the_wide_gamut_that_only_vp9_itself_tells_is_brought_into_that_of_a_screen(
    service: Service, studio: Studio
) -> None:
    frame = samples(in_gamut(TO_2020), "bt2020nc", "420", 10, False)
    vp9 = ("-c:v", "libvpx-vp9", "-profile:v", "2", "-b:v", "4M", "-deadline", "realtime")
    film = studio.raw([frame] * 3, (128, 32), "yuv420p10le", "a.ivf", *tagged("bt2020nc", "bt2020", "bt2020-10"), *vp9)
    video = studio.run("a.mkv", "-i", str(film), "-c", "copy")
    assert are_near(patches_of(service, video), PATCHES, 12)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_colours_of_hdr_keep_their_hue_and_strength(service: Service, studio: Studio, transfer: str) -> None:
    # The patches at half the light of a white page, which no tone curve should touch much.
    frames = []
    for signal in signals():
        light = [value**2.4 * 100 for value in signal]
        wide = [sum(k * v for k, v in zip(row, light, strict=True)) for row in TO_2020]
        if transfer == "smpte2084":
            r, g, b = (perceptual(nits) for nits in wide)
        else:
            # HLG's system gamma acts on the luminance, so that hues stay.
            luminance = sum(k * v for k, v in zip((0.2627, 0.678, 0.0593), wide, strict=True))
            scene = [nits / 1000 * (luminance / 1000) ** (1 / 1.2 - 1) for nits in wide]
            r, g, b = (hybrid(1000 * value**1.2) for value in scene)
        frames.append((r, g, b))
    frame = samples(frames, "bt2020nc", "420", 10, False)
    video = studio.raw([frame] * 3, (128, 32), "yuv420p10le", "a.mp4", *tagged("bt2020nc", "bt2020", transfer), *HEVC)
    found = patches_of(service, video)
    wanted = [tuple(round(value * (100 / 203) ** (1 / 2.4)) for value in patch) for patch in PATCHES]
    # zimg applies HLG's system gamma to each channel and not to their luminance, which makes colours a little stronger.
    assert are_near(found, wanted, 24 if transfer == "smpte2084" else 40), (found, wanted)


def test_only_the_transfer_makes_a_video_hdr(service: Service, studio: Studio) -> None:
    # Ten bits and even mastering metadata do not: the samples are those of an ordinary picture.
    frame = samples(signals(), "bt709", "420", 10, False)
    params = "log-level=error:qp=2:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    marks = tagged("bt709", "bt709", "bt709")
    video = studio.raw(
        [frame] * 3, (128, 32), "yuv420p10le", "a.mp4", *marks, "-c:v", "libx265", "-x265-params", params
    )
    assert are_near(patches_of(service, video), PATCHES)


def test_a_large_picture_in_hdr_needs_little_more_memory_than_its_decoding(service: Service, studio: Studio) -> None:
    # As 32-bit floats a picture of 4K takes 100 MB, several times over: it is scaled before its lights are mapped.
    frame = samples([(perceptual(nits),) * 3 for nits in GREYS], "bt2020nc", "420", 10, False, (960, 2160))
    quick = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:qp=20")
    marks = tagged("bt2020nc", "bt2020", "smpte2084")
    answer = service.poster(studio.raw([frame], (3840, 2160), "yuv420p10le", "a.mp4", *marks, *quick), memory=512)
    assert answer.picture().size == (640, 360)
    assert 190 <= answer.colour(0.625)[1] <= 250, "a white page"


TO_LMS = ((0.412109, 0.523926, 0.063965), (0.166748, 0.720459, 0.112793), (0.024170, 0.075440, 0.900391))
"""From linear BT.2020 to cone responses (ITU-R BT.2100), between which Dolby's colours then have a crosstalk of 2%."""
TO_IPT = ((0.4, 0.4, 0.2), (4.455, -4.851, 0.396), (0.8056, 0.3572, -1.1628))


def times(matrix: Sequence[Linear], value: Sequence[float]) -> list[float]:
    return [sum(k * v for k, v in zip(row, value, strict=True)) for row in matrix]


def in_ipt(lights: Sequence[Sequence[float]], patch: tuple[int, int]) -> bytes:
    """One frame of patches in Dolby's IPT-PQ-c2, of 10 bits in full range; lights are BT.2020's, in nits."""
    rows: list[bytes] = [b"", b"", b""]
    for light in lights:
        responses = times(TO_LMS, light)
        mixed = [0.94 * response + 0.02 * sum(responses) for response in responses]
        intensity, first, second = times(TO_IPT, [perceptual(response) for response in mixed])
        for number, value in enumerate((intensity, first + 0.5, second + 0.5)):
            rows[number] += round(1023 * value).to_bytes(2, "little") * (patch[0] // (2 if number else 1))
    return rows[0] * patch[1] + rows[1] * (patch[1] // 2) + rows[2] * (patch[1] // 2)


def dolby(studio: Studio, frame: bytes, profile: int, compatible: int, *options: str) -> bytes:
    """Return an MP4 with the record of Dolby Vision's configuration, of a profile and what other players can show of
    it."""
    video = studio.raw([frame] * 3, (128, 32), "yuv420p10le", "a.mp4", *options)
    record = bytes((1, 0, profile << 1, 3 << 3 | 0b101, compatible << 4)) + bytes(19)
    described = (8 + len(record)).to_bytes(4, "big") + b"dvcC" + record
    content = bytearray(video.read_bytes())
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hvc1"):
        place = content.rindex(kind) - 4
        size = int.from_bytes(content[place : place + 4], "big")
        content[place : place + 4] = (size + len(described)).to_bytes(4, "big")
    behind = place + size
    content = content[:behind] + described + content[behind:]
    if profile == 5:
        content[place + 4 : place + 8] = b"dvh1"
    return bytes(content)


def test_dolby_visions_own_colours_are_converted(service: Service, studio: Studio) -> None:
    codec = ("-c:v", "libx265", "-tag:v", "hvc1", "-x265-params", "log-level=error:qp=2:range=full")
    full = ("-vf", "setparams=range=full")
    greys = dolby(studio, in_ipt([(nits,) * 3 for nits in GREYS], (32, 32)), 5, 0, *full, *codec)
    found = patches_of(service, greys)
    assert are_greys(found), found
    # As of other HDR: the patches at half the light of a white page, which no tone curve should touch much.
    lights = [times(TO_2020, [value**2.4 * 100 for value in signal]) for signal in signals()]
    found = patches_of(service, dolby(studio, in_ipt(lights, (32, 32)), 5, 0, *full, *codec))
    wanted = [tuple(round(value * (100 / 203) ** (1 / 2.4)) for value in patch) for patch in PATCHES]
    assert are_near(found, wanted, 24), (found, wanted)


@pytest.mark.parametrize(("profile", "compatible", "transfer"), [(8, 1, "smpte2084"), (8, 4, "arib-std-b67")])
def test_dolby_vision_with_a_layer_for_other_players_is_shown_by_that(
    service: Service, studio: Studio, profile: int, compatible: int, transfer: str
) -> None:
    curve = perceptual if transfer == "smpte2084" else hybrid
    frame = samples([(curve(nits),) * 3 for nits in GREYS], "bt2020nc", "420", 10, False)
    options = (*tagged("bt2020nc", "bt2020", transfer), *HEVC, "-tag:v", "hvc1")
    found = patches_of(service, dolby(studio, frame, profile, compatible, *options))
    assert are_greys(found), found
