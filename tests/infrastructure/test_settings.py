"""Every setting, good and bad, as `pulumi config` holds it: as text."""

import dataclasses
import json
from typing import Any

import pulumi
import pytest

from thumbnailer.settings import Settings, SettingsError, check, output_endings, read_settings, setting_names

from .recording import ProgramFailed, record

PROJECT = "video-thumbnailer"


def read(**config: str) -> Settings:
    pulumi.runtime.set_all_config({f"{PROJECT}:{key}": value for key, value in config.items()})
    return read_settings(pulumi.Config(PROJECT))


def complaint(**config: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(**config)
    return str(caught.value)


KEY = "arn:aws:kms:eu-north-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BUS = "arn:aws:events:eu-north-1:123456789012:event-bus/team/films"
TOPIC = "arn:aws:sns:eu-north-1:123456789012:alarms"
IMAGE = f"123456789012.dkr.ecr.eu-north-1.amazonaws.com/thumbs@sha256:{'0f' * 32}"

GOOD: list[tuple[str, str, Any]] = [
    ("suffixes", '[".mp4"]', (".mp4",)),
    ("suffixes", '[".mp4", ".MP4", ".m4v", "-raw.mov"]', (".mp4", ".MP4", ".m4v", "-raw.mov")),
    ("position", "auto", "auto"),
    ("position", "0", "0"),
    ("position", "12.5", "12.5"),
    ("position", "25%", "25%"),
    ("position", "33.333%", "33.333%"),
    ("position", "100%", "100%"),
    ("widths", "[0]", (0,)),
    ("widths", "[640, 320, 16383]", (640, 320, 16383)),
    ("widths", "[1,2,3,4,5,6,7,8]", (1, 2, 3, 4, 5, 6, 7, 8)),
    ("format", "jpg", "jpg"),
    ("format", "webp", "webp"),
    ("format", "avif", "avif"),
    ("format", "png", "png"),
    ("quality", "1", 1),
    ("quality", "100", 100),
    ("position", "1:30", "1:30"),
    ("position", "01:02:03.5", "01:02:03.5"),
    ("fit", "cover", "cover"),
    ("height", "0", 0),
    ("height", "16383", 16383),
    ("padColor", "#1a2B3c", "#1a2B3c"),
    ("storyboard", "true", True),
    ("storyboardPlaylist", "true", True),
    ("storyboardBudget", "0", 0),
    ("storyboardBudget", "128", 128),
    ("preview", "true", True),
    ("previewFormat", "mp4", "mp4"),
    ("placeholder", "true", True),
    ("jobSeconds", "5", 5),
    ("jobSeconds", "900", 900),
    ("manifest", "true", True),
    ("manifest", "false", False),
    ("bucket", "", ""),
    ("bucket", "abc", "abc"),
    ("bucket", "films.example.com", "films.example.com"),
    ("bucket", "a" * 63, "a" * 63),
    ("outputBucket", "", ""),
    ("outputBucket", "posters-2", "posters-2"),
    ("outputPrefix", "", ""),
    ("outputPrefix", "thumbnails/", "thumbnails/"),
    ("outputPrefix", "small-", "small-"),
    ("outputPrefix", "bilder/häst & co/", "bilder/häst & co/"),
    ("architecture", "x86_64", "x86_64"),
    ("architecture", "arm64", "arm64"),
    ("memorySize", "512", 512),
    ("memorySize", "10240", 10240),
    ("timeout", "30", 30),
    ("timeout", "900", 900),
    ("reservedConcurrency", "-1", None),
    ("reservedConcurrency", "1", 1),
    ("logRetentionDays", "1", 1),
    ("logRetentionDays", "3653", 3653),
    ("alarmEmail", "", ""),
    ("alarmEmail", "first.last+alarms@mail.example.com", "first.last+alarms@mail.example.com"),
    ("forceDestroy", "true", True),
    ("suffixes", json.dumps([f".{number}x" for number in range(100)]), tuple(f".{number}x" for number in range(100))),
    ("ignoreCase", "true", True),
    ("prefixes", "[]", ()),
    ("prefixes", '["videos/", "häst & co/"]', ("videos/", "häst & co/")),
    ("trigger", "s3", "s3"),
    ("trigger", "eventbridge", "eventbridge"),
    ("backfill", "true", True),
    ("kmsKeys", f'["{KEY}"]', (KEY,)),
    ("timeInName", "false", False),
    ("stills", "20", 20),
    ("storyboardJson", "true", True),
    ("storyboardInterval", "3600", 3600),
    ("storyboardTiles", "500", 500),
    ("storyboardColumns", "50", 50),
    ("storyboardWidth", "640", 640),
    ("previewFormat", "gif", "gif"),
    ("previewSeconds", "30", 30),
    ("previewScenes", "1", 1),
    ("previewWidth", "1280", 1280),
    ("previewRate", "30", 30),
    ("cacheControl", "", ""),
    ("cacheControl", "public, max-age=31536000, immutable", "public, max-age=31536000, immutable"),
    ("overwrite", "true", True),
    ("deleteOutputs", "true", True),
    ("notify", "", False),
    ("notify", "false", False),
    ("notify", "true", True),
    ("notify", BUS, BUS),
    ("imageUri", "", ""),
    ("imageUri", IMAGE, IMAGE),
    ("imageUri", f"localhost:4566/team/thumbs@sha256:{'0f' * 32}", f"localhost:4566/team/thumbs@sha256:{'0f' * 32}"),
    (
        "baseImage",
        f"public.ecr.aws/lambda/python:3.13@sha256:{'0f' * 32}",
        f"public.ecr.aws/lambda/python:3.13@sha256:{'0f' * 32}",
    ),
    ("buildOnPreview", "true", True),
    ("alarmTopic", "", ""),
    ("alarmTopic", TOPIC, TOPIC),
]
TOGETHER: list[tuple[dict[str, str], dict[str, Any]]] = [
    (
        {"subnetIds": '["subnet-0a1b", "subnet-2c"]', "securityGroupIds": '["sg-0f"]'},
        {"subnet_ids": ("subnet-0a1b", "subnet-2c"), "security_group_ids": ("sg-0f",)},
    ),
]

BAD: list[tuple[str, str, str]] = [
    ("suffixes", "[]", "a list of 1 to 100 endings"),
    ("suffixes", '[""]', "a list of 1 to 100 endings"),
    ("suffixes", ".mp4", "a list of 1 to 100 endings"),
    ("suffixes", "[1]", "a list of 1 to 100 endings"),
    ("suffixes", '{".mp4": true}', "a list of 1 to 100 endings"),
    ("suffixes", '["*.mp4"]', "letters, digits, dots, hyphens or underscores"),
    ("suffixes", '["ö.mp4"]', "letters, digits, dots, hyphens or underscores"),
    ("suffixes", '[".mp4", ".mp4"]', "none of them the ending of another"),
    ("suffixes", '[".mp4", "4"]', "none of them the ending of another"),
    ("suffixes", '["-raw.mov", ".mov"]', "none of them the ending of another"),
    ("suffixes", json.dumps([f".{number}x" for number in range(101)]), "a list of 1 to 100 endings"),
    ("suffixes", json.dumps(["x" * 65]), "each 1 to 64 letters"),
    ("suffixes", '[".jpg"]', "its objects end in .jpg"),
    ("suffixes", '["g"]', "its objects end in .jpg"),
    ("suffixes", '[".poster.jpg"]', "its objects end in .jpg"),
    ("position", "", "auto, seconds"),
    ("position", "middle", "auto, seconds"),
    ("position", "AUTO", "auto, seconds"),
    ("position", "-1", "auto, seconds"),
    ("position", "1e400", "auto, seconds"),
    ("position", "nan", "auto, seconds"),
    ("position", "1000000", "auto, seconds"),
    ("position", "00:60", "a time such as 1:30"),
    ("position", "1:2:3:4", "a time such as 1:30"),
    ("position", "101%", "a share from 0% to 100%"),
    ("position", "25 %", "a share from 0% to 100%"),
    ("position", "١", "auto, seconds"),
    ("position", "12\n", "auto, seconds"),
    ("widths", "[]", "1 to 8 different whole numbers"),
    ("widths", "640", "1 to 8 different whole numbers"),
    ("widths", "[640, 640]", "1 to 8 different whole numbers"),
    ("widths", "[-1]", "from 0 to 16383"),
    ("widths", "[16384]", "from 0 to 16383"),
    ("widths", "[true]", "1 to 8 different whole numbers"),
    ("widths", "[640.5]", "1 to 8 different whole numbers"),
    ("widths", '["640"]', "1 to 8 different whole numbers"),
    ("widths", "[1,2,3,4,5,6,7,8,9]", "1 to 8 different whole numbers"),
    ("format", "jpeg", "jpg, webp, avif or png"),
    ("format", "", "jpg, webp, avif or png"),
    ("format", "JPG", "jpg, webp, avif or png"),
    ("quality", "0", "from 1 to 100"),
    ("quality", "101", "from 1 to 100"),
    ("quality", "high", "from 1 to 100"),
    ("quality", "80.5", "from 1 to 100"),
    ("quality", "", "from 1 to 100"),
    ("quality", "9" * 5000, "from 1 to 100"),
    ("fit", "fill", "contain, cover or pad"),
    ("height", "-1", "from 0 to 16383"),
    ("height", "16384", "from 0 to 16383"),
    ("padColor", "black", "a colour such as #1a2b3c"),
    ("padColor", "#fff", "a colour such as #1a2b3c"),
    ("storyboard", "yes", "true or false"),
    ("storyboardPlaylist", "yes", "true or false"),
    ("storyboardBudget", "129", "from 0 to 128"),
    ("preview", "webp", "true or false"),
    ("previewFormat", "avi", "webp, mp4 or gif"),
    ("placeholder", "yes", "true or false"),
    ("jobSeconds", "4", "from 5 to 900"),
    ("jobSeconds", "901", "from 5 to 900"),
    ("manifest", "yes", "true or false"),
    ("manifest", "True", "true or false"),
    ("bucket", "ab", "3 to 63 lower-case letters"),
    ("bucket", "a" * 64, "3 to 63 lower-case letters"),
    ("bucket", "Films", "3 to 63 lower-case letters"),
    ("bucket", "my_films", "3 to 63 lower-case letters"),
    ("bucket", "-films", "a letter or digit at each end"),
    ("bucket", "films..example", "3 to 63 lower-case letters"),
    ("bucket", "192.168.5.4", "3 to 63 lower-case letters"),
    ("bucket", "films--use1-az4--x-s3", "general purpose bucket"),
    ("bucket", "s3://films", "3 to 63 lower-case letters"),
    ("bucket", "arn:aws:s3:::films", "3 to 63 lower-case letters"),
    ("outputBucket", "Posters", "3 to 63 lower-case letters"),
    ("outputPrefix", "/thumbnails", "no / in front"),
    ("outputPrefix", "a//b", "no //"),
    ("outputPrefix", "../b", "no .."),
    ("outputPrefix", "a*", "none of * ? $"),
    ("outputPrefix", "a?", "none of * ? $"),
    ("outputPrefix", "${aws:username}/", "none of * ? $"),
    ("outputPrefix", "a\x00b", "at most 512 bytes"),
    ("outputPrefix", "a\n", "at most 512 bytes"),
    ("outputPrefix", "ä" * 257, "at most 512 bytes"),
    ("architecture", "amd64", "x86_64 or arm64"),
    ("architecture", "", "x86_64 or arm64"),
    ("memorySize", "511", "from 512 to 10240"),
    ("memorySize", "10241", "from 512 to 10240"),
    ("memorySize", "1 GB", "from 512 to 10240"),
    ("timeout", "29", "from 30 to 900"),
    ("timeout", "901", "from 30 to 900"),
    ("timeout", "15m", "from 30 to 900"),
    ("reservedConcurrency", "0", "a whole number from 1, or -1"),
    ("reservedConcurrency", "-2", "a whole number from 1, or -1"),
    ("reservedConcurrency", "", "a whole number from 1, or -1"),
    ("logRetentionDays", "0", "one of 1, 3, 5"),
    ("logRetentionDays", "31", "one of 1, 3, 5"),
    ("logRetentionDays", "for ever", "one of 1, 3, 5"),
    ("alarmEmail", "team", "an e-mail address"),
    ("alarmEmail", "team@localhost", "an e-mail address"),
    ("alarmEmail", "a b@example.com", "an e-mail address"),
    ("alarmEmail", "one@example.com,two@example.com", "an e-mail address"),
    ("forceDestroy", "1", "true or false"),
    ("ignoreCase", "yes", "true or false"),
    ("prefixes", "videos/", "a list of at most 20 beginnings"),
    ("prefixes", '[""]', "at most 128 bytes"),
    ("prefixes", '["/videos"]', "no / in front"),
    ("prefixes", '["a*"]', "none of * ? $"),
    ("prefixes", '["a", "ab"]', "none of them the beginning of another"),
    ("prefixes", json.dumps(["ä" * 65]), "at most 128 bytes"),
    ("trigger", "lambda", "auto, s3 or eventbridge"),
    ("backfill", "yes", "true or false"),
    ("kmsKeys", '["alias/films"]', "ARNs of KMS keys"),
    ("kmsKeys", '["arn:aws:kms:eu-north-1:123456789012:alias/films"]', "ARNs of KMS keys"),
    ("kmsKeys", f'["{KEY}", "{KEY}"]', "different ARNs"),
    ("kmsKeys", KEY, "a list of at most 10"),
    ("timeInName", "0", "true or false"),
    ("stills", "21", "from 0 to 20"),
    ("storyboardJson", "yes", "true or false"),
    ("storyboardInterval", "0.5", "a whole number of seconds from 0 to 3600"),
    ("storyboardTiles", "501", "from 0 to 500"),
    ("storyboardColumns", "0", "from 1 to 50"),
    ("storyboardWidth", "15", "from 16 to 640"),
    ("previewSeconds", "0", "from 1 to 30"),
    ("previewScenes", "21", "from 1 to 20"),
    ("previewWidth", "1281", "from 16 to 1280"),
    ("previewRate", "31", "from 1 to 30"),
    ("cacheControl", "max-age=60\r\nX: y", "at most 256 ASCII characters"),
    ("cacheControl", "x" * 257, "at most 256 ASCII characters"),
    ("overwrite", "yes", "true or false"),
    ("deleteOutputs", "yes", "true or false"),
    ("notify", "yes", "the ARN of an EventBridge bus"),
    ("notify", "default", "the ARN of an EventBridge bus"),
    ("notify", "arn:aws:events:eu-north-1:123456789012:rule/x", "the ARN of an EventBridge bus"),
    ("subnetIds", '["vpc-1"]', "different subnets (subnet-…)"),
    ("securityGroupIds", '["default"]', "different security groups (sg-…)"),
    ("imageUri", "123456789012.dkr.ecr.eu-north-1.amazonaws.com/thumbs:latest", "by its digest"),
    ("imageUri", f"thumbs@sha256:{'0f' * 32}", "by its digest"),
    ("baseImage", "", "an image such as"),
    ("baseImage", "python 3.13", "an image such as"),
    ("buildOnPreview", "1", "true or false"),
    ("alarmTopic", "alarms", "the ARN of an SNS topic"),
    ("alarmTopic", f"{TOPIC}.fifo", "that is not FIFO"),
]


@pytest.mark.parametrize(("key", "held", "value"), GOOD)
def test_a_good_value_is_read(key: str, held: str, value: Any) -> None:
    changed = {
        field.name: getattr(read(**{key: held}), field.name)
        for field in dataclasses.fields(Settings)
        if field.name.replace("_", "") == key.lower()
    }
    assert list(changed.values()) == [value]


@pytest.mark.parametrize(("key", "held", "may_hold"), BAD, ids=lambda text: text[:20])
def test_a_bad_value_is_refused_by_name_with_what_it_may_hold(key: str, held: str, may_hold: str) -> None:
    says = complaint(**{key: held})
    assert f"  {key} holds " in says
    assert may_hold in says
    assert "1 setting cannot be used" in says


@pytest.mark.parametrize(("config", "values"), TOGETHER)
def test_good_values_that_need_each_other_are_read(config: dict[str, str], values: dict[str, Any]) -> None:
    assert read(**config) == Settings(**values)


def test_every_setting_has_a_good_and_a_bad_value_here() -> None:
    good = {key for key, *_ in GOOD} | {key for config, _ in TOGETHER for key in config}
    assert good == {key for key, *_ in BAD} == set(setting_names())


def test_an_item_of_a_list_that_was_passed_over_has_its_default() -> None:
    # What `pulumi config set --path 'widths[1]' 320` leaves of a key that has only its default.
    assert read(widths="[null, 320]").widths == (640, 320)
    assert read(suffixes='[null, ".mov"]').suffixes == (".mp4", ".mov")


@pytest.mark.parametrize(("key", "held"), [("widths", "[null, null, 320]"), ("prefixes", '[null, "films/"]')])
def test_an_item_without_a_default_is_named_with_the_command_that_sets_it(key: str, held: str) -> None:
    item = f"{key}[{held.count('null') - 1}]"
    assert f"  {item} has no value; set it: pulumi config set --path '{item}' VALUE" in complaint(**{key: held})


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"suffixes": '[".mp4", ".MP4"]', "ignoreCase": "true"}, "with ignoreCase .mp4 stands for .MP4 too"),
        ({"suffixes": '[".JPG"]', "ignoreCase": "true"}, "suffixes holds .JPG; it may hold no ending"),
        ({"ignoreCase": "true", "trigger": "s3"}, "ignoreCase holds true; it may hold false with trigger s3"),
        (
            {
                "prefixes": json.dumps([f"{number}/" for number in range(20)]),
                "suffixes": '[".a", ".b", ".c", ".d", ".e", ".f"]',
            },
            "prefixes holds 20; with the 6 suffixes that makes more than 100 pairs",
        ),
        (
            {"prefixes": '["a/", "b/"]', "suffixes": '[".abcdef"]', "ignoreCase": "true"},
            "with the 1 suffixes, in capitals and small letters, that makes more than 100 pairs",
        ),
        ({"storyboardColumns": "50", "storyboardWidth": "640"}, "storyboardColumns holds 50; it may hold at most 25"),
        ({"subnetIds": '["subnet-1"]'}, "securityGroupIds holds []; it may hold at least one with subnetIds"),
        ({"securityGroupIds": '["sg-1"]'}, "subnetIds holds []; it may hold at least one with securityGroupIds"),
    ],
    ids=str,
)
def test_settings_that_do_not_go_together_are_refused(config: dict[str, str], says: str) -> None:
    told = complaint(**config)
    assert says in told
    assert "1 setting cannot be used" in told


