"""Waiting for a prediction to end."""

import asyncio

from wriftai.predictions import PredictionWithIO
from wriftai_server.database.changes import Changes
from wriftai_server.database.driver import Database
from wriftai_server.http.caller import Caller
from wriftai_server.predictions import service
from wriftai_server.predictions.queue import end_of


async def until_ended(
    database: Database, changes: Changes, caller: Caller, *, prediction_id: str, seconds: float, is_new: bool
) -> PredictionWithIO:
    """Give a prediction of the caller when it has ended, the time is up, or the hub stops.

    Between two looks no transaction is open.

    Args:
        database: Is looked at.
        changes: Tell when to look.
        caller: Has created the prediction.
        prediction_id: UUID.
        seconds: How long to wait at most.
        is_new: Whether the caller has just created it, so that it is there.

    Raises:
        Problem: 404, the caller has no such prediction.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    with changes.watch(end_of(prediction_id)) as watch:
        if not is_new:
            async with database.reading() as view:
                await service.state(view, caller, prediction_id=prediction_id)
        while True:
            # Also what is new may have ended, since it was stored and before the watch began.
            async with database.reading() as view:
                ended = await service.ended(view, caller, prediction_id=prediction_id)
            if ended is not None:
                return ended
            if changes.is_ending or not await watch.changed(deadline - clock()):
                break
    async with database.reading() as view:
        return await service.get(view, caller, prediction_id=prediction_id)
