"""Reading a whole registry through pages of 100, one after the other."""

import http.client
import re
import time
from typing import NamedTuple
from urllib.parse import quote

from benchmarks.session import Server

_CURSOR = re.compile(rb'"next_cursor":"([^"]+)"')
_TOKEN = re.compile(rb'"next_page_token": ?"([^"]+)"')


class Walk(NamedTuple):
    """How a registry is read.

    Attributes:
        server: Answers.
        path: Of the first page.
        following: Finds in a page what leads to the next one.
        parameter: Takes that.
    """

    server: Server
    path: str
    following: re.Pattern[bytes]
    parameter: str

    def take(self) -> float:
        """Read all pages; give the seconds that it took."""
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
        started = time.perf_counter()
        path = self.path
        while path:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"GET {path} answered {response.status}: {body[:500]!r}")
            found = self.following.search(body)
            path = f"{self.path}&{self.parameter}={quote(found[1].decode())}" if found else ""
        connection.close()
        return time.perf_counter() - started


def of_hub(server: Server) -> Walk:
    """Read everyone's models of a hub."""
    return Walk(server, "/v1/models?page_size=100", _CURSOR, "cursor")


def of_registry(server: Server) -> Walk:
    """Read all models of MLflow."""
    return Walk(server, "/api/2.0/mlflow/registered-models/search?max_results=100", _TOKEN, "page_token")
