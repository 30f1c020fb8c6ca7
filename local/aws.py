"""The account that resources are made in: its clients, its number, its registry."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from local.emulator import REGION, Emulator


@dataclass(frozen=True)
class Aws:
    """What `resources`, `calls` and `image` need to know of the emulated account."""

    emulator: Emulator
    build_image: bool  # whether docker.Image is built and pushed, or answered with a well-formed digest

    region = REGION

    @cached_property
    def account(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def registry(self) -> str:
        # Docker takes a registry on localhost without TLS.
        return f"localhost:{self.emulator.port}"

    def client(self, service: str) -> Any:
        return self.emulator.client(service)
