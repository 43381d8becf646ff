"""Where connections come in, and are handed to the processes of a hub.

The processes could also all wait on one socket, or the kernel could choose among several. Then chance decides,
and of a few connections, which stay for long, one process often has nearly all.
"""

import asyncio
import socket
from operator import attrgetter

from wriftai_server.processes.children import Child

_MOST_AT_ONCE = 64
_PAUSE_SECONDS = 0.05


class Door:
    """Accepts connections, and hands each to the process that has the fewest; those that none can take wait.

    Args:
        listening: A socket that listens already; closed with this.
    """

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._listening.setblocking(False)
        self._children: list[Child] = []
        self._held: socket.socket | None = None
        self._pause: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to take connections, or do so again after a pause."""
        self._pause = None
        asyncio.get_running_loop().add_reader(self._listening, self._take)
        self._take()

    def close(self) -> None:
        """Take none any more; nothing when it is closed already."""
        if self._listening.fileno() < 0:
            return
        asyncio.get_running_loop().remove_reader(self._listening)
        if self._pause is not None:
            self._pause.cancel()
        if self._held is not None:
            self._held.close()
        self._listening.close()

    def admit(self, child: Child) -> None:
        """Hand connections to a process from now on."""
        self._children.append(child)

    def dismiss(self, child: Child) -> None:
        """Hand a process no more connections; nothing when it was not admitted."""
        if child in self._children:
            self._children.remove(child)

    def _take(self) -> None:
        for _ in range(_MOST_AT_ONCE):
            if self._held is None:
                try:
                    self._held, _ = self._listening.accept()
                except BlockingIOError:
                    return
                except OSError:  # There is no room for one, or the caller has gone already.
                    self._rest()
                    return
            if not self._hand(self._held):
                self._rest()
                return
            self._held.close()
            self._held = None

    def _hand(self, connection: socket.socket) -> bool:
        return any(child.hand(connection) for child in sorted(self._children, key=attrgetter("connections")))

    def _rest(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listening)
        self._pause = loop.call_later(_PAUSE_SECONDS, self.open)
