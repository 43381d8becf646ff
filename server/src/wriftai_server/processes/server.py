"""A hub in this process, served over HTTP."""

import gc
import signal
import socket
from collections.abc import Callable
from typing import cast

import uvicorn

from wriftai_server.app import Hub
from wriftai_server.http.protocol import Protocol
from wriftai_server.settings import Settings

_GRACE_SECONDS = 10
_OBJECTS_PER_COLLECTION = 20_000
_TICKS_PER_SECOND = 10
_LOOKS = 12  # At each peer, until it has done nothing for too long.


class Server(uvicorn.Server):
    """Tells when it is ready to answer, and ends with its hub.

    Args:
        hub: Answers the requests. When no more are taken, it is told to end what waits, so that all are answered.
        settings: Of the hub.
        ready: Called once, when it is ready to answer.
    """

    def __init__(self, hub: Hub, settings: Settings, *, ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            hub,
            loop="uvloop",
            http=Protocol,
            ws="none",  # Else it depends on what is installed who speaks on connections.
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        super().__init__(config)
        self._hub = hub
        self._ready = ready
        self._ticks_per_look = max(1, round(settings.peer_seconds * _TICKS_PER_SECOND / _LOOKS))

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until the process is told to stop, or the hub dies."""
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, _end)
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Get ready, and say so."""
        await super().startup(sockets)
        # What the start made stays, and requests leave next to nothing in cycles: the collector looks seldom.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_PER_COLLECTION)
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Look after the connections, and tell whether to end; asked ten times a second."""
        if counter % self._ticks_per_look == 0:
            for connection in tuple(self.server_state.connections):
                cast("Protocol", connection).look(_LOOKS)
        return await super().on_tick(counter) or self._hub.died_of is not None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, and finish what is under way, for 10 s at most."""
        self._hub.end_waits()
        await super().shutdown(sockets)


def _end(*_: object) -> None:
    # When all is finished, uvicorn raises the signal again for whoever handled it before. Being told to stop is
    # no failure.
    raise SystemExit(0)
