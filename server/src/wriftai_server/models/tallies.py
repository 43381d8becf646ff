"""Predictions are counted without making anyone wait.

Whoever creates a prediction adds a tally, a row of its own: on PostgreSQL, those who change the row of one
model wait for each other. Each hub settles the tallies that are there, about once a second: it adds them to the
counts of their models. What is shown is both together (see `wire/models.py`), so it is right at every moment.
"""

import asyncio
import contextlib
from collections import Counter

from sqlalchemy import Integer, bindparam, delete, insert, select, update

from wriftai_server.database import feed
from wriftai_server.database.driver import Database, DatabaseUnavailable, Transaction
from wriftai_server.database.schema import models, prediction_tallies
from wriftai_server.database.statements import Statement
from wriftai_server.database.values import popularity

_PAUSE_SECONDS = 1.0
# On SQLite nothing else runs in the meantime, so it is a matter of milliseconds.
_BATCH = 250

_ADD = Statement(insert(prediction_tallies).values(model_id=bindparam("model_id")))
_ANY = Statement(select(prediction_tallies.c.id).limit(1))
# What another hub settles at the moment is left to it. (A common table expression is looked up only once.)
_some = (
    select(prediction_tallies.c.id)
    .order_by(prediction_tallies.c.id)
    .limit(bindparam("most", type_=Integer()))
    .with_for_update(skip_locked=True)
    .cte("some")
)
_TAKE = Statement(
    delete(prediction_tallies)
    .where(prediction_tallies.c.id.in_(select(_some.c.id)))
    .returning(prediction_tallies.c.model_id)
)
_COUNT = Statement(
    update(models)
    .where(models.c.id == bindparam("model_id"))
    .values(predictions_count=models.c.predictions_count + bindparam("more", type_=Integer()))
    .returning(models.c.predictions_count)
)


async def add(transaction: Transaction, *, model_id: str) -> None:
    """Count one more prediction of a model."""
    await transaction.execute(_ADD, model_id=model_id)


async def settle(database: Database) -> None:
    """Settle tallies: add those that are there to the counts of their models, a batch in each transaction.

    Raises:
        DatabaseUnavailable: Nothing can be written now; what is not settled stays for the next time.
    """
    async with database.reading() as view:
        is_more = await view.one(_ANY) is not None
    while is_more:
        async with database.writing() as transaction:
            is_more = await _settle_some(transaction)


async def keep_settling(database: Database) -> None:
    """Settle until cancelled."""
    while True:
        with contextlib.suppress(DatabaseUnavailable):
            await settle(database)
        await asyncio.sleep(_PAUSE_SECONDS)


async def _settle_some(transaction: Transaction) -> bool:
    """Settle a batch; tell whether there may be more."""
    taken = Counter(row[0] for row in await transaction.all(_TAKE, most=_BATCH))
    # Everyone goes by id, so that no two who settle wait for each other.
    for model_id, more in sorted(taken.items()):
        row = await transaction.one(_COUNT, model_id=model_id, more=more)
        # There is none when the model is gone; its tallies then go, too.
        if row is not None and popularity(row[0]) != popularity(row[0] - more):
            await feed.note(transaction, "model", model_id)
    return taken.total() == _BATCH
