"""A server, and single requests to it, for what is prepared and checked; nothing here is measured."""

import http.client
import json
from typing import Any, NamedTuple, Self


class Server(NamedTuple):
    """A server that runs.

    Attributes:
        host: Its address.
        port: That it listens on.
        pid: Of its process.
    """

    host: str
    port: int
    pid: int

    @property
    def url(self) -> str:
        """Address of the API."""
        return f"http://{self.host}:{self.port}/v1"


class Session:
    """One connection to a server, kept alive.

    Args:
        server: Runs.
        token: Who calls; empty for an anonymous caller.
    """

    def __init__(self, server: Server, token: str = "") -> None:
        self._connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
        self._headers = headers(token)

    def bytes(self, path: str) -> bytes:
        """Get a path of the API and give the body.

        Raises:
            RuntimeError: The answer is not 200.
        """
        self._connection.request("GET", f"/v1{path}", headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"GET {path} answered {response.status}: {body[:500]!r}")
        return body

    def json(self, path: str) -> Any:
        """Get a path of the API and decode the body."""
        return json.loads(self.bytes(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def headers(token: str) -> dict[str, str]:
    """Give the headers of a caller; the host is the same for all servers, because it is part of the answers."""
    return {"host": "hub.example", **({"authorization": f"Bearer {token}"} if token else {})}
