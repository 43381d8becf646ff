"""What `serve` does with one process, which is this one."""

from wriftai_server import logs
from wriftai_server.app import build
from wriftai_server.cli.execution import fail
from wriftai_server.cli.listening import announce, listen
from wriftai_server.processes.server import Server
from wriftai_server.refusals import REFUSALS
from wriftai_server.settings import Settings


def run(settings: Settings) -> None:
    """Serve a hub until the process is told to stop, or the worker dies; refusals end the command."""
    logs.configure(settings.log_level)
    try:
        listening = listen(settings)
        hub = build(settings)
    except (*REFUSALS, OSError) as error:
        raise fail(error) from None
    Server(hub, settings, ready=lambda: announce(settings, listening)).run([listening])
    if hub.died_of is not None:
        raise fail(
            f"The worker died ({hub.died_of}), and the log says where. Start the hub again: what waits will run."
        )
