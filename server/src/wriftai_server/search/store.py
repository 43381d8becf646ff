"""SQL of search: exact names, prefixes of names, rows by id, and what the index is made from.

Models that a caller may see are merged from two sets, each with an index over names: everyone's public models
and the caller's private ones. So the cost does not depend on how many private models of others lie between.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Text, and_, bindparam, func, literal_column, select, union_all

from wriftai_server.database.driver import Reader, Row
from wriftai_server.database.schema import models, users, versions
from wriftai_server.database.statements import Query, Statement, cut_one_by_one, keyset, ordered
from wriftai_server.http.paging import Place
from wriftai_server.models import store as models_store
from wriftai_server.wire.users import COLUMNS as USER_COLUMNS

# Less and more than any sign that a name can have, and the one behind that.
_BEFORE_SIGNS, _BEHIND_NAMES, _BEHIND_ALL = " ~\x7f"
_MODEL_NAME = func.lower(models.c.name)
_USERNAME = func.lower(users.c.username)
_SETS = {"public": models_store.PUBLIC, "private": models_store.VIEWERS_PRIVATE}
_BATCHES = (32, 128, 512)


def _between(name: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(name > bindparam("least", type_=Text()), name < bindparam("most", type_=Text()))


@cache
def _models_named(sets: tuple[str, ...], descending: bool, after: bool) -> Statement:
    """Select models of one name, those with the most predictions first."""
    order: list[ColumnElement[Any]] = [models.c.predictions_count, models.c.id]
    named = bindparam("name", type_=Text()) == _MODEL_NAME
    keys = select(models.c.id, models.c.predictions_count.label("key")).where(named)
    return _merged(keys, sets, order, descending=descending, after=after)


@cache
def _models_with_prefix(sets: tuple[str, ...], descending: bool, after: bool) -> Statement:
    """Select models whose names begin with a prefix and go on, in the order of names."""
    keys = select(models.c.id, _MODEL_NAME.label("key")).where(_between(_MODEL_NAME))
    return _merged(keys, sets, [_MODEL_NAME, models.c.id], descending=descending, after=after)


def _merged(
    keys: Query, sets: tuple[str, ...], order: list[ColumnElement[Any]], *, descending: bool, after: bool
) -> Statement:
    # Each set is cut to a page by itself, so that its index is read in order. SQLite would take one that tells
    # which models are public, and look at all of them.
    queries = [
        keys.where(_SETS[each]).with_hint(models, f"INDEXED BY ix_models_{each}_name", "sqlite") for each in sets
    ]
    cut = cut_one_by_one(queries, order, descending=descending, after=after)
    return Statement(ordered(union_all(*cut), ["key", "id"], descending=descending))


@cache
def _owners_models_with_prefix(descending: bool, after: bool) -> Statement:
    found = select(models.c.id, _MODEL_NAME).where(
        models.c.owner_id == select(users.c.id).where(bindparam("owner") == _USERNAME).scalar_subquery(),
        _between(_MODEL_NAME),
        models_store.VISIBLE,
    )
    return Statement(keyset(found, [_MODEL_NAME, models.c.id], descending=descending, after=after))


@cache
def _users_with_prefix(descending: bool, after: bool) -> Statement:
    found = select(users.c.id, _USERNAME).where(_between(_USERNAME))
    return Statement(keyset(found, [_USERNAME, users.c.id], descending=descending, after=after))


@cache
def _by_id(which: str, batch: int) -> Statement:
    ids = [bindparam(f"id_{n}", type_=Text()) for n in range(batch)]
    match which:
        case "models":
            return Statement(models_store.whole().where(models.c.id.in_(ids), models_store.VISIBLE))
        case "users":
            return Statement(select(*USER_COLUMNS).where(users.c.id.in_(ids)))
        case "model sources":
            return Statement(_model_source().where(models.c.id.in_(ids)))
        case _:
            return Statement(_user_source().where(users.c.id.in_(ids)))


def _model_source() -> Query:
    """Select what the index holds of models."""
    owned = models.join(users, users.c.id == models.c.owner_id)
    versioned = owned.outerjoin(
        versions, and_(versions.c.model_id == models.c.id, versions.c.number == models.c.latest_version)
    )
    columns = (
        *(
            models.c[name]
            for name in ("id", "owner_id", "name", "visibility", "description", "predictions_count")
        ),
        users.c.username,
        versions.c.release_notes,
    )
    return select(*columns).select_from(versioned)


def _user_source() -> Query:
    """Select what the index holds of users."""
    return select(*(users.c[name] for name in ("id", "username", "name", "bio", "company", "location")))


def _after(query: Query, column: ColumnElement[str]) -> Statement:
    last = bindparam("after", type_=Text())
    return Statement(query.where(column > last).order_by(column).limit(bindparam("limit", type_=Integer())))


_USERS = _after(_user_source(), users.c.id)
_OWNED = _after(_model_source().where(models.c.owner_id == bindparam("owner_id")), models.c.id)


@cache
def _counted(counts: range) -> Statement:
    # Written down: PostgreSQL takes models for few whose bounds it does not know, and would sort them each time.
    least: ColumnElement[int] = literal_column(str(counts.start))
    most: ColumnElement[int] = literal_column(str(counts.stop - 1))
    return _after(_model_source().where(models.c.predictions_count.between(least, most)), models.c.id)


_MOST = bindparam("most", type_=Integer())
_SOME = {
    table.name: Statement(select(func.count()).select_from(select(table.c.id).limit(_MOST).subquery()))
    for table in (models, users)
}


async def models_named(view: Reader, name: str, place: Place, *, viewer: str | None, limit: int) -> list[Row]:
    """Find ids and numbers of predictions of models of exactly one name, those with the most first."""
    statement = _models_named(_sets(viewer), not place.backward, place.key is not None)
    return await view.all(statement, name=name, limit=limit, **_viewer(viewer), **place.values())


async def models_with_prefix(
    view: Reader, prefix: str, place: Place, *, owner: str | None, viewer: str | None, limit: int
) -> list[Row]:
    """Find ids and names, in lower case, of models whose names begin with a prefix and go on, by name.

    Args:
        view: Runs the query.
        prefix: In lower case.
        place: Where to start.
        owner: Username, in lower case; None is everyone.
        viewer: Id of who searches; None is anonymous.
        limit: How many at most.
    """
    bounds, after = bounds_of(prefix, place), place.key is not None
    if owner is not None:
        statement = _owners_models_with_prefix(place.backward, after)
        return await view.all(statement, owner=owner, viewer=viewer, limit=limit, **bounds, **place.values())
    statement = _models_with_prefix(_sets(viewer), place.backward, after)
    return await view.all(statement, limit=limit, **bounds, **_viewer(viewer), **place.values())


async def users_with_prefix(view: Reader, prefix: str, place: Place, *, limit: int) -> list[Row]:
    """Find ids and usernames, in lower case, of users whose usernames begin with a prefix and go on."""
    statement = _users_with_prefix(place.backward, place.key is not None)
    return await view.all(statement, limit=limit, **bounds_of(prefix, place), **place.values())


async def models_by_id(view: Reader, ids: Sequence[str], *, viewer: str | None) -> dict[str, Row]:
    """Find those of some models that are there and that the viewer may see."""
    return {row[0]: row for row in await _rows(view, "models", ids, viewer=viewer)}


async def users_by_id(view: Reader, ids: Sequence[str]) -> dict[str, Row]:
    """Find those of some users that are there."""
    return {row[0]: row for row in await _rows(view, "users", ids)}


async def model_sources(view: Reader, ids: Sequence[str]) -> list[Row]:
    """Find what the index holds of some models."""
    return await _rows(view, "model sources", ids)


async def user_sources(view: Reader, ids: Sequence[str]) -> list[Row]:
    """Find what the index holds of some users."""
    return await _rows(view, "user sources", ids)


async def sources_after(view: Reader, counts: range | None, after: str, *, limit: int) -> list[Row]:
    """Find what the index holds of models or users, in the order of their ids, from one on.

    Args:
        view: Runs the query.
        counts: Numbers of predictions that the models have; None is all users.
        after: Id to start behind.
        limit: How many at most.
    """
    return await view.all(_USERS if counts is None else _counted(counts), after=after, limit=limit)


async def sources_of_owner(view: Reader, owner_id: str, after: str, *, limit: int) -> list[Row]:
    """Find what the index holds of the models that someone owns, in the order of their ids, from one on."""
    return await view.all(_OWNED, owner_id=owner_id, after=after, limit=limit)


async def count(view: Reader, which: str, *, most: int) -> int:
    """Count `models` or `users`, as far as a number."""
    row = await view.one(_SOME[which], most=most)
    number: int = row[0] if row else 0
    return number


def bounds_of(prefix: str, place: Place) -> dict[str, str]:
    """Give what names with a prefix lie between; those that lie before the place are not looked at.

    The place is one that a caller may have made up, with any signs.
    """
    least, most = prefix, prefix + _BEHIND_NAMES
    if place.key is not None:
        name = str(place.key[0])
        if place.backward:
            most = min(most, name + _BEFORE_SIGNS)
        elif (sign := min(name[-1:], _BEHIND_ALL)) > _BEFORE_SIGNS:
            least = max(least, name[:-1] + chr(ord(sign) - 1) + _BEHIND_NAMES)
        else:
            least = max(least, name[:-1])
    return {"least": least, "most": most}


async def _rows(view: Reader, which: str, ids: Sequence[str], **values: Any) -> list[Row]:
    rows: list[Row] = []
    left = list(ids)
    while left:
        batch = next((size for size in _BATCHES if size >= len(left)), _BATCHES[-1])
        some, left = left[:batch], left[batch:]
        padded = [*some, *[""] * (batch - len(some))]
        rows += await view.all(
            _by_id(which, batch), **values, **{f"id_{n}": each for n, each in enumerate(padded)}
        )
    return rows


def _sets(viewer: str | None) -> tuple[str, ...]:
    return ("public",) if viewer is None else ("public", "private")


def _viewer(viewer: str | None) -> dict[str, str]:
    return {} if viewer is None else {"viewer": viewer}
