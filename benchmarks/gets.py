"""Single gets: as many a second as the hub can answer, beside a bare route that answers with the same bytes."""

import itertools
import random
from collections.abc import Callable, Iterator

from benchmarks.load import Measured, drive, get
from benchmarks.report import Row, at_least, reported
from benchmarks.scale import Scale
from benchmarks.servers import Servers
from benchmarks.session import Server
from benchmarks.spread import in_turn, ratio, spread

_RATE = "{:,.0f}/s"
_SHARE = "{:.0%}"


def measure(servers: Servers, scale: Scale) -> list[Row]:
    """Drive the hub and the floor in turn."""
    token = servers.folder.token

    def side(server: Server, token: str = "") -> Callable[[], Measured]:
        requests = any_model(servers, token)
        return lambda: drive(server, requests, scale.slice_seconds)

    found = in_turn(
        {"hub": side(servers.hub), "floor": side(servers.floor), "token": side(servers.hub, token)}, scale.rounds
    )
    rates = {name: [each.rate for each in measured] for name, measured in found.items()}
    one = f"GET one of {servers.folder.models:,} models"
    return [
        at_least(f"{one}: rate", spread(rates["hub"]), 5_000, _RATE),
        at_least("… over the rate of a bare route with the same bytes", ratio(rates["hub"], rates["floor"]), 0.6),
        reported("GET with a token: rate", spread(rates["token"]), _RATE),
        reported("… over the rate of the bare route", ratio(rates["token"], rates["floor"])),
        reported("The bare route: rate", spread(rates["floor"]), _RATE),
        *_honesty(found),
    ]


def any_model(servers: Servers, token: str = "") -> Iterator[bytes]:
    """Ask for models at random, for ever."""
    requests = [get(f"/models/{owner}/{name}", token) for owner, name in servers.names]
    random.Random(0).shuffle(requests)
    return itertools.cycle(requests)


def _honesty(found: dict[str, list[Measured]]) -> list[Row]:
    """Report whether it was the server that was at its limit, rather than the load."""
    rows = []
    for name, shown in (("hub", "the hub"), ("floor", "the bare route")):
        clock, server, load = (
            spread(getattr(each, what) for each in found[name])
            for what in ("rate_by_the_clock", "server_busy", "load_busy")
        )
        rows += [
            reported(f"While {shown} was driven: rate by the clock", clock, _RATE),
            reported("… share of its core that it had", server, _SHARE),
            reported("… share of the other core that the load took", load, _SHARE),
        ]
    return rows
