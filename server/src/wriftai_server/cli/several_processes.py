"""What `serve` does with several processes: this one starts the others, and hands connections to them."""

import asyncio

from wriftai_server import logs
from wriftai_server.cli.execution import fail
from wriftai_server.cli.listening import announce, listen
from wriftai_server.processes.parent import Dead, Parent
from wriftai_server.settings import Settings


def run(settings: Settings, count: int) -> None:
    """Serve a hub with so many processes until this one is told to stop; refusals end the command."""
    logs.configure(settings.log_level)
    try:
        listening = listen(settings)
    except OSError as error:
        raise fail(error) from None
    parent = Parent(settings, count, listening, ready=lambda: announce(settings, listening))
    try:
        asyncio.run(parent.run())
    except Dead as error:
        raise fail(error) from None
