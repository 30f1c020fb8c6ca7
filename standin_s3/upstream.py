"""Another S3 that the stand-in stands before: its answers, for those who ask at the stand-in."""

import http.client
from urllib.parse import urlsplit

from standin_s3.answers import Answer, Ask
from standin_s3.content import Bytes

SECONDS = 60
"""Longest wait for an answer."""
_OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "expect", "te", "upgrade", "content-length"}


class Upstream:
    """One connection to the other S3."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        assert address.hostname is not None
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=SECONDS)

    def answer(self, ask: Ask, target: str) -> Answer:
        """Ask for `target`, the path and query as they came."""
        self._connection.putrequest(ask.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in ask.headers.items():
            if name not in _OF_THE_CONNECTION:
                self._connection.putheader(name, value)
        self._connection.putheader("Content-Length", str(len(ask.body)))
        self._connection.endheaders(ask.body)
        response = self._connection.getresponse()
        body = response.read()
        headers = {name: value for name, value in response.getheaders() if name.lower() not in _OF_THE_CONNECTION}
        # Of a HEAD the length is that of what is not sent.
        length = int(response.getheader("Content-Length") or 0) if ask.method == "HEAD" else len(body)
        return Answer(response.status, headers, Bytes(body), 0, length)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
