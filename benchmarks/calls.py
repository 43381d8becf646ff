"""Calls through the client beside calls through bare httpx, in one process and against the same hub.

    python -m benchmarks.calls < TASK

where TASK is a JSON object with `url`, `names` (pairs of owner and name), `rounds` and `calls` (in a round);
prints a JSON object of lists, with a number of seconds a round.
"""

import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable

import httpx

from wriftai import Client

_CLIENTS = 100


def main() -> None:
    """Do the task on standard input."""
    task = json.load(sys.stdin)
    construct = [_constructing(task["url"]) for _ in range(task["rounds"])]
    names = itertools.cycle(tuple(name) for name in task["names"])
    with Client(task["url"]) as client, httpx.Client(base_url=task["url"]) as bare:

        def through_client(owner: str, name: str) -> object:
            return client.models.get(owner, name)

        def through_httpx(owner: str, name: str) -> object:
            return bare.get(f"/models/{owner}/{name}").json()

        assert through_client(*task["names"][0]) == through_httpx(*task["names"][0])
        rounds = [_calling([through_client, through_httpx], names, task["calls"]) for _ in range(task["rounds"])]
    ours, floor = zip(*rounds, strict=True)
    json.dump({"construct": construct, "client": ours, "httpx": floor}, sys.stdout)


def _constructing(url: str) -> float:
    """Tell how long making a client takes, in the middle of many."""
    started = time.perf_counter()
    for _ in range(_CLIENTS):
        Client(url)
    return (time.perf_counter() - started) / _CLIENTS


def _calling(
    sides: list[Callable[[str, str], object]], names: "itertools.cycle[tuple[str, str]]", calls: int
) -> list[float]:
    """Make each call through one side after another; give the median that each side took."""
    took: list[list[float]] = [[] for _ in sides]
    for owner, name in itertools.islice(names, calls):
        for side, seconds in zip(sides, took, strict=True):
            started = time.perf_counter()
            side(owner, name)
            seconds.append(time.perf_counter() - started)
    return [statistics.median(seconds) for seconds in took]


if __name__ == "__main__":
    main()
