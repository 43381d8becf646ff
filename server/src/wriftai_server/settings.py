"""What an operator can set; the command line and `WRIFTAI_…` variables fill it in."""

import functools
import ipaddress
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

LogLevel = Literal["debug", "info", "warning", "error"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Confinement = Literal["required", "best-effort"]

DAY_SECONDS = 86_400
YEAR_SECONDS = 365 * DAY_SECONDS
MOST_DAYS = 36_500
# A row of SQLite takes 10**9 bytes, and a value of PostgreSQL as many.
MOST_TEXT_BYTES = 2**29
MOST_FILE_BYTES = 2**50
MOST_MB = 2**30
MOST_PROCESSES = 2**22  # As many as Linux can number.
MOST_REQUESTS = 10**9

Seconds = Annotated[float, Meta(gt=0, le=YEAR_SECONDS)]
TextBytes = Annotated[int, Meta(ge=1, le=MOST_TEXT_BYTES)]
FileBytes = Annotated[int, Meta(ge=1, le=MOST_FILE_BYTES)]


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of what runs predictions.

    Attributes:
        idle_seconds: A runtime that nobody used for so long is stopped.
        setup_seconds: Loading a model may take at most so long.
        prediction_seconds: A prediction may take at most so long.
        lease_seconds: What a worker runs is taken back when it was not heard of for so long.
        grace_seconds: What runs when the worker is told to stop has so long to end; then it is given back.
        max_output_bytes: A prediction's output may be at most so long, as JSON.
        max_file_bytes: A file of an input may be at most so long.
        allow_private_addresses: Whether files of inputs may be fetched from addresses that are not public.
        memory_mb: Main memory that a runtime may use, in MiB; 0 is four fifths of the machine's.
        disk_mb: Size of the files that a runtime may keep, in MiB.
        max_processes: Processes and threads that a runtime may have.
        models_have_network: Whether models may open connections.
        confinement: Whether to refuse to run models where the kernel cannot lock them in, or only to warn.
        retention_days: Inputs, outputs and logs are removed so long after a prediction ended.
    """

    idle_seconds: Seconds = 300
    setup_seconds: Seconds = 600
    prediction_seconds: Seconds = 1800
    lease_seconds: Annotated[float, Meta(gt=0, le=DAY_SECONDS)] = 30
    grace_seconds: Annotated[float, Meta(ge=0, le=YEAR_SECONDS)] = 10
    max_output_bytes: TextBytes = 8 * 1024 * 1024
    max_file_bytes: FileBytes = 256 * 1024 * 1024
    allow_private_addresses: bool = False
    memory_mb: Annotated[int, Meta(ge=0, le=MOST_MB)] = 0
    disk_mb: Annotated[int, Meta(ge=1, le=MOST_MB)] = 4096
    max_processes: Annotated[int, Meta(ge=1, le=MOST_PROCESSES)] = 512
    models_have_network: bool = True
    confinement: Confinement = "best-effort"
    retention_days: Annotated[float, Meta(gt=0, le=MOST_DAYS)] = 30


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a running hub.

    Attributes:
        data_dir: Holds everything that the hub keeps.
        database: Address of a PostgreSQL database, `postgresql://…`, that holds the rows; None holds them in a
            file in the data folder.
        host: Address to listen on.
        port: To listen on; 0 takes a free one.
        public_url: Address that callers reach the hub under, where it stands behind a proxy; None takes it from
            each request.
        hardware: Catalogue of what models can run on; None offers what this machine has.
        rate_limit: Requests that a caller may send in a minute; 0 sets no limit.
        peer_seconds: Whoever is waited for may take so long to send the whole head of a request or the next bit
            of a body, or to take the next bit of an answer.
        max_input_bytes: Longer bodies that hold the input of a prediction are refused.
        max_blob_bytes: Larger layers of images are refused.
        object_store: Address of a bucket that holds the images, such as `s3://bucket/prefix`; None holds them in
            the data folder.
        trusted_proxies: Addresses of proxies, parted by commas, whose word on who calls and how counts
            (`X-Forwarded-For`, `X-Forwarded-Proto`); empty trusts nobody.
        webhook_allow: Networks, parted by commas, that webhooks may be posted to although they are not public.
        log_level: Less important lines are left out.
        worker: Settings of what runs predictions in the same process; None leaves that to other processes.
    """

    data_dir: Path
    database: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8000
    public_url: str | None = None
    hardware: Path | None = None
    rate_limit: Annotated[int, Meta(ge=0, le=MOST_REQUESTS)] = 0
    peer_seconds: Annotated[float, Meta(gt=0, le=DAY_SECONDS)] = 60
    max_input_bytes: TextBytes = 8 * 1024 * 1024
    max_blob_bytes: FileBytes = 10 * 1024**3
    object_store: str | None = None
    trusted_proxies: str = ""
    webhook_allow: str = ""
    log_level: LogLevel = "info"
    worker: WorkerSettings | None = None


@functools.cache
def networks(text: str) -> tuple[Network, ...]:
    """Read networks that are parted by commas.

    Raises:
        ValueError: One of them is no network.
    """
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
