"""Rows of predictions, as their creators see them.

They are merged from a set for each status. Each of these has an index in their order, so that a page costs the
same however many there are of other statuses and of other people.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, case, func, insert, select, union_all

from wriftai.predictions import PredictionWithIO
from wriftai_server.database.driver import Reader, Row, Transaction
from wriftai_server.database.schema import models, prediction_events, predictions, users, versions
from wriftai_server.database.statements import Query, Statement, cut_one_by_one, ordered
from wriftai_server.database.values import fold
from wriftai_server.http.paging import Key, Place
from wriftai_server.models.store import NAMED, VISIBLE
from wriftai_server.wire.predictions import COLUMNS, WHOLE, shown_whole

KEY_TYPES = (str, str)


class Target(NamedTuple):
    """What can be run.

    Attributes:
        model_id: UUID.
        hardware_id: UUID of what the model needs.
        version_id: UUID; None when the model has no such version.
        digest: Of the version's image.
        schemas: The version's own, as JSON.
    """

    model_id: str
    hardware_id: str
    version_id: str | None
    digest: str
    schemas: str


def _target(*version: ColumnElement[bool]) -> Query:
    owned = models.join(users, users.c.id == models.c.owner_id)
    running = owned.outerjoin(versions, and_(versions.c.model_id == models.c.id, *version))
    return select(
        models.c.id,
        models.c.hardware_id,
        versions.c.id.label("version_id"),
        versions.c.container_image_digest,
        versions.c.schemas,
    ).select_from(running)


_LATEST = Statement(_target(versions.c.number == models.c.latest_version).where(NAMED, VISIBLE))
_NUMBERED = Statement(_target(versions.c.number == bindparam("number")).where(NAMED, VISIBLE))
_VERSION = Statement(_target().where(versions.c.id == bindparam("version_id"), VISIBLE))

_OWN = predictions.c.user_id == bindparam("viewer")
_ONE = predictions.c.id == bindparam("prediction_id")
_state = select(*COLUMNS, predictions.c.attempt).where(_ONE, _OWN)
_STATE = Statement(_state)
_LOCK = Statement(_state.with_for_update(key_share=True))
_whole = select(*WHOLE, predictions.c.attempt, predictions.c.hub_url).where(_ONE)
_GET = Statement(_whole.where(_OWN))
_BY_ID = Statement(_whole)
_LINES = Statement(
    select(prediction_events.c.kind, prediction_events.c.data)
    .where(
        prediction_events.c.prediction_id == bindparam("prediction_id"),
        prediction_events.c.attempt == bindparam("attempt"),
        prediction_events.c.kind != "output",
    )
    .order_by(prediction_events.c.seq)
)
_EVENTS = Statement(
    select(prediction_events.c.seq, prediction_events.c.kind, prediction_events.c.data)
    .where(
        prediction_events.c.prediction_id == bindparam("prediction_id"),
        prediction_events.c.attempt == bindparam("attempt"),
        prediction_events.c.seq > bindparam("seq"),
        prediction_events.c.kind != "setup_log",
    )
    .order_by(prediction_events.c.seq)
    .limit(bindparam("limit"))
)
_RESULT = Statement(
    select(
        func.coalesce(func.max(prediction_events.c.seq), 0),
        func.coalesce(func.sum(case((prediction_events.c.kind == "output", 1), else_=0)), 0),
        select(predictions.c.output).where(_ONE).scalar_subquery(),
    ).where(
        prediction_events.c.prediction_id == bindparam("prediction_id"),
        prediction_events.c.attempt == bindparam("attempt"),
    )
)
_INSERTED = (
    "id",
    "user_id",
    "model_id",
    "version_id",
    "hardware_id",
    "input",
    "webhook_url",
    "hub_url",
)
_INSERT = Statement(
    insert(predictions).values(
        {name: bindparam(name) for name in _INSERTED}
        | {"status": "pending", "created_at": bindparam("now"), "updated_at": bindparam("now")}
    )
)


@cache
def _page(statuses: int, descending: bool, after: bool) -> Statement:
    order = [predictions.c.created_at, predictions.c.id]
    # Only keys are merged, in the order of the index; whole rows are fetched for one page.
    keys = select(predictions.c.id, predictions.c.created_at.label("key"))
    some = [keys.where(_OWN, predictions.c.status == bindparam(f"status_{n}")) for n in range(statuses)]
    pages = cut_one_by_one(some, order, descending=descending, after=after)
    merged = ordered(union_all(*pages), ["key", "id"], descending=descending).subquery()
    return Statement(select(*COLUMNS).join_from(predictions, merged, merged.c.id == predictions.c.id))


def key_of(row: Row) -> Key:
    """Give the sort keys of a row."""
    return (row[2], row[0])


async def named(view: Reader, *, viewer: str, owner: str, name: str, number: int | None) -> Target | None:
    """Find a version of a model that the viewer may see, to run it; no number stands for the latest."""
    names = {"viewer": viewer, "owner": fold(owner), "name": fold(name)}
    row = await (view.one(_LATEST, **names) if number is None else view.one(_NUMBERED, **names, number=number))
    return None if row is None else Target(*row)


async def version(view: Reader, *, viewer: str, version_id: str) -> Target | None:
    """Find a version that the viewer may see, to run it."""
    row = await view.one(_VERSION, viewer=viewer, version_id=version_id)
    return None if row is None else Target(*row)


async def add(transaction: Transaction, *, now: str, **values: Any) -> None:
    """Store a new prediction, which waits from now on."""
    await transaction.execute(_INSERT, now=now, **values)


async def state(view: Reader, *, viewer: str, prediction_id: str) -> Row | None:
    """Find a prediction of the viewer; behind its columns comes its attempt."""
    return await view.one(_STATE, viewer=viewer, prediction_id=prediction_id)


async def lock(transaction: Transaction, *, viewer: str, prediction_id: str) -> Row | None:
    """Find what `state` does, and keep others from changing it until this transaction ends."""
    return await transaction.one(_LOCK, viewer=viewer, prediction_id=prediction_id)


async def get(view: Reader, *, viewer: str, prediction_id: str, hub_url: str) -> PredictionWithIO | None:
    """Find a prediction of the viewer, with what went in and came out."""
    row = await view.one(_GET, viewer=viewer, prediction_id=prediction_id)
    return None if row is None else await _shown(view, row, hub_url)


async def by_id(view: Reader, *, prediction_id: str) -> PredictionWithIO:
    """Give a prediction that is there, whoever may see it, addressed as its creator reached the hub."""
    row = await view.one(_BY_ID, prediction_id=prediction_id)
    if row is None:
        raise LookupError(prediction_id)
    return await _shown(view, row, row[-1])


async def result(view: Reader, *, prediction_id: str, attempt: int) -> Row:
    """Give the number of an attempt's last event, how many of its events are outputs, and the output of all."""
    row = await view.one(_RESULT, prediction_id=prediction_id, attempt=attempt)
    if row is None:
        raise LookupError(prediction_id)
    return row


