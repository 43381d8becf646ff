"""A receiver of webhooks: a server on a socket that remembers what it was sent."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


class Visit(NamedTuple):
    """A request, and the connection that it came on.

    Attributes:
        line: The first one.
        headers: By their names in lower case.
        body: As it came.
        connection: To answer on.
        rest: What comes on it after the body.
    """

    line: str
    headers: dict[str, str]
    body: bytes
    connection: asyncio.StreamWriter
    rest: asyncio.StreamReader

    @property
    def id(self) -> int:
        return int(self.headers["wriftai-webhook-id"])

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    async def send(self, data: bytes) -> None:
        self.connection.write(data)
        await self.connection.drain()


Answer = Callable[[Visit], Awaitable[None]]


async def take(visit: Visit) -> None:
    """Answer that it was taken."""
    await visit.send(TAKEN)


async def be_silent(visit: Visit) -> None:
    """Wait for the end of the connection."""
    await visit.rest.read()


def status(code: int, *headers: str) -> Answer:
    """Make an answer of a status."""

    async def answer(visit: Visit) -> None:
        lines = (f"HTTP/1.1 {code} Said", "Content-Length: 2", *headers, "", "{}")
        await visit.send("\r\n".join(lines).encode())

    return answer


class Receiver:
    """Answers requests in order with what it was given, and from then on with the last of them.

    Args:
        answers: At least one.
        port: To listen on; 0 takes a free one.
    """

    def __init__(self, *answers: Answer, port: int = 0) -> None:
        self._answers = list(answers) or [take]
        self._port = port
        self.visits: list[Visit] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?key=of%20mine"

    @property
    def port(self) -> int:
        return self._port

    @property
    def bodies(self) -> list[Any]:
        return [visit.json for visit in self.visits]

    @asynccontextmanager
    async def listening(
        self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> AsyncIterator["Receiver"]:
        """Listen on an address of this machine."""
        server = await asyncio.start_server(self._serve, host, self._port, ssl=tls)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *fields = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
            body = await reader.readexactly(int(headers["content-length"]))
            visit = Visit(line, headers, body, writer, reader)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            self.visits.append(visit)
            await answer(visit)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
