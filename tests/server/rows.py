"""Rows to be written and read straight on a database."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, func, insert, select

from tests.databases import open_in
from wriftai_server.database.driver import Database
from wriftai_server.database.schema import hardware
from wriftai_server.database.statements import Statement

LONG = 60.0
ADDING = insert(hardware).values(
    {c.name: bindparam(c.name) if c.name in ("id", "identifier", "name") else 0 for c in hardware.c}
    | {"created_at": ""}
)
ADD = Statement(ADDING)
FIND = Statement(select(hardware.c.id).where(hardware.c.id == bindparam("id")))
IN_ORDER = Statement(select(hardware.c.id).order_by(hardware.c.id))
_COUNT = Statement(select(func.count()).select_from(hardware))

Work = Callable[[Database], Coroutine[Any, Any, None]]


def on_database(folder: Path, work: Work) -> None:
    """Run some work on the database of a folder; a missing one is made."""

    async def whole() -> None:
        database = open_in(folder)
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(whole())


async def add(database: Database, *ids: str, then: type[BaseException] | None = None) -> None:
    """Add rows in one transaction, and let it fail then, if an exception is given."""
    async with database.writing() as transaction:
        for each in ids:
            assert await transaction.execute(ADD, id=each, identifier=each, name="") == 1
        if then is not None:
            raise then


async def count(database: Database) -> int:
    async with database.reading() as view:
        row = await view.one(_COUNT)
    assert row is not None
    return int(row[0])
