"""The built image holds what the handler uses, readable by whoever runs it, writable by nobody, and no secret."""

import csv
import errno
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.emulator import ROOT
from local.image import base_image, docker_answers, have_image
from model import VERSION
from policy.rules import secrets_in
from tests.content.built import Built, docker, read
from tests.content.test_supplies import requirements
from tests.hostile.refusing import HARSH, REPORTED

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

CONTEXT = ROOT / "docker-ffmpeg-thumb"
TASK = "/var/task"
NAME = "video-thumbnailer-content-test"
SAMPLES_IN_DOCUMENTS = {f"{TASK}/boto3/examples/cloudfront.rst": "an AWS access key"}
"""Texts of the dependencies that speak of a secret and hold none."""
PROSE = {"a password in a URL", "a presigned URL", "an AWS secret key"}
"""Patterns that fit the dependencies' own sources and documents, which take such things apart; the project's own files
are searched for them too."""

LOOK = """
import os, pathlib, subprocess
import handler, imageio_ffmpeg
for folder in ("/var/task", "/var/task/service", "/var/task/worker", "/", "/var/lang", "/var/runtime", "/home"):
    try:
        pathlib.Path(folder, "written").write_text("x")
    except OSError:
        continue
    raise SystemExit(f"{folder} can be written")
pathlib.Path("/tmp/written").write_text("x")
assert os.getuid() != 0
for root, folders, files in os.walk("/var/task"):
    for name in files:
        with open(os.path.join(root, name), "rb") as file:
            file.read(1)
subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-version"], check=True, capture_output=True, env={})
print("looked")
"""


