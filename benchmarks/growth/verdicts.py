"""The targets of growth, each met or missed."""

from collections.abc import Sequence
from statistics import median

from benchmarks.growth import mlflow
from benchmarks.growth.calls import GET, PAGE, SEARCH
from benchmarks.growth.found import Found, Side
from benchmarks.growth.hubs import POSTGRESQL, SQLITE
from benchmarks.report import Row, at_least, at_most, reported
from benchmarks.spread import spread

_FLAT = 1.5
_FAST = 2.0
_OVER_SQLITE = 3.0
_SEARCH_P50, _SEARCH_P99 = 5.0, 50.0
_OVER_REGISTRY = 10.0
_MS = "{:.2f} ms"


def verdicts(found: Found, sizes: Sequence[int]) -> list[Row]:
    """Give the rows of single calls and searches.

    Args:
        found: What was measured.
        sizes: Of the hubs, from small to large.
    """
    rows = []
    for database in (SQLITE, POSTGRESQL):
        rows += _flat(found, database, sizes)
    rows += _fast(found, sizes[-1])
    for database in (SQLITE, POSTGRESQL):
        rows += _searching(found, Side(database, sizes[-1]))
    return rows + _beside_registry(found)


def _flat(found: Found, database: str, sizes: Sequence[int]) -> list[Row]:
    small, large = Side(database, sizes[0]), Side(database, sizes[-1])
    beside = f"on {database}, {large.size:,} models: cost, over that with {small.size:,}"
    worst = found.worst_over(found.calls(PAGE), large, small)
    return [
        at_most(f"GET of a model {beside}", found.over(GET, large, small), _FLAT),
        at_most(f"Any page of 25 {beside}", found.over(worst, large, small), _FLAT),
        reported(f"… the worst is the {worst}"),
    ]


def _fast(found: Found, size: int) -> list[Row]:
    ours, theirs = Side(SQLITE, size), Side(POSTGRESQL, size)
    slowest = found.worst(found.calls(PAGE), ours)
    worst = found.worst_over(found.calls(PAGE), theirs, ours)
    among = f"{size:,} models"
    return [
        at_most(f"GET of a model on {SQLITE}, {among}: p50", found.p50(GET, ours), _FAST, _MS),
        at_most(f"Any page of 25 on {SQLITE}, {among}: p50", found.p50(slowest, ours), _FAST, _MS),
        reported(f"… the slowest is the {slowest}"),
        at_most(
            f"GET of a model on {POSTGRESQL}, {among}: time, over that on {SQLITE}",
            found.over(GET, theirs, ours),
            _OVER_SQLITE,
        ),
        at_most(
            f"Any page of 25 on {POSTGRESQL}, {among}: time, over that on {SQLITE}",
            found.over(worst, theirs, ours),
            _OVER_SQLITE,
        ),
        reported(f"… the worst is the {worst}"),
    ]


def _searching(found: Found, side: Side) -> list[Row]:
    calls = found.calls(SEARCH)
    slowest = found.worst(calls, side)
    middle = median(found.p50(call, side).median for call in calls)
    rarest = max(calls, key=lambda call: found.p99(call, side))
    what = f"Any search on {side.who}, {side.size:,} models"
    return [
        at_most(f"{what}: p50", found.p50(slowest, side), _SEARCH_P50, _MS),
        reported(f"… the slowest is the {slowest}"),
        reported("… of half of the kinds, at most", spread([middle]), _MS),
        at_most(f"{what}: p99", spread([found.p99(rarest, side)]), _SEARCH_P99, _MS),
        reported(f"… the slowest is the {rarest}"),
    ]


def _beside_registry(found: Found) -> list[Row]:
    """Compare with the registry of others where both have as many models; without one there is nothing to say."""
    sizes = found.sizes(mlflow.NAME, GET)
    if not sizes:
        return []
    theirs, ours = Side(mlflow.NAME, sizes[-1]), Side(SQLITE, sizes[-1])
    beside = f"by {mlflow.NAME}, {theirs.size:,} models: time, over ours"
    searches, pages = (
        [call for call in found.calls(kind) if found.sizes(mlflow.NAME, call)] for kind in (SEARCH, PAGE)
    )
    # Where ours take longest beside theirs.
    search, page = (found.worst_over(calls, ours, theirs) for calls in (searches, pages))
    return [
        at_least(f"Any search {beside}", found.over(search, theirs, ours), _OVER_REGISTRY, "{:.1f}"),
        reported(f"… the nearest is the {search}"),
        reported(f"GET of a model {beside}", found.over(GET, theirs, ours), "{:.1f}"),
        reported(f"Any page of 25 {beside}", found.over(page, theirs, ours), "{:.1f}"),
        reported(f"… the nearest is the {page}"),
    ]
