"""What an operator can set; the command line and `WRIFTAI_…` variables fill it in."""

import functools
import ipaddress
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

LogLevel = Literal["debug", "info", "warning", "error"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a running hub.

    Attributes:
        data_dir: Holds everything that the hub keeps.
        host: Address to listen on.
        port: To listen on; 0 takes a free one.
        public_url: Address that callers reach the hub under, where it stands behind a proxy; None takes it from
            each request.
        hardware: Catalogue of what models can run on; None offers what this machine has.
        rate_limit: Requests that a caller may send in a minute; 0 sets no limit.
        max_body_bytes: Longer bodies are refused.
        max_input_bytes: Of bodies that hold the input of a prediction, longer ones are refused.
        max_blob_bytes: Larger layers of images are refused.
        object_store: Address of a bucket that holds the images, such as `s3://bucket/prefix`; None holds them in
            the data folder.
        trusted_proxies: Addresses of proxies, parted by commas, whose word on who calls and how counts
            (`X-Forwarded-For`, `X-Forwarded-Proto`); empty trusts nobody.
        webhook_allow: Networks, parted by commas, that webhooks may be posted to although they are not public.
        log_level: Less important lines are left out.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8000
    public_url: str | None = None
    hardware: Path | None = None
    rate_limit: Annotated[int, Meta(ge=0)] = 0
    max_body_bytes: Annotated[int, Meta(ge=1)] = 1024 * 1024
    max_input_bytes: Annotated[int, Meta(ge=1)] = 8 * 1024 * 1024
    max_blob_bytes: Annotated[int, Meta(ge=1)] = 10 * 1024**3
    object_store: str | None = None
    trusted_proxies: str = ""
    webhook_allow: str = ""
    log_level: LogLevel = "info"


@functools.cache
def networks(text: str) -> tuple[Network, ...]:
    """Read networks that are parted by commas.

    Raises:
        ValueError: One of them is no network.
    """
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
