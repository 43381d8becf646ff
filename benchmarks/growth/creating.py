"""Models created by eight callers at the same time.

Here the hub runs on all cores, beside its callers: it has threads that write the log of the database into its
file and keep the index up.
"""

from functools import partial

from benchmarks.growth.calls import creations
from benchmarks.growth.hubs import SQLITE, Hub
from benchmarks.machine import on_all_cores
from benchmarks.posts import Call, drive
from benchmarks.report import Row, at_least, reported
from benchmarks.scale import Growth
from benchmarks.spread import in_turn, spread

_CALLERS = 8
_TARGET = 1_000
_RATE = "{:,.0f}/s"


def measure(hubs: list[Hub], scale: Growth) -> list[Row]:
    """Measure the largest hubs, in turn; each answer is in the database when it comes."""
    largest = [hub for hub in hubs if hub.size == scale.sizes[-1]]
    sides = {hub.database: partial(_create, hub, scale.load_seconds) for hub in largest}
    rates = {database: spread(found) for database, found in in_turn(sides, scale.load_rounds).items()}
    among = f"{scale.sizes[-1]:,} models: created for {_CALLERS} callers"
    return [
        at_least(f"On {database}, {among}", rate, _TARGET, _RATE)
        if database == SQLITE
        else reported(f"On {database}, {among}", rate, _RATE)
        for database, rate in rates.items()
    ]


def _create(hub: Hub, seconds: float) -> float:
    """Give how many were created a second, by the clock."""
    call = Call(hub.server, creations(hub.server, hub.folder.token), b'"predictions_count"')
    with on_all_cores(hub.server.pid):
        answers = drive(call, callers=_CALLERS, seconds=seconds)
    if answers.refused:
        raise RuntimeError(f"{answers.refused} models were refused.")
    return answers.rate
