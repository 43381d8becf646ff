"""The queue: predictions that wait, run and end, as rows of their own table.

Each function takes predictions one step on, in the transaction of whoever calls it. A worker holds a prediction
by a claim: what it says counts only while the row still names that worker and that attempt. Whoever calls
commits, and then tells `Changes` the ids, `end_of` those that may have ended, `queue` where there is more to run,
and `webhooks`.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Integer,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)

from wriftai.predictions import ErrorSource, Status, TaskError
from wriftai_server.database.driver import Reader, Row, Transaction
from wriftai_server.database.schema import prediction_events, predictions
from wriftai_server.database.statements import Query, Statement
from wriftai_server.database.values import now
from wriftai_server.predictions import store
from wriftai_server.predictions.claims import Claim, Event, Held, Outcome, WaitingVersion
from wriftai_server.webhooks import service as webhooks
from wriftai_server.wire.predictions import duration

_MOST_LOST = 3

# Written out, so that SQLite sees that the indexes on rows of one status hold all that is looked for.
_PENDING = predictions.c.status == literal_column("'pending'")
_STARTED = predictions.c.status == literal_column("'started'")
_WAITS_FOR = (_PENDING, predictions.c.hardware_id == bindparam("on_hardware"))
_HELD = (
    predictions.c.id == bindparam("prediction_id"),
    _STARTED,
    predictions.c.attempt == bindparam("held_attempt"),
    predictions.c.worker == bindparam("held_by"),
)
_MOVED = (predictions.c.id, predictions.c.webhook_url)

_first = select(func.min(predictions.c.version_id).label("version_id")).where(*_WAITS_FOR).cte(recursive=True)
_following = (
    select(func.min(predictions.c.version_id))
    .where(*_WAITS_FOR, predictions.c.version_id > _first.c.version_id)
    .scalar_subquery()
)
_versions = _first.union_all(select(_following).where(_first.c.version_id.is_not(None)))
_since = (
    select(func.min(predictions.c.created_at))
    .where(*_WAITS_FOR, predictions.c.version_id == _versions.c.version_id)
    .scalar_subquery()
)
_WAITING = Statement(select(_versions.c.version_id, _since).where(_versions.c.version_id.is_not(None)))

_by_wait = (
    select(predictions.c.id)
    .where(*_WAITS_FOR, predictions.c.version_id == bindparam("of_version"))
    .order_by(predictions.c.created_at, predictions.c.id)
)
_FIRST = Statement(_by_wait.limit(1))


def _free_ones(rows: Query) -> ColumnElement[bool]:
    """Give the condition that a row is one of some that nobody else changes just now; those are locked first."""
    free = rows.with_for_update(key_share=True, skip_locked=True).cte()
    return predictions.c.id.in_(select(free.c.id))


_CLAIM = Statement(
    update(predictions)
    .where(_free_ones(_by_wait.limit(bindparam("most", type_=Integer()))))
    .values(
        status="started",
        worker=bindparam("worker"),
        lease_until=bindparam("lease_until"),
        attempt=predictions.c.attempt + 1,
        updated_at=bindparam("now"),
    )
    .returning(
        *_MOVED,
        predictions.c.created_at,
        predictions.c.attempt,
        predictions.c.user_id,
        predictions.c.model_id,
        predictions.c.version_id,
        predictions.c.input,
    )
)
_RENEW = Statement(
    update(predictions)
    .where(_STARTED, predictions.c.lease_until > "", predictions.c.worker == bindparam("held_by"))
    .values(lease_until=bindparam("lease_until"))
    .returning(predictions.c.id, predictions.c.attempt)
)
_TO_CANCEL = Statement(
    select(predictions.c.id).where(
        _STARTED,
        predictions.c.lease_until > "",
        predictions.c.worker == bindparam("held_by"),
        predictions.c.cancel_requested_at.is_not(None),
    )
)
_LAST_SEQ = Statement(
    select(
        select(func.coalesce(func.max(prediction_events.c.seq), 0))
        .where(
            prediction_events.c.prediction_id == bindparam("prediction_id"),
            prediction_events.c.attempt == bindparam("held_attempt"),
        )
        .scalar_subquery()
    )
    .select_from(predictions)
    .where(*_HELD)
    # Nobody takes the prediction from the claim before its events are there.
    .with_for_update(key_share=True)
)
_ADD_EVENT = Statement(insert(prediction_events).values({c.name: bindparam(c.name) for c in prediction_events.c}))
_FORGET_EVENTS = Statement(
    delete(prediction_events).where(prediction_events.c.prediction_id == bindparam("prediction_id"))
)
_ENDED: dict[str, Any] = {"finished_at": bindparam("now"), "updated_at": bindparam("now")}
_FINISH = Statement(
    update(predictions)
    .where(*_HELD)
    .values(
        {name: bindparam(name) for name in ("status", "output", "error", "setup_time", "execution_time")} | _ENDED
    )
    .returning(*_MOVED)
)
_CANCEL_PENDING = Statement(
    update(predictions)
    .where(predictions.c.id == bindparam("prediction_id"), _PENDING)
    .values(status="cancelled", **_ENDED)
    .returning(*_MOVED)
)
_CANCEL_STARTED = Statement(
    update(predictions)
    .where(predictions.c.id == bindparam("prediction_id"), _STARTED)
    .values(cancel_requested_at=func.coalesce(predictions.c.cancel_requested_at, bindparam("now")))
)
_becomes = case(
    (predictions.c.cancel_requested_at.is_not(None), "cancelled"),
    (predictions.c.lost + bindparam("newly_lost", type_=Integer()) >= _MOST_LOST, "failed"),
    else_="pending",
)
_give_back = (
    update(predictions)
    .values(
        status=_becomes,
        lost=predictions.c.lost + bindparam("newly_lost", type_=Integer()),
        error=case((_becomes == "failed", bindparam("error")), else_=null()),
        finished_at=case((_becomes != "pending", bindparam("now")), else_=null()),
        updated_at=bindparam("now"),
        worker=null(),
        lease_until=null(),
    )
    .returning(*_MOVED, predictions.c.status)
)
_RELEASE = Statement(_give_back.where(*_HELD))
_ran_out = select(predictions.c.id).where(_STARTED, predictions.c.lease_until < bindparam("moment"))
# Whoever has one locked is renewing its lease, or ends it, or gives it back as well.
_EXPIRE = Statement(_give_back.where(_free_ones(_ran_out)))

_LOST = TaskError(
    source=ErrorSource.internal,
    message=f"The worker that ran it disappeared, {_MOST_LOST} times in a row. Try again later.",
    detail=None,
)


def end_of(prediction_id: str) -> str:
    """Name the topic of those who wait for a prediction to end, and need not know that it began."""
    return f"end of {prediction_id}"


async def is_first(view: Reader, *, prediction_id: str, hardware_id: str, version_id: str) -> bool:
    """Tell whether a prediction waits, and of those of its version has done so for longest.

    Then workers are to be told that there is something to run. Whoever runs the version takes what else waits
    for it after that. To be asked after the commit: of two that are stored at once neither sees the other before.
    """
    row = await view.one(_FIRST, on_hardware=hardware_id, of_version=version_id)
    return row is not None and row[0] == prediction_id


async def waiting(view: Reader, *, hardware_id: str) -> list[WaitingVersion]:
    """Find the versions that predictions wait for, whatever the number of these."""
    return [WaitingVersion(*row) for row in await view.all(_WAITING, on_hardware=hardware_id)]


async def claim(
    transaction: Transaction, *, worker: str, hardware_id: str, version_id: str, lease_until: str, limit: int = 1
) -> list[Claim]:
    """Start the predictions of a version that have waited longest.

    Args:
        transaction: Changes the rows.
        worker: Holds them from now on; a name that no other ever had.
        hardware_id: What they wait for.
        version_id: What they run.
        lease_until: When they are given up, unless the lease is renewed.
        limit: How many at most.
    """
    rows = await _move(
        transaction,
        _CLAIM,
        worker=worker,
        on_hardware=hardware_id,
        of_version=version_id,
        lease_until=lease_until,
        most=limit,
        now=now(),
    )
    rows.sort(key=lambda row: (row[2], row[0]))
    return [Claim(row[0], row[3], worker, row[4], row[5], row[6], row[7], row[1] is not None) for row in rows]


async def renew(transaction: Transaction, *, worker: str, lease_until: str) -> list[Held]:
    """Hold everything that a worker still holds for longer; what is missing in the answer it holds no more.

    Meanwhile it may store no events of several claims in one transaction: the two might wait for each other.
    """
    rows = await transaction.all(_RENEW, held_by=worker, lease_until=lease_until)
    return [Held(prediction_id, attempt, worker) for prediction_id, attempt in rows]


async def to_cancel(view: Reader, *, worker: str) -> list[str]:
    """Find what a worker holds and is to stop."""
    return [row[0] for row in await view.all(_TO_CANCEL, held_by=worker)]


async def add_events(transaction: Transaction, claim: Claim, events: Iterable[Event]) -> bool:
    """Store what a run says, behind what it said before; False, and nothing, when the claim no longer counts.

    Nobody else may store events of the claim meanwhile.
    """
    row = await transaction.one(_LAST_SEQ, **_fence(claim))
    if row is None:
        return False
    of_claim = {"prediction_id": claim.id, "attempt": claim.attempt}
    # Databases do not all hold U+0000; JSON has none as it is.
    rows = [
        of_claim | {"seq": seq, "kind": event.kind, "data": event.data.replace("\0", "\ufffd")}
        for seq, event in enumerate(events, row[0] + 1)
    ]
    await transaction.execute_many(_ADD_EVENT, rows)
    return True


async def finish(transaction: Transaction, claim: Claim, outcome: Outcome) -> bool:
    """End a prediction; False, and nothing, when the claim no longer counts."""
    moved = await _move(
        transaction,
        _FINISH,
        **_fence(claim),
        status=str(outcome.status),
        output=outcome.output,
        error=None if outcome.error is None else msgspec.json.encode(outcome.error).decode(),
        setup_time=None if outcome.setup_seconds is None else duration(outcome.setup_seconds),
        execution_time=None if outcome.execution_seconds is None else duration(outcome.execution_seconds),
        now=now(),
    )
    return bool(moved)


async def release(transaction: Transaction, claim: Claim | Held) -> bool:
    """Give a prediction back that is not to run here after all: it waits again, or is cancelled where that was
    asked for; False, and nothing, when the claim no longer counts.
    """  # noqa: D205  one sentence
    return bool(await _given_back(transaction, _RELEASE, newly_lost=0, **_fence(claim)))


async def expire(transaction: Transaction, *, now: str) -> list[str]:
    """Take back predictions whose leases ran out.

    They wait again, or are cancelled where that was asked for, or fail when they were lost too often.

    Args:
        transaction: Changes the rows.
        now: Leases up to here have run out.

    Returns:
        Their ids.
    """
    return await _given_back(transaction, _EXPIRE, newly_lost=1, moment=now)


async def cancel(transaction: Transaction, *, prediction_id: str) -> bool:
    """Cancel a prediction that waits, or ask for one that runs to be stopped; False when it has ended."""
    moment = now()
    if await _move(transaction, _CANCEL_PENDING, prediction_id=prediction_id, now=moment):
        return True
    return bool(await transaction.execute(_CANCEL_STARTED, prediction_id=prediction_id, now=moment))


async def _given_back(transaction: Transaction, statement: Statement, **values: Any) -> list[str]:
    error = msgspec.json.encode(_LOST).decode()
    moved = await _move(transaction, statement, error=error, now=now(), **values)
    for prediction_id, _, status in moved:
        if status == Status.pending:
            await transaction.execute(_FORGET_EVENTS, prediction_id=prediction_id)
    return [row[0] for row in moved]


async def _move(transaction: Transaction, statement: Statement, **values: Any) -> list[Row]:
    """Change the status of predictions: the one place that does, so that every change is told of."""
    moved = await transaction.all(statement, **values)
    for prediction_id, webhook_url, *_ in moved:
        if webhook_url is not None:
            prediction = await store.by_id(transaction, prediction_id=prediction_id)
            body = msgspec.json.encode(prediction)
            await webhooks.enqueue(transaction, prediction_id=prediction_id, body=body)
    return moved


def _fence(claim: Claim | Held) -> dict[str, str | int]:
    return {"prediction_id": claim.id, "held_attempt": claim.attempt, "held_by": claim.worker}
