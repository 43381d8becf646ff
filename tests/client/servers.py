"""Real servers on the loopback interface that treat their clients well or badly."""

import socket
import socketserver
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any

from typing_extensions import Self


class Visit(socketserver.StreamRequestHandler):
    """One connection to a server, played by the script that is its turn."""

    def handle(self) -> None:
        self.host.script_for_next()(self)

    def finish(self) -> None:
        super().finish()
        self.host.left.release()

    @property
    def host(self) -> "SocketServer":
        assert isinstance(self.server, SocketServer)
        return self.server

    def read_request(self) -> bytes:
        """Read a request with its body; nothing when the client has gone."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return b""
            head += line
        length = int(header(head, "content-length") or 0)
        request = head + self.rfile.read(length)
        self.host.requests.append(request)
        return request

    def send(self, data: bytes) -> None:
        self.wfile.write(data)

    def reset(self) -> None:
        """Break the connection without a goodbye."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


Script = Callable[[Visit], None]


class SocketServer(socketserver.ThreadingTCPServer):
    """Plays one script a connection, in order; the last one plays for all that follow.

    Args:
        scripts: For the first connection, the second and so on.
        path: Of a Unix socket to listen on, instead of a port.

    Attributes:
        requests: Bytes of each request read.
        opened: How many connections there were.
        left: Released once for each connection that has ended.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *scripts: Script, path: str | None = None) -> None:
        if path is not None:
            self.address_family = socket.AF_UNIX
        super().__init__(("127.0.0.1", 0) if path is None else path, Visit)  # type: ignore[arg-type]
        self._scripts = scripts
        self.requests: list[bytes] = []
        self.opened = 0
        self.left = threading.Semaphore(0)
        self._loop = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def script_for_next(self) -> Script:
        self.opened += 1
        return self._scripts[min(self.opened, len(self._scripts)) - 1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError, ValueError)):
            super().handle_error(request, client_address)

    def __enter__(self) -> Self:
        self._loop.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        self._loop.join()
        self.server_close()


USER = b'{"username": "ada"}'


def http(body: bytes = USER, *headers: str, status: str = "200 OK") -> bytes:
    """Give the bytes of a whole reply."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def keep_alive(visit: Visit) -> None:
    """Answer every request of a connection until the client goes."""
    while visit.read_request():
        visit.send(http())


def header(request: bytes, name: str) -> str | None:
    """Find a header in the bytes of a request."""
    for line in request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]:
        found, _, value = line.partition(":")
        if found.lower() == name:
            return value.strip()
    return None
