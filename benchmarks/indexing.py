"""The index of search: how long a hub that has none takes to make it."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.machine import family
from benchmarks.session import Server, Session
from tests.hubs import running

KNOWN = "/search/models?q=rgb+images"
"""Finds models by their descriptions, so only the index knows the answer."""

WORTH_KEEPING = 10_000
"""Of fewer models an index is made while a hub starts."""

_PATIENCE = 900.0
_PAUSE = 0.02
_LOOK = 0.25


def indexed(data_dir: Path, *options: str, meanwhile: Callable[[Server], None] = lambda _: None) -> float:
    """Let a hub make its index anew, and stop it; give the seconds from its start to the whole index.

    Args:
        data_dir: Of a hub that does not run.
        options: Of the command.
        meanwhile: Is called again and again until the index is there.
    """
    shutil.rmtree(data_dir / "search", ignore_errors=True)
    started = looked = time.perf_counter()
    with running(data_dir, *options) as hub:
        address = urlsplit(hub.address)
        server = Server(str(address.hostname), address.port or 0, hub.process.pid)
        while True:
            meanwhile(server)
            time.sleep(_PAUSE)
            now = time.perf_counter()
            if now - looked < _LOOK:
                continue
            looked = now
            if _is_whole(server):
                return now - started
            if now > started + _PATIENCE or hub.process.poll() is not None:
                raise RuntimeError(f"The index was not made:\n{hub.log.read_text()}")


def _is_whole(server: Server) -> bool:
    """Tell whether there is an index, and the process has ended that fills it where there is much to fill."""
    with Session(server) as session:
        return bool(session.json(KNOWN)["items"]) and len(family(server.pid)) == 1
