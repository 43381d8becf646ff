"""Starting a hub whose search has its index, and one that has to make it while it answers."""

import statistics
import time
from itertools import cycle

from benchmarks.folder import Folder
from benchmarks.growth.hubs import SQLITE, Hub
from benchmarks.indexing import KNOWN, indexed
from benchmarks.report import Row, at_most, reported
from benchmarks.scale import Growth
from benchmarks.servers import hub_on
from benchmarks.session import Server, Session
from benchmarks.spread import spread

_NAMES = 500
_PAUSE = 0.01
_STARTED, _INDEXED = 3.0, 60.0
_SECONDS = "{:.2f} s"
_MS = "{:.1f} ms"


def measure(hubs: list[Hub], scale: Growth) -> list[Row]:
    """Measure the largest hub on SQLite.

    Args:
        hubs: Do not run any more; their folders are used up.
        scale: How much.
    """
    largest = max((hub for hub in hubs if hub.database == SQLITE), key=lambda hub: hub.size)
    filled = largest.folder
    among = f"{filled.models:,} models"
    starts = spread(_start(filled) for _ in range(scale.starts))
    probe = _Probe(filled)
    seconds = indexed(filled.path, meanwhile=probe.get)
    took = [1e3 * each for each in probe.took]
    return [
        at_most(
            f"From `wriftai-server serve` to the first search that the index answers, {among}",
            starts,
            _STARTED,
            _SECONDS,
        ),
        at_most(
            f"From `wriftai-server serve` without an index to a whole one, {among}",
            spread([seconds.whole]),
            _INDEXED,
            _SECONDS,
        ),
        reported("… to one whose segments are merged", spread([seconds.merged]), _SECONDS),
        reported(f"… {len(took):,} GETs of a model meanwhile: p50", spread([statistics.median(took)]), _MS),
        reported("… and the slowest", spread([max(took)]), _MS),
    ]


def _start(filled: Folder) -> float:
    """Start a hub, ask what only the index knows, and stop it; give the seconds until that is found."""
    started = time.perf_counter()
    with hub_on(filled.path) as server, Session(server) as session:
        while not session.json(KNOWN)["items"]:
            time.sleep(_PAUSE)
        return time.perf_counter() - started


class _Probe:
    """Asks for single models, and keeps the seconds that each answer took.

    Args:
        filled: Has the models.
    """

    def __init__(self, filled: Folder) -> None:
        self.took: list[float] = []
        self._paths = cycle([f"/models/{owner}/{name}" for owner, name in filled.public(_NAMES)])

    def get(self, server: Server) -> None:
        """Ask once, on a connection of its own."""
        started = time.perf_counter()
        with Session(server) as session:
            session.bytes(next(self._paths))
        self.took.append(time.perf_counter() - started)
