"""A process of the hub, as its parent sees it."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator

from wriftai_server.processes import messages
from wriftai_server.processes.messages import Message, Shared
from wriftai_server.settings import Settings

_PROGRAM = (sys.executable, "-m", "wriftai_server.processes.child")


class Child:
    """A process that was started.

    Args:
        process: The process.
        channel: A socket whose other end the process has. It ends when this is closed, so that none outlives its
            parent.
    """

    def __init__(self, process: asyncio.subprocess.Process, channel: socket.socket) -> None:
        self._process = process
        self._channel = channel
        self._handed = 0
        self._closed = 0

    @classmethod
    async def start(cls, settings: Settings, shared: Shared) -> "Child":
        """Start a process, and send it what it needs to begin.

        Args:
            settings: Of the hub, as this process is to have them.
            shared: What it has in common with the others.

        Raises:
            OSError: There are too many processes or open files.
        """
        channel, its_end = socket.socketpair()
        with its_end:
            # In a group of its own: Ctrl-C is for the parent, which tells all others to stop, and each once.
            process = await asyncio.create_subprocess_exec(*_PROGRAM, stdin=its_end.fileno(), process_group=0)
        messages.start(channel, settings, shared)
        channel.setblocking(False)
        return cls(process, channel)

    @property
    def connections(self) -> int:
        """How many connections it has: those that it was handed, without those that it said are closed."""
        return self._handed - self._closed

    def hand(self, connection: socket.socket) -> bool:
        """Hand it a connection; False when it cannot take one now, or has ended."""
        try:
            socket.send_fds(self._channel, [b"c"], [connection.fileno()])
        except OSError:
            return False
        self._handed += 1
        return True

    async def messages(self) -> AsyncIterator[Message]:
        """Give what it says, until it ends; on the way it is noted how many of its connections are closed."""
        loop, heard = asyncio.get_running_loop(), b""
        while piece := await self._receive(loop):
            *lines, heard = (heard + piece).split(b"\n")
            for line in lines:
                message = messages.read(line)
                if isinstance(message, messages.ConnectionsClosed):
                    self._closed = message.count
                yield message

    def tell(self, signal: int) -> None:
        """Send it a signal, by its number, unless it has ended."""
        if self._process.returncode is None:
            # That it has ended is known a little later.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal)

    async def ended(self) -> int:
        """Wait for its end; give its exit status, or the number of the signal that ended it, below zero."""
        try:
            return await self._process.wait()
        finally:
            self._channel.close()

    async def _receive(self, loop: asyncio.AbstractEventLoop) -> bytes:
        try:
            return await loop.sock_recv(self._channel, 65536)
        except ConnectionError:
            return b""
