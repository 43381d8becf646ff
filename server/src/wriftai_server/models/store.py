"""Rows of models.

What a caller may see of them is merged from at most two sets, each with an index in every order: everyone's
public models or one owner's, and the caller's private ones. A page reads only as many rows of each as it shows,
so it costs the same at any depth, and however many private models of others lie between. In the order of
predictions, models with tallies (see models/tallies.py) are one set more: there are as many as a second brings.
"""

from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql

from wriftai.models import ModelsSortBy
from wriftai_server.database import feed
from wriftai_server.database.driver import Reader, Row, Transaction
from wriftai_server.database.schema import hardware, models, prediction_tallies, users, versions
from wriftai_server.database.statements import Query, Statement, behind, cut_one_by_one, keyset, ordered
from wriftai_server.database.values import fold, now
from wriftai_server.http.paging import Place
from wriftai_server.wire.models import COLUMNS

# What a viewer may see, as sets of which each has an index in every order, and as a condition.
PUBLIC = models.c.visibility == literal_column("'public'")
VIEWERS_PRIVATE = and_(
    models.c.owner_id == bindparam("viewer"), models.c.visibility == literal_column("'private'")
)
_TALLIED = prediction_tallies.c.model_id == models.c.id
# Said so that SQLite, which knows nothing of how many are public, never looks through all of them by an index.
VISIBLE = not_(and_(models.c.visibility != "public", models.c.owner_id.is_distinct_from(bindparam("viewer"))))


def whole() -> Query:
    """Select everything that is shown of models, with owner, hardware and latest version."""
    owned = models.join(users, users.c.id == models.c.owner_id)
    running = owned.join(hardware, hardware.c.id == models.c.hardware_id)
    versioned = running.outerjoin(
        versions, and_(versions.c.model_id == models.c.id, versions.c.number == models.c.latest_version)
    )
    return select(*COLUMNS).select_from(versioned)


NAMED = and_(func.lower(users.c.username) == bindparam("owner"), func.lower(models.c.name) == bindparam("name"))
_GET = Statement(whole().where(NAMED, VISIBLE))
_BY_ID = Statement(whole().where(models.c.id == bindparam("model_id")))
_identity = (
    select(models.c.id, models.c.owner_id, models.c.name)
    .join_from(models, users, users.c.id == models.c.owner_id)
    .where(NAMED, VISIBLE)
)
_IDENTITY = Statement(_identity)
_LOCK_NAMED = Statement(_identity.with_for_update(of=models))
_LOCK = Statement(select(models.c.id).where(models.c.id == bindparam("model_id")).with_for_update())
_INSERTED = (
    "id",
    "owner_id",
    "name",
    "visibility",
    "description",
    "source_url",
    "license_url",
    "paper_url",
    "hardware_id",
    "created_at",
)
_row: dict[str, Any] = {name: bindparam(name) for name in _INSERTED}
_INSERT = Statement(insert(models).values(_row))
# In words that SQLite has as well.
_INSERT_NEW = Statement(postgresql.insert(models).values(_row).on_conflict_do_nothing())
_NOTE_THOSE = feed.noting(
    "model", select(models.c.id).where(models.c.id >= bindparam("first"), models.c.id <= bindparam("last"))
)
_DELETE = Statement(delete(models).where(models.c.id == bindparam("model_id")))
_NEXT_NUMBER = Statement(
    update(models)
    .where(models.c.id == bindparam("model_id"))
    .values(versions_created=models.c.versions_created + 1, latest_version=models.c.versions_created + 1)
    .returning(models.c.versions_created)
)
_LATEST = Statement(
    update(models)
    .where(models.c.id == bindparam("model_id"))
    .values(
        latest_version=select(func.max(versions.c.number))
        .where(versions.c.model_id == bindparam("model_id"))
        .scalar_subquery()
    )
)


@cache
def _update(*names: str) -> Statement:
    return Statement(
        update(models)
        .where(models.c.id == bindparam("model_id"))
        .values({name: bindparam(name) for name in names})
    )


_SETS = {
    "everyone's public": PUBLIC,
    "the owner's public": and_(models.c.owner_id == bindparam("owner_id"), PUBLIC),
    "the viewer's private": VIEWERS_PRIVATE,
}


@cache
def _page(sets: tuple[str, ...], sort_by: ModelsSortBy, descending: bool, after: bool) -> Statement:
    if sort_by == ModelsSortBy.PREDICTION_COUNT:
        some = _by_count(sets, descending=descending, after=after)
    else:
        order = [models.c.created_at, models.c.id]
        if len(sets) == 1:
            return Statement(keyset(whole().where(_SETS[sets[0]]), order, descending=descending, after=after))
        keys = select(models.c.id, models.c.created_at.label("key"))
        some = cut_one_by_one(
            [keys.where(_SETS[each]) for each in sets], order, descending=descending, after=after
        )
    # Of several sets only keys are merged, in the order of the indexes; whole rows are fetched for one page.
    merged = ordered(union_all(*some), ["key", "id"], descending=descending).subquery()
    return Statement(whole().join(merged, merged.c.id == models.c.id))


