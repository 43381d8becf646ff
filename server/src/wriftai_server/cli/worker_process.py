"""What `worker` does, in this process."""

import asyncio
import signal
import sys

import structlog
import typer
import uvloop

from wriftai_server import logs
from wriftai_server.cli.execution import fail, no_hub
from wriftai_server.database.changes import Changes
from wriftai_server.database.driver import Database
from wriftai_server.database.opening import is_missing, open_database
from wriftai_server.hardware import catalogue
from wriftai_server.images.blobs import Blobs
from wriftai_server.refusals import REFUSALS
from wriftai_server.settings import Settings
from wriftai_server.worker.worker import Worker, death

_log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Run predictions until the process is told to stop; refusals end the command."""
    logs.configure(settings.log_level)
    if is_missing(settings.data_dir, settings.database):
        raise no_hub(settings.data_dir)
    try:
        offered = catalogue.detect() if settings.hardware is None else catalogue.read(settings.hardware)
        database = open_database(settings.data_dir, settings.database)
        blobs = Blobs(settings.data_dir, settings.object_store)
        worker = Worker(database, blobs, Changes(database), settings, offered)
        worker.open()
    except (*REFUSALS, OSError) as error:
        raise fail(error) from None
    _log.info("working", data_dir=str(settings.data_dir))
    typer.echo(f"Running predictions of the hub in {settings.data_dir}. Ctrl-C stops it.")
    sys.stdout.flush()
    died_of = uvloop.run(_until_told(worker, database))
    if died_of is not None:
        raise fail(f"The worker died ({died_of}), and the log says where. Start it again: what waits will run.")


async def _until_told(worker: Worker, database: Database) -> str | None:
    """Run predictions until told to stop; say of what the worker died, if it did before."""
    running = asyncio.create_task(worker.run())
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, running.cancel)
    await asyncio.wait([running])
    await database.close()
    _log.info("stopped")
    return death(running)
