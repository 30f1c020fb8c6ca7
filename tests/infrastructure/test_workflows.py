"""What GitHub runs: when the stack is updated, on which machine, and with whose rights."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infrastructure.recording import ROOT
from thumbnailer.image import PLATFORMS

GITHUB = ROOT / ".github"
PROJECT = (ROOT / "Pulumi.yaml").read_text()


def test_the_stack_is_updated_only_after_the_tests_of_that_commit_passed() -> None:
    jobs = workflow("deploy")["jobs"]
    assert "test" in jobs["deploy"]["needs"]
    assert jobs["test"]["uses"] == "$/.github/workflows/test.yml"
    assert "if" not in jobs["deploy"], "a condition of its own would let it run after tests that failed"
    assert [step["run"] for step in workflow("test")["jobs"]["test"]["steps"] if "run" in step][:2] == [
        "make check",
        "make test",
    ]


def test_a_commit_on_main_is_tested_once_and_commits_are_deployed_in_their_order() -> None:
    # YAML 1.1 reads the key `on` as true.
    assert "push" not in workflow("test")[True]
    deploy = workflow("deploy")
    assert deploy[True] == {"push": {"branches": ["main"]}}
    assert deploy["concurrency"] == {"group": "deploy", "cancel-in-progress": False}


@pytest.mark.parametrize("name", ["deploy", "preview"])
def test_a_job_with_rights_in_aws_runs_where_the_stack_is_built_and_holds_no_long_lived_token(name: str) -> None:
    jobs = workflow(name)["jobs"]
    [job] = [each for each in jobs.values() if each["permissions"].get("id-token")]
    assert job["runs-on"] == "${{ needs.runner.outputs.runner }}"
    assert jobs["runner"]["uses"] == "$/.github/workflows/runner.yml"
    text = (GITHUB / f"workflows/{name}.yml").read_text() + (GITHUB / "actions/stack/action.yml").read_text()
    assert "PULUMI_ACCESS_TOKEN" not in text


def test_the_two_environments_have_roles_of_their_own() -> None:
    roles = {name: workflow(name)["jobs"][name]["steps"][-1]["with"]["role"] for name in ("deploy", "preview")}
    assert len(set(roles.values())) == 2


def test_every_architecture_has_a_machine_of_its_own(tmp_path: Path) -> None:
    found = {each: runner(tmp_path, f"config: {{video-thumbnailer:architecture: {each}}}") for each in PLATFORMS}
    assert found == {"x86_64": (0, "runner=ubuntu-24.04\n"), "arm64": (0, "runner=ubuntu-24.04-arm\n")}


@pytest.mark.parametrize("settings", [None, "config: {aws:region: us-east-1}", "encryptionsalt: v1:x"])
def test_a_stack_that_says_nothing_has_the_default(tmp_path: Path, settings: str | None) -> None:
    assert runner(tmp_path, settings) == (0, "runner=ubuntu-24.04\n")


def test_an_architecture_that_lambda_has_not_is_named_with_its_file(tmp_path: Path) -> None:
    status, said = runner(tmp_path, "config: {video-thumbnailer:architecture: arm}")
    assert (status, said) == (1, "Pulumi.films.yaml: architecture is 'arm'; set it to x86_64 or arm64\n")


def workflow(name: str) -> Any:
    return yaml.safe_load((GITHUB / f"workflows/{name}.yml").read_text())


def runner(folder: Path, settings: str | None) -> tuple[int, str]:
    """Status and words of the choice, in a project of these settings, started as the workflow starts it."""
    (folder / "Pulumi.yaml").write_text(PROJECT)
    if settings is not None:
        (folder / "Pulumi.films.yaml").write_text(settings)
    done = subprocess.run(
        [sys.executable, str(GITHUB / "runner.py"), "acme/video-thumbnailer/films"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout
