"""Following: an index that is kept up with the database, in a folder beside it, by one of the hub's processes.

`search/current` names the folder of the index and the version that it is of. Whoever holds the lock on
`search/lock` keeps the index up; all others look at it again when it has changed, and take over when that is
free. Whatever is wrong with an index, the remedy is to remove `current`: the keeper then builds it anew.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import sys
import threading
import time
import uuid
from asyncio.subprocess import PIPE
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from wriftai_server.database import feed
from wriftai_server.database.driver import Database, DatabaseUnavailable, Reader
from wriftai_server.database.feed import Note
from wriftai_server.search import building, store, wholeness
from wriftai_server.search.building import Lost, Task
from wriftai_server.search.index import VERSION, Index, View, Writing
from wriftai_server.settings import Settings

_PAUSE_SECONDS = 0.25
_PAUSE_OF_OTHERS = 0.05
_PATIENCE_SECONDS = 1.0
_LITTLE = 2_000
_IDLE_SECONDS = 2.0
_LOOK_SECONDS = 0.1
_ATTEMPTS = 5
_ATTEMPT_SECONDS = 0.02
_PROGRAM = (sys.executable, "-m", "wriftai_server.search.building")

T = TypeVar("T")
_log = structlog.get_logger()


class Broken(Exception):
    """The index is damaged."""


class Current(msgspec.Struct, frozen=True):
    """Says which index is the current one.

    Attributes:
        version: What it is made by.
        folder: Its name.
    """

    version: str
    folder: str


@contextlib.contextmanager
def _damage_named() -> Iterator[None]:
    """Name all that the library may raise of a damaged index: errors, and panics, which are no `Exception`s."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, Broken):
        raise
    except BaseException as error:
        raise Broken(repr(error)) from error


