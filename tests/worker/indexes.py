"""An index of packages that keeps whoever asks waiting."""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from typing import Any


class _Server(http.server.ThreadingHTTPServer):
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: some have gone by the time that they are answered."""


@contextlib.contextmanager
def hanging_index() -> Iterator[str]:
    """Serve an index that answers nobody until the end, when it has nothing; give its address."""
    is_over = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_over.wait()
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  named by the base
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple"
    finally:
        is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()
