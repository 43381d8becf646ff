"""Following: an index that is kept up with the database, in a folder beside it, by one of the hub's processes."""

import asyncio
import contextlib
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from wriftai_server.database import feed
from wriftai_server.database.driver import Database, DatabaseUnavailable
from wriftai_server.database.feed import Note
from wriftai_server.logs import Outage
from wriftai_server.search import building, store
from wriftai_server.search.building import Ended, Lost, Task
from wriftai_server.search.current import CurrentIndex
from wriftai_server.search.damage import Broken, Unwritten
from wriftai_server.search.index import Index, State, View, Writing
from wriftai_server.settings import Settings

_PAUSE_SECONDS = 0.25
_PAUSE_OF_OTHERS = 0.05
_LONGEST_PAUSE = 15.0
_PATIENCE_SECONDS = 1.0
_MOMENT = 0.002
_LITTLE = 2_000
_IDLE_SECONDS = 2.0
PROGRAM = (sys.executable, "-m", "wriftai_server.search.building")

T = TypeVar("T")
_log = structlog.get_logger()


class Follower:
    """Keeps an index up with the database, or looks on while another process does.

    Args:
        database: To follow.
        settings: Of the hub.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._current = CurrentIndex(settings.data_dir / "search")
        self._ours: Path | None = None
        self._writing: Writing | None = None
        self._written: Index | None = None
        self._wrote_at = 0.0
        self._asked = asyncio.Event()
        self._turned = asyncio.Event()
        self._is_far = False
        self._is_slow = False
        self._delay = 0.0
        self._outage = Outage("index waits", "index goes on")
        self._queries = ThreadPoolExecutor(2, "search")
        self._work = ThreadPoolExecutor(1, "index")

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                try:
                    await self._turn_or_give_up()
                    self._outage.end()
                    self._is_slow = False
                except (DatabaseUnavailable, OSError) as error:
                    self._outage.begin(error)
                except Exception:
                    # Search goes on with what there is, and the log says what is to be mended.
                    _log.exception("index failed")
                turned, self._turned = self._turned, asyncio.Event()
                turned.set()
                await self._pause()
        finally:
            await self._close()

    async def look(self, query: Callable[[View], T]) -> T | None:
        """Look something up in the index; None when there is none, it is damaged, or looking fails."""
        index, path = self._current.index, self._current.path
        if index is None:
            return None

        def run() -> T:
            self._current.ensure_whole()
            return query(index.view)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._queries, run)
        except Broken as error:
            _log.warning("index broken", reason=str(error))
            with contextlib.suppress(OSError):  # Who keeps it finds that it is damaged, too.
                await asyncio.get_running_loop().run_in_executor(self._queries, self._current.give_up, path)
            self._asked.set()
        except Exception:
            # Names are found all the same, and the log says what is to be mended.
            _log.exception("search failed")
        return None

    async def catch_up(self) -> bool:
        """Wait until the index knows all that is in the database by now, unless that may take long.

        Returns:
            Whether it does.
        """
        async with self._database.reading() as view:
            last, is_held_up = await feed.newest(view)
        if self._knows(last):
            return True
        if is_held_up or self._outage.is_on or self._is_slow or not self._is_near(last):
            return False
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while True:
                    self._asked.set()
                    await self._turned.wait()
                    if self._knows(last) or not self._is_near(last):
                        break
                    # Where that waits for another transaction, nothing comes of asking again at once.
                    await asyncio.sleep(_MOMENT)
        except TimeoutError:
            # Nobody else waits for this turn.
            self._is_slow = True
        return self._knows(last)

    @property
    def _state(self) -> State | None:
        index = self._current.index
        return None if index is None else index.view.state

    @property
    def _is_ours(self) -> bool:
        """Whether the index is one of this database; who does not keep it leaves that to whoever does."""
        return self._current.lock is None or self._ours == self._current.path

    def _knows(self, last: Note) -> bool:
        state = self._state
        return self._is_ours and state is not None and state.reading is None and state.note[:2] >= last[:2]

    def _is_near(self, last: Note) -> bool:
        if self._is_far:
            return False
        state = self._state
        return last.id < _LITTLE if state is None else state.reading is None and last.id - state.note.id < _LITTLE

    async def _pause(self) -> None:
        seconds = _PAUSE_SECONDS if self._current.lock is not None else _PAUSE_OF_OTHERS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        self._asked.clear()

    async def _turn_or_give_up(self) -> None:
        try:
            await self._turn()
        except (Broken, Lost) as error:
            if isinstance(error, Lost):
                _log.info("index built anew", reason=str(error))
            else:
                _log.warning("index broken", reason=str(error))
            await self._on_thread(self._current.give_up, self._current.path)

    async def _turn(self) -> None:
        is_keeper = await self._on_thread(self._prepare)
        index, path = self._current.index, self._current.path
        if not is_keeper or index is None or path is None:
            return
        async with self._database.reading() as view:
            last = await feed.last(view)
            state = index.view.state
            if not self._is_ours and state is not None and await feed.after(view, state.note, limit=1) is None:
                raise Lost
        if state is None and index.view.documents:
            raise Broken("The index does not say how far it has got.")
        self._ours = path
        if not self._knows(last):
            if await self._is_much(index, last):
                self._is_far = True
                try:
                    await self._fill_patiently(path)
                finally:
                    self._is_far = False
            else:
                await self._follow(index)
        elif self._writing is not None and time.monotonic() - self._wrote_at > _IDLE_SECONDS:
            await self._on_thread(self._stop_writing)

    def _prepare(self) -> bool:
        """Look at the index; where there is none and this process is the one that keeps it, begin one.

        Returns:
            Whether it is.
        """
        is_keeper = self._current.keep()
        self._current.look_on()
        if self._current.index is not self._written:
            self._writing = None
        if is_keeper and self._current.index is None:
            self._current.begin()
        return is_keeper

    async def _is_much(self, index: Index, last: Note) -> bool:
        state = index.view.state
        if state is not None and state.reading is None:
            return last.id - state.note.id >= _LITTLE
        async with self._database.scanning() as view:
            return (
                await store.count(view, "models", most=_LITTLE) + await store.count(view, "users", most=_LITTLE)
                >= _LITTLE
            )

    async def _follow(self, index: Index) -> None:
        """Catch up with a little."""
        state = index.view.state
        if state is None or state.reading is not None:
            if state is None:
                async with self._database.scanning() as view:
                    state = await building.begin(view)
            changes = [change async for change in building.read_all(self._database, state)]
            await self._on_thread(self._write, index, changes)
            _log.info("indexed")
            return
        try:
            async with contextlib.aclosing(building.read_changes(self._database, index, state)) as parts:
                async for part in parts:
                    await self._on_thread(self._write, index, [part])
        except Exception:
            # What is written of it is not to take effect with what changes later.
            await self._on_thread(self._stop_writing)
            raise

    def _write(self, index: Index, changes: list[building.Change]) -> None:
        """Write changes, which take effect when the index has got further by them."""
        try:
            if self._writing is None:
                self._writing, self._written = index.writing(), index
            building.apply(self._writing, changes)
            if changes[-1].state == index.view.state:
                return
            self._writing.commit(changes[-1].state)
        except Unwritten:
            # Whoever has failed once stores nothing any more, and says nothing of it.
            writing, self._writing = self._writing, None
            if writing is not None:
                writing.abandon()
            self._current.refresh()
            raise
        self._current.refresh()
        self._wrote_at = time.monotonic()

    def _stop_writing(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.close()
            self._current.refresh()

    async def _fill_patiently(self, folder: Path) -> None:
        """Catch up with much; where that fails again and again, as on a full disk, the next one waits longer."""
        if self._delay:
            await asyncio.sleep(self._delay)
        self._delay = min(2 * (self._delay or _PAUSE_SECONDS), _LONGEST_PAUSE)
        await self._fill_apart(folder)
        self._delay = 0.0

    async def _fill_apart(self, folder: Path) -> None:
        """Catch up with much, in a process of its own."""
        await self._on_thread(self._stop_writing)
        settings = self._settings
        task = msgspec.json.encode(
            Task(str(settings.data_dir), settings.database, str(folder), settings.log_level)
        )
        keep = () if self._current.lock is None else (self._current.lock,)
        # It inherits the lock, so that nobody else begins before it has ended.
        process = await asyncio.create_subprocess_exec(*PROGRAM, stdin=PIPE, pass_fds=keep)
        ended = asyncio.create_task(process.wait())
        try:
            if process.stdin is not None:
                process.stdin.write(task + b"\n")
                await process.stdin.drain()
            while not ended.done():
                await asyncio.wait([ended], timeout=_PAUSE_SECONDS)
                await self._on_thread(self._current.look_on)
        finally:
            if not ended.done():
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await ended
        match ended.result():
            case 0:
                return
            case Ended.LOST:
                raise Lost
            case Ended.WAITING:
                raise DatabaseUnavailable("The process that builds the index cannot reach the database.")
            case Ended.UNWRITTEN:
                await self._on_thread(self._current.refresh)
                raise Unwritten("The process that builds it says why.")
            case status if -status in (signal.SIGKILL, signal.SIGTERM):
                raise OSError("The process that builds the index was killed, as where memory is short.")
            case status if status == Ended.BROKEN or status < 0:
                # To read a damaged file may end a process.
                raise Broken(f"Building ended with {status}.")
            case status:
                raise RuntimeError(f"Building ended with {status}.")

    async def _on_thread(self, work: Callable[..., T], *values: object) -> T:
        def run() -> T:
            return work(*values)

        return await asyncio.get_running_loop().run_in_executor(self._work, run)

    async def _close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._work, self._finish)
        self._work.shutdown()
        self._queries.shutdown()

    def _finish(self) -> None:
        with contextlib.suppress(Broken, Unwritten):
            self._stop_writing()
        self._current.let_go()
