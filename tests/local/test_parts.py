"""The parts of the local run, without a stack: what they say, what they refuse, what they leave."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from local.__main__ import named_buckets, nothing_to_show, pictures_of, safe_path, settings_of, triggers, videos_of
from local.calls import CALLS
from local.emulator import ROOT, Emulator, emulator
from local.failure import LocalFailure
from local.function import Log
from local.image import base_image
from local.monitor import plain
from local.outcomes import Outcome, Outcomes, Picture, answered
from local.processes import answers_http, descendants, free_port, listening, running
from local.program import Function, Registered, configuration
from local.resources import RESOURCES, Inputs
from local.stack import Stack, alone
from local.table import Table

EVENT = {"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": "h%C3%A4st+%26+%2B1.mp4"}}}]}
PICTURE = Picture("a.jpg", 640, 360, 12_000, 2.5)
MADE = Outcome("b", "a.mp4", "made", "", (PICTURE, Picture("a.320w.jpg", 320, 180, 4_000, 2.5)), 65_536, 2, 2, 0.25)


def test_an_answer_of_the_function_becomes_one_outcome_an_object() -> None:
    row = {
        "bucket": "b",
        "key": "a.mp4",
        "outcome": "made",
        "reason": "",
        "images": [{"key": "a.jpg", "width": 640, "height": 360, "bytes": 12_000, "seconds": 2.5}],
        "read": {"bytes": 65_536, "requests": 2, "chain": 2},
        "seconds": 0.25,
    }
    failed, outcomes = answered(EVENT, 200, json.dumps({"outcomes": [row]}).encode())
    assert not failed
    assert outcomes == [Outcome("b", "a.mp4", "made", "", (PICTURE,), 65_536, 2, 2, 0.25)]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b'{"errorType": "SlowDown", "errorMessage": "later"}', "SlowDown: later"),
        (200, b"Task timed out after 3.00 seconds", "Runtime: Task timed out after 3.00 seconds"),
        (
            502,
            b'{"errorType": "Runtime.ExitError", "errorMessage": "exit status 3"}',
            "Runtime.ExitError: exit status 3",
        ),
        (500, b"", "Runtime: empty answer, status 500"),
    ],
)
def test_an_error_of_the_emulator_in_any_of_its_forms_is_a_failure(status: int, body: bytes, reason: str) -> None:
    failed, outcomes = answered(EVENT, status, body)
    assert failed
    assert [(outcome.key, outcome.outcome, outcome.reason) for outcome in outcomes] == [
        ("häst & +1.mp4", "failed", reason)
    ]
    assert not outcomes[0].settled


def test_waiting_for_an_outcome_passes_over_older_ones_and_over_failures() -> None:
    outcomes = Outcomes()
    outcomes.add([MADE])
    mark = outcomes.count()
    outcomes.add(
        [Outcome("b", "a.mp4", "failed", "x", (), 0, 0, 0, 0), Outcome("b", "a.mp4", "unchanged", "", (), 0, 0, 0, 0)]
    )
    assert outcomes.wait("a.mp4", 1).outcome == "made"
    assert outcomes.wait("a.mp4", 1, since=mark).outcome == "unchanged"
    with pytest.raises(TimeoutError, match=r"no outcome of 'c\.mp4' within 0 s"):
        outcomes.wait("c.mp4", 0.1)


def test_the_table_has_a_row_a_picture_and_the_reason_where_there_is_none() -> None:
    table = Table(["a.mp4"])
    first, second = table.lines(MADE)
    assert first.split() == ["a.mp4", "made", "a.jpg", "640x360", "65,536", "in", "2", "0.25", "s"]
    assert second.split() == ["a.320w.jpg", "320x180"]
    assert first.index("a.jpg") == second.index("a.320w.jpg") == table.head().index("picture")
    rejected = Outcome("b", "e.mp4", "rejected", "the object is empty", (), 0, 0, 0, 0.01)
    assert "rejected    the object is empty" in table.lines(rejected)[0]


def test_the_table_shows_what_the_notes_of_an_outcome_say() -> None:
    noted = replace(MADE, notes=("thumbnail-position x is not a position; the stack's setting was used",))
    assert Table(["a.mp4"]).lines(noted)[-1] == f"  note: {noted.notes[0]}"


@pytest.mark.parametrize("key", ["../../etc/x.jpg", "/x.jpg", "a//b.jpg", "./a", "..", "a\nb.jpg", "a/" + "x" * 500])
def test_a_picture_is_never_written_outside_its_folder(key: str, tmp_path: Path) -> None:
    path = tmp_path / safe_path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    assert path.resolve().is_relative_to(tmp_path.resolve())
    assert "\n" not in str(path)


def test_settings_are_read_as_json_where_they_are_such() -> None:
    text = "widths=[640,320] format=webp position=25% manifest=true"
    assert settings_of(text) == {"widths": [640, 320], "format": "webp", "position": "25%", "manifest": True}
    assert settings_of('suffixes=[".mp4", ".mov"]  cacheControl="max-age=60, public" bucket=a-b') == {
        "suffixes": [".mp4", ".mov"],
        "cacheControl": "max-age=60, public",
        "bucket": "a-b",
    }
    # What is no JSON is the program's to judge, whose message shows it as it was written.
    assert settings_of("suffixes=[.mp4,.mov]") == {"suffixes": "[.mp4,.mov]"}
    for text, word in (("format", "'format'"), ("widths=640, 320", "'320'")):
        with pytest.raises(LocalFailure, match=f"SETTINGS: {word} is no key=value; .* such as widths=.640,320."):
            settings_of(text)


def test_buckets_that_settings_name_are_made_and_impossible_names_left_to_the_program() -> None:
    assert named_buckets({"bucket": "mine", "outputBucket": "theirs"}) == ["mine", "theirs"]
    assert named_buckets({"bucket": "mine", "outputBucket": "mine"}) == ["mine"]
    assert named_buckets({"bucket": "No_Bucket", "outputBucket": 5}) == []


def test_only_keys_that_call_the_function_are_waited_for() -> None:
    outputs = {"suffixes": [".mp4", ".mov"], "prefixes": [], "ignoreCase": False}
    assert triggers(outputs, "a/b.mov")
    assert not triggers(outputs, "a/b.MOV")
    assert triggers({**outputs, "ignoreCase": True}, "a/b.MOV")
    assert triggers({**outputs, "prefixes": ["x/", "a/"]}, "a/b.mov")
    assert not triggers({**outputs, "prefixes": ["x/"]}, "a/b.mov")


def test_where_no_key_calls_the_function_it_is_told_which_would() -> None:
    outputs = {"suffixes": [".mov", ".mp4"], "prefixes": [], "ignoreCase": False}
    assert nothing_to_show(None, outputs).startswith("no sample has a key that ends in .mov or .mp4: ")
    assert nothing_to_show(Path("a"), {**outputs, "prefixes": ["x/"]}) == (
        "a holds no video whose key begins with x/ and ends in .mov or .mp4"
    )


def test_runs_on_two_ports_keep_their_pictures_apart(tmp_path: Path) -> None:
    function = Function("thumbs", "", "", {}, 1769, 900, 512)
    registered = Registered("videos", function, "", "", {})
    one, other = (
        pictures_of(Stack(Emulator(port), "processes", registered, Outcomes(), tmp_path / str(port), {}))
        for port in (4566, 4567)
    )
    assert not one.is_relative_to(other)
    assert not other.is_relative_to(one)


def test_a_folder_gives_all_files_below_it_by_their_names_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "it's 100%"
    (folder / "b").mkdir(parents=True)
    (folder / "a.mp4").touch()
    (folder / "b" / "$(touch x).mp4").touch()
    assert [video.key for video in videos_of(folder)] == ["a.mp4", "b/$(touch x).mp4"]
    assert [video.key for video in videos_of(folder / "a.mp4")] == ["a.mp4"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(LocalFailure, match="empty is empty: VIDEO names a video or a folder"):
        videos_of(tmp_path / "empty")
    with pytest.raises(LocalFailure, match="neither a file nor a folder"):
        videos_of(tmp_path / "none")


def test_the_configuration_is_the_defaults_with_the_settings_over_them() -> None:
    declared = {"name": "p", "config": {"widths": {"default": [640]}, "format": {"default": "jpg"}, "bucket": {}}}
    assert configuration(declared, {"format": "webp"}) == {"p:widths": "[640]", "p:format": "webp"}
    # A key that is unknown is told by the program, with all other faults.
    assert configuration(declared, {"formt": "webp"})["p:formt"] == "webp"


def test_inputs_lose_secret_wrappers_and_unset_values_and_keep_whole_numbers_whole() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "s"}
    assert plain({"a": secret, "b": None, "c": [1.0, 1.5], "d": {"e": None}}) == {"a": "s", "c": [1, 1.5], "d": {}}


def test_an_input_that_nothing_carries_over_is_known() -> None:
    inputs = Inputs("videos", {"bucket": "b", "tags": {}, "novel": 1})
    assert inputs["bucket"] == "b"
    assert inputs.get("tags") == {}
    assert inputs.unread() == ["novel"]


def test_a_physical_name_is_the_same_in_every_run_and_within_its_limit() -> None:
    assert Inputs("videos", {}).name("name", most=63) == Inputs("videos", {}).name("name", most=63)
    assert Inputs("videos", {"name": "given"}).name("name", most=63) == "given"
    with pytest.raises(ValueError, match="has 38 characters, of which AWS takes 30"):
        Inputs("v" * 30, {}).name("name", most=30)


def test_every_type_and_call_is_named_as_pulumi_names_it() -> None:
    for token in (*RESOURCES, *CALLS):
        package, module, name = token.split(":")
        assert package in ("aws", "docker")
        assert module.split("/")[-1].lower() == (name.lower() if "/" in module else "index")


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("FROM python:3.13\n", "python:3.13"),
        ("ARG BASE=public.ecr.aws/lambda/python:3.13\nFROM ${BASE} AS x\n", "public.ecr.aws/lambda/python:3.13"),
        ("# syntax\nARG A=1\nARG BASE=b:2\nFROM --platform=linux/amd64 $BASE\n", "b:2"),
    ],
)
def test_the_base_image_is_read_from_the_dockerfile(text: str, image: str, tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(text)
    assert base_image(dockerfile) == image


def test_a_process_goes_with_all_that_it_started_even_in_sessions_of_their_own(tmp_path: Path) -> None:
    child = "import subprocess, time; subprocess.Popen(['sleep', '60'], start_new_session=True); time.sleep(60)"
    with running([sys.executable, "-c", child], env=os.environ, cwd=tmp_path, output=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 10
        while not (family := descendants(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert family
    assert process.returncode is not None
    assert all(_gone(pid) for pid in family)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_ends_when_the_program_that_started_it_is_ended(how: signal.Signals, tmp_path: Path) -> None:
    program = (
        "import pathlib, subprocess, sys, time\n"
        "from local.processes import running\n"
        "with running(['sleep', '60'], env={}, cwd=pathlib.Path('/'), output=subprocess.DEVNULL) as process:\n"
        "    print(process.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not _gone(pid)
        parent.send_signal(how)
    assert _gone(pid)


class _Logs:
    """Stands for the client of CloudWatch Logs: keeps what it is given."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def create_log_stream(self, **_: str) -> None:
        """Streams are of no concern here."""

    def put_log_events(self, *, logEvents: list[dict[str, str]], **_: str) -> None:
        self.lines += [event["message"] for event in logEvents]


