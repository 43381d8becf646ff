"""The address of a hub, for the commands that serve one."""

import contextlib
import resource
import socket
import sys

import structlog
import typer

from wriftai_server.settings import Settings

_ENOUGH_FILES = 65_536
_log = structlog.get_logger()


def listen(settings: Settings) -> socket.socket:
    """Listen on the address of a hub.

    Raises:
        OSError: That is not possible; what to do about it.
    """
    _allow_connections()
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except (OSError, TypeError, UnicodeError) as error:  # The last two of what is no host at all.
        place = f"{settings.host} port {settings.port}"
        reason = getattr(error, "strerror", None) or "that is no address"
        raise OSError(f"Cannot listen on {place}: {reason}. Choose another with --host and --port.") from error


def _allow_connections() -> None:
    """Let this process and its children have as many files open as the system permits: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = _ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH_FILES)
    if soft != resource.RLIM_INFINITY and soft < enough:
        with contextlib.suppress(OSError, ValueError):  # Some systems permit fewer than they say.
            resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


def announce(settings: Settings, listening: socket.socket) -> None:
    """Say where a hub listens."""
    shown_host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{shown_host}:{listening.getsockname()[1]}"
    _log.info("listening", address=address, data_dir=str(settings.data_dir))
    what = "everything" if settings.database is None else "all but the rows"
    typer.echo(f"Listening on {address}, with {what} in {settings.data_dir}. Ctrl-C stops it.")
    sys.stdout.flush()
