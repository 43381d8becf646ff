"""A hub in this process, from its first word to its last."""

import gc
import signal
import socket
import sys
from collections.abc import Callable

import structlog
import typer
import uvicorn

from wriftai_server import logs
from wriftai_server.app import Hub, build
from wriftai_server.cli.folder import fail
from wriftai_server.cli.refusals import REFUSALS
from wriftai_server.http.protocol import Protocol
from wriftai_server.settings import Settings

_GRACE_SECONDS = 10
_OBJECTS_PER_COLLECTION = 20_000

_log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Serve a hub until the process is told to stop, or the worker dies; refusals end the command."""
    logs.configure(settings.log_level)
    try:
        listening = _listen(settings)
        hub = build(settings)
    except (*REFUSALS, OSError) as error:
        raise fail(error) from None

    def announce() -> None:
        shown_host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"http://{shown_host}:{listening.getsockname()[1]}"
        _log.info("listening", address=address, data_dir=str(settings.data_dir))
        typer.echo(f"Listening on {address}, with everything in {settings.data_dir}. Ctrl-C stops it.")
        sys.stdout.flush()

    config = uvicorn.Config(
        hub,
        loop="uvloop",
        http=Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, _end)
    _Server(config, hub, ready=announce).run(sockets=[listening])
    if hub.died_of is not None:
        raise fail(
            f"The worker died ({hub.died_of}), and the log says where. Start the hub again: what waits will run."
        )


class _Server(uvicorn.Server):
    """Tells when it is ready to answer, and ends with its hub.

    Args:
        config: Of the server.
        hub: Is served. When the server takes no more requests, it is told to finish what is under way.
        ready: Called once, when it is ready to answer.
    """

    def __init__(self, config: uvicorn.Config, hub: Hub, *, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._hub = hub
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What the start made stays, and requests leave next to nothing in cycles: the collector looks seldom.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_PER_COLLECTION)
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._hub.died_of is not None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.end_waits()
        await super().shutdown(sockets)


def _end(*_: object) -> None:
    # When all is finished, uvicorn raises the signal again for whoever handled it before. Being told to stop is
    # no failure.
    raise SystemExit(0)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        place = f"{settings.host} port {settings.port}"
        raise OSError(
            f"Cannot listen on {place}: {error.strerror}. Choose another with --host and --port."
        ) from error
