"""The whole stack, up on this machine for as long as its context lasts; nothing of it is left afterwards."""

import fcntl
import ipaddress
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from local.emulator import CREDENTIALS, REGION, ROOT, Emulator, emulator
from local.failure import LocalFailure
from local.function import lambda_variables, runnable, serving
from local.image import base_image, docker_answers, have_image, named
from local.outcomes import Outcomes
from local.processes import free_port, require
from local.program import Registered, register

Runtime = Literal["processes", "docker"]

ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
"""Lambda's name of each processor that Python names."""


@dataclass(frozen=True)
class Stack:
    """A stack that is up: what to upload to, what to ask, what has become of the videos."""

    emulator: Emulator
    runtime: Runtime
    registered: Registered
    outcomes: Outcomes
    folder: Path
    """Logs of this run: emulator.log, program.log, function.log."""
    credentials: Mapping[str, str]
    """What the function itself works with."""

    @property
    def endpoint(self) -> str:
        return self.emulator.endpoint

    @property
    def region(self) -> str:
        return REGION

    @property
    def bucket(self) -> str:
        return self.registered.bucket

    @property
    def function(self) -> str:
        return self.registered.function.name

    @property
    def log_group(self) -> str:
        return self.registered.log_group

    @property
    def queue_url(self) -> str:
        return self.registered.queue_url

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.registered.outputs

    def check(self) -> None:
        """Fail where a part of the stack has ended by itself."""
        self.emulator.check()

    def client(self, service: str, credentials: Mapping[str, str] | None = None) -> Any:
        """Return a boto3 client, as the account itself unless `credentials` say whom."""
        return self.emulator.client(service, dict(credentials) if credentials else None)


def choose_runtime(wanted: str) -> Runtime:
    """`wanted`, or for `auto` Docker where it can serve, else processes."""
    if platform.system() != "Linux":
        if wanted == "processes" or not docker_answers():
            raise LocalFailure(
                f"on {platform.system()} the function needs Docker: install and start it, then try again"
            )
        return "docker"
    if wanted == "processes":
        return "processes"
    if not docker_answers():
        if wanted == "docker":
            raise LocalFailure("no Docker engine answers (docker info): start it, or use RUNTIME=processes")
        print("no Docker engine answers: the function runs as processes", flush=True)
        return "processes"
    base = base_image(ROOT / "docker-ffmpeg-thumb" / "Dockerfile")
    if not have_image(base):
        if wanted == "docker":
            raise LocalFailure(f"the base image {base} cannot be had: check the network, or use RUNTIME=processes")
        print(f"the base image {base} cannot be had: the function runs as processes", flush=True)
        return "processes"
    return "docker"


@contextmanager
def running(
    settings: Mapping[str, Any] | None = None,
    *,
    runtime: Runtime = "processes",
    port: int | None = None,
    folder: Path | None = None,
    environments: int | None = None,
    enforce_iam: bool = False,
    buckets: Sequence[str] = (),
    program: Path = ROOT,
) -> Iterator[Stack]:
    """Run the stack with `settings` (keys of Pulumi.yaml), on `port` or a free one.

    `environments` is how many events are served at once, one a processor unless said. With `enforce_iam` the function
    has the rights of its role and no others. `buckets` are made before the program runs, for settings that name one.
    """
    port = port or free_port()
    folder = folder or ROOT / ".local" / "run" / str(port)
    folder.mkdir(parents=True, exist_ok=True)
    machine = platform.machine().lower()
    if machine not in ARCHITECTURES:
        raise LocalFailure(f"this machine's processor is {machine}; Lambda's are x86_64 and arm64")
    bridge = [_bridge_address()] if runtime == "docker" and platform.system() == "Linux" else []
    outcomes = Outcomes()
    with (
        alone(folder, port),
        _step("the emulated AWS"),
        emulator(port, folder, addresses=bridge, enforce_iam=enforce_iam) as aws,
        named(port) if runtime == "docker" else nullcontext(),
    ):
        for name in buckets:
            aws.client("s3").create_bucket(Bucket=name)
        print(f"registering the Pulumi program against {aws.endpoint} …", flush=True)
        registered = register(
            aws,
            folder,
            {"architecture": ARCHITECTURES[machine], **(settings or {})},
            build_image=runtime == "docker",
            program=program,
        )
        credentials = _role_credentials(aws, registered.function.role) if enforce_iam else CREDENTIALS
        endpoint = aws.endpoint if runtime == "processes" else aws.at(_host_of_containers(registered, bridge))
        variables = lambda_variables(registered.function, registered.log_group, endpoint, credentials)
        count = environments or os.cpu_count() or 1
        print(f"starting {count} environments of the function as {_in_words(runtime)} …", flush=True)
        with serving(
            aws,
            registered.function,
            registered.log_group,
            variables,
            runtime=runtime,
            count=count,
            folder=folder,
            outcomes=outcomes,
        ):
            yield Stack(aws, runtime, registered, outcomes, folder, credentials)


@contextmanager
def alone(folder: Path, port: int) -> Iterator[None]:
    """Keep the port and its folder for this run: of two that start in the same instant, the second is told."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalFailure(
                f"another run has port {port}: end it, or choose another: make local PORT={port + 1}"
            ) from None
        yield


def _in_words(runtime: Runtime) -> str:
    return "containers of the built image" if runtime == "docker" else "processes"


@contextmanager
def _step(what: str) -> Iterator[None]:
    print(f"starting {what} …", flush=True)
    yield


def _bridge_address() -> str:
    """Return this machine's address on Docker's bridge network, which containers reach it by."""
    require("docker", "the function runs in containers")
    inspect = ["docker", "network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}"]
    done = subprocess.run(inspect, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    configs = json.loads(done.stdout or "[]") if done.returncode == 0 else []
    for config in configs or []:
        # Docker gives the bridge the first address of its subnet where it states no other.
        address = config.get("Gateway") or str(ipaddress.ip_network(config["Subnet"])[1])
        if ipaddress.ip_address(address).version == 4:
            return str(address)
    raise LocalFailure(
        "Docker's bridge network has no IPv4 address (docker network inspect bridge): use RUNTIME=processes"
    )


def _host_of_containers(registered: Registered, bridge: Sequence[str]) -> str:
    """Return the address that containers reach the emulated AWS by: an address, for boto3 puts buckets into names'
    front."""
    if bridge:
        return bridge[0]
    look_up = "import socket; print(socket.gethostbyname('host.docker.internal'))"
    command = ["docker", "run", "--rm", "--entrypoint", "/var/lang/bin/python3", runnable(registered.function.image)]
    done = subprocess.run([*command, "-c", look_up], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise LocalFailure("containers cannot reach this machine: Docker gives it no name host.docker.internal")
    return done.stdout.strip()


def _role_credentials(aws: Emulator, role_arn: str) -> dict[str, str]:
    """Credentials with the rights of the function's role, in an emulator that enforces them.

    Only Lambda may assume the role; a user with the same policies stands for it, whose rights are the same.
    """
    iam = aws.client("iam")
    role = role_arn.rpartition("/")[2]
    user = f"as-{role}"[:64]
    iam.create_user(UserName=user)
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        iam.put_user_policy(UserName=user, PolicyName=name, PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_REGION": REGION,
    }