def test_a_suffix_of_any_length_can_ignore_case() -> None:
    assert read(ignoreCase="true", suffixes=json.dumps(["-" + "x" * 63])).ignore_case


def test_a_program_may_hand_in_what_is_known_only_after_the_update() -> None:
    later: Any = pulumi.Output.from_input("later")
    check(Settings(output_bucket=later, kms_keys=[later], subnet_ids=[later], security_group_ids=[later], notify=later))


def test_without_configuration_every_setting_has_its_default() -> None:
    assert read() == Settings()


def test_all_faults_are_named_at_once() -> None:
    says = complaint(quality="0", timeout="soon", suffixes="[]", widhts="[640]")
    assert "4 settings cannot be used, and nothing was changed" in says
    for line in ("quality holds 0", "timeout holds soon", "suffixes holds []", "widhts is no setting"):
        assert line in says


@pytest.mark.parametrize(("held", "shown"), [("", '""'), ("jpg ", '"jpg "'), ("jpg\n", r'"jpg\n"'), ("gif", "gif")])
def test_a_value_that_cannot_be_seen_is_shown_in_quotes(held: str, shown: str) -> None:
    assert f"format holds {shown};" in complaint(format=held)


def test_a_misspelt_key_is_named_with_the_one_that_was_meant() -> None:
    assert "memorysize is no setting; did you mean memorySize?" in complaint(memorysize="512")


