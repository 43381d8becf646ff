"""HTTP/1.1 as uvicorn speaks it, but for two things.

The head and the body of an answer leave together: uvicorn writes one after the other, and each write is a call of
the system that wakes the caller, a sixth of what a request by key costs. And a head that does not end is refused:
uvicorn's parser would collect it without end, and copy all of it with each bit that comes.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_MOST_BYTES = 64 * 1024
_MOST_HEAD_BYTES = 64 * 1024
_TOO_LONG = b"The head of this request is longer than 64 KiB: shorten its address and its headers."
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(_TOO_LONG), _TOO_LONG)
)


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with an end to heads, on a transport that joins what is written."""

    # Received since the last of a body, or of a head that was whole: of a head or a trailer that is not.
    _of_head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin with a connection."""
        super().connection_made(cast("asyncio.Transport", Joined(transport)))

    def data_received(self, data: bytes) -> None:
        """Take what comes."""
        self._of_head += len(data)
        super().data_received(data)
        if self._of_head > _MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse_head()

    def on_headers_complete(self) -> None:
        """Begin to answer a request."""
        self._of_head = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a bit of a body."""
        self._of_head = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a body, and of the trailer behind it."""
        self._of_head = 0
        super().on_message_complete()

    def _refuse_head(self) -> None:
        # The typing of uvicorn has it that there always is one.
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.write(_REFUSAL)
        self.transport.close()


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
