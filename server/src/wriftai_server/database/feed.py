"""The feed: which models and users changed, for whoever keeps a copy elsewhere.

A note only names what changed: whoever reads it looks at what that is like by now, or finds it gone. It is
written in the transaction of the change. On PostgreSQL transactions overlap, and one that began earlier may
end later: so notes are in the order of transactions, and those of one are given when all before it have
ended. A reader so misses none; where one stays open, of whichever database of the server, readers are held up.
A reader remembers the last note that it has read: where that is gone, so may others be, or it is another
database, and the reader begins anew. Notes are kept for a week.
"""

import asyncio
import contextlib
import uuid
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    BigInteger,
    Integer,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from wriftai_server.database.driver import Database, DatabaseUnavailable, Reader, Row, Transaction
from wriftai_server.database.schema import feed
from wriftai_server.database.statements import Statement
from wriftai_server.database.types import Text
from wriftai_server.database.values import now, timestamp

# What a transaction takes at most, unless someone leaves it open.
_USUAL = timedelta(seconds=2)
_KEPT = timedelta(days=7)
_TRIM_SECONDS = 3600.0
_TRIMMED_AT_ONCE = 1_000
_PAUSE_SECONDS = 0.05

Subject = Literal["beginning", "model", "user"]


class Note(NamedTuple):
    """Names something that changed.

    Attributes:
        transaction_id: Of the change; always 0 where transactions do not overlap.
        id: Orders notes of a transaction.
        subject: What changed; `user` with all that the user owns.
        subject_id: UUID.
        created_at: When.
    """

    transaction_id: int
    id: int
    subject: Subject
    subject_id: str
    created_at: str


class _ThisTransaction(FunctionElement[int]):
    type = BigInteger()
    inherit_cache = True


class _FirstUnderWay(FunctionElement[int]):
    type = BigInteger()
    inherit_cache = True


@compiles(_ThisTransaction)
def _none(*_: Any, **__: Any) -> str:
    return "0"


@compiles(_ThisTransaction, "postgresql")
def _own(*_: Any, **__: Any) -> str:
    return "pg_current_xact_id()::text::bigint"


@compiles(_FirstUnderWay)
def _after_all(*_: Any, **__: Any) -> str:
    return "1"


@compiles(_FirstUnderWay, "postgresql")
def _xmin(*_: Any, **__: Any) -> str:
    return "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


_COLUMNS = [feed.c[name] for name in Note._fields]
_ADD = Statement(
    insert(feed).values(
        transaction_id=_ThisTransaction(),
        **{name: bindparam(name) for name in ("subject", "subject_id", "created_at")},
    )
)
_CLEAR = Statement(delete(feed))
_BEGIN = Statement(insert(feed).values({name: bindparam(name) for name in Note._fields if name != "id"}))
_ORDER = (feed.c.transaction_id, feed.c.id)
_SETTLED = feed.c.transaction_id < _FirstUnderWay()
_held = feed.alias()
_MOST = bindparam("most", type_=Integer())
_READ = bindparam("transaction_id", type_=BigInteger())
# The rest of a transaction, and what comes behind it: to compare pairs SQLite would look through all notes.
_BEHIND = (
    (feed.c.transaction_id == _READ, feed.c.id > bindparam("id", type_=BigInteger())),
    (feed.c.transaction_id > _READ,),
)
_CUT = [
    select(select(*_COLUMNS).where(_SETTLED, *behind).order_by(*_ORDER).limit(_MOST).subquery())
    for behind in _BEHIND
]
_AFTER = Statement(union_all(*_CUT).order_by("transaction_id", "id").limit(_MOST))
_IS_HELD_UP = exists().where(_held.c.transaction_id >= _FirstUnderWay(), _held.c.created_at < bindparam("before"))
_BACKWARD = [column.desc() for column in _ORDER]
_LAST = Statement(select(*_COLUMNS).where(_SETTLED).order_by(*_BACKWARD).limit(1))
_NEWEST = Statement(select(*_COLUMNS, _IS_HELD_UP).order_by(*_BACKWARD).limit(1))
_AT = Statement(select(*_COLUMNS).where(feed.c.id == bindparam("id")))
_FIRST = Statement(select(*_COLUMNS).where(_SETTLED).order_by(*_ORDER).limit(_MOST))
_TRIM = Statement(
    delete(feed).where(
        or_(
            feed.c.transaction_id < _READ,
            and_(feed.c.transaction_id == _READ, feed.c.id < bindparam("id", type_=BigInteger())),
        )
    )
)


