"""Predictions of an echo model: as many as the hub can run, beside the servers of others that keep no record."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import backlog, echoes, peers
from benchmarks.echoes import Echo
from benchmarks.machine import LOAD_CORE, family, on_core
from benchmarks.posts import Answers, drive, once
from benchmarks.report import Row, at_least, at_most, reported
from benchmarks.scale import Scale
from benchmarks.spread import Spread, groups_in_turn, ratio, spread

DETAILS = ("Echo model behind", "Callers", "Finished", "… in its core's time", "p50", "p99", "Refused")

_HUB = "the hub"
_COG = f"Cog {peers.COG.version}"
_LITSERVE = f"LitServe {peers.LITSERVE.version}"
_CALLERS = (1, 8)
_FAST_P50 = 2.5
_P50_OVER_LITSERVE = 1.5
_STARTS = 5
_MS = "{:.2f} ms"


class Served(NamedTuple):
    """What a server did for some callers, round by round.

    Attributes:
        server: Its name.
        callers: How many asked at the same time.
        rounds: What it answered.
    """

    server: str
    callers: int
    rounds: list[Answers]

    def cells(self) -> tuple[str, ...]:
        """Give the cells of the table of details."""
        rate, of_core, p50, p99 = (
            spread(getattr(each, what) for each in self.rounds).median
            for what in ("rate", "rate_of_core", "p50", "p99")
        )
        refused = sum(each.refused for each in self.rounds) / sum(
            each.refused + len(each.took) for each in self.rounds
        )
        return (
            self.server,
            str(self.callers),
            f"{rate:,.0f}/s",
            f"{of_core:,.0f}/s",
            f"{p50:.2f} ms",
            f"{p99:.1f} ms",
            f"{refused:.0%}",
        )


def measure(place: Path, scale: Scale) -> tuple[list[Row], list[Served]]:
    """Measure all there is to measure; give the rows, and what each server did.

    Args:
        place: A folder for those of the hubs.
        scale: How much.
    """
    with _compiling(), on_core(LOAD_CORE):
        echo = echoes.make(place / "echo")
        served = _drive(echo, scale)
        rows = [*_compare(served), *_start(echo, scale), *backlog.measure(echo, scale)]
    return rows, [
        Served(server, callers, rounds) for callers, sides in served.items() for server, rounds in sides.items()
    ]


@contextmanager
def _compiling() -> Iterator[None]:
    """Have what is started compiled once, as after installing; what the environment says must not matter."""
    before = dict(os.environ)
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"):
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _drive(echo: Echo, scale: Scale) -> dict[int, dict[str, list[Answers]]]:
    """Let all servers answer in turn, for one caller and for many."""
    with ExitStack() as stack:
        hub = stack.enter_context(echoes.serving(echo))
        calls = {
            _HUB: echoes.finishing(echo, hub),
            _COG: stack.enter_context(peers.serving(peers.COG)),
            _LITSERVE: stack.enter_context(peers.serving(peers.LITSERVE)),
        }

        def sides(callers: int) -> dict[str, Callable[[], Answers]]:
            return {
                name: partial(drive, call, callers=callers, seconds=scale.prediction_seconds)
                for name, call in calls.items()
            }

        for call in calls.values():
            once(call)
        return groups_in_turn({callers: sides(callers) for callers in _CALLERS}, scale.prediction_rounds)


def _compare(served: dict[int, dict[str, list[Answers]]]) -> list[Row]:
    one, many = (served[callers] for callers in _CALLERS)
    theirs = spread(each.p50 for each in one[_LITSERVE]).median
    refused = [sum(each.refused for each in pair) for pair in zip(one[_HUB], many[_HUB], strict=True)]
    return [
        at_least(
            "Predictions for 8 callers: finished, over the better of Cog and LitServe",
            _over_better(many, "rate"),
            1.0,
        ),
        reported("… in a second of the core's time", _over_better(many, "rate_of_core")),
        at_most(
            "A prediction for 1 caller: p50 (2.5 ms, or 1.5 times LitServe's)",
            spread(each.p50 for each in one[_HUB]),
            max(_FAST_P50, _P50_OVER_LITSERVE * theirs),
            _MS,
        ),
        at_most("Predictions that the hub refused, in a round", spread(refused), 0, "{:.0f}"),
    ]


def _over_better(sides: dict[str, list[Answers]], what: str) -> Spread:
    """Give what the hub did, over what the better of the others did in the same round.

    The better one is so over all rounds: that of each round would be the one that noise favoured.
    """
    hub, *others = ([getattr(each, what) for each in sides[name]] for name in (_HUB, _COG, _LITSERVE))
    return min((ratio(hub, other) for other in others), key=lambda each: each.median)


def _start(echo: Echo, scale: Scale) -> list[Row]:
    """Measure how the hub starts, and what it takes to be there."""
    starts, resting = list[float](), list[float]()
    for _ in range(min(_STARTS, scale.prediction_rounds)):
        started = time.perf_counter()
        with echoes.serving(echo) as hub:
            once(echoes.finishing(echo, hub))
            starts.append(time.perf_counter() - started)
        with echoes.serving(echo) as hub:
            time.sleep(scale.settled_seconds)
            resting.append(sum(family(hub.process.pid).values()) / 1e6)
    return [
        at_most("From `wriftai-server serve` to the end of the first prediction", spread(starts), 5, "{:.2f} s"),
        at_most("An idle hub with its worker: resident memory", spread(resting), 150, "{:.0f} MB"),
    ]
