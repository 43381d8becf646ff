"""Peers of an application, and what looks after their connections, in one event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
import uvloop
from uvicorn.server import ServerState

from wriftai_server.http.protocol import Protocol

LOOKS = 3
BIG = 16_000_000
# All that is waited for here comes at once, or never.
ENOUGH_SECONDS = 60


class Peer:
    """One end of a connection.

    Args:
        connection: To the hub, not blocking.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._connection, data)

    async def take(self, most: int) -> bytes:
        """Take what there is, once there is something; nothing when the hub has hung up."""
        with suppress(ConnectionResetError):
            return await asyncio.get_running_loop().sock_recv(self._connection, most)
        return b""

    async def rest(self) -> bytes:
        """Take all up to the end of the connection."""
        pieces = []
        while piece := await self.take(1_000_000):
            pieces.append(piece)
        return b"".join(pieces)


class House:
    """What peers are connected to: an application that does as it is told by the path."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.left: list[str] = []
        self.ended: list[str] = []
        config = uvicorn.Config(self.answer, interface="asgi3", http=Protocol, log_config=None, access_log=False)
        self._state = ServerState()
        self._new = lambda: Protocol(config, self._state, {})

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        if path in ("/late", "/waited"):
            await self.released.wait()
        body, begun = bytearray(), path in ("/early", "/stream")
        if begun:
            await self._begin(send)
            await send({"type": "http.response.body", "body": b"first", "more_body": path == "/stream"})
        while path not in ("/big", "/waited", "/early"):
            message = await receive()
            body += message.get("body", b"")
            if message["type"] == "http.disconnect":
                self.left.append(path)
                return
            if not message["more_body"]:
                break
        if not begun:
            await self._begin(send)
        if path == "/stream":
            await self.released.wait()
        if path != "/early":
            last = bytes(BIG) if path == "/big" else b"%d" % len(body)
            await send({"type": "http.response.body", "body": last, "more_body": False})
        self.ended.append(path)

    async def _begin(self, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"transfer-encoding", b"chunked")]}
        )

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[tuple[str, int]]:
        server = await asyncio.get_running_loop().create_server(self._new, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()
        finally:
            server.close()

    @asynccontextmanager
    async def peer(self, address: tuple[str, int]) -> AsyncIterator[Peer]:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            connection.setblocking(False)
            await asyncio.get_running_loop().sock_connect(connection, address)
            await until(lambda: bool(self._state.connections))
            yield Peer(connection)

    async def look(self, times: int = 1) -> None:
        """Let come what is under way, and look so many times."""
        await asyncio.sleep(0.05)
        for _ in range(times):
            for connection in tuple(self._state.connections):
                assert isinstance(connection, Protocol)
                connection.look(LOOKS)

    async def is_alone(self) -> None:
        """Wait until there is no connection, and nothing that is done for one."""
        await until(lambda: not self._state.connections and not self._state.tasks)


Scene = Callable[[House, Peer], Awaitable[None]]


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; whoever looks at connections has no events of theirs to wait for."""
    while not is_so():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def play(scene: Scene) -> None:
    """Run a scene of one peer; fail where it does not end."""

    async def whole() -> None:
        house = House()
        async with asyncio.timeout(ENOUGH_SECONDS), house.listening() as address, house.peer(address) as peer:
            await scene(house, peer)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole())


def request(path: str, *, length: int | None = None, more: str = "") -> bytes:
    announced = "" if length is None else f"Content-Length: {length}\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: h\r\n{announced}{more}\r\n".encode()
