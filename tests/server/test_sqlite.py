"""The embedded database: how its transactions take turns, and what its errors are called."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Integer, bindparam, func, insert, select

from tests.server.rows import ADD as ADD_HARDWARE
from tests.server.rows import ADDING, add, count, on_database
from wriftai_server.database import sqlite
from wriftai_server.database.driver import Database, DatabaseUnavailable, UniqueViolation
from wriftai_server.database.opening import FILE_NAME
from wriftai_server.database.schema import hardware, tokens
from wriftai_server.database.statements import Statement

ADD = Statement(insert(tokens).values({c.name: bindparam(c.name) for c in tokens.c}))
ADD_AND_TELL = Statement(ADDING.returning(hardware.c.id))
HELD = Statement(select(func.held(bindparam("gate", type_=Integer()))))
FIND = Statement(select(hardware.c.id, hardware.c.identifier).where(hardware.c.id == bindparam("id")))


async def add_all(database: Database, rows: list[dict[str, str]]) -> None:
    async with database.writing() as transaction:
        assert await transaction.execute_many(ADD_HARDWARE, rows) == len(rows)


def test_statements_that_read_name_their_errors_on_both_ways(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
            other.execute("ALTER TABLE hardware RENAME TO elsewhere")
        for way in (database.reading, database.scanning):
            async with way() as view:
                for run in (view.one, view.all):
                    with pytest.raises(DatabaseUnavailable, match="no such table"):
                        await run(FIND, id="a")

    on_database(tmp_path, work)


def test_statements_that_write_and_tell_name_their_errors_too(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        async with database.writing() as transaction:
            for run in (transaction.one, transaction.all):
                assert await run(ADD_AND_TELL, id=run.__name__, identifier=run.__name__, name="")
                with pytest.raises(UniqueViolation):
                    await run(ADD_AND_TELL, id="new", identifier=run.__name__, name="")
        with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
            other.execute("ALTER TABLE hardware RENAME TO elsewhere")
        async with database.writing() as transaction:
            for run in (transaction.one, transaction.all):
                with pytest.raises(DatabaseUnavailable, match="no such table"):
                    await run(ADD_AND_TELL, id="b", identifier="b", name="")

    on_database(tmp_path, work)


def test_a_commit_of_many_rows_lets_others_go_on_and_outlives_whoever_began_it(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        some, more = ([f"{part}-{number}" for number in range(5000)] for part in "ab")
        adding = asyncio.create_task(add(database, *some))
        await asyncio.sleep(0)
        assert not adding.done()  # It is committing, and this goes on.
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        assert await count(database) == len(some)
        await add(database, *more)
        assert await count(database) == len(some) + len(more)

    on_database(tmp_path, work)


def test_a_transaction_may_go_on_after_a_value_that_was_taken(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        await add(database, "a")
        async with database.writing() as transaction:
            with pytest.raises(UniqueViolation):
                await transaction.execute(ADD_HARDWARE, id="a", identifier="a", name="")
            await transaction.execute(ADD_HARDWARE, id="b", identifier="b", name="")
        assert await count(database) == 2

    on_database(tmp_path, work)


def test_a_reference_to_nothing_is_no_conflict_of_names(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        values = dict.fromkeys((c.name for c in tokens.c), "nothing")
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            async with database.writing() as transaction:
                await transaction.execute(ADD, **values)

    on_database(tmp_path, work)


def test_writers_of_one_process_take_turns(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        inside = 0

        async def write(n: int) -> None:
            nonlocal inside
            async with database.writing() as transaction:
                inside += 1
                assert inside == 1
                await transaction.execute(ADD_HARDWARE, id=str(n), identifier=str(n), name="")
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(write(n) for n in range(20)))
        assert await count(database) == 20

    on_database(tmp_path, work)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection of someone else to the database, which is made by then."""
    on_database(tmp_path, lambda database: add(database, "a"))
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as connection:
        yield connection


@pytest.mark.parametrize(("rows", "commits"), [(1, 1000), (1000, 16)])
def test_the_log_begins_anew_after_many_commits_or_changes(tmp_path: Path, rows: int, commits: int) -> None:
    def beginnings() -> bytes:
        return (tmp_path / f"{FILE_NAME}-wal").read_bytes()[12:16]  # Counted in the head of the log.

    async def work(database: Database) -> None:
        await add(database, "first")
        before, done = beginnings(), 0
        while beginnings() == before:
            assert done < commits + 500
            ids = [f"{done} {number}" for number in range(rows)]
            await add_all(database, [{"id": each, "identifier": each, "name": ""} for each in ids])
            done += 1
            if done >= commits:
                await asyncio.sleep(0.01)
        assert await count(database) == 1 + done * rows

    on_database(tmp_path, work)


def test_writers_do_not_wait_for_scans_when_the_log_is_folded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gates, connect = [threading.Event(), threading.Event()], sqlite.connect

    def connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.create_function("held", 1, lambda gate: gates[gate].wait(60))
        return connection

    async def work(database: Database) -> None:
        async with database.scanning() as scan:
            scans = [asyncio.create_task(scan.one(HELD, gate=0))]
            for number in range(1000):
                await add(database, str(number))
            await asyncio.sleep(0)  # A checkpoint is under way.
            scans.append(asyncio.create_task(scan.one(HELD, gate=1)))
            gates[0].set()
            await scans[0]
            await asyncio.sleep(0.2)
            try:
                async with asyncio.timeout(20):
                    await add(database, "late")
            finally:
                gates[1].set()
            await scans[1]

    monkeypatch.setattr(sqlite, "connect", connected)
    on_database(tmp_path, work)


def test_the_loop_goes_on_while_someone_else_writes(tmp_path: Path, other: sqlite3.Connection) -> None:
    async def work(database: Database) -> None:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(add(database, "b"))
        for _ in range(5):
            await asyncio.sleep(0.005)
            assert await count(database) == 1
            assert not waiting.done()
        other.execute("COMMIT")
        await waiting
        assert await count(database) == 2

    on_database(tmp_path, work)


def test_a_writer_that_gives_up_lets_the_next_one_try(tmp_path: Path, other: sqlite3.Connection) -> None:
    async def work(database: Database) -> None:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(add(database, "lost"))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        other.execute("COMMIT")
        await add(database, "b")
        assert await count(database) == 2

    on_database(tmp_path, work)


@pytest.mark.usefixtures("fast_clock")
def test_patience_ends(tmp_path: Path, other: sqlite3.Connection) -> None:
    async def work(database: Database) -> None:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnavailable, match="The database cannot be written to: database is locked"):
            await add(database, "b")
        assert await count(database) == 1
        other.execute("COMMIT")
        await add(database, "b")

    on_database(tmp_path, work)
