"""Rows of versions."""

from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from wriftai_server.database.driver import Reader, Row, Transaction
from wriftai_server.database.schema import models, versions
from wriftai_server.database.statements import Statement, keyset
from wriftai_server.http.paging import Key, Place
from wriftai_server.models.store import VISIBLE
from wriftai_server.wire.versions import COLUMNS

_GET = Statement(
    select(*COLUMNS, versions.c.model_id, models.c.owner_id)
    .join_from(versions, models, models.c.id == versions.c.model_id)
    .where(versions.c.id == bindparam("version_id"), VISIBLE)
)
_BY_NUMBER = Statement(
    select(*COLUMNS).where(versions.c.model_id == bindparam("model_id"), versions.c.number == bindparam("number"))
)
_INSERT = Statement(insert(versions).values({c.name: bindparam(c.name) for c in versions.c}))
_DELETE = Statement(delete(versions).where(versions.c.id == bindparam("version_id")))


@cache
def _page(descending: bool, after: bool) -> Statement:
    of_model = select(*COLUMNS).where(versions.c.model_id == bindparam("model_id"))
    return Statement(keyset(of_model, [versions.c.number], descending=descending, after=after))


def key_of(row: Row) -> Key:
    """Give the sort key of a row."""
    return (row[1],)


async def get(view: Reader, *, viewer: str | None, version_id: str) -> Row | None:
    """Find a version that the viewer may see; behind its columns come the ids of its model and owner."""
    return await view.one(_GET, viewer=viewer, version_id=version_id)


async def by_number(view: Reader, *, model_id: str, number: int) -> Row | None:
    """Find a version of a model by its number."""
    return await view.one(_BY_NUMBER, model_id=model_id, number=number)


async def page(view: Reader, place: Place, *, model_id: str, limit: int) -> list[Row]:
    """Find versions of a model from a place on, newest first."""
    statement = _page(not place.backward, place.key is not None)
    return await view.all(statement, model_id=model_id, limit=limit, **place.values())


async def add(transaction: Transaction, **values: Any) -> None:
    """Store a new version."""
    await transaction.execute(_INSERT, **values)


async def remove(transaction: Transaction, *, version_id: str) -> bool:
    """Remove a version; tell whether there was one."""
    return await transaction.execute(_DELETE, version_id=version_id) > 0
