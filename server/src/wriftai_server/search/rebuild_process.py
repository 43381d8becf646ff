"""The process that `rebuilding` runs in: how it is started, and what its end means."""

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable

import msgspec

from wriftai_server.database.driver import DatabaseUnavailable
from wriftai_server.search.batches import PositionLost
from wriftai_server.search.errors import IndexCorrupt, IndexUnwritable
from wriftai_server.search.rebuilding import ExitStatus, Task

PROGRAM = (sys.executable, "-m", "wriftai_server.search.rebuilding")

_TICK_SECONDS = 0.25


async def run(task: Task, *, lock: int | None, tick: Callable[[], Awaitable[object]]) -> None:
    """Do a task in a process of its own, which is killed where this is cancelled.

    Args:
        task: What to do.
        lock: File descriptor of the lock of the index, which the process inherits, so that nobody else begins
            before it has ended; None where there is none.
        tick: Called four times a second meanwhile.

    Raises:
        PositionLost: The feed does not know the position of the index.
        DatabaseUnavailable: The database cannot be reached now.
        IndexUnwritable: The index cannot be written now.
        IndexCorrupt: It is damaged, or gone.
        OSError: The process was killed, or could not be started.
        RuntimeError: It failed by a mistake of ours, which its log has.
    """
    inherited = () if lock is None else (lock,)
    process = await asyncio.create_subprocess_exec(*PROGRAM, stdin=PIPE, pass_fds=inherited)
    ended = asyncio.create_task(process.wait())
    try:
        if process.stdin is not None:
            process.stdin.write(msgspec.json.encode(task) + b"\n")
            await process.stdin.drain()
        while not ended.done():
            await asyncio.wait([ended], timeout=_TICK_SECONDS)
            await tick()
    finally:
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await ended
    _raise_for(ended.result())


def _raise_for(status: int) -> None:
    """Raise what kept the process from doing its task; a negative status is the signal that ended it."""
    match status:
        case 0:
            return
        case ExitStatus.POSITION_LOST:
            raise PositionLost
        case ExitStatus.DATABASE_UNAVAILABLE:
            raise DatabaseUnavailable("The process that builds the index cannot reach the database.")
        case ExitStatus.UNWRITABLE:
            raise IndexUnwritable("The process that builds it says why.")
        case _ if -status in (signal.SIGKILL, signal.SIGTERM):
            raise OSError("The process that builds the index was killed, as where memory is short.")
        case _ if status == ExitStatus.CORRUPT or status < 0:
            # To read a damaged file may end a process.
            raise IndexCorrupt(f"Building ended with {status}.")
        case _:
            raise RuntimeError(f"Building ended with {status}.")
