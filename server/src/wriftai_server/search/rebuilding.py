"""Rebuilding: an index takes in all rows, or many changes, whatever its state is.

It runs in a process of its own, with low priority, so that the hub answers meanwhile:
`python -m wriftai_server.search.rebuilding`, told on its standard input what to do. It ends when that is closed.
"""

import asyncio
import gc
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import msgspec
import structlog

from wriftai_server import logs
from wriftai_server.database.connections import UnusableServer
from wriftai_server.database.driver import Database, DatabaseUnavailable
from wriftai_server.database.opening import open_database
from wriftai_server.search import batches, store
from wriftai_server.search.batches import Batch, PositionLost
from wriftai_server.search.errors import IndexCorrupt, IndexUnwritable
from wriftai_server.search.index import Index, IndexWriter, State
from wriftai_server.settings import LogLevel

# Eight segments of about the same size are merged into one, in which a search costs least.
_SEGMENTS = 8
# What is looked up often while a segment grows stays near the processor if that is small.
_MOST_IN_SEGMENT = 130_000
_LEAST_IN_SEGMENT = 2_500
_MOST_WAITING = 50
_MEGABYTES = 150
_NICENESS = 5
_COLLECT_EVERY = 100_000
_log = structlog.get_logger()

# Runs what takes long on a thread.
_Work = Callable[..., asyncio.Future[Any]]


class ExitStatus(IntEnum):
    """Why the process ended, where it is not done.

    Attributes:
        CORRUPT: The index is damaged, or gone.
        POSITION_LOST: The feed does not know the position of the index.
        DATABASE_UNAVAILABLE: The database cannot be reached now: what is committed of the index stays.
        UNWRITABLE: The index cannot be written now: what is committed of it stays.
    """

    CORRUPT = 2
    POSITION_LOST = 3
    DATABASE_UNAVAILABLE = 4
    UNWRITABLE = 5


class Task(msgspec.Struct, frozen=True):
    """What the process is to do.

    Attributes:
        data_dir: The data folder of the hub.
        database: Address of its database; None is the file in that folder.
        folder: Where the index is.
        log_level: The least level of what is logged.
    """

    data_dir: str
    database: str | None
    folder: str
    log_level: LogLevel


async def fill(database: Database, index: Index) -> None:
    """Bring an index up to date, however much that is.

    Raises:
        PositionLost: The feed does not know the position of the index.
    """
    state = index.snapshot.state
    if state is None:
        async with database.scanning() as view:
            state = await batches.first_state(view)
    work = partial(asyncio.get_running_loop().run_in_executor, None)
    writer = await work(partial(index.writer, megabytes=_MEGABYTES))
    try:
        if state.reading is not None:
            await _fill_with_all(database, writer, state, work)
            index.reload()
        while await _fill_with_changes(database, index, writer, work):
            index.reload()
        _log.info("indexed")
    except BaseException:
        await work(writer.abandon)
        raise
    await work(writer.close)
    _log.info("index merged")


async def _fill_with_changes(database: Database, index: Index, writer: IndexWriter, work: _Work) -> bool:
    """Write the next notes of the feed; tell whether there were any."""
    before = state = index.snapshot.state
    if before is None:
        return False
    async for batch in batches.read_changes(database, index, before):
        await work(batches.apply, writer, [batch])
        state = batch.state
    if state == before:
        return False
    await work(writer.commit, state)
    return True


async def _fill_with_all(database: Database, writer: IndexWriter, state: State, work: _Work) -> None:
    """Write all rows that the index has not read yet, a segment a commit; the next is read meanwhile."""
    async with database.scanning() as view:
        total = sum([await store.count(view, which, most=2**31) for which in ("users", "models")])
    segments = _Segments(writer, work, state, total=total)
    waiting: deque[Batch] = deque()
    try:
        async for batch in batches.read_all(database, state):
            waiting.append(batch)
            # Whether a commit has ended is told by the event loop.
            await asyncio.sleep(0)
            is_last = batch.state.reading is None
            while waiting and (segments.commit.done() or is_last or len(waiting) == _MOST_WAITING):
                await segments.commit
                while waiting:
                    if segments.add(waiting.popleft()):
                        segments.begin_commit()
                        break
    finally:
        # Nobody else may use the writer meanwhile.
        await asyncio.wait([segments.commit])
    await segments.commit


class _Segments:
    """Segments of about the same size, one of which is committed while documents of the next are made.

    Nothing is to be added before the commit is done.

    Args:
        writer: Writes them.
        work: Runs what takes long on a thread.
        state: How far the index has got; its commit is the first that begins.
        total: How many documents there will be.

    Attributes:
        commit: The last commit that has begun.
    """

    def __init__(self, writer: IndexWriter, work: _Work, state: State, *, total: int) -> None:
        self._writer = writer
        self._work = work
        self._state = state
        self._total = total
        self._size = _segment_size(total)
        self._written = 0
        self.commit = self._start()

    def add(self, batch: Batch) -> bool:
        """Write a batch; tell whether its segment is to be committed, as it is full or the last."""
        batches.apply(self._writer, [batch])
        begun = self._written // self._size
        self._written += len(batch.added)
        self._state = batch.state
        # Counted from the first one on: how many there are does not depend on the size of batches.
        return self._written // self._size > begun or batch.state.reading is None

    def begin_commit(self) -> None:
        """Begin to commit what was added."""
        self.commit = self._start()
        _log.info("indexing", read=self._written, of=self._total)

    def _start(self) -> asyncio.Future[None]:
        return self._work(self._writer.commit, self._state)


def _segment_size(total: int) -> int:
    """Give the number of documents to commit at once, so that all come in 8 segments, or 16, or 24."""
    if total < _SEGMENTS * _LEAST_IN_SEGMENT:
        return total + 1
    merges = ceil(total / (_SEGMENTS * _MOST_IN_SEGMENT))
    return ceil(total / (_SEGMENTS * merges))


def _end_with_parent() -> None:
    # Not by way of `sys.stdin`, whose lock would be held when the interpreter ends.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


async def _run(task: Task) -> None:
    database = open_database(Path(task.data_dir), task.database)
    try:
        await fill(database, Index(Path(task.folder)))
    finally:
        await database.close()


def main() -> None:
    """Do the task that comes on standard input, and end with an `ExitStatus` if that fails."""
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    os.nice(_NICENESS)
    # Documents are many, and hold no cycles.
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY)
    logs.configure(task.log_level)
    try:
        asyncio.run(_run(task))
    except PositionLost:
        sys.exit(ExitStatus.POSITION_LOST)
    except (DatabaseUnavailable, UnusableServer) as error:
        _log.warning("index waits", reason=str(error))
        sys.exit(ExitStatus.DATABASE_UNAVAILABLE)
    except IndexUnwritable as error:
        _log.warning("index waits", reason=str(error))
        sys.exit(ExitStatus.UNWRITABLE)
    except IndexCorrupt as error:
        _log.warning("index broken", reason=str(error))
        sys.exit(ExitStatus.CORRUPT)


if __name__ == "__main__":
    main()
