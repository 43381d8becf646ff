"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from wriftai_server.settings import LogLevel, networks

DEFAULT_DATA_DIR = Path("./data")

DataDir = Annotated[
    Path, typer.Option("--data-dir", envvar="WRIFTAI_DATA_DIR", help="Folder that holds everything of the hub.")
]

DatabaseAddress = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="WRIFTAI_DATABASE",
        help="PostgreSQL database that holds the rows, as postgresql://user:password@host:port/name; by default "
        "a file in the folder does.",
    ),
]


def _networks(text: str) -> str:
    try:
        networks(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{error}. Name addresses, or networks like 127.0.0.0/8, parted by commas."
        ) from None
    return text


WebhookAllow = Annotated[
    str,
    typer.Option(
        envvar="WRIFTAI_WEBHOOK_ALLOW",
        help="Networks, parted by commas, that webhooks may be posted to although they are not public.",
        callback=_networks,
    ),
]


def _proxies(text: str) -> str:
    return text if text.strip() == "*" else _networks(text)


TrustedProxies = Annotated[
    str,
    typer.Option(
        envvar="WRIFTAI_TRUSTED_PROXIES",
        help="Addresses of proxies, parted by commas, whose X-Forwarded-… headers count; * trusts everyone.",
        callback=_proxies,
    ),
]

Hardware = Annotated[
    Path | None,
    typer.Option(envvar="WRIFTAI_HARDWARE", help="TOML file with one [[hardware]] table for each kind offered."),
]

ObjectStore = Annotated[
    str | None,
    typer.Option(
        envvar="WRIFTAI_OBJECT_STORE",
        help="Bucket that holds the images, as s3://bucket/prefix; by default the folder does.",
    ),
]

LogLevelOption = Annotated[
    LogLevel, typer.Option(envvar="WRIFTAI_LOG_LEVEL", help="Leave less important lines out of the log.")
]
