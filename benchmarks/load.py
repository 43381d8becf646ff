"""Load: a few connections on which a new request leaves the moment that the last answer is whole.

It is made of raw sockets, because it has to keep a server busy on a core no faster than its own.
"""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from benchmarks.machine import cpu_seconds
from benchmarks.session import Server, headers

_CONNECTIONS = 8
_WARM_UP = 0.1
_PATIENCE = 10.0

_received = bytearray(1 << 20)
"""What one read took; all of it is dealt with before the next read."""


class Measured(NamedTuple):
    """What a server did under load.

    Attributes:
        answers: Whole ones, all 200.
        seconds: They took.
        server_cpu: Seconds that the server computed; None where the system does not say.
        load_cpu: Seconds that the load itself computed.
    """

    answers: int
    seconds: float
    server_cpu: float | None
    load_cpu: float

    @property
    def cost(self) -> float:
        """Seconds of a core that an answer takes: those that the server computed, else those that went by."""
        return (self.server_cpu or self.seconds) / self.answers

    @property
    def rate(self) -> float:
        """Answers in a second of a core."""
        return 1 / self.cost

    @property
    def rate_by_the_clock(self) -> float:
        """Answers a second, less than one core's where other programs take turns on it."""
        return self.answers / self.seconds

    @property
    def server_busy(self) -> float:
        """Share of the time that the server computed."""
        return (self.server_cpu or self.seconds) / self.seconds

    @property
    def load_busy(self) -> float:
        """Share of the time that the load computed."""
        return self.load_cpu / self.seconds


def get(path: str, token: str = "") -> bytes:
    """Write a request.

    Args:
        path: Of the API, quoted.
        token: Who calls; empty for an anonymous caller.
    """
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers(token).items())
    return f"GET /v1{path} HTTP/1.1\r\n{lines}\r\n".encode()


def drive(
    server: Server, requests: Iterator[bytes], seconds: float, *, connections: int = _CONNECTIONS
) -> Measured:
    """Keep a server as busy as it can be, after a moment to warm up.

    Args:
        server: Is answering nobody else.
        requests: Never end.
        seconds: How long to measure.
        connections: How many requests are under way at the same time.

    Raises:
        RuntimeError: An answer is not a whole 200, or none comes.
    """
    with _busy(server, requests, connections) as ready:
        _answers(ready, seconds * _WARM_UP)
        before = _clocks(server)
        answers = _answers(ready, seconds)
        took, load_cpu, server_cpu = (now - then for now, then in zip(_clocks(server), before, strict=True))
    return Measured(answers, took, server_cpu or None, load_cpu)


@contextmanager
def _busy(server: Server, requests: Iterator[bytes], count: int) -> Iterator[selectors.BaseSelector]:
    """Open connections, with a request under way on each; read the last answers at the end."""
    with ExitStack() as stack:
        ready = stack.enter_context(selectors.DefaultSelector())
        connections = [_Connection(server, requests) for _ in range(count)]
        for connection in connections:
            stack.callback(connection.socket.close)
            ready.register(connection.socket, selectors.EVENT_READ, connection)
            connection.ask()
        yield ready
        for connection in connections:
            connection.finish()


def _clocks(server: Server) -> tuple[float, float, float]:
    """Give the time, what this process has computed, and what the server has."""
    return time.perf_counter(), time.process_time(), cpu_seconds(server.pid)


def _answers(ready: selectors.BaseSelector, seconds: float) -> int:
    """Count the answers that come within some time; ask again for each."""
    answers = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        events = ready.select(_PATIENCE)
        if not events:
            raise RuntimeError("The server does not answer.")
        for key, _ in events:
            connection: _Connection = key.data
            if connection.read():
                answers += 1
                connection.ask()
    return answers


class _Connection:
    """A connection with one request under way.

    Args:
        server: To connect to.
        requests: Where the next one comes from.
    """

    def __init__(self, server: Server, requests: Iterator[bytes]) -> None:
        self.socket = socket.create_connection((server.host, server.port), _PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self._missing = 0

    def ask(self) -> None:
        """Send the next request."""
        self.socket.sendall(next(self._requests))

    def read(self) -> bool:
        """Read what has come; tell whether the answer is whole."""
        size = self.socket.recv_into(_received)
        self._missing = (self._missing or _length(size)) - size
        if self._missing < 0 or not size:
            raise RuntimeError("The server sent more or less than it promised.")
        return not self._missing

    def finish(self) -> None:
        """Wait for the rest of the last answer, so that the server is idle when another one is measured."""
        while not self.read():
            pass


def _length(size: int) -> int:
    """Take from the head of an answer how long all of it is."""
    if not _received.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"The server answered {bytes(_received[: min(size, 500)])!r}")
    end = _received.find(b"\r\n\r\n", 0, size) + 4
    start = _received.find(b"\r\ncontent-length: ", 0, end) + 18
    if end < 4 or start < 18:
        raise RuntimeError(f"The server sent a head without a length: {bytes(_received[:size])!r}")
    return end + int(_received[start : _received.index(b"\r\n", start)])