async def events(view: Reader, *, prediction_id: str, attempt: int, after: int, limit: int) -> list[Row]:
    """Find what an attempt said after its setup, in order: the number, kind and data of each event.

    Args:
        view: Runs the query.
        prediction_id: UUID.
        attempt: Which one.
        after: Number of the event before the first.
        limit: How many at most.
    """
    return await view.all(_EVENTS, prediction_id=prediction_id, attempt=attempt, seq=after, limit=limit)


async def page(view: Reader, place: Place, *, viewer: str, statuses: Sequence[str], limit: int) -> list[Row]:
    """Find predictions of the viewer from a place on, newest first.

    Args:
        view: Runs the query.
        place: Where to start.
        viewer: Id of who looks.
        statuses: Which ones.
        limit: How many at most.
    """
    descending = not place.backward
    statement = _page(len(statuses), descending, place.key is not None)
    chosen = {f"status_{n}": status for n, status in enumerate(statuses)}
    rows = await view.all(statement, viewer=viewer, limit=limit, **chosen, **place.values())
    return sorted(rows, key=key_of, reverse=descending)


async def _shown(view: Reader, row: Row, hub_url: str) -> PredictionWithIO:
    attempt = row[-2]
    lines = await view.all(_LINES, prediction_id=row[0], attempt=attempt) if attempt else []
    logs, setup_logs = ([data for kind, data in lines if kind == each] or None for each in ("log", "setup_log"))
    return shown_whole(row, hub_url, logs=logs, setup_logs=setup_logs)
