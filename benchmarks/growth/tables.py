"""The tables behind the targets of growth: each call, of each size, on each database, and beside others."""

from benchmarks.growth import mlflow
from benchmarks.growth.found import Found, Side
from benchmarks.growth.hubs import POSTGRESQL, SQLITE
from benchmarks.growth.rounds import ROUTE, STATEMENT
from benchmarks.report import table

_STATEMENTS = (f"{STATEMENT}, {SQLITE}", f"{STATEMENT}, {POSTGRESQL}")


def tables(found: Found) -> list[str]:
    """Write a table for each database, and one of the calls that others take too."""
    return [*(_growth(found, database) for database in (SQLITE, POSTGRESQL)), _beside(found)]


def _growth(found: Found, database: str) -> str:
    sizes = found.sizes(database, next(iter(found.rounds)))
    head = (f"{database}: p50 and p99 in ms", *(f"{size:,} models" for size in sizes), "Largest / smallest")
    sides = [Side(database, size) for size in sizes]
    rows = [
        (
            call,
            *(_cell(found, call, side) for side in sides),
            f"{found.over(call, sides[-1], sides[0]).median:.2f}",
        )
        for call in found.rounds
    ]
    return table(head, rows)


def _beside(found: Found) -> str:
    """Put the largest hubs beside the floor, and beside the registry of others in each of its sizes."""
    largest = max(found.sizes(SQLITE, next(iter(found.rounds))))
    known = {side for sides in found.rounds.values() for side in sides}
    sides = [
        *(side for side in (Side(SQLITE, largest), Side(POSTGRESQL, largest), Side(ROUTE, 0)) if side in known),
        *sorted(side for side in known if side.who in _STATEMENTS and side.size == largest),
        *sorted(side for side in known if side.who == mlflow.NAME),
    ]
    rows = [
        (call, *(_cell(found, call, side) if side in measured else "" for side in sides))
        for call, measured in found.rounds.items()
        if Side(ROUTE, 0) in measured
    ]
    return table(("p50 and p99 in ms", *map(str, sides)), rows)


def _cell(found: Found, call: str, side: Side) -> str:
    return f"{_short(found.p50(call, side).median)}, {_short(found.p99(call, side))}"


def _short(milliseconds: float) -> str:
    """Write a number with as many digits as are worth reading."""
    return f"{milliseconds:.{3 if milliseconds < 0.1 else 2 if milliseconds < 10 else 0}f}"
