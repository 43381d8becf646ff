"""HTTP/1.1 as uvicorn speaks it, but for one thing: the head and the body of an answer leave together.

uvicorn writes one after the other, and each write is a call of the system that wakes the caller: a sixth of what
a request by key costs.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST_BYTES = 64 * 1024


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, on a transport that joins what is written."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin with a connection."""
        super().connection_made(cast("asyncio.Transport", Joined(transport)))


class Joined:
    """A transport that sends at the end of a turn of the event loop what was written in it.

    Args:
        transport: Sends it, and does all else. More than 64 KiB are handed to it at once, so that it can tell
            whoever writes to pause.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._pieces: list[bytes] = []
        self._bytes = 0
        self._soon = asyncio.get_running_loop().call_soon

    def write(self, data: bytes) -> None:
        """Send some bytes, soon."""
        if not self._pieces:
            self._soon(self._flush)
        self._pieces.append(data)
        self._bytes += len(data)
        if self._bytes > _MOST_BYTES:
            self._flush()

    def close(self) -> None:
        """Send what is left, and hang up."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        pieces, self._pieces, self._bytes = self._pieces, [], 0
        if pieces and not self._transport.is_closing():
            self._transport.write(b"".join(pieces))
