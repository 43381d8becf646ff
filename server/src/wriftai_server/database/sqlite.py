"""The embedded database: SQLite in WAL mode, called in the event loop.

A statement by key takes less time than handing it to a thread, so one held connection serves the loop and no
await in here suspends, save four: waiting for another process to finish its transaction; commits of many rows;
scans over many rows; and checkpoints, which wait for the disk. Each of the last two has a thread and a connection
of its own.
"""

import asyncio
import contextlib
import random
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import FromClause
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler, SQLiteDialect

from wriftai_server.database.driver import DatabaseUnavailable, Row, UniqueViolation
from wriftai_server.database.statements import Statement


class _Compiler(SQLiteCompiler):
    """Writes hints behind tables, as in `INDEXED BY` the name of an index."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        return text


class _Dialect(SQLiteDialect):
    supports_statement_cache = True
    statement_compiler = _Compiler


DIALECT = _Dialect(paramstyle="qmark")
_NOT_UNIQUE = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
_LOCK_PATIENCE = 10.0
_POLL_SECONDS = 0.05
_PATIENCE_MS = 2000
_CACHE_KIB = 64 * 1024
# As much as SQLite maps at all: rows that lie apart cost a third less than by reading their pages.
_MAPPED_BYTES = 2**31 - 2**16
# Takes some twenty milliseconds to commit, in which whoever adds many rows makes more of them. Who reads
# meanwhile waits inside of SQLite, which has to be built for that.
_MANY_CHANGES = 1000
_MAY_COMMIT_APART = sqlite3.threadsafety == 3
_CHECKPOINT_COMMITS = 1000
_CHECKPOINT_CHANGES = 16_000
# Whoever writes without a thread beside it, or faster than that can follow, stops at so much: 256 MiB.
_MOST_LOGGED_PAGES = 64 * 1024


def connect(file: Path, *, check_same_thread: bool = True) -> sqlite3.Connection:
    """Open a database file the way that the hub uses it; a missing one is made.

    A commit is in the file system when it returns, so it outlives the process however that ends; only a crash of
    the whole machine can take the last moments back, and never leaves the file damaged.
    """
    connection = sqlite3.connect(
        file, isolation_level=None, cached_statements=512, check_same_thread=check_same_thread
    )
    for pragma in (
        f"busy_timeout = {_PATIENCE_MS}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        f"cache_size = -{_CACHE_KIB}",
        f"mmap_size = {_MAPPED_BYTES}",
        f"wal_autocheckpoint = {_MOST_LOGGED_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


class _ErrorsNamed:
    """Gives errors of SQLite the names that a driver promises.

    Every read goes through it, so it is not a generator, which would cost eight times as much.
    """

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            return
        match error:
            case sqlite3.IntegrityError(sqlite_errorcode=code) if code in _NOT_UNIQUE:
                raise UniqueViolation(str(error)) from error
            case sqlite3.OperationalError():
                raise DatabaseUnavailable(f"The database cannot take a statement: {error}.") from error


_ERRORS_NAMED = _ErrorsNamed()


class SQLiteTransaction:
    """Runs statements on one connection.

    Args:
        connection: In autocommit mode; its owner begins and ends transactions.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._run = connection.execute
        self._run_many = connection.executemany

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        """Run a statement and give its first row; None when there is none."""
        sql, ordered = _filled(statement, values)
        with _ERRORS_NAMED:
            cursor = self._run(sql, ordered)
            row: Row | None = cursor.fetchone()
        cursor.close()
        return row

    async def all(self, statement: Statement, **values: Any) -> list[Row]:
        """Run a statement and give its rows."""
        sql, ordered = _filled(statement, values)
        with _ERRORS_NAMED:
            rows: list[Row] = self._run(sql, ordered).fetchall()
        return rows

    async def execute(self, statement: Statement, **values: Any) -> int:
        """Run a statement and give the number of rows that it changed."""
        sql, ordered = _filled(statement, values)
        with _ERRORS_NAMED:
            return self._run(sql, ordered).rowcount

    async def execute_many(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> int:
        """Run a statement once for each row and give the number of rows that they changed."""
        sql, constants, order = statement.compiled(DIALECT)
        with _ERRORS_NAMED:
            return self._run_many(sql, (_ordered(order, {**constants, **row}) for row in rows)).rowcount

    async def lock(self, *names: str) -> None:
        """Do nothing: writers wait for one another anyway."""


class _Writing:
    """Opens transactions on one connection, one after the other.

    Every write goes through it, and like `_ErrorsNamed` it is no generator.

    Args:
        connection: Not in a transaction.
        turn: Held while one is open.
        transaction: Runs its statements.
        committed: Called after each commit, with the number of changes.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        turn: asyncio.Lock,
        transaction: SQLiteTransaction,
        committed: Callable[[int], None],
    ) -> None:
        self._connection = connection
        self._turn = turn
        self._transaction = transaction
        self._committed = committed
        self._changes_before = 0

    async def __aenter__(self) -> SQLiteTransaction:
        await self._turn.acquire()
        try:
            await self._begin()
        except BaseException:
            self._turn.release()
            raise
        self._changes_before = self._connection.total_changes
        return self._transaction

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            if error is None:
                changes = self._connection.total_changes - self._changes_before
                with _ERRORS_NAMED:
                    if _MAY_COMMIT_APART and changes >= _MANY_CHANGES:
                        await self._commit_apart()
                    else:
                        self._connection.execute("COMMIT")
                self._committed(changes)
        finally:
            try:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            finally:
                self._turn.release()

    async def _commit_apart(self) -> None:
        """Commit on a thread, which nobody can end: whoever is cancelled waits for it as well."""
        commit = asyncio.get_running_loop().run_in_executor(None, self._connection.execute, "COMMIT")
        try:
            await asyncio.shield(commit)
        finally:
            await asyncio.wait([commit])

    async def _begin(self) -> None:
        patience = time.monotonic() + _LOCK_PATIENCE
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not _is_locked(error) or time.monotonic() > patience:
                    raise DatabaseUnavailable(f"The database cannot be written to: {error}.") from error
            await asyncio.sleep(random.uniform(0.001, 0.005))


class SQLiteDatabase:
    """A database file that is open.

    Args:
        file: Has the current schema.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection = connect(file, check_same_thread=False)
        # SQLite's own waiting would hold up the event loop.
        self._connection.execute("PRAGMA busy_timeout = 0")
        self._transaction = SQLiteTransaction(self._connection)
        self._reading = contextlib.nullcontext(self._transaction)
        self._one_writer = asyncio.Lock()
        self._writing = _Writing(self._connection, self._one_writer, self._transaction, self._count_commit)
        self._scan = SQLiteScan(file)
        self._scanning = contextlib.nullcontext(self._scan)
        self._checkpoints = SQLiteScan(file)  # Not behind scans, which writers would have to wait for.
        self._seen: int | None = None
        self._commits = self._changes = 0
        self._checkpointing: asyncio.Task[None] | None = None

    def reading(self) -> contextlib.nullcontext[SQLiteTransaction]:
        """Give the held connection: between its statements nothing else runs in this process."""
        return self._reading

    def writing(self) -> _Writing:
        """Open a transaction that is committed at its end, and undone when an exception leaves it."""
        return self._writing

    def locking(self, *names: str) -> contextlib.nullcontext[None]:
        """Do nothing: whoever uses the file can lock others beside it."""
        del names
        return contextlib.nullcontext()

    def scanning(self) -> contextlib.nullcontext["SQLiteScan"]:
        """Give the connection on the thread."""
        return self._scanning

    async def survey(self) -> None:
        """Do nothing: how rows are looked up does not depend on their number."""

    async def heard(self) -> AsyncGenerator[None, None]:
        """Look all the time whether another connection has committed anything."""
        while True:
            with contextlib.suppress(sqlite3.OperationalError):
                version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
                if version != self._seen:
                    self._seen = version
                    yield None
            await asyncio.sleep(_POLL_SECONDS)

    def say(self, *topics: str) -> None:
        """Do nothing: others see that there was a commit."""

    async def close(self) -> None:
        """Let go of the file; the last one to do so writes the write-ahead log into it."""
        if self._checkpointing is not None:
            await asyncio.wait([self._checkpointing])
        self._scan.close()
        self._checkpoints.close()
        self._connection.close()

    def _count_commit(self, changes: int) -> None:
        self._commits += 1
        self._changes += changes
        is_much = self._commits >= _CHECKPOINT_COMMITS or self._changes >= _CHECKPOINT_CHANGES
        if is_much and (self._checkpointing is None or self._checkpointing.done()):
            self._commits = self._changes = 0
            self._checkpointing = asyncio.create_task(self._run_checkpoint())

    async def _run_checkpoint(self) -> None:
        """Write the write-ahead log into the file; what cannot be written now stays in the log."""
        with contextlib.suppress(DatabaseUnavailable):
            await self._checkpoints.checkpoint()  # Most of it, while others write.
            async with self._one_writer:
                await self._checkpoints.checkpoint()  # The rest, so that the log begins anew.


class SQLiteScan:
    """Runs what takes long on a thread with a connection of its own, one after the other.

    Args:
        file: Has the current schema.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1, "scan")
        self._connection: sqlite3.Connection | None = None

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        """Run a statement and give its first row; None when there is none."""
        rows = await self.all(statement, **values)
        return rows[0] if rows else None

    async def all(self, statement: Statement, **values: Any) -> list[Row]:
        """Run a statement and give its rows."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._fetch, *_filled(statement, values)
        )

    async def checkpoint(self) -> None:
        """Write what is in the write-ahead log by now into the file."""
        await asyncio.get_running_loop().run_in_executor(
            self._thread, self._fetch, "PRAGMA wal_checkpoint(PASSIVE)", ()
        )

    def close(self) -> None:
        """End the thread and its connection."""
        self._thread.shutdown(wait=True)
        if self._connection is not None:
            self._connection.close()

    def _fetch(self, sql: str, values: tuple[Any, ...]) -> list[Row]:
        with _ERRORS_NAMED:
            if self._connection is None:
                self._connection = connect(self._file, check_same_thread=False)
            rows: list[Row] = self._connection.execute(sql, values).fetchall()
        return rows


def _filled(statement: Statement, values: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    sql, constants, order = statement.compiled(DIALECT)
    return sql, _ordered(order, {**constants, **values})


def _ordered(order: tuple[str, ...], values: Mapping[str, Any]) -> tuple[Any, ...]:
    # SQLite takes values by name as well, and twice as long to find them.
    return tuple(map(values.__getitem__, order))


def _is_locked(error: sqlite3.Error) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
