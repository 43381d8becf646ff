"""HTTP/1.1 as uvicorn speaks it, but for three things.

The head and the body of an answer leave together: uvicorn writes one after the other, and each write is a call of
the system that wakes the caller, a sixth of what a request by key costs. A head that does not end is refused:
uvicorn's parser would collect it without end, and copy all of it with each bit that comes. And whoever the hub
waits for has to do something now and then: uvicorn hangs up only on those that are idle between two requests.
"""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from contextlib import suppress
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_MOST_BYTES = 64 * 1024
_MOST_HEAD_BYTES = 64 * 1024
_UNSENT_IS_LOST = struct.pack("ii", 1, 0)


def _refusal(status: bytes, reason: bytes) -> bytes:
    return (
        b"HTTP/1.1 %s\r\ncontent-type: text/plain; charset=utf-8\r\n"
        b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (status, len(reason), reason)
    )


_TOO_LONG = _refusal(
    b"431 Request Header Fields Too Large",
    b"The head of this request is longer than 64 KiB: shorten its address and its headers.",
)
_TOO_SLOW = _refusal(
    b"408 Request Timeout", b"The rest of this request did not come: send it again, without long pauses."
)


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with an end to heads and to waiting, on a transport that joins what is written."""

    # Beyond 30 attributes in its dictionary an object takes longer to find any; uvicorn has 28 there.
    __slots__ = ("_done", "_looks", "_received", "_understood")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin with a connection."""
        # Bytes that came, and how many of them had come by the last of a body, or of a head that was whole.
        self._received = 0
        self._understood = 0
        # What the peer had done by the last look, and for how many looks it had not done more.
        self._done: tuple[str, int] | None = None
        self._looks = 0
        super().connection_made(cast("asyncio.Transport", Joined(transport)))

    def data_received(self, data: bytes) -> None:
        """Take what comes."""
        self._received += len(data)
        super().data_received(data)
        if self._received - self._understood > _MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_TOO_LONG)

    def on_headers_complete(self) -> None:
        """Begin to answer a request."""
        self._understood = self._received
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a bit of a body."""
        self._understood = self._received
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a body, and of the trailer behind it."""
        self._understood = self._received
        super().on_message_complete()

    def look(self, most: int) -> None:
        """Look whether the peer does what it is waited for; if it did nothing for many looks, hang up.

        Looks are counted instead of seconds: a hub that itself stood still would take that for the peer's fault.

        Args:
            most: Looks, at least 1, that find what the one before them found.
        """
        done = self._awaited()
        self._looks = self._looks + 1 if done is not None and done == self._done else 0
        self._done = done
        if self._looks < most:
            return
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self._refuse(_TOO_SLOW)

    def _awaited(self) -> tuple[str, int] | None:
        """Tell what the peer has to do next, and how much of that it has done; None when it waits for the hub."""
        if self.transport.get_write_buffer_size():
            return "take", cast("Joined", self.transport).taken_bytes()
        cycle = self._asked()
        if cycle is not None:
            is_paused = self.pipeline or self.flow.read_paused or cycle.waiting_for_100_continue
            if is_paused or not cycle.more_body:
                return None
        return "send", self._understood

    def _refuse(self, refusal: bytes) -> None:
        """Hang up, and say why, if a request has begun to come and no answer is under way."""
        cycle = self._asked()
        if cycle is None:
            is_next = self._received > self._understood
        else:
            is_next = cycle.more_body and not (cycle.response_started or self.pipeline)
        if is_next:
            self.transport.write(refusal)
        self.transport.close()

    def _asked(self) -> RequestResponseCycle | None:
        """Give the last request whose head has come; None when it is answered."""
        # The typing of uvicorn has it that there always is one.
        cycle: RequestResponseCycle | None = self.cycle
        return None if cycle is None or cycle.response_complete else cycle


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
        self._handed_bytes = 0
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

    def abort(self) -> None:
        """Hang up, and forget what the peer has not taken, here and in the kernel."""
        own = self._transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _UNSENT_IS_LOST)
        self._transport.abort()

    def taken_bytes(self) -> int:
        """Tell how many bytes the peer has acknowledged since the beginning.

        A transport learns of room in the kernel in steps of about a megabyte, which take a slow peer minutes. And
        the kernel's own limit (`TCP_USER_TIMEOUT`) ends connections of peers that are steady, but slow.
        """
        held = bytes(4)
        with suppress(OSError):  # Only Linux tells what it holds.
            held = fcntl.ioctl(self._transport.get_extra_info("socket"), termios.TIOCOUTQ, held)
        return self._handed_bytes - self._transport.get_write_buffer_size() - int.from_bytes(held, sys.byteorder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        self._handed_bytes += self._bytes
        pieces, self._pieces, self._bytes = self._pieces, [], 0
        if pieces and not self._transport.is_closing():
            self._transport.write(b"".join(pieces))