def _by_count(sets: tuple[str, ...], *, descending: bool, after: bool) -> list[Query]:
    """Select keys of the models whose counts are what their rows say, and of those few that have tallies."""
    order = [models.c.predictions_count, models.c.id]
    settled = select(models.c.id, models.c.predictions_count.label("key")).where(~exists().where(_TALLIED))
    own = [settled.where(_SETS[each]) for each in sets]
    tallies = (
        select(prediction_tallies.c.model_id, func.count().label("more"))
        .group_by(prediction_tallies.c.model_id)
        .subquery()
    )
    # Models are looked up one by one: for a join PostgreSQL may read all of them.
    count = (
        select(models.c.predictions_count)
        .where(models.c.id == tallies.c.model_id, or_(*(_SETS[each] for each in sets)))
        .scalar_subquery()
    )
    summed = select(tallies.c.model_id.label("id"), (count + tallies.c.more).label("key")).subquery()
    tallied = select(summed.c.id, summed.c.key).where(
        summed.c.key.is_not(None),
        *behind([summed.c.key, summed.c.id], descending=descending, after=after),
    )
    return [*cut_one_by_one(own, order, descending=descending, after=after), tallied]


def key_of(sort_by: ModelsSortBy) -> Any:
    """Give the function that gives the sort keys of a row."""
    column = 2 if sort_by == ModelsSortBy.CREATED_AT else 9
    return lambda row: (row[column], row[0])


async def get(view: Reader, *, viewer: str | None, owner: str, name: str) -> Row | None:
    """Find a model that the viewer may see, by names without regard to case."""
    return await view.one(_GET, viewer=viewer, owner=fold(owner), name=fold(name))


async def by_id(view: Reader, *, model_id: str) -> Row | None:
    """Find a model, whoever may see it."""
    return await view.one(_BY_ID, model_id=model_id)


async def find_identity(view: Reader, *, viewer: str | None, owner: str, name: str) -> Row | None:
    """Find the id, owner's id and name of a model that the viewer may see."""
    return await view.one(_IDENTITY, viewer=viewer, owner=fold(owner), name=fold(name))


async def lock_named(transaction: Transaction, *, viewer: str | None, owner: str, name: str) -> Row | None:
    """Find what `find_identity` does, and make others who lock the model wait until this transaction ends."""
    return await transaction.one(_LOCK_NAMED, viewer=viewer, owner=fold(owner), name=fold(name))


async def lock(transaction: Transaction, *, model_id: str) -> bool:
    """Make others who lock a model wait until this transaction ends; False when it is gone."""
    return await transaction.one(_LOCK, model_id=model_id) is not None


async def page(
    view: Reader,
    place: Place,
    *,
    viewer: str | None,
    owner_id: str | None,
    sort_by: ModelsSortBy,
    descending: bool,
    limit: int,
) -> list[Row]:
    """Find models that the viewer may see, from a place on.

    Args:
        view: Runs the query.
        place: Where to start.
        viewer: Id of who looks; None is anonymous.
        owner_id: Whose models; None is everyone's.
        sort_by: What to order by.
        descending: Largest first.
        limit: How many at most.
    """
    sets = ["everyone's public" if owner_id is None else "the owner's public"]
    values: dict[str, Any] = {"limit": limit, **place.values()}
    if owner_id is not None:
        values["owner_id"] = owner_id
    if viewer is not None and owner_id in (None, viewer):
        sets.append("the viewer's private")
        values["viewer"] = viewer
    descending = descending != place.backward
    statement = _page(tuple(sets), sort_by, descending, place.key is not None)
    rows = await view.all(statement, **values)
    return sorted(rows, key=key_of(sort_by), reverse=descending)


async def add(transaction: Transaction, **values: Any) -> None:
    """Store a new model."""
    await transaction.execute(_INSERT, **values)
    await feed.note(transaction, "model", values["id"])


async def add_new(transaction: Transaction, rows: list[dict[str, Any]]) -> int:
    """Store those models whose names their owners do not have yet; give their number."""
    # An index is cheaper to add to where the rows lie side by side in it; of two with one name the first stays.
    added = await transaction.execute_many(_INSERT_NEW, sorted(rows, key=itemgetter("owner_id")))
    ids = [row["id"] for row in rows]
    await transaction.execute(_NOTE_THOSE, first=min(ids), last=max(ids), moment=now())
    return added


async def change(transaction: Transaction, *, model_id: str, **values: Any) -> None:
    """Change some columns of a model."""
    await transaction.execute(_update(*sorted(values)), model_id=model_id, **values)
    await feed.note(transaction, "model", model_id)


async def remove(transaction: Transaction, *, model_id: str) -> None:
    """Remove a model and its versions."""
    await transaction.execute(_DELETE, model_id=model_id)
    await feed.note(transaction, "model", model_id)


async def next_version_number(transaction: Transaction, *, model_id: str) -> int:
    """Count one more version, which becomes the latest, and give its number; no number is given twice."""
    row = await transaction.one(_NEXT_NUMBER, model_id=model_id)
    if row is None:
        raise LookupError(model_id)
    await feed.note(transaction, "model", model_id)
    number: int = row[0]
    return number


async def find_latest_version(transaction: Transaction, *, model_id: str) -> None:
    """Make the newest version that is left the latest."""
    await transaction.execute(_LATEST, model_id=model_id)
    await feed.note(transaction, "model", model_id)


def sort_key_types(sort_by: ModelsSortBy) -> tuple[type, ...]:
    """Give the types of the sort keys."""
    return (str if sort_by == ModelsSortBy.CREATED_AT else int, str)