async def note(transaction: Transaction, subject: Subject, subject_id: str) -> None:
    """Note that a model or user changed, in the transaction that changes it."""
    await transaction.execute(_ADD, subject=subject, subject_id=subject_id, created_at=now())


def noting(subject: Subject, ids: Select[tuple[str]]) -> Statement:
    """Make the statement that notes all whose ids a query finds; it happened at `:moment`."""
    found = ids.subquery().c.id
    notes = select(_ThisTransaction(), literal(subject), found, bindparam("moment", type_=Text)).order_by(found)
    return Statement(insert(feed).from_select(["transaction_id", "subject", "subject_id", "created_at"], notes))


async def begin_anew(transaction: Transaction) -> None:
    """Forget all notes, in a database that has become another one: nobody's position is in the feed any more."""
    await transaction.execute(_CLEAR)
    await transaction.execute(
        _BEGIN, transaction_id=0, subject="beginning", subject_id=str(uuid.uuid4()), created_at=""
    )


async def last(view: Reader) -> Note:
    """Give the last note that can be read by now; there always is one."""
    return Note(*_there(await view.one(_LAST)))


async def newest(view: Reader) -> tuple[Note, bool]:
    """Give the last note that there is, and whether any waits to be read for longer than transactions take."""
    *note, is_held_up = _there(await view.one(_NEWEST, before=timestamp(datetime.now(UTC) - _USUAL)))
    return Note(*note), bool(is_held_up)


async def after(view: Reader, position: Note, *, limit: int) -> list[Note] | None:
    """Give the notes behind one, in order.

    Args:
        view: Runs the queries.
        position: The last that was read.
        limit: How many at most.

    Returns:
        None when the note of the position is not in this feed: the reader is to begin anew.
    """
    known = await view.one(_AT, id=position.id)
    if known is None or Note(*known) != position:
        return None
    found = await view.all(_AFTER, transaction_id=position.transaction_id, id=position.id, most=limit)
    return [Note(*row) for row in found]


async def trim(database: Database, *, before: str) -> None:
    """Remove the notes from before a time, but for the last of them, at which readers may be; some at a time.

    Args:
        database: Has the feed.
        before: RFC 3339, as the database has it.

    Raises:
        DatabaseUnavailable: Nothing can be written now.
    """
    is_more = True
    while is_more:
        async with database.writing() as transaction:
            first = [Note(*row) for row in await transaction.all(_FIRST, most=_TRIMMED_AT_ONCE)]
            old = list(takewhile(lambda note: note.created_at < before, first))
            if old:
                await transaction.execute(_TRIM, transaction_id=old[-1].transaction_id, id=old[-1].id)
        is_more = len(old) == _TRIMMED_AT_ONCE
        await asyncio.sleep(_PAUSE_SECONDS)


async def keep_trimming(database: Database) -> None:
    """Remove what is older than a week, once an hour, until cancelled."""
    while True:
        # Readers who were away go on first.
        await asyncio.sleep(_TRIM_SECONDS)
        with contextlib.suppress(DatabaseUnavailable):
            await trim(database, before=timestamp(datetime.now(UTC) - _KEPT))


def _there(row: Row | None) -> Row:
    if row is None:
        raise LookupError("The feed has lost its beginning.")
    return row
