"""Waiting for a prediction to end."""

import asyncio

from wriftai.predictions import PredictionWithIO
from wriftai_server.database.changes import Changes
from wriftai_server.database.driver import Database
from wriftai_server.http.caller import Caller
from wriftai_server.predictions import service
from wriftai_server.predictions.queue import end_of


async def until_ended(
    database: Database, changes: Changes, caller: Caller, *, prediction_id: str, seconds: float
) -> PredictionWithIO:
    """Give a prediction of the caller when it has ended, the time is up, or the hub stops.

    Between two looks no transaction is open. Those who are woken at the same moment look at once, which costs
    little, and are given all that went in and came out in turns.

    Args:
        database: Is looked at.
        changes: Tell when to look.
        caller: Has created the prediction.
        prediction_id: UUID.
        seconds: How long to wait at most.

    Raises:
        Problem: 404, the caller has no such prediction.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    with changes.watch(end_of(prediction_id)) as watch:
        async with database.reading() as view:
            # Also what is new may have ended, since it was stored and before the watch began.
            if await service.has_ended(view, caller, prediction_id=prediction_id):
                return await service.get(view, caller, prediction_id=prediction_id)
        while not changes.is_ending and await watch.changed(deadline - clock()):
            async with database.reading() as view:
                if await service.has_ended(view, caller, prediction_id=prediction_id):
                    break
    async with changes.turns.taken(), database.reading() as view:
        return await service.get(view, caller, prediction_id=prediction_id)
