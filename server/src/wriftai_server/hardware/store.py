"""Rows of hardware."""

from functools import cache
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from wriftai_server.database.driver import Reader, Row, Transaction
from wriftai_server.database.schema import hardware
from wriftai_server.database.statements import Statement, keyset
from wriftai_server.http.paging import Key, Place
from wriftai_server.wire.hardware import COLUMNS

_OFFERED = select(*COLUMNS).where(hardware.c.is_offered == 1)
_FIND = Statement(_OFFERED.where(hardware.c.identifier == bindparam("identifier")))
_INSERT = Statement(insert(hardware).values({c.name: bindparam(c.name) for c in hardware.c}))
_UPDATE = Statement(
    update(hardware)
    .where(hardware.c.identifier == bindparam("known"))
    .values(
        {name: bindparam(name) for name in ("name", "gpus", "cpus", "ram_per_gpu_gb", "ram_gb", "is_offered")}
    )
)
_WITHDRAW = Statement(update(hardware).values(is_offered=bindparam("is_offered")))


@cache
def _page(descending: bool, after: bool) -> Statement:
    return Statement(keyset(_OFFERED, [hardware.c.created_at, hardware.c.id], descending=descending, after=after))


def key_of(row: Row) -> Key:
    """Give the sort keys of a row."""
    return (row[7], row[0])


async def find(view: Reader, *, identifier: str) -> Row | None:
    """Find what is offered under an identifier."""
    return await view.one(_FIND, identifier=identifier)


async def page(view: Reader, place: Place, *, limit: int) -> list[Row]:
    """Find what is offered from a place on, oldest first."""
    return await view.all(_page(place.backward, place.key is not None), limit=limit, **place.values())


async def withdraw_all(transaction: Transaction) -> None:
    """Offer nothing, until it is offered again."""
    await transaction.execute(_WITHDRAW, is_offered=0)


async def offer(transaction: Transaction, *, id: str, created_at: str, identifier: str, **values: Any) -> None:  # noqa: A002
    """Offer something new, or something known with what is now known of it.

    Args:
        transaction: Changes the rows.
        id: Used if it is new.
        created_at: Used if it is new.
        identifier: Tells whether it is new.
        values: The other columns.
    """
    changed = await transaction.execute(_UPDATE, known=identifier, is_offered=1, **values)
    if not changed:
        await transaction.execute(
            _INSERT, id=id, created_at=created_at, identifier=identifier, is_offered=1, **values
        )
