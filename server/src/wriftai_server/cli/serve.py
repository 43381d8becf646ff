"""`wriftai-server serve`."""

import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn

from wriftai_server import logs
from wriftai_server.app import build
from wriftai_server.cli.folder import DEFAULT, REFUSALS, DataDir, fail
from wriftai_server.settings import LogLevel, Settings

_GRACE_SECONDS = 10

_log = structlog.get_logger()


def _absolute(public_url: str | None) -> str | None:
    if public_url and not public_url.lower().startswith(("http://", "https://")):
        raise typer.BadParameter("It is not absolute: begin it with https:// or http://.")
    return public_url


def serve(
    data_dir: DataDir = DEFAULT,
    host: Annotated[str, typer.Option(envvar="WRIFTAI_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="WRIFTAI_PORT", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8000,
    public_url: Annotated[
        str | None,
        typer.Option(
            envvar="WRIFTAI_PUBLIC_URL",
            help="Address that callers use, where the hub is behind a proxy.",
            callback=_absolute,
        ),
    ] = None,
    hardware: Annotated[
        Path | None,
        typer.Option(
            envvar="WRIFTAI_HARDWARE", help="TOML file with one [[hardware]] table for each kind offered."
        ),
    ] = None,
    rate_limit: Annotated[
        int,
        typer.Option(
            envvar="WRIFTAI_RATE_LIMIT", min=0, help="Requests a minute for each caller; 0 is no limit."
        ),
    ] = 0,
    trusted_proxies: Annotated[
        str,
        typer.Option(
            envvar="WRIFTAI_TRUSTED_PROXIES",
            help="Addresses of proxies, parted by commas, whose X-Forwarded-… headers count.",
        ),
    ] = "",
    log_level: Annotated[
        LogLevel, typer.Option(envvar="WRIFTAI_LOG_LEVEL", help="Leave less important lines out of the log.")
    ] = "info",
) -> None:
    """Run the hub until it is told to stop (Ctrl-C, SIGTERM); what is under way is finished first."""
    logs.configure(log_level)
    settings = Settings(
        data_dir=data_dir,
        host=host,
        port=port,
        public_url=public_url,
        hardware=hardware,
        rate_limit=rate_limit,
        trusted_proxies=trusted_proxies,
        log_level=log_level,
    )
    try:
        listening = _listen(settings)
        app = build(settings)
    except (*REFUSALS, OSError) as error:
        raise fail(error) from None

    def announce() -> None:
        shown_host = f"[{host}]" if ":" in host else host
        address = f"http://{shown_host}:{listening.getsockname()[1]}"
        _log.info("listening", address=address, data_dir=str(data_dir))
        typer.echo(f"Listening on {address}, with everything in {data_dir}. Ctrl-C stops it.")
        sys.stdout.flush()

    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, _end)
    _Server(config, announce).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Tells when it is ready to answer.

    Args:
        config: Of the server.
        ready: Called once, when that is so.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


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