def test_what_lambda_says_itself_of_a_call_is_in_the_file_and_not_twice_in_the_log_group(tmp_path: Path) -> None:
    logs = _Logs()
    sink = Log(cast("Emulator", SimpleNamespace(client=lambda _: logs)), "group", tmp_path / "function.log")
    said = (
        "START RequestId: 1 Version: $LATEST\n{}\nEND RequestId: 1\nREPORT RequestId: 1\tDuration: 1 ms\nSTART over\n"
    )
    with subprocess.Popen(["printf", "%s", said], stdout=subprocess.PIPE) as process:
        sink.follow(process)
    assert logs.lines == ["{}", "START over"]
    assert sink.path.read_text() == said


def test_the_addresses_that_the_emulated_aws_gives_are_those_that_it_is_reached_by(tmp_path: Path) -> None:
    with emulator(free_port(), tmp_path, enforce_iam=True) as aws:
        url = aws.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        assert url.startswith(f"{aws.endpoint}/")
        assert aws.client("sqs").send_message(QueueUrl=url, MessageBody="x")["MessageId"]


def _gone(pid: int) -> bool:
    for _ in range(40):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_a_command_that_is_not_there_ends_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(LocalFailure, match="/no/such/tool could not be started: "),
        running(["/no/such/tool"], env={}, cwd=tmp_path, output=subprocess.DEVNULL),
    ):
        pass


def test_a_free_port_has_no_listener() -> None:
    assert not listening(free_port())


def test_what_accepts_connections_and_answers_nothing_is_not_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

        def hang_up() -> None:
            silent.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        assert listening(port)
        silent.settimeout(1)
        threading.Thread(target=hang_up, daemon=True).start()
        assert not answers_http(port)


def test_of_two_runs_on_one_port_the_second_is_told(tmp_path: Path) -> None:
    told = pytest.raises(LocalFailure, match=r"another run has port 4566: .* PORT=4567")
    with alone(tmp_path, 4566), told, alone(tmp_path, 4566):
        pass
    with alone(tmp_path, 4566):
        pass