def test_a_key_like_no_other_is_answered_with_the_keys_that_there_are() -> None:
    assert "zoom is no setting; the settings are bucket, suffixes," in complaint(zoom="2")


def test_keys_of_other_namespaces_are_not_looked_at() -> None:
    pulumi.runtime.set_all_config({"aws:region": "eu-north-1", f"{PROJECT}:quality": "70"})
    assert read_settings(pulumi.Config(PROJECT)).quality == 70


@pytest.mark.parametrize("picture", ["jpg", "webp", "avif", "png"])
def test_no_picture_can_start_the_function_again(picture: str) -> None:
    assert f"its objects end in .{picture}" in complaint(format=picture, suffixes=f'[".mp4", ".{picture}"]')


def test_a_manifest_cannot_start_the_function_again() -> None:
    assert "and .thumbnails.json" in complaint(manifest="true", suffixes='[".json"]')
    assert "and .thumbnails.json" in complaint(manifest="true", suffixes='["x.thumbnails.json"]')
    assert read(manifest="false", suffixes='[".json"]').suffixes == (".json",)


def test_what_lies_beside_the_picture_cannot_start_the_function_again_either() -> None:
    assert "and .storyboard.vtt" in complaint(storyboard="true", suffixes='[".vtt"]')
    assert "and .storyboard.json" in complaint(storyboard="true", storyboardJson="true", suffixes='[".json"]')
    assert "and .preview.gif" in complaint(preview="true", previewFormat="gif", suffixes='[".gif"]')
    assert "and .storyboard.m3u8" in complaint(storyboard="true", storyboardPlaylist="true", suffixes='["m3u8"]')
    assert "and .preview.webp" in complaint(preview="true", suffixes='[".webp"]')
    assert "and .preview.m4v" in complaint(preview="true", previewFormat="mp4", suffixes='[".mp4", ".m4v"]')
    assert read(preview="true", previewFormat="mp4", suffixes='[".mp4"]').suffixes == (".mp4",)


