"""Rows of deliveries: what is still to be posted.

The rows of a prediction have one `next_at`: they move together, and of those that are due the first is sent.
"""

from sqlalchemy import bindparam, func, insert, select

from wriftai_server.database.driver import Transaction
from wriftai_server.database.schema import webhook_deliveries as deliveries
from wriftai_server.database.statements import Statement

_ADD = Statement(
    insert(deliveries).values(
        prediction_id=bindparam("prediction_id"),
        body=bindparam("body"),
        created_at=bindparam("now"),
        next_at=func.coalesce(
            select(func.max(deliveries.c.next_at))
            .where(deliveries.c.prediction_id == bindparam("prediction_id"))
            .scalar_subquery(),
            bindparam("now"),
        ),
    )
)


async def add(transaction: Transaction, *, prediction_id: str, body: str, now: str) -> None:
    """Store a delivery; it is due with the prediction's others, or at once."""
    await transaction.execute(_ADD, prediction_id=prediction_id, body=body, now=now)
