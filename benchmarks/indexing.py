"""The index of search: how long a hub that has none takes to make it."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
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
_DONE = b'"indexed"'


class Seconds(NamedTuple):
    """When a new index had come how far, from the start of its hub on.

    Attributes:
        whole: It knew everything.
        merged: Its segments were merged, too.
    """

    whole: float
    merged: float


def indexed(data_dir: Path, *options: str, meanwhile: Callable[[Server], None] = lambda _: None) -> Seconds:
    """Let a hub make its index anew, and stop it.

    Args:
        data_dir: Of a hub that does not run.
        options: Of the command.
        meanwhile: Is called again and again until the index knows everything.
    """
    shutil.rmtree(data_dir / "search", ignore_errors=True)
    started = looked = time.perf_counter()
    whole: float | None = None
    with running(data_dir, *options) as hub:
        address = urlsplit(hub.address)
        begun = hub.log.stat().st_size
        server = Server(str(address.hostname), address.port or 0, hub.process.pid)
        while True:
            if whole is None:
                meanwhile(server)
            time.sleep(_PAUSE)
            now = time.perf_counter()
            if now - looked < _LOOK:
                continue
            looked = now
            if whole is None and _is_whole(server, hub.log.read_bytes()[begun:]):
                whole = now - started
            if whole is not None and _is_merged(server):
                return Seconds(whole, now - started)
            if now > started + _PATIENCE or hub.process.poll() is not None:
                raise RuntimeError(f"The index was not made:\n{hub.log.read_text()}")


def _is_whole(server: Server, said: bytes) -> bool:
    """Tell whether there is an index, and whoever fills it, if anyone, has said that it is done."""
    with Session(server) as session:
        return bool(session.json(KNOWN)["items"]) and (_is_merged(server) or _DONE in said)


def _is_merged(server: Server) -> bool:
    """Tell whether the process has ended that fills the index."""
    return len(family(server.pid)) == 1
