"""The client of S3, and its connections, which stay open from one invocation to the next.

A new connection over TLS costs three rounds and, because urllib3 has its SSL context read the whole bundle of
certificates again for each of them, 22 ms of processor time (urllib3 issue 3623, botocore issue 3171).
"""

import functools
import time
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.httpsession import create_urllib3_context

from service.requests import CONNECTIONS

IDLE = 15.0
"""Seconds after which an idle connection is not trusted: S3 closes those that idle for some 20 s, and while Lambda has
frozen the environment nobody hears of that."""
CONNECT_TIMEOUT, READ_TIMEOUT = 3, 10
"""Seconds. A request that is late is sent again much sooner; these end what nobody waits for any more."""


class Connections(Protocol):
    """What the service wants of S3's connections."""

    @property
    def client(self) -> Any:
        """The client of boto3."""

    def forget_connections(self) -> None:
        """Close the connections that nobody uses."""


class S3:
    """The client, and what is done about its connections."""

    def __init__(self) -> None:
        self.client: Any = boto3.client(
            "s3",
            config=Config(
                signature_version="s3v4",
                connect_timeout=CONNECT_TIMEOUT,
                read_timeout=READ_TIMEOUT,
                max_pool_connections=CONNECTIONS + CONNECTIONS // 2,
                # Whatever is sent again, `service.requests` sends again.
                retries={"mode": "standard", "total_max_attempts": 1},
                # Ranges have no checksum to compare with; what is written gets one.
                response_checksum_validation="when_required",
            ),
        )
        context = create_urllib3_context()
        context.load_verify_locations = functools.cache(context.load_verify_locations)
        # botocore has no setting for the context; its session hands these arguments to every pool that it makes.
        self._connections = self.client._endpoint.http_session._manager
        self._connections.connection_pool_kw["ssl_context"] = context
        self._last_used = time.time()

    def begin(self) -> None:
        """Close connections that idled too long; called when an invocation begins.

        By the wall clock: the monotonic one may stand still while Lambda freezes the environment.
        """
        if not 0 <= time.time() - self._last_used <= IDLE:
            self.forget_connections()
        self._last_used = time.time()

    def end(self) -> None:
        """Note that the connections idle from now on."""
        self._last_used = time.time()

    def forget_connections(self) -> None:
        """Close the connections that nobody uses; those in use are not affected."""
        self._connections.clear()
