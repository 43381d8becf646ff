"""The rows of a PostgreSQL database, read or written in one transaction."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from sqlalchemy import Table

from wriftai_server.database import feed
from wriftai_server.database.connections import Connection, connect, refusals, shown
from wriftai_server.database.driver import Row
from wriftai_server.database.postgres import PostgresTransaction
from wriftai_server.database.preparing import prepare, schema_of
from wriftai_server.moving.progress import CannotMove
from wriftai_server.moving.rows import NUMBERED, TABLES, at_once, check_current, columns, selected

# The other side may take long over what it is given.
_SECONDS = 3600.0


class PostgresRows:
    """Reads and writes the rows of a database.

    Args:
        address: Of the database.
        connection: In a transaction.
    """

    def __init__(self, address: str, connection: Connection) -> None:
        self._address = address
        self._connection = connection

    async def count(self, table: Table) -> int:
        """Count the rows of a table."""
        return await self._number(f"SELECT count(*) FROM {table.name}")  # noqa: S608  a name of our schema

    async def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        """Give the rows of a table, some at a time."""
        cursor = f"rows_of_{table.name}"
        with refusals(self._address):
            await self._connection.execute(f"DECLARE {cursor} NO SCROLL CURSOR FOR {selected(table)}")
        fetch = f"FETCH {at_once(table)} FROM {cursor}"
        while True:
            with refusals(self._address):
                found = await self._connection.fetch(fetch)
            if not found:
                return
            yield found

    async def numbers(self) -> Mapping[str, int]:
        """Give the highest number that each of the numbered tables has given to a row so far."""
        given = {}
        for name in NUMBERED:
            with refusals(self._address):
                row = await self._connection.fetchrow("SELECT pg_get_serial_sequence($1, 'id')", name)
            sequence = None if row is None else row[0]
            last = await self._number(
                f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}"  # noqa: S608  of the catalogue
            )
            there = await self._number(f"SELECT coalesce(max(id), 0) FROM {name}")  # noqa: S608  a name of our schema
            given[name] = max(last, there)
        return given

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows to a table."""
        for row in rows:
            if any("\0" in value for value in row if isinstance(value, str)):
                raise CannotMove(
                    f"A text in the table {table.name} holds U+0000, which PostgreSQL cannot hold: change or "
                    f"remove the row {_key(table, row)}, then try again."
                )
        with refusals(self._address):
            await self._connection.copy_records_to_table(table.name, records=rows, columns=columns(table))

    async def go_on_behind(self, numbers: Mapping[str, int]) -> None:
        """Let numbered tables number their next rows behind these."""
        for name, last in numbers.items():
            with refusals(self._address):
                await self._connection.fetchrow(
                    "SELECT setval(pg_get_serial_sequence($1, 'id'), greatest($2::bigint, 1), $2::bigint > 0)",
                    name,
                    last,
                )

    async def _number(self, sql: str) -> int:
        with refusals(self._address):
            row = await self._connection.fetchrow(sql)
        return 0 if row is None else int(row[0])


def _key(table: Table, row: Row) -> str:
    parts = zip(table.columns, row, strict=True)
    return ", ".join(f"{column.name} = {value!r}" for column, value in parts if column.primary_key)


@contextlib.asynccontextmanager
async def reading(address: str) -> AsyncIterator[PostgresRows]:
    """Open a database for its rows as they are at this moment, while others read and write it.

    Raises:
        UnusableServer: It cannot be reached.
        CannotMove: It is no hub's, or is of another release.
    """
    async with _connected(address) as connection:
        with refusals(address):
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            schema = await schema_of(connection)
        if schema is None:
            raise CannotMove(f"There is no hub in {shown(address)}: correct the address.")
        check_current(schema, shown(address))
        yield PostgresRows(address, connection)


@contextlib.asynccontextmanager
async def filling(address: str) -> AsyncIterator[PostgresRows]:
    """Give an empty database to be filled; whatever is added is there when all of it is.

    Raises:
        UnusableServer: It cannot be reached.
        CannotMove: There is something in it.
    """
    await prepare(address)
    names = ", ".join(table.name for table in TABLES)
    async with _connected(address) as connection:
        with refusals(address):
            await connection.execute("BEGIN")
            await connection.execute(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
        opened = PostgresRows(address, connection)
        await _check_empty(opened, address)
        yield opened
        with refusals(address):
            await feed.begin_anew(PostgresTransaction(connection))
            # Until it was done once, the server knows nothing of the tables, and looks things up in bad ways.
            await connection.execute(f"ANALYZE {names}")
            await connection.execute("COMMIT")


async def check_empty(address: str) -> None:
    """Check that a database can be filled.

    Raises:
        UnusableServer: It cannot be reached.
        CannotMove: There is something in it.
    """
    await prepare(address)
    async with _connected(address) as connection:
        await _check_empty(PostgresRows(address, connection), address)


async def _check_empty(opened: PostgresRows, address: str) -> None:
    for table in TABLES:
        if await opened.count(table):
            raise CannotMove(
                f"The table '{table.name}' in {shown(address)} has rows already: make another database with "
                "`createdb`, and name that one."
            )


@contextlib.asynccontextmanager
async def _connected(address: str) -> AsyncIterator[Connection]:
    with refusals(address):
        connection = await connect(address, seconds=_SECONDS)
    try:
        yield connection
    finally:
        connection.terminate()  # What was not committed is undone.
