"""Other processes of the same hub, which are told at once what has changed.

Being told only wakes, and a note that gets lost is made good for by whoever looks at the database now and then.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable

_MOST_BYTES = 64 * 1024


class Peers:
    """Tells other processes, and is told by them.

    Args:
        receiver: Descriptor of the socket on which others tell this process.
        senders: Those that lead to others.
    """

    def __init__(self, receiver: int, senders: Iterable[int]) -> None:
        self._receiver = socket.socket(fileno=receiver)
        self._senders = [socket.socket(fileno=sender) for sender in senders]
        for each in (self._receiver, *self._senders):
            each.setblocking(False)

    def tell(self, topics: Iterable[str]) -> None:
        """Tell all others of changes."""
        note = "\n".join(topics).encode()
        for sender in self._senders:
            try:
                sender.send(note)
            except OSError:  # Nobody takes notes there now, or this one is too long.
                continue

    def listen(self, told: Callable[[Iterable[str]], None]) -> None:
        """Pass on what others tell, from now on."""
        asyncio.get_running_loop().add_reader(self._receiver, self._receive, told)

    def rest(self) -> None:
        """Pass nothing on any more."""
        asyncio.get_running_loop().remove_reader(self._receiver)

    def close(self) -> None:
        """Neither tell nor be told."""
        for each in (self._receiver, *self._senders):
            each.close()

    def _receive(self, told: Callable[[Iterable[str]], None]) -> None:
        try:
            note = self._receiver.recv(_MOST_BYTES)
        except BlockingIOError:
            return
        told(note.decode().split("\n"))
