"""`python -m wriftai_server.processes.child`: one of a hub's processes, which its parent starts."""

import asyncio
import contextlib
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from wriftai_server import logs
from wriftai_server.app import Hub, build
from wriftai_server.database.peers import Peers
from wriftai_server.http.counts import SharedCounts
from wriftai_server.http.protocol import Protocol
from wriftai_server.processes import messages
from wriftai_server.processes.messages import ConnectionsClosed, Failed, Message, Ready
from wriftai_server.processes.server import Server
from wriftai_server.refusals import REFUSALS
from wriftai_server.settings import Settings

_SOON_SECONDS = 0.01


class Channel:
    """Leads to the parent; when that is gone, this process is killed.

    Args:
        connection: A socket whose other end the parent has: connections that it accepted come in, and messages
            go out.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        threading.Thread(target=self._end_with_parent, name="parent", daemon=True).start()

    def say(self, message: Message) -> None:
        """Send the parent a message, at once; nothing when it is gone."""
        with contextlib.suppress(OSError):
            self._connection.sendall(messages.line(message))

    def fileno(self) -> int:
        """Give the descriptor, to wait for connections on."""
        return self._connection.fileno()

    def take(self) -> socket.socket | None:
        """Take a connection that the parent has accepted; None when there is none now."""
        try:
            _, descriptors, *_ = socket.recv_fds(self._connection, 1, 1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        if not descriptors:
            return None
        os.set_inheritable(descriptors[0], False)
        return socket.socket(fileno=descriptors[0])

    def _end_with_parent(self) -> None:
        """End the process when the parent is gone, however busy it is: as a hub of one process would end."""
        gone = select.poll()
        gone.register(self._connection, 0)
        gone.poll()
        os.kill(os.getpid(), signal.SIGKILL)


class _Handed(Protocol):
    """Speaks on a connection that the parent has handed over.

    Args:
        closed: Called once, when the connection is closed.
        context: What `Protocol` takes: configuration, state of server and app, and the event loop.
    """

    def __init__(self, *context: Any, closed: Callable[[], None]) -> None:
        super().__init__(*context)
        self._closed = closed

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._closed()


class _Server(Server):
    """Serves the connections that the parent hands over.

    Args:
        hub: Answers the requests.
        settings: Of the hub.
        channel: Hands over connections, and is told of those that are closed.
    """

    def __init__(self, hub: Hub, settings: Settings, channel: Channel) -> None:
        super().__init__(hub, settings, ready=self._begin)
        self._channel = channel
        self._connecting: set[asyncio.Task[None]] = set()
        self._closed = 0
        self._soon: asyncio.TimerHandle | None = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().remove_reader(self._channel)
        await super().shutdown(sockets)

    def _begin(self) -> None:
        asyncio.get_running_loop().add_reader(self._channel, self._take)
        self._channel.say(Ready())

    def _take(self) -> None:
        while (connection := self._channel.take()) is not None:
            task = asyncio.create_task(self._connect(connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: _Handed(
                    self.config, self.server_state, self.lifespan.state, loop, closed=self._note_closed
                ),
                connection,
            )
        except OSError:  # The caller has gone already.
            self._note_closed()

    def _note_closed(self) -> None:
        """Tell the parent soon, of all that are closed until then."""
        self._closed += 1
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(_SOON_SECONDS, self._say_closed)

    def _say_closed(self) -> None:
        self._soon = None
        self._channel.say(ConnectionsClosed(self._closed))


def main() -> None:
    """Serve until told to stop, or until the parent is gone."""
    connection = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    try:
        settings, shared = messages.started(connection)
    except EOFError:
        return
    channel = Channel(connection)
    # What this process starts has nothing to do with the parent.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    logs.configure(settings.log_level)
    peers = Peers(shared.receiver, shared.senders)
    counts = None if shared.counts is None else SharedCounts(shared.counts)
    try:
        hub = build(settings, peers=peers, counts=counts)
    except (*REFUSALS, OSError) as error:
        channel.say(Failed(str(error)))
        raise SystemExit(1) from None
    _Server(hub, settings, channel).run(sockets=[])
    if hub.died_of is not None:
        channel.say(Failed(f"The worker died ({hub.died_of})."))
        raise SystemExit(1)


if __name__ == "__main__":
    main()
