"""Rows of users and their tokens."""

from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql

from wriftai_server.database import feed
from wriftai_server.database.driver import Reader, Row, Transaction
from wriftai_server.database.schema import tokens, users
from wriftai_server.database.statements import Statement, keyset
from wriftai_server.database.values import fold
from wriftai_server.http.caller import Token
from wriftai_server.http.paging import Key, Place
from wriftai_server.wire.users import COLUMNS

KEY_TYPES = (str, str)

_BY_ID = Statement(select(*COLUMNS).where(users.c.id == bindparam("id")))
_BY_USERNAME = Statement(select(*COLUMNS).where(func.lower(users.c.username) == bindparam("username")))
_row: dict[str, Any] = {c.name: bindparam(c.name) for c in (*COLUMNS, users.c.is_admin)}
_INSERT = Statement(insert(users).values(_row))
# In words that SQLite has as well.
_INSERT_NEW = Statement(postgresql.insert(users).values(_row).on_conflict_do_nothing())
_ALL = Statement(select(users.c.username, users.c.is_admin, users.c.created_at).order_by(users.c.created_at))
_INSERT_TOKEN = Statement(insert(tokens).values({c.name: bindparam(c.name) for c in tokens.c}))
_TOKENS = Statement(
    select(tokens.c.id, tokens.c.label, tokens.c.created_at)
    .where(tokens.c.user_id == bindparam("user_id"))
    .order_by(tokens.c.created_at)
)
_DELETE_TOKEN = Statement(delete(tokens).where(tokens.c.id == bindparam("token_id")))


@cache
def _page(descending: bool, after: bool) -> Statement:
    return Statement(
        keyset(select(*COLUMNS), [users.c.created_at, users.c.id], descending=descending, after=after)
    )


@cache
def _update(*names: str) -> Statement:
    return Statement(
        update(users).where(users.c.id == bindparam("user_id")).values({name: bindparam(name) for name in names})
    )


def key_of(row: Row) -> Key:
    """Give the sort keys of a row."""
    return (row[7], row[0])


async def find(view: Reader, *, username: str) -> Row | None:
    """Find a user by name, without regard to case."""
    return await view.one(_BY_USERNAME, username=fold(username))


async def get(view: Reader, *, id: str) -> Row | None:  # noqa: A002  the column's name
    """Find a user by id."""
    return await view.one(_BY_ID, id=id)


async def page(view: Reader, place: Place, *, descending: bool, limit: int) -> list[Row]:
    """Find users from a place on, in order of creation."""
    statement = _page(descending != place.backward, place.key is not None)
    return await view.all(statement, limit=limit, **place.values())


async def list_all(view: Reader) -> list[Row]:
    """Find the username, rights and time of creation of every user."""
    return await view.all(_ALL)


async def add(transaction: Transaction, **values: Any) -> None:
    """Store a new user."""
    await transaction.execute(_INSERT, **values)
    await feed.note(transaction, "user", values["id"])


async def add_new(transaction: Transaction, **values: Any) -> None:
    """Store a new user, unless there is one of that name."""
    if await transaction.execute(_INSERT_NEW, **values):
        await feed.note(transaction, "user", values["id"])


async def change(transaction: Transaction, *, user_id: str, **values: Any) -> None:
    """Change some columns of a user."""
    await transaction.execute(_update(*sorted(values)), user_id=user_id, **values)
    await feed.note(transaction, "user", user_id)


async def add_token(transaction: Transaction, token: Token, *, user_id: str, label: str, created_at: str) -> None:
    """Store what is kept of a new token."""
    await transaction.execute(
        _INSERT_TOKEN,
        id=token.id,
        user_id=user_id,
        label=label,
        secret_hash=token.secret_hash,
        created_at=created_at,
    )


async def tokens_of(view: Reader, *, user_id: str) -> list[Row]:
    """Find the id, label and time of creation of each of a user's tokens."""
    return await view.all(_TOKENS, user_id=user_id)


async def remove_token(transaction: Transaction, *, token_id: str) -> bool:
    """Remove a token; tell whether there was one."""
    return await transaction.execute(_DELETE_TOKEN, token_id=token_id) > 0
