"""`wriftai-server serve`."""

import re
from typing import Annotated
from urllib.parse import urlsplit

import typer

from wriftai_server.cli.options import (
    DEFAULT_DATA_DIR,
    DatabaseAddress,
    DataDir,
    Hardware,
    LogLevelOption,
    ObjectStore,
    TrustedProxies,
    WebhookAllow,
)
from wriftai_server.cli.worker_options import with_worker_options
from wriftai_server.settings import (
    DAY_SECONDS,
    MOST_FILE_BYTES,
    MOST_REQUESTS,
    MOST_TEXT_BYTES,
    Settings,
    WorkerSettings,
)

_ADDRESS = re.compile(r"https?://[!\"$->@-~]+", re.IGNORECASE)  # Visible ASCII without ? and #.


def _absolute(public_url: str | None) -> str | None:
    if public_url and not _is_address(public_url):
        raise typer.BadParameter(
            "It is no address of a hub: write it like https://hub.example.org, in ASCII and without a query."
        )
    return public_url


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(_ADDRESS.fullmatch(text) and parts.hostname and parts.port != 0)
    except ValueError:  # A port or a bracket that is none.
        return False


@with_worker_options
def serve(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    database: DatabaseAddress = None,
    host: Annotated[str, typer.Option(envvar="WRIFTAI_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="WRIFTAI_PORT", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8000,
    workers: Annotated[
        int,
        typer.Option(
            envvar="WRIFTAI_WORKERS",
            min=1,
            max=64,
            help="API processes that answer requests side by side, at most one a core. More of what runs "
            "predictions is `wriftai-server worker`.",
        ),
    ] = 1,
    public_url: Annotated[
        str | None,
        typer.Option(
            envvar="WRIFTAI_PUBLIC_URL",
            help="Address that callers use, where the hub is behind a proxy.",
            callback=_absolute,
        ),
    ] = None,
    hardware: Hardware = None,
    object_store: ObjectStore = None,
    max_blob_bytes: Annotated[
        int,
        typer.Option(
            envvar="WRIFTAI_MAX_BLOB_BYTES",
            min=1,
            max=MOST_FILE_BYTES,
            help="Larger layers of images are refused.",
        ),
    ] = 10 * 1024**3,
    max_input_bytes: Annotated[
        int,
        typer.Option(
            envvar="WRIFTAI_MAX_INPUT_BYTES",
            min=1,
            max=MOST_TEXT_BYTES,
            help="Longer requests for a prediction are refused, the files in them included.",
        ),
    ] = 8 * 1024 * 1024,
    rate_limit: Annotated[
        int,
        typer.Option(
            envvar="WRIFTAI_RATE_LIMIT",
            min=0,
            max=MOST_REQUESTS,
            help="Requests a minute for each caller; 0 is no limit.",
        ),
    ] = 0,
    peer_seconds: Annotated[
        float,
        typer.Option(
            envvar="WRIFTAI_PEER_SECONDS",
            min=1,
            max=DAY_SECONDS,
            help="Whoever stops for so long in the middle of a request, or of an answer, is hung up on.",
        ),
    ] = 60,
    trusted_proxies: TrustedProxies = "",
    webhook_allow: WebhookAllow = "",
    log_level: LogLevelOption = "info",
    no_worker: Annotated[
        bool,
        typer.Option(
            "--no-worker",
            envvar="WRIFTAI_NO_WORKER",
            help="Run no predictions here: `wriftai-server worker` does.",
        ),
    ] = False,
    *,
    worker: WorkerSettings,
) -> None:
    """Run the hub until it is told to stop (Ctrl-C, SIGTERM); what is under way is finished first."""
    settings = Settings(
        data_dir=data_dir,
        database=database,
        host=host,
        port=port,
        public_url=public_url,
        hardware=hardware,
        object_store=object_store,
        max_blob_bytes=max_blob_bytes,
        max_input_bytes=max_input_bytes,
        rate_limit=rate_limit,
        peer_seconds=peer_seconds,
        trusted_proxies=trusted_proxies,
        webhook_allow=webhook_allow,
        log_level=log_level,
        worker=None if no_worker else worker,
    )
    if workers == 1:
        from wriftai_server.cli import one_process

        one_process.run(settings)
    else:
        from wriftai_server.cli import several_processes

        several_processes.run(settings, workers)
