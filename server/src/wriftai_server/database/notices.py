"""What the processes that share a PostgreSQL say to one another (LISTEN, NOTIFY).

It only wakes: the rows decide. So what is lost with a connection is made good by waking everyone, once there is a
new one, and now and then in any case.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

import asyncpg  # type: ignore[import-untyped]  # see `connections`

from wriftai_server.database.connections import FAILURES, Connection

_CHANNEL = "wriftai"
# Transactions that notify wait for one another when they commit: so it has one of its own, with many topics.
_NOTIFY = "SELECT pg_notify($1, notice) FROM unnest($2::text[]) AS notice"
_TOPICS_A_NOTICE = 50  # A notice may have 8000 bytes.
_MOST_KEPT = 10_000
_WAKE_SECONDS = 10.0
_AGAIN_SECONDS = 1.0
_CLOSING_SECONDS = 2.0


class Notices:
    """Says topics to other processes and hears theirs, on a connection of its own that is made when first needed.

    Args:
        connect: Opens a connection.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]]) -> None:
        self._connect = connect
        self._unsaid: dict[str, None] = {}
        self._heard: set[str] = set()
        self._is_anything = False
        self._to_do = asyncio.Event()
        self._news = asyncio.Event()
        self._is_closing = False
        self._talking: asyncio.Task[None] | None = None

    def say(self, *topics: str) -> None:
        """Let others hear of topics, with all that are said meanwhile."""
        if len(self._unsaid) < _MOST_KEPT:  # Nobody can be reached; they will look when they can.
            self._unsaid.update(dict.fromkeys(topics))
        self._to_do.set()
        self._begin()

    async def heard(self) -> AsyncGenerator[frozenset[str] | None, None]:
        """Tell what others said, as soon as they do; None stands for anything."""
        self._begin()
        while True:
            try:
                async with asyncio.timeout(_WAKE_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                self._is_anything = True
            self._news.clear()
            topics = None if self._is_anything else frozenset(self._heard)
            self._is_anything = False
            self._heard.clear()
            yield topics

    async def close(self) -> None:
        """Say what is left to say, and close the connection."""
        self._is_closing = True
        self._to_do.set()
        if self._talking is not None:
            await asyncio.wait([self._talking], timeout=_CLOSING_SECONDS)
            self._talking.cancel()
            await asyncio.wait([self._talking])

    def _begin(self) -> None:
        if self._talking is None:
            self._talking = asyncio.create_task(self._talk())

    async def _talk(self) -> None:
        while self._goes_on():
            # Whatever a server may say, it is asked again: nobody would hear of what others change.
            with contextlib.suppress(*FAILURES, asyncpg.PostgresError):
                await self._talk_on(await self._connect())
            if self._goes_on():
                await asyncio.sleep(_AGAIN_SECONDS)

    def _goes_on(self) -> bool:
        """Tell whether a connection is needed, be it for what was still to be said at the end."""
        return bool(self._unsaid) or not self._is_closing

    async def _talk_on(self, connection: Connection) -> None:
        try:
            connection.add_termination_listener(lambda _: self._to_do.set())
            await connection.add_listener(_CHANNEL, self._hear)
            self._hear_anything()  # What was said before was not heard.
            while not connection.is_closed():
                await self._to_do.wait()
                self._to_do.clear()
                while self._unsaid and not connection.is_closed():
                    await self._say_all(connection)
                if self._is_closing:
                    await connection.close()
        finally:
            connection.terminate()

    async def _say_all(self, connection: Connection) -> None:
        said, self._unsaid = self._unsaid, {}
        topics = list(said)
        some = [topics[at : at + _TOPICS_A_NOTICE] for at in range(0, len(topics), _TOPICS_A_NOTICE)]
        try:
            await connection.execute(_NOTIFY, _CHANNEL, ["\n".join(each) for each in some])
        except BaseException:
            self._unsaid |= said
            raise

    def _hear(self, connection: Connection, pid: int, _channel: str, notice: str) -> None:
        if pid == connection.get_server_pid():
            return  # Its own word.
        self._heard.update(notice.split("\n"))
        if len(self._heard) > _MOST_KEPT:
            self._hear_anything()
        self._news.set()

    def _hear_anything(self) -> None:
        self._heard.clear()
        self._is_anything = True
        self._news.set()
