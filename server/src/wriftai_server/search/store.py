"""Plain SQL that finds models and users by words."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, bindparam, case, func, literal, select

from wriftai_server.database.driver import Reader, Row
from wriftai_server.database.schema import models, users
from wriftai_server.database.statements import Statement, keyset
from wriftai_server.http.paging import Key, Place
from wriftai_server.models import store as models_store
from wriftai_server.wire.users import COLUMNS as USER_COLUMNS

KEY_TYPES = (int, str, str)


@cache
def _models(words: int, descending: bool, after: bool) -> Statement:
    name = func.lower(models.c.name)
    titled = func.lower(users.c.username) + literal("/", Text()) + name
    told = titled + literal(" ", Text()) + func.lower(func.coalesce(models.c.description, ""))
    rank = case(
        ((titled == bindparam("q")), 0),
        ((name == bindparam("q")), 1),
        (_like(name, "prefix"), 2),
        (_each(titled, words), 3),
        else_=4,
    )
    found = (
        models_store.whole()
        .add_columns(rank.label("rank"), name.label("sort_name"))
        .where(models_store.VISIBLE, _each(told, words))
        .subquery()
    )
    keys: list[ColumnElement[Any]] = [found.c.rank, found.c.sort_name, found.c.id]
    return Statement(keyset(select(*found.c), keys, descending=descending, after=after))


@cache
def _users(words: int, descending: bool, after: bool) -> Statement:
    username = func.lower(users.c.username)
    told: ColumnElement[str] = username
    for column in (users.c.name, users.c.bio, users.c.company, users.c.location):
        told = told + literal(" ", Text()) + func.lower(func.coalesce(column, ""))
    rank = case((username == bindparam("q"), 0), (_like(username, "prefix"), 1), else_=2)
    found = (
        select(*USER_COLUMNS, rank.label("rank"), username.label("sort_name"))
        .where(_each(told, words))
        .subquery()
    )
    keys: list[ColumnElement[Any]] = [found.c.rank, found.c.sort_name, found.c.id]
    return Statement(keyset(select(*found.c), keys, descending=descending, after=after))


def key_of(row: Row) -> Key:
    """Give the sort keys of a row: how well it matches, its name, its id."""
    return (row[-2], row[-1], row[0])


async def find_models(
    view: Reader, words: list[str], place: Place, *, viewer: str | None, limit: int
) -> list[Row]:
    """Find models that the viewer may see and that hold every word, best match first."""
    return await _find(view, _models, words, place, limit=limit, viewer=viewer)


async def find_users(view: Reader, words: list[str], place: Place, *, limit: int) -> list[Row]:
    """Find users that hold every word, best match first."""
    return await _find(view, _users, words, place, limit=limit)


async def _find(view: Reader, query: Any, words: list[str], place: Place, **values: Any) -> list[Row]:
    q = " ".join(words)
    patterns = {f"word_{n}": f"%{_escaped(word)}%" for n, word in enumerate(words)}
    return await view.all(
        query(len(words), place.backward, place.key is not None),
        q=q,
        prefix=f"{_escaped(q)}%",
        **patterns,
        **values,
        **place.values(),
    )


def _like(text: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    return text.like(bindparam(pattern, type_=Text()), escape="\\")


def _each(text: ColumnElement[str], words: int) -> ColumnElement[bool]:
    return and_(True, *(_like(text, f"word_{n}") for n in range(words)))


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
