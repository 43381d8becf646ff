"""A server on the loopback interface that files are fetched from."""

import contextlib
import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

CERTIFICATE = Path(__file__).parents[1] / "client" / "loopback.pem"


class Pages(http.server.BaseHTTPRequestHandler):
    """Answers each path in its own way."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        kind, _, rest = self.path.strip("/").partition("/")
        if kind == "redirect":
            self.answer(302, b"", Location=rest)
        elif kind == "around":
            self.answer(307, b"", Location="/around")
        elif kind == "chunks":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\nabc\r\n" * int(rest) + b"0\r\n\r\n")
        elif kind == "short":
            self.answer(200, b"abc", length=10)
        elif kind == "status":
            self.answer(int(rest[:3]), b"no")
        elif kind == "garbage":
            self.wfile.write(b"garbage\r\n\r\n")
            self.close_connection = True
        else:
            self.answer(200, f"at {self.path}".encode())

    def answer(self, status: int, body: bytes, *, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  named by the base
        """Say nothing."""


@contextlib.contextmanager
def serving(*, secure: bool = False) -> Iterator[str]:
    """Serve the pages; give the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"{'https' if secure else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
