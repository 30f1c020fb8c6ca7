"""The Pulumi program of this repository, registered against the emulated AWS.

It runs in a child process: Pulumi's runtime is one a process and has no way back, and only a process can be given a
time limit that holds. `register` is the parent's side, `main` the child's; JSON passes between them.
"""

import json
import os
import runpy
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.aws import Aws
from local.emulator import CREDENTIALS, ROOT, Emulator
from local.failure import LocalFailure
from local.processes import last_line, running

STACK = "local"
SECONDS = 120
"""Time for a program of some thirty resources, which takes two seconds."""
BUILD_SECONDS = 900
"""Further time, where an image is built."""


@dataclass(frozen=True)
class Function:
    """The function as the stack declared it."""

    name: str
    role: str
    image: str
    environment: dict[str, str]
    memory_mb: int
    timeout_seconds: int
    storage_mb: int


@dataclass(frozen=True)
class Registered:
    """What the program made, as far as a local run needs to know."""

    bucket: str
    function: Function
    log_group: str
    queue_url: str
    outputs: dict[str, Any]


def register(
    emulator: Emulator, folder: Path, settings: Mapping[str, Any], *, build_image: bool, program: Path = ROOT
) -> Registered:
    """Make the stack of `program` (a folder with `Pulumi.yaml` and `__main__.py`) with `settings`, by the emulator's
    credentials."""
    with tempfile.TemporaryDirectory(dir=folder) as exchange:
        answer = Path(exchange) / "answer.json"
        request = {
            "port": emulator.port,
            "certificate": str(emulator.certificate) if emulator.certificate else None,
            "credentials": dict(emulator.credentials),
            "settings": dict(settings),
            "build_image": build_image,
            "answer": str(answer),
        }
        env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))}
        env |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **CREDENTIALS}
        command = [sys.executable, "-m", "local.program", json.dumps(request)]
        seconds = SECONDS + (BUILD_SECONDS if build_image else 0)
        log = folder / "program.log"
        with running(command, env=env, cwd=program, output=subprocess.PIPE) as process, log.open("w") as lines:
            _relay(process, lines, seconds)
        if not answer.exists():
            raise LocalFailure(
                f"the Pulumi program ended with status {process.returncode}: {last_line(log.read_text())}; see {log}"
            )
        given = json.loads(answer.read_text())
    if "failure" in given:
        raise LocalFailure(given["failure"])
    return Registered(**{**given, "function": Function(**given["function"])})


def _relay(process: subprocess.Popen[bytes], log: Any, seconds: float) -> None:
    """Show and keep what the child prints, until it ends or its time is over."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.decode(errors="replace")
            log.write(line)
            if line.startswith("  ") or line.startswith("$ "):
                print("  " + line.rstrip(), flush=True)
        process.wait()
    finally:
        timer.cancel()


def configuration(pulumi_yaml: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the stack's configuration as the engine hands it to a program: defaults of `Pulumi.yaml`, then
    `settings`."""
    project = pulumi_yaml["name"]
    declared: Mapping[str, Any] = pulumi_yaml.get("config") or {}
    values = {key: row["default"] for key, row in declared.items() if isinstance(row, Mapping) and "default" in row}
    values |= settings
    return {f"{project}:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def run_program(emulator: Emulator, settings: Mapping[str, Any], build_image: bool) -> dict[str, Any]:
    """Run `__main__.py` of the current folder in this process; returns the fields of `Registered`."""
    import pulumi

    from local.monitor import EmulatedCloud, plain
    from thumbnailer import SettingsError

    project = yaml.safe_load(Path("Pulumi.yaml").read_text())
    pulumi.runtime.set_all_config(configuration(project, settings))
    cloud = EmulatedCloud(Aws(emulator, build_image))
    pulumi.runtime.set_mocks(cloud, project=project["name"], stack=STACK, preview=False)
    outputs: dict[str, Any] = {}

    def program() -> pulumi.Output[Any]:
        runpy.run_path("__main__.py", run_name="__main__")
        stack: Any = pulumi.runtime.get_root_resource()
        return pulumi.Output.from_input(stack.outputs).apply(outputs.update)

    sys.path.insert(0, str(Path.cwd()))
    try:
        run: Any = pulumi.runtime.test
        run(program)()
    except SettingsError as error:
        raise LocalFailure(f"{error.faults}\nWrite them as SETTINGS='key=value key=[1,2]'.") from error
    except Exception as error:
        fault = cloud.failure or f"{type(error).__name__}: {error}"
        raise LocalFailure(f"the Pulumi program failed: {fault}") from error
    function = cloud.one("aws:lambda/function:Function").properties
    return {
        "bucket": outputs["bucket"],
        "function": {
            "name": function["name"],
            "role": function["role"],
            "image": function["imageUri"],
            "environment": function["environment"]["variables"],
            "memory_mb": function.get("memorySize", 128),
            "timeout_seconds": function.get("timeout", 3),
            "storage_mb": function.get("ephemeralStorage", {}).get("size", 512),
        },
        "log_group": function["loggingConfig"]["logGroup"],
        "queue_url": outputs["failureQueue"],
        "outputs": plain(outputs),
    }


def main(request: Mapping[str, Any]) -> None:
    """Run the program on the child's side; write what it made, or why not."""
    try:
        certificate = Path(request["certificate"]) if request["certificate"] else None
        emulator = Emulator(request["port"], certificate, credentials=request["credentials"])
        answer = run_program(emulator, request["settings"], request["build_image"])
    except LocalFailure as failure:
        answer = {"failure": str(failure)}
    Path(request["answer"]).write_text(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
