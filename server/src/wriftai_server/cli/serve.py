"""`wriftai-server serve`."""

from pathlib import Path
from typing import Annotated

import typer

from wriftai_server.cli.folder import DEFAULT, DataDir
from wriftai_server.settings import LogLevel, Settings, networks


def _absolute(public_url: str | None) -> str | None:
    if public_url and not public_url.lower().startswith(("http://", "https://")):
        raise typer.BadParameter("It is not absolute: begin it with https:// or http://.")
    return public_url


def _networks(text: str) -> str:
    try:
        networks(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}. Name networks like 127.0.0.0/8, parted by commas.") from None
    return text


WebhookAllow = Annotated[
    str,
    typer.Option(
        envvar="WRIFTAI_WEBHOOK_ALLOW",
        help="Networks, parted by commas, that webhooks may be posted to although they are not public.",
        callback=_networks,
    ),
]


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
    webhook_allow: WebhookAllow = "",
    log_level: Annotated[
        LogLevel, typer.Option(envvar="WRIFTAI_LOG_LEVEL", help="Leave less important lines out of the log.")
    ] = "info",
) -> None:
    """Run the hub until it is told to stop (Ctrl-C, SIGTERM); what is under way is finished first."""
    from wriftai_server.cli.running import run

    run(
        Settings(
            data_dir=data_dir,
            host=host,
            port=port,
            public_url=public_url,
            hardware=hardware,
            rate_limit=rate_limit,
            trusted_proxies=trusted_proxies,
            webhook_allow=webhook_allow,
            log_level=log_level,
        )
    )
