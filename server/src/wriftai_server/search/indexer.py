"""The indexer keeps an index up with the database, in a folder beside it, in one of the hub's processes."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from wriftai_server.database import feed
from wriftai_server.database.driver import Database, DatabaseUnavailable
from wriftai_server.database.feed import Note
from wriftai_server.logs import Outage
from wriftai_server.search import batches, rebuild_process, store
from wriftai_server.search.batches import PositionLost
from wriftai_server.search.current import CurrentIndex
from wriftai_server.search.errors import IndexCorrupt, IndexUnwritable
from wriftai_server.search.index import Index, IndexWriter, Snapshot, State
from wriftai_server.search.rebuilding import Task
from wriftai_server.settings import Settings

_PAUSE_SECONDS = 0.25
_PAUSE_OF_OTHERS = 0.05
_LONGEST_PAUSE = 15.0
_PATIENCE_SECONDS = 1.0
_MOMENT = 0.002
_FEW_CHANGES = 2_000
_IDLE_SECONDS = 2.0

T = TypeVar("T")
_log = structlog.get_logger()


class Indexer:
    """Writes the index if its process has the lock, and otherwise reloads what another one writes.

    Args:
        database: Has the rows, and the feed of what changed.
        settings: Those of the hub.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._current = CurrentIndex(settings.data_dir / "search")
        self._ours: Path | None = None
        self._writer: IndexWriter | None = None
        self._writer_index: Index | None = None
        self._wrote_at = 0.0
        self._wanted = asyncio.Event()
        self._turn_done = asyncio.Event()
        self._is_rebuilding = False
        self._is_slow = False
        self._delay = 0.0
        self._outage = Outage("index waits", "index goes on")
        self._queries = ThreadPoolExecutor(2, "search")
        self._work = ThreadPoolExecutor(1, "index")

    async def run(self) -> None:
        """Keep the index up until cancelled."""
        try:
            while True:
                try:
                    await self._turn_or_discard()
                    self._outage.end()
                    self._is_slow = False
                except (DatabaseUnavailable, OSError) as error:
                    self._outage.begin(error)
                except Exception:
                    # Search goes on with what there is, and the log says what is to be mended.
                    _log.exception("index failed")
                done, self._turn_done = self._turn_done, asyncio.Event()
                done.set()
                await self._pause()
        finally:
            await self._close()

    async def look_up(self, find: Callable[[Snapshot], T]) -> T | None:
        """Search the index, on a thread; None where there is none, it is damaged, or the search fails.

        Args:
            find: Searches a snapshot.
        """
        index, path = self._current.index, self._current.path
        if index is None:
            return None

        def run() -> T:
            self._current.check()
            return find(index.snapshot)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._queries, run)
        except IndexCorrupt as error:
            _log.warning("index broken", reason=str(error))
            with contextlib.suppress(OSError):  # Who writes it finds that it is damaged, too.
                await asyncio.get_running_loop().run_in_executor(self._queries, self._current.discard, path)
            self._wanted.set()
        except Exception:
            # Names are found all the same, and the log says what is to be mended.
            _log.exception("search failed")
        return None

    async def catch_up(self) -> bool:
        """Wait until the index contains all that is in the database by now, unless that may take long.

        Returns:
            Whether it does.
        """
        async with self._database.reading() as view:
            last, is_held_up = await feed.newest(view)
        if self._contains(last):
            return True
        if is_held_up or self._outage.is_on or self._is_slow or not self._is_near(last):
            return False
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while True:
                    self._wanted.set()
                    await self._turn_done.wait()
                    if self._contains(last) or not self._is_near(last):
                        break
                    # Where that waits for another transaction, nothing comes of asking again at once.
                    await asyncio.sleep(_MOMENT)
        except TimeoutError:
            # Nobody else waits for this turn.
            self._is_slow = True
        return self._contains(last)

    @property
    def _state(self) -> State | None:
        index = self._current.index
        return None if index is None else index.snapshot.state

    @property
    def _is_ours(self) -> bool:
        """Whether the index is one of this database; a process without the lock leaves that to who has it."""
        return self._current.lock is None or self._ours == self._current.path

    def _contains(self, last: Note) -> bool:
        state = self._state
        return self._is_ours and state is not None and state.reading is None and state.note[:2] >= last[:2]

    def _is_near(self, last: Note) -> bool:
        if self._is_rebuilding:
            return False
        state = self._state
        return (
            last.id < _FEW_CHANGES
            if state is None
            else state.reading is None and last.id - state.note.id < _FEW_CHANGES
        )

    async def _pause(self) -> None:
        seconds = _PAUSE_SECONDS if self._current.lock is not None else _PAUSE_OF_OTHERS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        self._wanted.clear()

    async def _turn_or_discard(self) -> None:
        try:
            await self._turn()
        except (IndexCorrupt, PositionLost) as error:
            if isinstance(error, PositionLost):
                _log.info("index built anew", reason=str(error))
            else:
                _log.warning("index broken", reason=str(error))
            await self._on_thread(self._current.discard, self._current.path)

    async def _turn(self) -> None:
        has_lock = await self._on_thread(self._prepare)
        index, path = self._current.index, self._current.path
        if not has_lock or index is None or path is None:
            return
        async with self._database.reading() as view:
            last = await feed.last(view)
            state = index.snapshot.state
            if not self._is_ours and state is not None and await feed.after(view, state.note, limit=1) is None:
                raise PositionLost
        if state is None and index.snapshot.document_count:
            raise IndexCorrupt("The index does not say how far it has got.")
        self._ours = path
        if not self._contains(last):
            if await self._is_much(index, last):
                self._is_rebuilding = True
                try:
                    await self._fill_with_backoff(path)
                finally:
                    self._is_rebuilding = False
            else:
                await self._catch_up_here(index)
        elif self._writer is not None and time.monotonic() - self._wrote_at > _IDLE_SECONDS:
            await self._on_thread(self._close_writer)

    def _prepare(self) -> bool:
        """Open or reload the index; where there is none and this process has the lock, create one.

        Returns:
            Whether it has the lock.
        """
        has_lock = self._current.try_lock()
        self._current.open_current()
        if self._current.index is not self._writer_index:
            self._writer = None
        if has_lock and self._current.index is None:
            self._current.create()
        return has_lock

    async def _is_much(self, index: Index, last: Note) -> bool:
        state = index.snapshot.state
        if state is not None and state.reading is None:
            return last.id - state.note.id >= _FEW_CHANGES
        async with self._database.scanning() as view:
            return (
                await store.count(view, "models", most=_FEW_CHANGES)
                + await store.count(view, "users", most=_FEW_CHANGES)
                >= _FEW_CHANGES
            )

    async def _catch_up_here(self, index: Index) -> None:
        """Take in few changes, on a thread of this process."""
        state = index.snapshot.state
        if state is None or state.reading is not None:
            if state is None:
                async with self._database.scanning() as view:
                    state = await batches.first_state(view)
            pending = [batch async for batch in batches.read_all(self._database, state)]
            await self._on_thread(self._write, index, pending)
            _log.info("indexed")
            return
        try:
            async with contextlib.aclosing(batches.read_changes(self._database, index, state)) as read:
                async for batch in read:
                    await self._on_thread(self._write, index, [batch])
        except Exception:
            # What is written of it is not to take effect with what changes later.
            await self._on_thread(self._close_writer)
            raise

    def _write(self, index: Index, pending: list[batches.Batch]) -> None:
        """Write batches, which take effect when the last comes with another state than the index has."""
        try:
            if self._writer is None:
                self._writer, self._writer_index = index.writer(), index
            batches.apply(self._writer, pending)
            if pending[-1].state == index.snapshot.state:
                return
            self._writer.commit(pending[-1].state)
        except IndexUnwritable:
            # A writer that has failed once stores nothing any more, and does not say so.
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.abandon()
            self._current.reload()
            raise
        self._current.reload()
        self._wrote_at = time.monotonic()

    def _close_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            self._current.reload()

    async def _fill_with_backoff(self, folder: Path) -> None:
        """Take in many changes; where that fails again and again, as on a full disk, each waits longer."""
        if self._delay:
            await asyncio.sleep(self._delay)
        self._delay = min(2 * (self._delay or _PAUSE_SECONDS), _LONGEST_PAUSE)
        await self._fill_in_process(folder)
        self._delay = 0.0

    async def _fill_in_process(self, folder: Path) -> None:
        """Take in many changes, in a process of its own."""
        await self._on_thread(self._close_writer)
        settings = self._settings
        task = Task(str(settings.data_dir), settings.database, str(folder), settings.log_level)
        reload_changed = partial(self._on_thread, self._current.open_current)
        try:
            await rebuild_process.run(task, lock=self._current.lock, tick=reload_changed)
        except IndexUnwritable:
            await self._on_thread(self._current.reload)
            raise

    async def _on_thread(self, work: Callable[..., T], *values: object) -> T:
        def run() -> T:
            return work(*values)

        return await asyncio.get_running_loop().run_in_executor(self._work, run)

    async def _close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._work, self._finish)
        self._work.shutdown()
        self._queries.shutdown()

    def _finish(self) -> None:
        with contextlib.suppress(IndexCorrupt, IndexUnwritable):
            self._close_writer()
        self._current.release()
