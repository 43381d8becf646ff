"""Waiting for a prediction to end."""

import asyncio

from wriftai_server.database.changes import Changes
from wriftai_server.database.driver import Database
from wriftai_server.http.caller import Caller
from wriftai_server.predictions import service


async def until_ended(
    database: Database, changes: Changes, caller: Caller, *, prediction_id: str, seconds: float
) -> None:
    """Wait until a prediction of the caller has ended, the time is up, or the hub stops.

    Between two looks no transaction is open.

    Raises:
        Problem: 404, the caller has no such prediction.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    with changes.watch(prediction_id) as watch:
        while not changes.is_ending:
            async with database.reading() as view:
                row = await service.state(view, caller, prediction_id=prediction_id)
            if row[3] not in service.UNFINISHED or not await watch.changed(deadline - clock()):
                return
