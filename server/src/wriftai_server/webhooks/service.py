"""Rules for webhooks."""

from wriftai_server.database.driver import Transaction
from wriftai_server.database.values import now
from wriftai_server.webhooks import store


async def enqueue(transaction: Transaction, *, prediction_id: str, body: bytes) -> None:
    """Store what is to be posted for a prediction, behind all that is still to be posted for it.

    Whoever calls it tells the topic `webhooks` after the commit.

    Args:
        transaction: That of the change which the body tells of.
        prediction_id: Of one with a `webhook_url`.
        body: JSON in UTF-8; it is sent as it is.
    """
    await store.add(transaction, prediction_id=prediction_id, body=body.decode(), now=now())