def test_a_height_needs_a_width_to_go_with_it() -> None:
    assert "height holds 360; it may hold 0" in complaint(height="360", widths="[0]")
    assert read(height="360", widths="[640, 0]").height == 360


def test_pictures_in_another_bucket_cannot_start_the_function_either() -> None:
    assert "start the function again" in complaint(outputBucket="posters", suffixes='[".jpg"]')


def test_one_bucket_may_be_named_for_videos_and_pictures() -> None:
    assert read(bucket="films", outputBucket="films").output_bucket == "films"


def test_a_manifest_is_one_more_ending() -> None:
    assert output_endings(Settings(format="webp")) == [".webp"]
    assert output_endings(Settings(manifest=True)) == [".jpg", ".thumbnails.json"]


def test_a_storyboard_and_a_preview_are_further_endings() -> None:
    everything = Settings(storyboard=True, storyboard_playlist=True, storyboard_json=True, preview=True, manifest=True)
    assert output_endings(everything) == [
        *(".jpg", ".storyboard.vtt", ".storyboard.m3u8", ".storyboard.json", ".preview.webp", ".thumbnails.json"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"suffixes": ".mp4"},
        {"widths": None},
        {"quality": "80"},
        {"quality": True},
        {"manifest": "false"},
        {"format": 1},
    ],
    ids=str,
)
def test_a_program_that_passes_another_type_is_told_so_too(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"{next(iter(wrong))} holds "):
        check(Settings(**wrong))


@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
def test_a_bad_stack_ends_in_one_error_before_the_first_resource(preview: bool) -> None:
    with pytest.raises(ProgramFailed) as caught:
        record({"quality": "0", "format": "gif"}, preview=preview)
    assert "2 settings cannot be used, and nothing was changed" in str(caught.value)
