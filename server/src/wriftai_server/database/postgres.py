"""PostgreSQL, through a pool of connections of asyncpg.

Statements are prepared once a connection and run with their values in order, so that a read is one round trip.
A view has no transaction: each of its statements sees all that was committed by then. What is read in several
steps is written so that later steps may see more. Transactions are READ COMMITTED; where a rule needs more, rows
or names are locked.
"""

import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any

from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler

from wriftai_server.database.connections import (
    ERRORS_NAMED,
    FAILURES,
    STATEMENT_SECONDS,
    Connection,
    UnusableServer,
    connect,
    refusals,
)
from wriftai_server.database.driver import DatabaseUnavailable, Row
from wriftai_server.database.notices import Notices
from wriftai_server.database.pool import Pool, Use
from wriftai_server.database.schema import metadata
from wriftai_server.database.statements import Statement

MOST_CONNECTIONS = 10
_SCAN_SECONDS = 600.0
_LOCK = "SELECT pg_advisory_xact_lock(number) FROM unnest($1::bigint[]) AS number"
_HOLD = "SELECT pg_advisory_lock(number) FROM unnest($1::bigint[]) AS number"
_LET_GO = "SELECT pg_advisory_unlock_all()"
_INSERT = re.compile(
    r"(?P<into>INSERT INTO .*) VALUES \((?P<row>.*)\)(?P<unless>( ON CONFLICT .*DO NOTHING)?)", re.DOTALL
)
_PLACEHOLDER = re.compile(r"\$(\d+)::(\w+)")
_PLACE = re.compile(r"([<>]) \((\$\d+::[^(),]+, \$\d+::[^(),]+)\)")
# Of pages of usual sizes, each with one row more, to see whether there is another page.
_LENGTHS = frozenset({11, 21, 26, 51, 101})
# With other values, such as an owner, the best plan depends on how many rows have them.
_IN_A_PAGE = frozenset({"limit", "key_0", "key_1"})


class _Types(PGTypeCompiler):
    """Gives every whole number 64 bits: callers choose some, and asyncpg refuses those that do not fit."""

    def visit_INTEGER(self, type_: Any, **kw: Any) -> str:  # noqa: N802  SQLAlchemy's name
        return "BIGINT"


class _Dialect(PGDialect_asyncpg):
    supports_statement_cache = True
    type_compiler_cls = _Types


_DIALECT = _Dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # so is SQLAlchemy's


class PostgresView:
    """Runs statements on one connection.

    Args:
        connection: In a transaction, or in none.
    """

    _SECONDS: float = STATEMENT_SECONDS

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        """Run a statement and give its first row; None when there is none."""
        sql, ordered = _filled(statement, values)
        with ERRORS_NAMED:
            return await self._connection.fetchrow(sql, *ordered, timeout=self._SECONDS)

    async def all(self, statement: Statement, **values: Any) -> list[Row]:
        """Run a statement and give its rows."""
        sql, ordered = _filled(statement, values)
        with ERRORS_NAMED:
            return await self._connection.fetch(sql, *ordered, timeout=self._SECONDS)


class _Scan(PostgresView):
    _SECONDS = _SCAN_SECONDS


