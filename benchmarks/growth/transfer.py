"""Rows of a hub on SQLite, written into a new PostgreSQL database as they are."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # the library has no types

_TABLES = ("hardware", "users", "tokens", "models")
_BATCH = 5_000


def transfer(file: Path, url: str) -> float:
    """Write the catalogue and who owns it; give the seconds that it took.

    Args:
        file: The database of a hub that does not run.
        url: Address of a database with the current schema, whose tables are empty.
    """
    started = perf_counter()
    asyncio.run(_transfer(file, url))
    return perf_counter() - started


async def _transfer(file: Path, url: str) -> None:
    connection = await asyncpg.connect(url)
    with closing(sqlite3.connect(file)) as source:
        for table in _TABLES:
            rows = source.execute(f"SELECT * FROM {table}")  # noqa: S608 - one of ours
            columns = [column[0] for column in rows.description]
            await connection.copy_records_to_table(table, records=_batched(rows), columns=columns)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def _batched(rows: sqlite3.Cursor) -> AsyncIterator[tuple[Any, ...]]:
    while some := rows.fetchmany(_BATCH):
        for row in some:
            yield row