JOB = """
import io, json, subprocess, sys
from types import SimpleNamespace
from botocore.exceptions import ClientError
import handler, imageio_ffmpeg
from service import settings
film = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=10:d=30"]
film += ["-c:v", "mpeg4", "-g", "20", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "pipe:1"]
content = subprocess.run(film, check=True, stdout=subprocess.PIPE).stdout
written = []

class S3:
    def get_object(self, **asked):
        first, last = (int(number) for number in asked["Range"].removeprefix("bytes=").split("-"))
        part = content[first : last + 1]
        span = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
        return {"Body": io.BytesIO(part), "ContentRange": span, "ETag": '"e"', "Metadata": {}}
    def head_object(self, **_):
        raise ClientError({"Error": {"Code": "404"}, "ResponseMetadata": {"HTTPStatusCode": 404}}, "HeadObject")
    def put_object(self, **_):
        return {}

handler.CONNECTIONS.client = S3()
wanted = {"storyboard": True, "preview": True, "previewFormat": "mp4"}
handler.VIDEOS.settings = settings.read({"THUMBNAILER": json.dumps(wanted)})
entry = {"bucket": {"name": "b"}, "object": {"key": "k.mp4", "size": len(content), "eTag": "e", "sequencer": "1"}}
context = SimpleNamespace(function_name="f", function_version="1", memory_limit_in_mb=1769, invoked_function_arn="a",
    aws_request_id="r", get_remaining_time_in_millis=lambda: 60000)
print(json.dumps(handler.handler({"Records": [{"eventSource": "aws:s3", "s3": entry}]}, context)))
"""
ASK = """
import os, socket
for name, ask in (("socket", socket.socket), ("fork", os.fork), ("kill", lambda: os.kill(os.getppid(), 0))):
    try:
        ask()
        print(name, "granted")
    except OSError as refusal:
        print(name, refusal.errno)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """Yield the image as the Dockerfile makes it, on the base image that it names."""
    if not docker_answers():
        pytest.skip("no Docker engine answers")
    base = base_image(CONTEXT / "Dockerfile")
    if not have_image(base):
        pytest.skip(f"the base image {base} cannot be had")
    docker("build", "--tag", NAME, "--build-arg", f"VERSION={VERSION}", str(CONTEXT))
    yield read(NAME, base, tmp_path_factory.mktemp("image"))
    # The name alone, so that the next build finds its layers.
    subprocess.run(["docker", "image", "rm", "--no-prune", NAME], check=True, capture_output=True)


def test_no_layer_holds_a_secret(built: Built) -> None:
    # Each layer, not what is left of them: what a later one deletes can still be read in the earlier.
    found = {
        file.path: kinds
        for layer in built.layers
        for file in layer
        if file.text is not None
        and (kinds := set(secrets_in(file.text)) - (PROSE if is_dependency(file.path) else set()))
        and kinds != {SAMPLES_IN_DOCUMENTS.get(file.path)}
    }
    assert found == {}


def test_its_labels_name_the_version_that_its_outputs_name(built: Built) -> None:
    labels = built.config["Labels"]
    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels["org.opencontainers.image.title"] == "video-thumbnailer"


def test_the_search_reads_what_it_should(built: Built) -> None:
    read_as_text = {file.path for layer in built.layers for file in layer if file.text is not None}
    assert {f"{TASK}/handler.py", f"{TASK}/worker/decode/ffmpeg.py", f"{TASK}/botocore/session.py"} <= read_as_text


def test_neither_its_history_nor_its_environment_holds_a_secret(built: Built) -> None:
    assert built.history
    assert secrets_in("\n".join(built.history)) == []
    environment = built.config["Env"] or []
    assert secrets_in("\n".join(environment)) == []
    assert not [each for each in environment if each.startswith("AWS_")]


def test_no_file_brings_the_rights_of_another_user(built: Built) -> None:
    found = [f"{oct(file.mode)} {file.path}" for layer in built.layers for file in layer if file.mode & 0o6000]
    assert found == []


def test_whoever_runs_it_can_read_all_and_write_nothing(built: Built) -> None:
    files = [file for file in built.files().values() if not file.is_link and file.path.startswith(f"{TASK}/")]
    assert files
    assert [file.path for file in files if not file.mode & 0o004] == []
    assert [file.path for file in files if file.is_folder and not file.mode & 0o001] == []
    assert [file.path for file in files if file.mode & 0o002 or file.owner] == []


def test_nothing_is_left_of_the_build(built: Built) -> None:
    paths = [path for path, file in built.files().items() if not file.is_folder]
    cache = re.compile(
        r"^/root/\.cache|^/tmp/|/pip/|\.whl$|/pip-|\.egg-info|/\.git|/(tests?|include|bin)/|\.(pyx|pxd|pyi|c)$"
    )
    # Of the base image's own, only the mode of the interpreter is changed.
    paths.remove("/var/lang/bin/python3.13")
    assert [path for path in paths if cache.search(path)] == []


def test_only_bytecode_of_its_own_python_lies_in_it(built: Built) -> None:
    bytecode = [path for path in built.files() if path.endswith(".pyc")]
    assert bytecode
    assert [path for path in bytecode if not path.endswith(".cpython-313.pyc")] == []
    sources = {re.sub(r"/__pycache__/([^/]+)\.cpython-313\.pyc$", r"/\1.py", path) for path in bytecode}
    # The base image's own files lie below the layers that are looked at.
    assert [path for path in sources if path.startswith(TASK) and path not in built.files()] == []


def test_every_file_is_the_projects_own_or_of_a_locked_requirement(built: Built) -> None:
    recorded = {f"{TASK}/{row[0]}" for text in records(built).values() for row in csv.reader(text.splitlines()) if row}
    others = [
        path
        for path, file in built.files().items()
        if path.startswith(f"{TASK}/")
        and not file.is_folder
        and is_dependency(path)
        and not path.endswith(".pyc")
        and path not in recorded
    ]
    assert others == []


def test_what_is_installed_is_what_is_locked(built: Built) -> None:
    def named(name: str, version: str) -> str:
        return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"

    installed = {
        named(*folder.removeprefix(f"{TASK}/").removesuffix(".dist-info").split("-", 1)) for folder in records(built)
    }
    locked = {named(*requirement.split("==")) for requirement in requirements()}
    assert installed == locked


def test_it_works_as_another_user_on_a_read_only_disk_without_network_and_rights(built: Built) -> None:
    said = docker(
        *("run", "--rm", "--read-only", "--tmpfs", "/tmp:mode=1777", "--user", "993:990", "--network", "none"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--env", "AWS_DEFAULT_REGION=us-east-1"),
        *("--entrypoint", "python3", built.name, "-B", "-c", LOOK),
    )
    assert said.strip().endswith("looked")


@pytest.mark.parametrize("refused", [[], REPORTED], ids=["with prctl", "without prctl"])
def test_a_child_cannot_read_the_credentials_of_the_handler(built: Built, refused: list[str], tmp_path: Path) -> None:
    # As FFmpeg is started: with no environment of its own, by the same user.
    program = (
        "import subprocess, sys, handler\n"
        "for name in ('environ', 'mem', 'maps'):\n"
        "    read = ['/bin/cat', '/proc/%d/%s' % (__import__('os').getpid(), name)]\n"
        "    done = subprocess.run(read, env={}, capture_output=True, text=True)\n"
        "    print(done.returncode, done.stdout + done.stderr)"
    )
    said = docker(
        *("run", "--rm", "--read-only", "--tmpfs", "/tmp", "--user", "993:990", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", *refusing(refused, tmp_path)),
        *("--env", "AWS_SECRET_ACCESS_KEY=that-nobody-may-see", "--env", "AWS_DEFAULT_REGION=us-east-1"),
        *("--entrypoint", "python3", built.name, "-B", "-c", program),
    )
    assert said.count("Permission denied") == 3, said
    assert "that-nobody-may-see" not in said


def test_with_no_place_to_write_it_makes_all_of_its_files(built: Built) -> None:
    # Not even /tmp, which is full where other things are in it.
    said = docker(
        *("run", "--rm", "--read-only", "--user", "993:990", "--cap-drop", "ALL", "--network", "none", "--ipc", "none"),
        *("--env", "AWS_DEFAULT_REGION=us-east-1", "--env", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1769"),
        *("--env", "POWERTOOLS_METRICS_NAMESPACE=x", "--env", "POWERTOOLS_SERVICE_NAME=x"),
        *("--entrypoint", "python3", built.name, "-B", "-c", JOB),
    )
    [outcome] = json.loads(said.splitlines()[-1])["outcomes"]
    assert outcome["outcome"] == "made", outcome
    assert {file["kind"] for file in outcome["images"] + outcome["texts"]} == {"poster", "storyboard", "preview"}


@pytest.mark.parametrize("refused", [REPORTED, HARSH], ids=["as reported of Lambda", "with Landlock"])
def test_on_a_kernel_that_refuses_what_lambdas_refuses_it_makes_all_of_its_files_and_says_what_holds(
    built: Built, refused: list[str], tmp_path: Path
) -> None:
    said = docker(
        *("run", "--rm", "--read-only", "--tmpfs", "/tmp:mode=1777", "--user", "993:990", "--cap-drop", "ALL"),
        *("--network", "none", "--ipc", "none", "--security-opt", "no-new-privileges", *refusing(refused, tmp_path)),
        *("--env", "AWS_DEFAULT_REGION=us-east-1", "--env", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1769"),
        *("--entrypoint", "python3", built.name, "-B", "-c", JOB),
    )
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    [outcome] = lines[-1]["outcomes"]
    assert outcome["outcome"] == "made", outcome
    assert {file["kind"] for file in outcome["images"] + outcome["texts"]} == {"poster", "storyboard", "preview"}
    [held] = [line for line in lines if line.get("message") == "isolation"]
    assert held["service_hidden"], "the mode of the interpreter hides it without prctl"
    assert not held["worker"]["filter"]
    assert not held["worker"]["network"]


def refusing(calls: list[str], folder: Path) -> tuple[str, str]:
    """Docker's option for a kernel that refuses system calls with EPERM."""
    profile = folder / "profile.json"
    refused = {"names": calls, "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EPERM}
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refused]}))
    return "--security-opt", f"seccomp={profile}"


def test_what_it_starts_in_place_of_a_decoder_reaches_no_network_and_no_process(built: Built) -> None:
    program = (
        "import isolation, os, pathlib, socket, sys\n"
        "isolation.confine_template([pathlib.Path('/var/task')])\n"
        "isolation.confine_decoder(pathlib.Path(sys.executable))\n"
        "exec(sys.argv[1])"
    )
    said = docker(
        *("run", "--rm", "--read-only", "--user", "993:990", "--cap-drop", "ALL"),
        *("--entrypoint", "python3", built.name, "-B", "-c", program, ASK),
    )
    assert said.split("\n")[:3] == [f"{name} {errno.EPERM}" for name in ("socket", "fork", "kill")]


def records(built: Built) -> dict[str, str]:
    """Return what each installed distribution says it consists of, by the folder that says so."""
    return {
        path.removesuffix("/RECORD"): file.text
        for path, file in built.files().items()
        if path.endswith(".dist-info/RECORD") and file.text is not None
    }


def is_dependency(path: str) -> bool:
    """Whether a file is of what pip installed."""
    return not re.match(rf"{TASK}/([a-z]+\.py|service/|worker/|requirements\.txt|__pycache__/[a-z]+\.cpython)", path)
