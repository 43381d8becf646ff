"""Rows of deliveries: what is still to be posted.

The rows of a prediction have one `next_at` and one number of attempts, those of the first: they move together,
and when they are due the first is posted. So whoever adds or changes some locks the prediction first, and then
sees all that others did to them.
"""

from typing import NamedTuple

from sqlalchemy import Integer, bindparam, delete, func, insert, select, update

from wriftai_server.database.driver import Reader, Row, Transaction
from wriftai_server.database.schema import predictions, users
from wriftai_server.database.schema import webhook_deliveries as deliveries
from wriftai_server.database.statements import Statement

_OF_PREDICTION = deliveries.c.prediction_id == bindparam("of_prediction")
_HELD = deliveries.c.next_at == bindparam("lease")

_LOCK = Statement(
    select(predictions.c.user_id)
    .where(predictions.c.id == bindparam("of_prediction"))
    .with_for_update(key_share=True)
)
_ADD = Statement(
    insert(deliveries).values(
        prediction_id=bindparam("of_prediction"),
        user_id=bindparam("of_user"),
        body=bindparam("body"),
        created_at=bindparam("now"),
        next_at=func.coalesce(
            select(func.max(deliveries.c.next_at)).where(_OF_PREDICTION).scalar_subquery(), bindparam("now")
        ),
    )
)

# From one user to the next, so that it costs the same however many deliveries each of them has.
_first = select(func.min(deliveries.c.user_id).label("user_id")).cte(recursive=True)
_following = (
    select(func.min(deliveries.c.user_id)).where(deliveries.c.user_id > _first.c.user_id).scalar_subquery()
)
_users = _first.union_all(select(_following).where(_first.c.user_id.is_not(None)))
_next_at = (
    select(func.min(deliveries.c.next_at)).where(deliveries.c.user_id == _users.c.user_id).scalar_subquery()
)
_DUE = Statement(select(_users.c.user_id, _next_at).where(_users.c.user_id.is_not(None)))

_IS_DUE = deliveries.c.next_at <= bindparam("now")
_LONGEST_DUE = Statement(
    select(deliveries.c.prediction_id)
    .where(deliveries.c.user_id == bindparam("of_user"), _IS_DUE)
    .order_by(deliveries.c.next_at)
    .limit(1)
)
_CLAIM = Statement(
    update(deliveries)
    .where(_OF_PREDICTION, _IS_DUE)
    .values(next_at=bindparam("lease"))
    .returning(deliveries.c.id)
)
_GET = Statement(
    select(
        deliveries.c.id,
        deliveries.c.prediction_id,
        deliveries.c.user_id,
        predictions.c.webhook_url,
        users.c.webhook_secret,
        deliveries.c.body,
        deliveries.c.created_at,
        deliveries.c.attempts,
        deliveries.c.next_at,
    )
    .join_from(deliveries, predictions, predictions.c.id == deliveries.c.prediction_id)
    .join(users, users.c.id == deliveries.c.user_id)
    .where(deliveries.c.id == bindparam("delivery_id"))
)
_REMOVE = Statement(delete(deliveries).where(deliveries.c.id == bindparam("delivery_id"), _HELD))
_FREE = Statement(update(deliveries).where(_OF_PREDICTION).values(next_at=bindparam("now"), attempts=0))
_POSTPONE = Statement(
    update(deliveries)
    .where(_OF_PREDICTION, _HELD)
    .values(next_at=bindparam("next_at"), attempts=bindparam("attempts", type_=Integer()))
)


class Delivery(NamedTuple):
    """A delivery that was claimed.

    Attributes:
        id: Grows with time, and never comes again.
        prediction_id: UUID.
        user_id: UUID of the prediction's creator.
        url: To post to.
        secret: Of that user; None signs nothing.
        body: JSON.
        created_at: When the prediction changed.
        attempts: That failed before.
        lease: Until when nobody else claims a delivery of the prediction.
    """

    id: int
    prediction_id: str
    user_id: str
    url: str
    secret: str | None
    body: str
    created_at: str
    attempts: int
    lease: str


async def add(transaction: Transaction, *, prediction_id: str, body: str, now: str) -> None:
    """Store a delivery; it is due with the prediction's others, or at once."""
    row = await _lock(transaction, prediction_id)
    await transaction.execute(_ADD, of_prediction=prediction_id, of_user=row[0], body=body, now=now)


async def due(view: Reader) -> dict[str, str]:
    """Find when the next delivery of each user is due who has any."""
    return {row[0]: row[1] for row in await view.all(_DUE)}


async def claim(transaction: Transaction, *, user_id: str, now: str, lease: str) -> Delivery | None:
    """Claim the first delivery of the prediction whose deliveries have been due for longest.

    Args:
        transaction: Moves its deliveries.
        user_id: Whose predictions count.
        now: What is due by then.
        lease: When they are due again. It tells this claim from later ones.

    Returns:
        None when none are due, or someone else has just claimed it.
    """
    longest_due = await transaction.one(_LONGEST_DUE, of_user=user_id, now=now)
    if longest_due is None:
        return None
    await _lock(transaction, longest_due[0])
    claimed = await transaction.all(_CLAIM, of_prediction=longest_due[0], now=now, lease=lease)
    if not claimed:
        return None
    row = await transaction.one(_GET, delivery_id=min(row[0] for row in claimed))
    return None if row is None else Delivery(*row)


async def remove(transaction: Transaction, delivery: Delivery, *, now: str) -> None:
    """Remove a delivery, so that the next of the prediction is due; nothing when it is claimed anew by now."""
    await _lock(transaction, delivery.prediction_id)
    if await transaction.execute(_REMOVE, delivery_id=delivery.id, lease=delivery.lease):
        await transaction.execute(_FREE, of_prediction=delivery.prediction_id, now=now)


async def postpone(transaction: Transaction, delivery: Delivery, *, next_at: str) -> None:
    """Have a delivery that failed done again later; nothing when it is claimed anew by now."""
    await _lock(transaction, delivery.prediction_id)
    await transaction.execute(
        _POSTPONE,
        of_prediction=delivery.prediction_id,
        lease=delivery.lease,
        next_at=next_at,
        attempts=delivery.attempts + 1,
    )


async def _lock(transaction: Transaction, prediction_id: str) -> Row:
    row = await transaction.one(_LOCK, of_prediction=prediction_id)
    if row is None:
        raise LookupError(prediction_id)
    return row
