"""MiniStack, the emulated AWS: started on a port of this machine, gone with its context."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import trustme
from botocore.config import Config

from local.failure import LocalFailure
from local.processes import listening, running, stop, wait_until_up

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
ROOT = Path(__file__).resolve().parent.parent
# MiniStack pins its botocore, the image pins another one: hence a virtual environment of its own (local/setup.py).
PYTHON = ROOT / ".local" / "emulator" / "bin" / "python"


@dataclass(frozen=True)
class Emulator:
    """An emulated AWS that is up."""

    port: int
    certificate: Path | None = None
    """Of the authority that signed its certificate; set where it speaks TLS."""
    process: subprocess.Popen[bytes] | None = None  # None in the child that runs the program
    log: Path | None = None
    credentials: Mapping[str, str] = field(default_factory=lambda: CREDENTIALS)
    """Whose calls these are, unless said otherwise: the account itself, whom nothing is denied."""

    def check(self) -> None:
        """Fail where the emulator has ended by itself."""
        if self.process is not None and self.process.poll() is not None:
            raise LocalFailure(
                f"the emulated AWS (MiniStack) ended with status {self.process.returncode}; see {self.log}"
            )

    @property
    def endpoint(self) -> str:
        # An address, not a name: boto3 then puts the bucket into the path, where no DNS is needed.
        return self.at("127.0.0.1")

    def at(self, address: str) -> str:
        """Its URL for those who reach this machine by `address`."""
        return f"{'https' if self.certificate else 'http'}://{address}:{self.port}"

    def client(self, service: str, credentials: dict[str, str] | None = None) -> Any:
        """Return a boto3 client of `service`, with the emulator's `credentials` or these."""
        given = credentials or self.credentials
        verify = str(self.certificate) if self.certificate else None
        return _client(self.endpoint, verify, service, given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"])


@cache
def _client(endpoint: str, verify: str | None, service: str, access_key: str, secret_key: str) -> Any:
    # Cached: making one takes up to 0.1 s. A session of its own, because boto3's default one is not for threads.
    session: Any = boto3.session.Session(region_name=REGION)
    return session.client(
        service,
        endpoint_url=endpoint,
        verify=verify,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 2}),
    )


def _certificates(folder: Path, hosts: Sequence[str]) -> tuple[Path, Path]:
    """Return an authority of this run alone: its certificate, and a file with a key and the certificate signed for
    `hosts`."""
    authority = trustme.CA()
    certificate, own = folder / "authority.pem", folder / "emulator.pem"
    authority.cert_pem.write_to_path(str(certificate))
    authority.issue_cert(*hosts).private_key_and_cert_chain_pem.write_to_path(str(own))
    return certificate, own


@contextmanager
def emulator(
    port: int, folder: Path, *, addresses: Sequence[str] = (), enforce_iam: bool = False
) -> Iterator[Emulator]:
    """MiniStack on `port` of 127.0.0.1 and of further `addresses`; its log is in `folder`.

    With `enforce_iam` it denies what no policy allows, and speaks TLS: the stack's policies refuse plain HTTP.
    """
    if not PYTHON.exists():
        raise LocalFailure(f"{PYTHON} is missing: run `make setup`")
    if listening(port):
        raise LocalFailure(
            f"port {port} is in use: stop what listens there, or choose another: make local PORT={port + 1}"
        )
    log = folder / "emulator.log"
    # Without a docker socket in its view MiniStack leaves the containers of this machine alone: at its start it
    # would remove those that it believes to be its own.
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DOCKER_"))},
        **CREDENTIALS,
        "GATEWAY_PORT": str(port),
        "DOCKER_HOST": f"unix://{folder / 'no-docker.sock'}",
        "AUTH": "true" if enforce_iam else "false",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "INFO",
        # It would count an event that waits for a free environment as failed; here the forwarder makes it wait.
        "LAMBDA_ACCOUNT_CONCURRENCY": "0",
    }
    hosts = ("127.0.0.1", *addresses)
    options = [word for host in hosts for word in ("--bind", f"{host}:{port}")]
    certificate = None
    if enforce_iam:
        certificate, own = _certificates(folder, hosts)
        env["USE_SSL"] = "1"  # for the addresses that it gives: of queues
        options += ["--certfile", str(own), "--keyfile", str(own)]
    # In one process (no workers), by its web server rather than by its own command, which binds all interfaces or one.
    command = [str(PYTHON), "-m", "hypercorn", "ministack.app:app", "--workers", "0", "--keep-alive", "75", *options]
    with log.open("wb") as output, running(command, env=env, cwd=folder, output=output) as process:
        wait_until_up(process, port, "the emulated AWS (MiniStack)", log, seconds=60)
        yield Emulator(port, certificate, process, log)
        # It has nothing to save, and with TLS would wait for every connection that is kept alive.
        stop(process, grace_seconds=0.2)