class PostgresTransaction(PostgresView):
    """Runs statements that take effect together, or not at all."""

    async def execute(self, statement: Statement, **values: Any) -> int:
        """Run a statement and give the number of rows that it changed."""
        sql, ordered = _filled(statement, values)
        with ERRORS_NAMED:
            done = await self._connection.execute(sql, *ordered)
        return _changed(done)

    async def execute_many(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> int:
        """Run a statement once for each row and give the number of rows that they changed."""
        sql, constants, order = statement.compiled(_DIALECT)
        many = [[_held(row[name]) if name in row else constants[name] for name in order] for row in rows]
        if not many:
            return 0
        together = _together(sql)
        with ERRORS_NAMED:
            if together is not None:
                done = await self._connection.execute(together, *zip(*many, strict=True))
                return _changed(done)
            # All are sent at once; asyncpg counts none of them, so each row that is changed is to say so.
            return len(await self._connection.fetchmany(f"{sql} RETURNING 1", many))

    async def lock(self, *names: str) -> None:
        """Make others who lock one of these names wait until this transaction ends."""
        with ERRORS_NAMED:
            await self._connection.execute(_LOCK, _numbers(names))


class PostgresDatabase:
    """A database of a PostgreSQL server. Connections are made by the first that needs one.

    Args:
        address: As asyncpg reads it; the database has the current schema.
    """

    def __init__(self, address: str) -> None:
        self._pool = Pool(lambda: _reach(address), MOST_CONNECTIONS)
        self._notices = Notices(lambda: connect(address))

    def reading(self) -> Use[PostgresView]:
        """Open a view: a connection, without a transaction."""
        return self._pool.use(PostgresView)

    def scanning(self) -> Use[PostgresView]:
        """Open a view whose statements may take long."""
        return self._pool.use(_Scan)

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[PostgresTransaction]:
        """Open a transaction that is committed at its end, and undone when an exception leaves it."""
        async with self._pool.use(_itself) as connection:
            with ERRORS_NAMED:
                await connection.execute("BEGIN")
            try:
                yield PostgresTransaction(connection)
            except BaseException:
                # Where it cannot be undone now, that is done when the connection is given back, or is gone.
                with contextlib.suppress(*FAILURES):
                    await connection.execute("ROLLBACK")
                raise
            with ERRORS_NAMED:
                done = await connection.execute("COMMIT")
            if done != "COMMIT":
                raise RuntimeError("A statement of the transaction had failed, so nothing of it was stored.")

    @contextlib.asynccontextmanager
    async def locking(self, *names: str) -> AsyncIterator[None]:
        """Make transactions that lock one of these names wait; no transaction is open meanwhile."""
        async with self._pool.use(_itself) as connection:
            try:
                with ERRORS_NAMED:
                    await connection.execute(_HOLD, _numbers(names))
                yield
            finally:
                await _let_go(connection)

    async def survey(self) -> None:
        """Look anew at how many rows there are of what."""
        async with self._pool.use(_itself) as connection:
            with ERRORS_NAMED:
                await connection.execute(f"ANALYZE {', '.join(metadata.tables)}", timeout=_SCAN_SECONDS)

    def heard(self) -> AsyncGenerator[frozenset[str] | None, None]:
        """Tell what other processes say that they have changed."""
        return self._notices.heard()

    def say(self, *topics: str) -> None:
        """Let other processes hear of topics."""
        self._notices.say(*topics)

    async def close(self) -> None:
        """Close all connections."""
        await self._notices.close()
        await self._pool.close()


async def _reach(address: str) -> Connection:
    try:
        with refusals(address):
            return await connect(address)
    except UnusableServer as error:
        raise DatabaseUnavailable(str(error)) from error


def _itself(connection: Connection) -> Connection:
    return connection


def _filled(statement: Statement, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    sql, constants, order = statement.compiled(_DIALECT)
    if values.get("limit") in _LENGTHS and _IN_A_PAGE.issuperset(order):
        sql, order = _cut(sql, order, values["limit"])
    return sql, [_held(values[name]) if name in values else constants[name] for name in order]


@cache
def _cut(sql: str, order: tuple[str, ...], length: int) -> tuple[str, tuple[str, ...]]:
    """Write the length of a page into a statement, and hide where the page begins.

    PostgreSQL plans a statement anew each time, at several times its cost, while only its values tell it that few
    rows are asked for, or that few lie behind the place.
    """
    number = order.index("limit") + 1

    def placed(found: re.Match[str]) -> str:
        this = int(found[1])
        return str(length) if this == number else f"${this - (this > number)}::{found[2]}"

    return _PLACEHOLDER.sub(placed, _PLACE.sub(r"\1 (SELECT \2)", sql)), (*order[: number - 1], *order[number:])


@cache
def _together(sql: str) -> str | None:
    """Write a statement that inserts a row down as one that inserts many, at half the cost: their values come in
    an array for each column. None when it is another statement, or when rows that are there are changed.
    """  # noqa: D205  one sentence
    parts = _INSERT.fullmatch(sql)
    if parts is None:
        return None
    types = dict(_PLACEHOLDER.findall(sql))
    arrays = ", ".join(f"${number}::{types[number]}[]" for number in sorted(types, key=int))
    names = ", ".join(f"value_{number}" for number in sorted(types, key=int))
    row = _PLACEHOLDER.sub(r"value_\1", parts["row"])
    return f"{parts['into']} SELECT {row} FROM unnest({arrays}) AS given({names}){parts['unless']}"  # noqa: S608  of ours


def _changed(done: str) -> int:
    """Give the number of rows out of what the server says, as in "UPDATE 3" or "INSERT 0 3"."""
    return int(done.rpartition(" ")[2])


def _held(value: Any) -> Any:
    """Give a value that PostgreSQL takes: it knows no U+0000. Nothing is called so, hence nothing is found."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value


def _numbers(names: Iterable[str]) -> list[int]:
    """Give the numbers that names are locked by, the same in every process, in the order that all lock in."""
    return sorted({int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True) for name in names})


async def _let_go(connection: Connection) -> None:
    try:
        await connection.execute(_LET_GO)
    except BaseException as error:
        with contextlib.suppress(*FAILURES):
            connection.terminate()  # With it go the locks.
        if not isinstance(error, FAILURES):
            raise