class Follower:
    """Keeps an index up with the database, or looks on while another process does.

    Args:
        database: To follow.
        settings: Of the hub.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._folder = settings.data_dir / "search"
        self._lock: int | None = None
        self._index: Index | None = None
        self._path: Path | None = None
        self._census: wholeness.Census = {}
        self._meta: tuple[int, int] = (0, 0)
        self._looked_at = 0.0
        self._writing: Writing | None = None
        self._wrote_at = 0.0
        self._refreshing = threading.Lock()
        self._asked = asyncio.Event()
        self._turned = asyncio.Event()
        self._is_far = False
        # Whether the index is one of this database; who does not keep it leaves that to whoever does.
        self._is_ours = False
        self._queries = ThreadPoolExecutor(2, "search")
        self._work = ThreadPoolExecutor(1, "index")

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                try:
                    await self._turn()
                except (DatabaseUnavailable, OSError) as error:
                    _log.warning("index_waits", reason=str(error))
                except (Broken, Lost) as error:
                    _log.warning("index_broken", reason=repr(error))
                    await self._on_thread(self._give_up)
                except Exception:
                    # Search goes on with what there is, and the log says what is to be mended.
                    _log.exception("index_failed")
                turned, self._turned = self._turned, asyncio.Event()
                turned.set()
                await self._pause()
        finally:
            await self._close()

    async def look(self, query: Callable[[View], T]) -> T | None:
        """Look something up in the index; None when there is none, or it is damaged."""
        index = self._index
        if index is None:
            return None

        def run() -> T:
            with _damage_named():
                if not self._is_untouched():
                    self._refresh()
                return query(index.view)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._queries, run)
        except Broken as error:
            _log.warning("index_broken", reason=str(error))
            await asyncio.get_running_loop().run_in_executor(self._queries, self._give_up)
            self._asked.set()
            return None

    async def catch_up(self, view: Reader) -> bool:
        """Wait until the index knows all that is in the database by now, unless it is far behind.

        Returns:
            Whether it does.
        """
        last = await feed.last(view)
        if self._knows(last):
            return True
        if not self._is_near(last):
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not self._knows(last):
                    self._asked.set()
                    await self._turned.wait()
                    if not self._is_near(last):
                        break
        return self._knows(last)

    def _knows(self, last: Note) -> bool:
        state = None if self._index is None else self._index.view.state
        return self._is_ours and state is not None and not state.reading and state.note[:2] >= last[:2]

    def _is_near(self, last: Note) -> bool:
        if self._is_far:
            return False
        state = None if self._index is None else self._index.view.state
        return last.id < _LITTLE if state is None else not state.reading and last.id - state.note.id < _LITTLE

    async def _pause(self) -> None:
        seconds = _PAUSE_SECONDS if self._lock is not None else _PAUSE_OF_OTHERS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        self._asked.clear()

    async def _turn(self) -> None:
        if not await self._on_thread(self._is_keeper):
            await self._on_thread(self._look_on)
            return
        await self._on_thread(self._open)
        index = self._index
        if index is None or self._path is None:
            return
        async with self._database.reading() as view:
            last = await feed.last(view)
            state = index.view.state
            if not self._is_ours and state is not None and await feed.after(view, state.note, limit=1) is None:
                raise Lost
        self._is_ours = True
        if not self._knows(last):
            if await self._is_much(index, last):
                await self._fill_apart(self._path)
            else:
                await self._follow(index)
        elif self._writing is not None and time.monotonic() - self._wrote_at > _IDLE_SECONDS:
            await self._on_thread(self._stop_writing)

    async def _is_much(self, index: Index, last: Note) -> bool:
        state = index.view.state
        if state is not None and not state.reading:
            return last.id - state.note.id >= _LITTLE
        async with self._database.scanning() as view:
            return (
                await store.count(view, "models", most=_LITTLE) + await store.count(view, "users", most=_LITTLE)
                >= _LITTLE
            )

    async def _follow(self, index: Index) -> None:
        """Catch up with a little."""
        state = index.view.state
        if state is None or state.reading:
            if state is None:
                async with self._database.scanning() as view:
                    state = await building.begin(view)
            changes = [change async for change in building.read_all(self._database, state)]
        else:
            change = await building.read_changes(self._database, index, state)
            changes = [] if change is None else [change]
        if changes:
            await self._on_thread(self._write, index, changes)

    def _write(self, index: Index, changes: list[building.Change]) -> None:
        if self._writing is None:
            self._writing = index.writing()
        building.apply(self._writing, changes)
        self._writing.commit(changes[-1].state)
        self._refresh()
        self._wrote_at = time.monotonic()

    def _stop_writing(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.close()
            self._refresh()

    async def _fill_apart(self, folder: Path) -> None:
        """Catch up with much, in a process of its own."""
        self._is_far = True
        await self._on_thread(self._stop_writing)
        settings = self._settings
        task = msgspec.json.encode(
            Task(str(settings.data_dir), settings.database, str(folder), settings.log_level)
        )
        keep = () if self._lock is None else (self._lock,)
        # It inherits the lock, so that nobody else begins before it has ended.
        process = await asyncio.create_subprocess_exec(*_PROGRAM, stdin=PIPE, pass_fds=keep)
        ended = asyncio.create_task(process.wait())
        try:
            if process.stdin is not None:
                process.stdin.write(task + b"\n")
                await process.stdin.drain()
            while not ended.done():
                await asyncio.wait([ended], timeout=_PAUSE_SECONDS)
                await self._on_thread(self._look_on)
        finally:
            self._is_far = False
            if not ended.done():
                process.kill()
                await ended
        if ended.result() != 0:
            raise Lost if ended.result() == building.LOST else Broken(f"Building ended with {ended.result()}.")

    def _is_keeper(self) -> bool:
        if self._lock is not None and not self._is_same_lock(self._lock):
            # Someone has removed the folder, and others may keep what is there now.
            self._finish()
        if self._lock is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return False
            self._lock = lock
        return True

    def _is_same_lock(self, lock: int) -> bool:
        try:
            return os.path.samestat(os.fstat(lock), (self._folder / "lock").stat())
        except OSError:
            return False

    def _open(self) -> None:
        """Open the index; one that is missing or of another version is begun."""
        self._look_on()
        if self._index is not None:
            return
        self._stop_writing_at_once()
        folder = uuid.uuid4().hex
        (self._folder / folder).mkdir(mode=0o700, parents=True)
        with _damage_named():
            Index(self._folder / folder)
        begun = self._folder / "current.new"
        begun.write_bytes(msgspec.json.encode(Current(VERSION, folder)))
        begun.replace(self._folder / "current")
        for other in self._folder.iterdir():
            if other.is_dir() and other.name != folder:
                shutil.rmtree(other, ignore_errors=True)
        self._look_on()

    def _look_on(self) -> None:
        """Open the index that is current, or look at it again."""
        path = self._current()
        if path is None:
            self._forget()
        elif path != self._path or self._index is None:
            self._forget()
            with _damage_named():
                self._meta, self._census = _census_of(path)
                self._index = Index(path)
            self._path, self._is_ours = path, self._lock is None
            wholeness.remember(path, self._census)
        elif _meta_of(path) != self._meta or not self._is_untouched():
            self._refresh()

    def _refresh(self) -> None:
        """Look at the index again."""
        index, path = self._index, self._path
        if index is None or path is None:
            return
        with self._refreshing, _damage_named():
            meta, census = _census_of(path)
            index.reload()
            self._meta, self._census = meta, census
            if self._lock is not None:
                wholeness.remember(path, census)

    def _is_untouched(self) -> bool:
        """Tell whether the files are as they were, looking at them now and then."""
        path, moment = self._path, time.monotonic()
        if path is None or moment - self._looked_at < _LOOK_SECONDS:
            return True
        self._looked_at = moment
        return wholeness.is_untouched(path, self._census)

    def _current(self) -> Path | None:
        try:
            current = msgspec.json.decode((self._folder / "current").read_bytes(), type=Current)
        except (OSError, msgspec.MsgspecError):
            return None
        path = self._folder / Path(current.folder).name
        return path if current.version == VERSION and (path / "meta.json").exists() else None

    def _give_up(self) -> None:
        """Let the index be built anew."""
        (self._folder / "current").unlink(missing_ok=True)
        self._forget()

    def _forget(self) -> None:
        self._index = self._path = None
        self._census = {}

    def _stop_writing_at_once(self) -> None:
        self._writing = None

    async def _on_thread(self, work: Callable[..., T], *values: object) -> T:
        def run() -> T:
            return work(*values)

        return await asyncio.get_running_loop().run_in_executor(self._work, run)

    async def _close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._work, self._finish)
        self._work.shutdown()
        self._queries.shutdown()

    def _finish(self) -> None:
        with contextlib.suppress(Broken), _damage_named():
            self._stop_writing()
        self._forget()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _meta_of(folder: Path) -> tuple[int, int]:
    status = (folder / "meta.json").stat()
    return (status.st_mtime_ns, status.st_ino)


def _census_of(folder: Path) -> tuple[tuple[int, int], wholeness.Census]:
    """Check the files of an index; whoever writes it may remove some of them at the moment."""
    for attempt in range(_ATTEMPTS):
        meta = _meta_of(folder)
        try:
            return meta, wholeness.check(folder)
        except ValueError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_ATTEMPT_SECONDS)
    raise AssertionError
