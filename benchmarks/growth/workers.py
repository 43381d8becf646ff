"""Reads by two processes of a hub beside those by one, while nothing else runs.

Servers and load share all cores, as two servers leave none to the load alone. What the load takes is so missing
from the two, while one server never misses it: the ratio is a bound from below.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from pathlib import Path

from benchmarks import folder as folders
from benchmarks.load import Measured, drive, get
from benchmarks.report import Row, at_least, reported
from benchmarks.scale import Growth
from benchmarks.servers import hub_on
from benchmarks.session import Server
from benchmarks.spread import in_turn, ratio, spread

_TARGET = 1.6
_CONNECTIONS = 32
_NAMES = 2_000
_MODELS = 100_000
_RATE = "{:,.0f}/s"


def measure(scale: Growth, place: Path, kept_in: Path) -> list[Row]:
    """Measure single gets, in turn, of two hubs with the same models.

    Args:
        scale: How much.
        place: Where copies of filled folders go.
        kept_in: Where filled folders are kept.
    """
    with ExitStack() as stack:
        sides: dict[str, Callable[[], Measured]] = {}
        for workers in ("1", "2"):
            filled = folders.take(place / f"workers-{workers}", min(scale.sizes[-1], _MODELS), kept_in)
            server = stack.enter_context(hub_on(filled.path, "--no-worker", "--workers", workers))
            sides[workers] = partial(_read, server, filled.public(_NAMES), scale.load_seconds)
        found = in_turn(sides, scale.load_rounds)
    rates = {workers: [each.rate_by_the_clock for each in rounds] for workers, rounds in found.items()}
    return [
        at_least(
            "GET of a model by `serve --workers 2`: rate, over that by one",
            ratio(rates["2"], rates["1"]),
            _TARGET,
        ),
        reported("… by two", spread(rates["2"]), _RATE),
        reported("… by one", spread(rates["1"]), _RATE),
        reported(
            "… share of a core that the load took beside two",
            spread(each.load_busy for each in found["2"]),
            "{:.0%}",
        ),
    ]


def _read(server: Server, names: list[tuple[str, str]], seconds: float) -> Measured:
    requests = cycle([get(f"/models/{owner}/{name}") for owner, name in names])
    return drive(server, requests, seconds, connections=_CONNECTIONS)
