"""The stand-in itself: objects, faults, pace and log, and what tests and benchmarks say to it past its front door."""

import itertools
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from standin_s3.content import Bytes, Content
from standin_s3.faults import Fault, Faults
from standin_s3.log import Counted, Log, Request
from standin_s3.objects import Objects, Refused
from standin_s3.pace import AT_ONCE, Latency, Pace

BUCKET = "videos"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "stand-in",
    "AWS_SECRET_ACCESS_KEY": "stand-in",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class S3:
    """One stand-in. Its methods neither wait, nor fail, nor are counted; safe between threads."""

    def __init__(self, pace: Pace = AT_ONCE, upstream: str = "") -> None:
        self.objects, self.faults, self.log = Objects(), Faults(), Log()
        self.latency, self.pace = Latency(), pace
        self.upstream = upstream
        """URL of the S3 that it stands before; empty where it has objects of its own."""
        self.open: set[Any] = set()
        """The connections that are open."""
        self.served: tuple[str, str] = ("", "")
        """Where it is served: its URL, and the file of the authorities to trust."""
        self._sequencers = itertools.count(1)

    def url(self) -> str:
        """Its address, for `endpoint_url`."""
        return self.served[0]

    def bundle(self) -> str:
        """File of the certificates that a client must trust; empty where it speaks no TLS."""
        return self.served[1]

    def environment(self) -> dict[str, str]:
        """Return what an AWS client takes to speak to it, credentials included."""
        url, bundle = self.served
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": url, **({"AWS_CA_BUNDLE": bundle} if bundle else {})}

    def put(
        self,
        key: str,
        content: bytes | Content,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        bucket: str = BUCKET,
    ) -> dict[str, Any]:
        """Upload an object; the record that S3 would send of it."""
        given = {**(headers or {}), **{f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}}
        made = self.objects.put(f"{bucket}/{key}", Bytes(content) if isinstance(content, bytes) else content, given)
        assert made.content is not None
        return {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "awsRegion": CREDENTIALS["AWS_REGION"],
            "s3": {
                "bucket": {"name": bucket},
                "object": {
                    "key": quote_plus(key, safe="/"),
                    "size": made.content.size,
                    "eTag": made.etag,
                    "versionId": made.id,
                    "sequencer": f"{next(self._sequencers):016X}",
                },
            },
        }

    def get(self, key: str, bucket: str = BUCKET) -> tuple[dict[str, str], bytes] | None:
        """Return an object's headers, names in lower case, and its content; None where there is none."""
        try:
            found = self.objects.find(f"{bucket}/{key}")
        except Refused:
            return None
        assert found.content is not None
        headers = {**found.headers, "etag": found.etag, "x-amz-version-id": found.id}
        return headers, found.content.read(0, found.content.size)

    def stored(self, bucket: str = BUCKET) -> list[str]:
        """Return the keys of all objects."""
        return [key for key, _ in self.objects.newest(bucket)]

    def remove(self, *keys: str, bucket: str = BUCKET) -> None:
        """Take objects away with all their versions."""
        for key in keys:
            self.objects.remove(f"{bucket}/{key}")

    def fail(self, *faults: Fault) -> None:
        """From now on these faults and no others; the log begins anew."""
        self.faults.set(faults)
        self.log.clear()

    def lift(self) -> None:
        """From now on nothing goes wrong; the log goes on."""
        self.faults.set(())

    def injected(self) -> int:
        """Return how many requests went wrong by its doing so far."""
        return self.faults.injected

    def set_pace(self, pace: Pace) -> None:
        """From now on answers take so long."""
        self.pace = pace

    def clear(self) -> None:
        """Empty the log."""
        self.log.clear()

    def requests(self) -> list[Request]:
        """Return what was asked since the log began."""
        return self.log.requests()

    def counted(self) -> Counted:
        """Return what was asked, added up."""
        return self.log.counted()

    def under_way(self) -> list[tuple[str, str]]:
        """Return (method, `bucket/key`) of the requests that are not answered yet."""
        return self.log.under_way()

    def break_connections(self, how: str) -> None:
        """Break the connections that are open now, as after a pause: `close` ends them, `swallow` leaves them open and
        answers nothing on them any more."""
        for connection in list(self.open):
            connection.break_off(how)
