"""A pool of connections to PostgreSQL: a few that are kept open, each used by one at a time.

asyncpg has one too. Its way from a connection to the next user, and back, costs as much as a small statement.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from wriftai_server.database.connections import ERRORS_NAMED, FAILURES, PATIENCE_SECONDS, Connection
from wriftai_server.database.driver import DatabaseUnavailable

T = TypeVar("T")

_CLOSING_SECONDS = 10.0


class Pool:
    """Keeps connections, each made when first needed. Whoever has a place has one of them, or may make one.

    Args:
        connect: Opens a connection.
        most: How many there are at most.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], most: int) -> None:
        self._connect = connect
        self._most = most
        self._places = asyncio.Semaphore(most)  # Those who wait are served in order.
        self._idle: list[Connection] = []  # The last that was used is used next.
        self._used: set[Connection] = set()
        self._settling: set[asyncio.Task[None]] = set()
        self._is_closing = False

    def use(self, shown: Callable[[Connection], T]) -> "Use[T]":
        """Take a connection, and give it back in the end.

        Args:
            shown: Gives what is seen of it.
        """
        return Use(self, shown)

    async def take(self) -> Connection:
        """Take a connection that nobody else has until it is given back.

        Raises:
            DatabaseUnavailable: None was given back for too long, or the pool is closed.
            Exception: What opening one raises.
        """
        self._check_open()
        if self._places.locked():
            await self._wait()
        else:
            await self._places.acquire()  # At once.
        try:
            connection = self._kept() or await self._connect()
            self._used.add(connection)
        except BaseException:
            self._places.release()
            raise
        if self._is_closing:
            connection.terminate()
            self.give_back(connection)
        self._check_open()
        return connection

    def give_back(self, connection: Connection, error: BaseException | None = None) -> None:
        """Let others have a connection, once nothing goes on there any more.

        Args:
            connection: Was taken.
            error: With which its use ended.
        """
        is_cut = isinstance(error, DatabaseUnavailable) or not isinstance(error, Exception | None)
        if not connection.is_closed() and (is_cut or connection.is_in_transaction()):
            task = asyncio.create_task(self._settle(connection))
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)
        else:
            self._keep(connection)

    async def close(self) -> None:
        """Close all connections: those in use when they are given back, or after ten seconds."""
        self._is_closing = True
        try:
            with contextlib.suppress(*FAILURES):
                async with asyncio.timeout(_CLOSING_SECONDS):
                    for _ in range(self._most):
                        await self._places.acquire()
                    for connection in self._idle:
                        await connection.close()
        finally:
            for connection in [*self._idle, *self._used]:
                connection.terminate()

    def _check_open(self) -> None:
        if self._is_closing:
            raise DatabaseUnavailable("The database is being closed.")

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise DatabaseUnavailable(
                f"All {self._most} connections to the database have been in use for {PATIENCE_SECONDS} s."
            ) from None

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():  # The server may have ended it, or been started anew.
                return connection
            connection.terminate()
        return None

    async def _settle(self, connection: Connection) -> None:
        """End what was left under way: a statement that nobody waits for any more, a transaction."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await connection.execute("ROLLBACK")
        except BaseException as failure:
            connection.terminate()
            if not isinstance(failure, FAILURES):
                raise
        finally:
            self._keep(connection)

    def _keep(self, connection: Connection) -> None:
        self._used.discard(connection)
        if connection.is_closed():
            connection.terminate()  # So that asyncpg lets go of what it still has of it.
        else:
            self._idle.append(connection)
        self._places.release()


class Use(Generic[T]):
    """Takes a connection, once, for as long as its context lasts.

    Every read goes through it, so it is no generator, which would cost more than the rest of it.

    Args:
        pool: Has the connections.
        shown: Gives what is seen of one.
    """

    def __init__(self, pool: Pool, shown: Callable[[Connection], T]) -> None:
        self._pool = pool
        self._shown = shown

    async def __aenter__(self) -> T:
        with ERRORS_NAMED:
            self._connection = await self._pool.take()
        return self._shown(self._connection)

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._pool.give_back(self._connection, error)
