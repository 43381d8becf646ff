"""Files that are to become blobs, while their bytes come in.

A file says by itself how far it is, so a process that has never seen it can go on. The digest so far is kept in
memory and found again from the file where it is not there, or not of all that is in the file.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import io
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_BLOCK_BYTES = 1024 * 1024
_MOST_REMEMBERED = 1000


class SpoolBusy(Exception):
    """Another request is writing to the file, or has just finished it."""


class _State:
    """What is known of a file: how long it is, and the digest of that."""

    def __init__(self) -> None:
        self.size = 0
        self.sha256: Any = hashlib.sha256()

    def add(self, block: bytes) -> None:
        self.sha256.update(block)
        self.size += len(block)

    def copy(self) -> "_State":
        twin = _State()
        twin.size, twin.sha256 = self.size, self.sha256.copy()
        return twin


class Spool:
    """A file that one request adds to.

    Args:
        path: Of the file.
        file: Open, and locked.
        state: Of the file as it is.
    """

    def __init__(self, path: Path, file: io.FileIO, state: _State) -> None:
        self.path = path
        self.state = state
        self._file = file

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.state.size

    async def add(self, pieces: AsyncIterable[bytes]) -> None:
        """Add all pieces, or none if there is an error on the way.

        Raises:
            OSError: They cannot be written.
        """
        before = self.state.copy()
        try:
            async for block in _blocks(pieces):
                await _in_thread(self._write, block)
        except BaseException:
            self._file.truncate(before.size)
            self.state = before
            raise

    async def seal(self, digest: str) -> bool:
        """Tell whether the file has this digest; if so, what is in it outlives a crash of the machine.

        Raises:
            OSError: It cannot be written out.
        """
        if digest != f"sha256:{self.state.sha256.hexdigest()}":
            return False
        await _in_thread(os.fsync, self._file.fileno())
        return True

    def _write(self, block: bytes) -> None:
        self._file.seek(self.size)
        left = memoryview(block)
        while left:
            left = left[self._file.write(left) :]
        self.state.add(block)


class Spools:
    """All such files, in a folder of their own.

    Args:
        folder: Made when it is missing; the one above it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._states: dict[str, _State] = {}
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            if not folder.is_dir():
                raise
        else:
            made = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                leave_to_owner(made, folder.parent)
            finally:
                os.close(made)

    @contextlib.asynccontextmanager
    async def held(self, spool_id: str) -> AsyncIterator[Spool]:
        """Open a file for one request alone; a missing one is made.

        Args:
            spool_id: UUID of the hub's own making.

        Raises:
            SpoolBusy: Another request has it.
            OSError: It cannot be made or read.
        """
        path = self._folder / spool_id
        with _locked(path) as file:
            state = self._states.get(spool_id)
            if state is None or state.size != os.fstat(file.fileno()).st_size:
                state = await _in_thread(_state_of, file)
            spool = Spool(path, file, state)
            try:
                yield spool
            finally:
                self._remember(spool_id, spool.state)

    def size(self, spool_id: str) -> int:
        """Give the length of a file; that of one that is missing is 0."""
        try:
            return (self._folder / spool_id).stat().st_size
        except FileNotFoundError:
            return 0

    def drop(self, spool_id: str) -> None:
        """Remove a file, if it is there, and forget it."""
        (self._folder / spool_id).unlink(missing_ok=True)
        self._states.pop(spool_id, None)

    def _remember(self, spool_id: str, state: _State) -> None:
        self._states.pop(spool_id, None)
        self._states[spool_id] = state
        if len(self._states) > _MOST_REMEMBERED:
            del self._states[next(iter(self._states))]

    def touched_before(self, moment: float) -> list[str]:
        """Find the files that nobody has added to since a moment, in Unix seconds."""
        found = []
        for entry in self._folder.iterdir():
            # Others finish theirs meanwhile.
            with contextlib.suppress(FileNotFoundError):
                if entry.stat().st_mtime < moment:
                    found.append(entry.name)
        return found


def leave_to_owner(made: int, folder: Path) -> None:
    """Let the owner of a folder have what root made in it, as root may back up a hub that someone else runs.

    Args:
        made: Descriptor of what is new there: what was there before may be a link, which leads to a file of root.
        folder: With what was made.
    """
    if os.geteuid() == 0:
        owner = folder.stat()
        # Where root may not do so, as in some containers, the owner of the folder is nobody who runs a hub.
        with contextlib.suppress(OSError):
            os.fchown(made, owner.st_uid, owner.st_gid)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[io.FileIO]:
    with io.FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
        try:
            # The kernel takes the lock back when the file is closed, however the process ends.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had the lock may have made the file a blob: that must not be written to.
            is_current = os.fstat(file.fileno()).st_ino == path.stat().st_ino
        except (BlockingIOError, FileNotFoundError):
            is_current = False
        if not is_current:
            raise SpoolBusy(path.name)
        yield file


def _state_of(file: io.FileIO) -> _State:
    state = _State()
    file.seek(0)
    while block := file.read(_BLOCK_BYTES):
        state.add(block)
    return state


async def _blocks(pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Put pieces together, as writing and hashing on a thread is worth its cost only for many bytes."""
    gathered = bytearray()
    async for piece in pieces:
        gathered += piece
        if len(gathered) >= _BLOCK_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run some work on a thread to its end, even when it is no longer wanted: the file must stay open for it."""
    running: asyncio.Future[T] = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
