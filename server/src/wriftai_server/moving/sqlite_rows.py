"""The rows of an SQLite file, read in one transaction, or written to a file that nobody uses yet."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Table

from wriftai_server.database import feed
from wriftai_server.database.driver import Row
from wriftai_server.database.migrate import migrate, schema_in
from wriftai_server.database.sqlite import SQLiteTransaction
from wriftai_server.moving import sqlite
from wriftai_server.moving.files import sync
from wriftai_server.moving.progress import CannotMove
from wriftai_server.moving.rows import NUMBERED, at_once, check_current, columns, selected


class SQLiteRows:
    """Reads and writes the rows of a file.

    Args:
        file: For people.
        connection: In a transaction.
    """

    def __init__(self, file: Path, connection: sqlite3.Connection) -> None:
        self._file = file
        self._connection = connection

    async def count(self, table: Table) -> int:
        """Count the rows of a table."""
        with sqlite.errors_named(self._file, "read"):
            sql = f"SELECT count(*) FROM {table.name}"  # noqa: S608  a name of our schema
            return int(self._connection.execute(sql).fetchone()[0])

    async def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        """Give the rows of a table, some at a time."""
        with sqlite.errors_named(self._file, "read"):
            cursor = self._connection.execute(selected(table))
            found: list[Row] = cursor.fetchmany(at_once(table))
        while found:
            yield found
            with sqlite.errors_named(self._file, "read"):
                found = cursor.fetchmany(at_once(table))

    async def numbers(self) -> Mapping[str, int]:
        """Give the highest number that each of the numbered tables has given to a row so far."""
        with sqlite.errors_named(self._file, "read"):
            given = dict(self._connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
            for name in NUMBERED:
                sql = f"SELECT coalesce(max(id), 0) FROM {name}"  # noqa: S608  a name of our schema
                (there,) = self._connection.execute(sql).fetchone()
                given[name] = max(there, given.get(name, 0))
        return {name: given[name] for name in NUMBERED}

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows to a table."""
        values = ", ".join("?" for _ in table.columns)
        names = ", ".join(f'"{name}"' for name in columns(table))
        with sqlite.errors_named(self._file, "written"):
            sql = f"INSERT INTO {table.name} ({names}) VALUES ({values})"  # noqa: S608  names of our schema
            self._connection.executemany(sql, map(tuple, rows))

    async def go_on_behind(self, numbers: Mapping[str, int]) -> None:
        """Let the table whose numbers are not given twice go on behind them; the other does so by itself."""
        with sqlite.errors_named(self._file, "written"):
            name = "webhook_deliveries"
            self._connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
            self._connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (name, numbers[name]))


@contextlib.contextmanager
def reading(file: Path) -> Iterator[SQLiteRows]:
    """Open a file for its rows as they are at this moment, while others read and write it.

    Raises:
        CannotMove: It is not there, is no hub's, or is of another release.
    """
    with sqlite.errors_named(file, "read"):
        if not file.is_file():
            raise CannotMove(f"There is no database {file}: name the file of a hub, such as ./data/hub.sqlite3.")
        # As it is: the way that a hub opens a file would change that of a backup.
        opened = sqlite3.connect(file, isolation_level=None)
    with contextlib.closing(opened) as connection:
        with sqlite.errors_named(file, "read"):
            connection.execute("BEGIN")
            schema = schema_in(connection)
        if schema is None:
            raise CannotMove(
                f"{file} is not the database of a hub: name the file of one, such as ./data/hub.sqlite3."
            )
        check_current(schema, file)
        yield SQLiteRows(file, connection)


@contextlib.asynccontextmanager
async def filling(file: Path) -> AsyncIterator[SQLiteRows]:
    """Make a file with the current schema, and give it to be filled.

    Args:
        file: Is not there yet, and in a folder that is removed with it when something goes wrong.
    """
    _make(file)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        with sqlite.errors_named(file, "written"):
            # Nobody uses a file that was not finished, so nothing has to be taken back in it.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN")
        yield SQLiteRows(file, connection)
        with sqlite.errors_named(file, "written"):
            await feed.begin_anew(SQLiteTransaction(connection))
            connection.execute("COMMIT")
    sync(file)


def _make(file: Path) -> None:
    file.touch(mode=0o600)
    with sqlite.errors_named(file, "written"):
        migrate(file)
