"""What every database is to the rest."""

import asyncio
from pathlib import Path

import pytest

from tests.databases import run_sql
from tests.server.rows import ADD, FIND, IN_ORDER, add, count, on_database
from wriftai_server.database.driver import Database, DatabaseUnavailable, UniqueViolation


async def add_many(database: Database, *ids: str) -> int:
    async with database.writing() as transaction:
        return await transaction.execute_many(ADD, [{"id": each, "identifier": each, "name": ""} for each in ids])


def test_what_was_written_is_read_on_both_ways(home: Path) -> None:
    async def work(database: Database) -> None:
        await add(database, "a", "b")
        for way in (database.reading, database.scanning):
            async with way() as view:
                assert tuple(await view.one(FIND, id="a") or ()) == ("a",)
                assert await view.one(FIND, id="c") is None
                assert [tuple(row) for row in await view.all(FIND, id="b")] == [("b",)]
                assert await view.all(FIND, id="c") == []

    on_database(home, work)


def test_many_rows_are_added_in_one_transaction_and_counted(home: Path) -> None:
    async def work(database: Database) -> None:
        assert await add_many(database, *map(str, range(2000))) == 2000
        assert await add_many(database) == 0
        assert await count(database) == 2000

    on_database(home, work)


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, asyncio.CancelledError])
def test_an_exception_undoes_a_transaction(home: Path, failure: type[BaseException]) -> None:
    async def work(database: Database) -> None:
        with pytest.raises(failure):
            await add(database, "lost", then=failure)
        assert await count(database) == 0
        await add(database, "kept")
        assert await count(database) == 1

    on_database(home, work)


def test_a_value_that_must_be_unique_and_is_not(home: Path) -> None:
    async def work(database: Database) -> None:
        await add(database, "a")
        for way in (add, add_many):
            with pytest.raises(UniqueViolation):
                await way(database, "new", "a")
        assert await count(database) == 1

    on_database(home, work)


def test_a_table_that_is_gone_is_no_bug_of_the_caller(home: Path) -> None:
    async def work(database: Database) -> None:
        run_sql(home, "ALTER TABLE hardware RENAME TO elsewhere")
        for use in (add(database, "b"), add_many(database, "b"), count(database)):
            with pytest.raises(DatabaseUnavailable, match=r"no such table|does not exist"):
                await use

    on_database(home, work)


def test_text_is_ordered_by_its_bytes(home: Path) -> None:
    async def work(database: Database) -> None:
        await add(database, "a", "B", "é", "_", "a b", "ab", "A-b", "語", "😀", "\uffff")
        async with database.reading() as view:
            found = [row[0] for row in await view.all(IN_ORDER)]
        assert found == sorted(found, key=str.encode)

    on_database(home, work)


def test_text_that_is_not_unicode_is_called_alike_on_all_databases(home: Path) -> None:
    async def work(database: Database) -> None:
        with pytest.raises(UnicodeEncodeError):
            await add(database, "\ud800")

    on_database(home, work)
