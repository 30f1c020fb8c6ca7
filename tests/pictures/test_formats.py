"""The image files: what is in them, and what is kept of a video that is partly transparent."""

import io
import json

import blurhash
import pytest
from PIL import Image, features

from tests.unit.schemas import check

from .service import Service, colour_of, is_near
from .videos import BLUE, GREEN, H264, RED, YELLOW, Studio, plain

FORMATS = {"jpg": ("JPEG", "image/jpeg"), "webp": ("WEBP", "image/webp"), "avif": ("AVIF", "image/avif")}
FORMATS["png"] = ("PNG", "image/png")
TRANSPARENT = {
    "ProRes 4444": ("a.mov", ("-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le")),
    "QuickTime animation": ("a.mov", ("-c:v", "qtrle", "-pix_fmt", "argb")),
    "PNG in QuickTime": ("a.mov", ("-c:v", "png", "-pix_fmt", "rgba")),
    "FFV1": ("a.mkv", ("-c:v", "ffv1", "-pix_fmt", "bgra")),
    "Hap Alpha": ("a.mov", ("-c:v", "hap", "-format", "hap_alpha")),
    "Ut Video": ("a.avi", ("-c:v", "utvideo", "-pix_fmt", "gbrap")),
    "MagicYUV": ("a.avi", ("-c:v", "magicyuv", "-pix_fmt", "gbrap")),
    "VP9": ("a.webm", ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-b:v", "2M", "-deadline", "realtime")),
    "VP8": ("a.webm", ("-c:v", "libvpx", "-pix_fmt", "yuva420p", "-b:v", "2M", "-auto-alt-ref", "0")),
}


FOUR = (RED, GREEN, BLUE, YELLOW)


def see_through() -> Image.Image:
    """Opaque red on the left, half of it in the middle; on the right nothing, with green hidden under it."""
    frame = plain((*GREEN, 0), (96, 48))
    frame.paste((*RED, 255), (0, 0, 32, 48))
    frame.paste((*RED, 128), (32, 0, 64, 48))
    return frame


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_a_file_that_real_decoders_read(service: Service, studio: Studio, name: str) -> None:
    assert features.check("avif")
    answer = service.poster(studio.quadrants(), "cat.mp4", format=name)
    found = answer.object()
    assert found["ContentType"] == FORMATS[name][1]
    assert answer.keys == [f"cat.{name}"]
    assert Image.open(io.BytesIO(found["Content"])).format == FORMATS[name][0]
    assert is_near(answer.colour(0.25, 0.25), RED)
    assert is_near(answer.colour(0.75, 0.25), GREEN)


@pytest.mark.parametrize("name", FORMATS)
def test_an_image_carries_no_metadata_and_no_profile(service: Service, studio: Studio, name: str) -> None:
    tagged = ("-metadata", "title=secret", "-metadata", "location=+59.33+018.06/", "-metadata", "comment=secret")
    video = studio.quadrants("tagged.mp4", *H264, *tagged)
    answer = service.poster(video, format=name)
    picture, content = answer.picture(), answer.object()["Content"]
    assert b"secret" not in content
    assert b"59.33" not in content
    assert not picture.getexif()
    assert picture.info.keys() & {"icc_profile", "exif", "xmp", "comment"} == set()


def test_a_lower_quality_gives_a_smaller_file(service: Service, studio: Studio) -> None:
    noise = Image.effect_noise((320, 180), 80).convert("RGB")
    video = studio.film([noise] * 2, "noise.mp4", *H264)
    for name in ("jpg", "webp", "avif"):
        sizes = [
            len(service.poster(video, f"{quality}.mp4", format=name, quality=quality).object()["Content"])
            for quality in (20, 90)
        ]
        assert sizes[0] < 0.7 * sizes[1], name


@pytest.mark.parametrize("name", ["webp", "avif", "png"])
@pytest.mark.parametrize("codec", TRANSPARENT)
def test_transparency_is_kept_where_the_format_can(service: Service, studio: Studio, codec: str, name: str) -> None:
    container, options = TRANSPARENT[codec]
    video = studio.film([see_through()] * 3, container, *options)
    picture = service.poster(video, format=name, quality=95).picture()
    assert picture.mode == "RGBA"
    assert is_near(colour_of(picture, 0.15), (*RED, 255), 24)
    assert abs(colour_of(picture, 0.5)[3] - 128) < 16
    assert colour_of(picture, 0.85)[3] < 12


@pytest.mark.parametrize("codec", TRANSPARENT)
def test_what_a_transparent_video_hides_does_not_show_in_a_jpeg(service: Service, studio: Studio, codec: str) -> None:
    container, options = TRANSPARENT[codec]
    picture = service.poster(studio.film([see_through()] * 3, container, *options), quality=95).picture()
    assert picture.mode == "RGB"
    assert is_near(colour_of(picture, 0.15), RED, 24)
    ground = colour_of(picture, 0.85)
    assert is_near(ground, (0, 0, 0)) or is_near(ground, (255, 255, 255)), f"the ground is {ground}"
    mixed = tuple((red + below) // 2 for red, below in zip(RED, ground, strict=True))
    assert is_near(colour_of(picture, 0.5), mixed, 24)


def test_an_opaque_video_makes_an_opaque_picture(service: Service, studio: Studio) -> None:
    for name in ("png", "webp", "avif"):
        assert service.poster(studio.quadrants(), f"{name}.mp4", format=name).picture().mode == "RGB"


def test_the_manifest_says_what_was_made_of_what(service: Service, studio: Studio) -> None:
    service.configure(manifest=True, widths=[64, 32], position="0")
    video = service.put("a/cat.mp4", studio.quadrants())
    (answer,) = service.call(video)
    assert answer.keys == ["a/cat.jpg", "a/cat.32w.jpg", "a/cat.thumbnails.json"]
    assert answer.object(2)["ContentType"] == "application/json"
    manifest = json.loads(answer.text(".json"))
    size = studio.quadrants().stat().st_size
    of = video["s3"]["object"]
    assert manifest["source"] == {
        "bucket": service.bucket,
        "key": "a/cat.mp4",
        "etag": of["eTag"],
        "version": None,
        "bytes": size,
    }
    sides = {"width": 128, "height": 64, "coded_width": 128, "coded_height": 64}
    wanted = {"container": "mp4", "codec": "h264", **sides, "seconds": 0.5}
    assert manifest["video"] == wanted
    assert manifest["outcome"] == "made"
    # It cannot say how long it is itself.
    assert (manifest["images"], manifest["texts"]) == (list(answer.said["images"]), [])
    assert [(image["key"], image["width"], image["height"]) for image in manifest["images"]] == [
        ("a/cat.jpg", 64, 32),
        ("a/cat.32w.jpg", 32, 16),
    ]
    for number, image in enumerate(manifest["images"]):
        assert image["bytes"] == len(answer.object(number)["Content"])
        assert image["seconds"] == 0
    assert manifest["read"] == {"bytes": size, "requests": 1, "chain": 1}
    assert isinstance(manifest["seconds"], float), "DESIGN promises the seconds that it took"


@pytest.mark.parametrize(
    ("name", "options", "container", "size"),
    [
        ("turned.mp4", ("-display_rotation", "90"), "mp4", (64, 128)),
        ("square.mov", (), "mov", (128, 64)),
        ("wide.mkv", ("-aspect", "4"), "mkv", (256, 64)),
        ("wide.ts", ("-bsf:v", "h264_metadata=sample_aspect_ratio=2/1"), "ts", (256, 64)),
    ],
)
def test_the_manifest_has_the_size_that_players_show(
    service: Service, studio: Studio, name: str, options: tuple[str, ...], container: str, size: tuple[int, int]
) -> None:
    before = options if options[:1] == ("-display_rotation",) else ()
    after = () if before else options
    video = studio.run(name, *before, "-i", str(studio.quadrants()), "-c", "copy", *after)
    answer = service.poster(video, name, manifest=True, position="0")
    video_facts = json.loads(answer.text(".json"))["video"]
    assert video_facts["container"] == container
    assert (video_facts["width"], video_facts["height"]) == size == answer.picture().size
    assert (video_facts["coded_width"], video_facts["coded_height"]) == (128, 64)


def test_the_manifest_counts_what_lies_in_the_bucket(service: Service, studio: Studio) -> None:
    outputs = {"storyboard": True, "storyboard_playlist": True, "preview": "webp", "manifest": True, "stills": 2}
    answer = service.poster(studio.counting(), "cat.mp4", widths=[64, 32], position="3.5", placeholder=True, **outputs)
    manifest = json.loads(answer.text(".json"))
    check(manifest, "manifest")
    files = [*manifest["images"], *manifest["texts"]]
    made = [(file["kind"], file["key"], file["width"], file["height"]) for file in files]
    assert made == [
        ("poster", "cat.jpg", 64, 36),
        ("poster", "cat.32w.jpg", 32, 18),
        ("still", "cat.1.jpg", 64, 36),
        ("still", "cat.2.jpg", 64, 36),
        ("storyboard", "cat.storyboard.jpg", 1280, 360),
        ("preview", "cat.preview.webp", 128, 72),
        ("storyboard", "cat.storyboard.vtt", None, None),
        ("storyboard", "cat.storyboard.m3u8", None, None),
    ]
    assert sorted(service.listed()) == sorted(["cat.mp4", *answer.keys])
    for number, file in enumerate(answer.files):
        assert file["bytes"] == len(answer.object(number)["Content"])
    assert [image["seconds"] for image in manifest["images"][:2]] == [3.5, 3.5]


@pytest.mark.parametrize("size", [(128, 64), (64, 128), (640, 8), (8, 640)])
def test_the_placeholder_looks_like_the_poster_from_afar(
    service: Service, studio: Studio, size: tuple[int, int]
) -> None:
    answer = service.poster(studio.quadrants("four.mp4", size=size), manifest=True, placeholder=True)
    text = json.loads(answer.text(".json"))["video"]["placeholder"]
    assert blurhash.components(text) == ((4, 3) if size[0] >= size[1] else (3, 4))
    rows = blurhash.decode(text, 32, 32)
    corners = [rows[y][x] for x, y in ((4, 4), (27, 4), (4, 27), (27, 27))]
    for number, found in enumerate(corners):
        # Waves overshoot at edges, so that each corner is near its colour and no other.
        differences = [max(abs(a - b) for a, b in zip(found, colour, strict=True)) for colour in FOUR]
        assert differences.index(min(differences)) == number
        assert min(differences) < 90


def test_there_is_no_placeholder_unless_it_is_asked_for(service: Service, studio: Studio) -> None:
    answer = service.poster(studio.quadrants(), manifest=True)
    assert "placeholder" not in json.loads(answer.text(".json"))["video"]


def test_an_object_says_what_made_it(service: Service, studio: Studio) -> None:
    service.configure(position="0.2")
    video = service.put("häst.mp4", studio.quadrants())
    (answer,) = service.call(video)
    metadata = answer.object()["Metadata"]
    assert metadata["source-etag"] == video["s3"]["object"]["eTag"]
    assert metadata["source-sequencer"] == video["s3"]["object"]["sequencer"]
    assert metadata["source"].endswith("/h%C3%A4st.mp4")
    assert float(metadata["seconds"]) == pytest.approx(0.2)
    assert metadata["settings"] == '1.0.0 {"position":"0.2"}'
