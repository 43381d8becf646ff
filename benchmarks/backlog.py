"""What creating and claiming predictions costs while very many wait, beside what it costs while none do."""

import asyncio
import shutil
import sqlite3
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial

from benchmarks import echoes
from benchmarks.echoes import Echo
from benchmarks.posts import Call, drive, once
from benchmarks.report import Row, at_most, reported
from benchmarks.scale import Scale
from benchmarks.spread import in_turn, ratio, spread
from wriftai_server.database.opening import FILE_NAME, open_database
from wriftai_server.database.values import new_id, now, timestamp
from wriftai_server.predictions import queue

_CALLERS = 8
_LONG = timedelta(hours=1)
_US = "{:,.0f} µs"


def measure(echo: Echo, scale: Scale) -> list[Row]:
    """Measure both, on copies of a hub's folder.

    Args:
        echo: A hub that does not run.
        scale: How much.
    """
    sides = {name: _copy(echo, name) for name in ("none", "many")}
    with ExitStack() as stack:
        calls = {
            name: echoes.creating(side, stack.enter_context(echoes.serving(side, "--no-worker")))
            for name, side in sides.items()
        }
        for call in calls.values():
            once(call)
        _wait(sides["many"], scale.backlog)
        began = now()
        created = in_turn(
            {name: partial(_create, calls[name], side, scale, began) for name, side in sides.items()},
            scale.prediction_rounds,
        )
    _wait(sides["none"], scale.claims)
    claimed = in_turn(
        {name: partial(_claim, side, scale.claims) for name, side in sides.items()}, scale.prediction_rounds
    )
    beside = f"while {scale.backlog:,} predictions wait: cost, over that while none do"
    return [
        at_most(f"POST of a prediction {beside}", ratio(created["many"], created["none"]), 1.2),
        reported("… while none do", spread(1e6 * each for each in created["none"]), _US),
        at_most(f"Claiming a prediction {beside}", ratio(claimed["many"], claimed["none"]), 1.2),
        reported("… while none do", spread(1e6 * each for each in claimed["none"]), _US),
    ]


def _copy(echo: Echo, name: str) -> Echo:
    return Echo(shutil.copytree(echo.data_dir, echo.data_dir.with_name(name)), echo.token)


def _wait(side: Echo, count: int) -> None:
    """Let as many predictions wait, all alike to one that does."""
    with closing(_connect(side)) as connection, connection:
        cursor = connection.execute("SELECT * FROM predictions WHERE status = 'pending' LIMIT 1")
        names = [column[0] for column in cursor.description]
        row = dict(zip(names, cursor.fetchone(), strict=True))
        start = datetime.now(UTC) - _LONG
        waiting = (
            row | {"id": new_id(), "created_at": timestamp(start + timedelta(milliseconds=number))}
            for number in range(count - 1)
        )
        marks = ", ".join(f":{name}" for name in names)
        connection.executemany(f"INSERT INTO predictions ({', '.join(names)}) VALUES ({marks})", waiting)  # noqa: S608 - our own names


def _create(call: Call, side: Echo, scale: Scale, began: str) -> float:
    """Tell what an answer costs the hub; take away what was created."""
    answers = drive(call, callers=_CALLERS, seconds=scale.prediction_seconds / 2)
    with closing(_connect(side)) as connection, connection:
        connection.execute("DELETE FROM predictions WHERE created_at >= ?", (began,))
    return 1 / answers.rate_of_core


def _claim(side: Echo, count: int) -> float:
    """Tell what a claim costs, with the look at what waits before it; give back what was claimed."""
    with closing(_connect(side)) as connection:
        (hardware_id,) = connection.execute("SELECT hardware_id FROM predictions LIMIT 1").fetchone()
    cost = asyncio.run(_claim_all(side, hardware_id, count)) / count
    with closing(_connect(side)) as connection, connection:
        connection.execute("UPDATE predictions SET status = 'pending' WHERE status = 'started'")
    return cost


async def _claim_all(side: Echo, hardware_id: str, count: int) -> float:
    database = open_database(side.data_dir)
    lease_until = timestamp(datetime.now(UTC) + _LONG)
    computed = time.process_time()
    for _ in range(count):
        async with database.writing() as transaction:
            waiting = await queue.waiting(transaction, hardware_id=hardware_id)
            claimed = await queue.claim(
                transaction,
                worker="bench",
                hardware_id=hardware_id,
                version_id=waiting[0].version_id,
                lease_until=lease_until,
            )
            assert len(claimed) == 1
    computed = time.process_time() - computed
    await database.close()
    return computed


def _connect(side: Echo) -> sqlite3.Connection:
    return sqlite3.connect(side.data_dir / FILE_NAME, timeout=60)
