"""Connections to PostgreSQL: they are shared in turn, and none is lost, whatever ends their use."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import func, select

from tests.databases import open_in, run_sql
from tests.server.rows import ADD, FIND, LONG, add, count, on_database
from wriftai_server.database.connections import ERRORS_NAMED
from wriftai_server.database.driver import Database, DatabaseUnavailable
from wriftai_server.database.postgres import MOST_CONNECTIONS
from wriftai_server.database.statements import Statement

SLEEP = Statement(select(func.pg_sleep(LONG)))
OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
SLEEPING = f"SELECT count(*) {OTHERS} AND state = 'active' AND query LIKE '%pg_sleep%'"
CONNECTED = f"SELECT count(*) {OTHERS}"
# In order to be sure that they are gone it waits for each, for so many milliseconds at most.
END_ALL = f"SELECT pg_terminate_backend(pid, 60000) {OTHERS}"


async def use_all(database: Database) -> None:
    """Use as many connections as there may be, all at the same time."""
    barrier = asyncio.Barrier(MOST_CONNECTIONS)

    async def use() -> None:
        async with database.reading() as view:
            await barrier.wait()
            assert await view.one(FIND, id="nobody") is None

    async with asyncio.timeout(LONG):
        await asyncio.gather(*(use() for _ in range(MOST_CONNECTIONS)))


async def sleep(database: Database) -> None:
    async with database.reading() as view:
        await view.one(SLEEP)


async def count_for_ever(database: Database) -> None:
    while True:
        await count(database)


async def until(home: Path, sql: str, number: int) -> None:
    async with asyncio.timeout(LONG):
        while run_sql(home, sql) != [(number,)]:  # noqa: ASYNC110  it is the server's to say
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def haste(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Let time pass fast, of which a loop learns whenever it wakes."""

    async def tick() -> None:
        while True:  # noqa: ASYNC110  time is all that it waits for
            await asyncio.sleep(0.01)

    request.getfixturevalue("fast_clock")
    ticking = asyncio.create_task(tick())
    yield
    await cancel(ticking)


async def cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_more_views_than_connections(home: Path) -> None:
    async def work(database: Database) -> None:
        order: list[int] = []
        under_way = 0

        async def use(number: int) -> None:
            nonlocal under_way
            async with database.reading() as view:
                order.append(number)
                under_way += 1
                assert under_way <= MOST_CONNECTIONS
                assert await view.one(FIND, id="nobody") is None
                under_way -= 1

        await use_all(database)
        await asyncio.gather(*(use(number) for number in range(5 * MOST_CONNECTIONS)))
        assert order == sorted(order)
        assert run_sql(home, CONNECTED) == [(MOST_CONNECTIONS,)]

    on_database(home, work)


def test_whoever_waits_for_too_long_is_told_so(home: Path, request: pytest.FixtureRequest) -> None:
    async def work(database: Database) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(MOST_CONNECTIONS):
                await stack.enter_async_context(database.reading())
            async with haste(request):
                with pytest.raises(DatabaseUnavailable, match=r"All 10 connections .* have been in use"):
                    await count(database)
        await use_all(database)

    on_database(home, work)


def test_whoever_is_cancelled_while_waiting_leaves_the_place_to_others(home: Path) -> None:
    async def work(database: Database) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(MOST_CONNECTIONS):
                await stack.enter_async_context(database.reading())
            waiting = [asyncio.create_task(count(database)) for _ in range(4)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.sleep(0)
            waiting[2].cancel()
        # Those that were given a place just now are cancelled too.
        waiting[1].cancel()
        assert await waiting[3] == 0
        assert [type(each) for each in await asyncio.gather(*waiting[:3], return_exceptions=True)] == [
            asyncio.CancelledError
        ] * 3
        await use_all(database)

    on_database(home, work)


def test_a_cancelled_task_loses_no_connection_however_far_it_is(home: Path) -> None:
    async def work(database: Database) -> None:
        for steps in range(40):
            task = asyncio.create_task(add(database, f"{steps}"))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await use_all(database)

    on_database(home, work)


def test_a_statement_that_is_cancelled_ends(home: Path) -> None:
    async def work(database: Database) -> None:
        tasks = [asyncio.create_task(sleep(database)) for _ in range(MOST_CONNECTIONS)]
        await until(home, SLEEPING, MOST_CONNECTIONS)
        await asyncio.gather(*map(cancel, tasks))
        await use_all(database)
        assert run_sql(home, SLEEPING) == [(0,)]
        assert run_sql(home, CONNECTED) == [(MOST_CONNECTIONS,)]

    on_database(home, work)


def test_a_transaction_that_is_cancelled_is_undone(home: Path) -> None:
    async def work(database: Database) -> None:
        async def write() -> None:
            async with database.writing() as transaction:
                await transaction.lock("a name")
                await transaction.execute(ADD, id="a", identifier="a", name="")
                await transaction.one(SLEEP)

        task = asyncio.create_task(write())
        await until(home, SLEEPING, 1)
        await cancel(task)
        async with database.writing() as transaction:
            await transaction.lock("a name")
        await add(database, "a")
        assert await count(database) == 1

    on_database(home, work)


def test_connections_that_the_server_ended_are_not_used_again(home: Path) -> None:
    async def work(database: Database) -> None:
        await use_all(database)
        run_sql(home, END_ALL)
        for _ in range(10):  # The loop gets to see what came on their sockets: words of farewell, and the end.
            await asyncio.sleep(0)
        await use_all(database)

    on_database(home, work)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("got result for unknown protocol state 3"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("the underlying connection is closed"),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_connection_that_ends_is_an_outage_whatever_the_library_calls_it(error: Exception) -> None:
    with pytest.raises(DatabaseUnavailable, match="The database cannot take a statement"), ERRORS_NAMED:
        raise error


def test_closing_waits_for_those_who_read(home: Path) -> None:
    async def read(database: Database, begun: asyncio.Event, go_on: asyncio.Event) -> None:
        async with database.reading() as view:
            begun.set()
            await go_on.wait()
            assert await view.one(FIND, id="nobody") is None

    async def work() -> None:
        database = open_in(home)
        begun, go_on = asyncio.Event(), asyncio.Event()
        reading = asyncio.create_task(read(database, begun, go_on))
        await begun.wait()
        closing = asyncio.create_task(database.close())
        with pytest.raises(DatabaseUnavailable, match="is being closed"):
            await count_for_ever(database)
        go_on.set()
        await reading
        await closing
        await until(home, CONNECTED, 0)

    asyncio.run(work())


def test_closing_ends_what_takes_too_long(home: Path, request: pytest.FixtureRequest) -> None:
    async def work() -> None:
        database = open_in(home)
        sleeping = asyncio.create_task(sleep(database))
        await until(home, SLEEPING, 1)
        async with haste(request):
            await database.close()
        with pytest.raises(DatabaseUnavailable):
            await sleeping

    asyncio.run(work())
