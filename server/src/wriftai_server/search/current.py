"""The current index: which folder it is in, whether it is intact, and which process writes it.

`search/current` names the folder of the index, and the version that it is of. Whoever holds the lock on
`search/lock` writes the index; all others reload it when it has changed, and take over when the lock is free.
Whatever is wrong with an index, the remedy is to remove `current`: whoever holds the lock then creates another.
"""

import fcntl
import os
import shutil
import threading
import time
import uuid
from pathlib import Path

import msgspec

from wriftai_server.search import checksums
from wriftai_server.search.errors import IndexCorrupt, is_out_of_resources, library_errors_as
from wriftai_server.search.index import VERSION, Index

_CHECK_SECONDS = 0.1
_ATTEMPTS = 5
_ATTEMPT_SECONDS = 0.02


class Pointer(msgspec.Struct, frozen=True):
    """What `search/current` says.

    Attributes:
        version: The `VERSION` that the index was made by.
        folder: Name of its folder, beside this file.
    """

    version: str
    folder: str


class CurrentIndex:
    """Opens the current index, reloads it, and creates another where there is none.

    All of it waits for the disk, so it is for threads.

    Args:
        folder: Holds the indexes, one folder each.

    Attributes:
        index: The open index; None where there is none that can be read.
        path: Its folder, or that of one that cannot be read.
        lock: File descriptor of the lock; None where another process has it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamps: checksums.Stamps = {}
        self._meta: tuple[int, int] = (0, 0)
        self._checked_at = 0.0
        self._reloading = threading.Lock()
        self.index: Index | None = None
        self.path: Path | None = None
        self.lock: int | None = None

    def try_lock(self) -> bool:
        """Take the lock unless another process has it; tell whether this one does."""
        if self.lock is not None and not self._is_same_lock(self.lock):
            # Someone has removed the folder, and others may have the lock of what is there now.
            self.release()
        if self.lock is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(lock)
                if isinstance(error, BlockingIOError):
                    return False
                raise
            self.lock = lock
        return True

    def release(self) -> None:
        """Close the index, and release the lock."""
        self._forget()
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None

    def create(self) -> None:
        """Create an index that has read nothing yet, make it the current one, and remove all others.

        Raises:
            OSError: It cannot be written.
        """
        folder = uuid.uuid4().hex
        (self._folder / folder).mkdir(mode=0o700, parents=True)
        try:
            Index(self._folder / folder)
            new = self._folder / "current.new"
            new.write_bytes(msgspec.json.encode(Pointer(VERSION, folder)))
            new.replace(self._folder / "current")
        except (IndexCorrupt, OSError) as error:
            shutil.rmtree(self._folder / folder, ignore_errors=True)
            raise OSError(f"The index cannot be begun: {error}") from error
        for other in self._folder.iterdir():
            if other.is_dir() and other.name != folder:
                shutil.rmtree(other, ignore_errors=True)
        self.open_current()

    def open_current(self) -> None:
        """Open the current index, or reload it if it has changed.

        Raises:
            IndexCorrupt: It is damaged.
        """
        path = self._pointed_to()
        if path is None:
            self._forget()
        elif path != self.path or self.index is None:
            self._forget()
            self.path = path
            with library_errors_as(IndexCorrupt):
                self._meta, self._stamps = _check_files(path)
            self.index = Index(path)
            checksums.remember(path, self._stamps)
        elif _meta_of(path) != self._meta or not self._is_unchanged():
            self.reload()

    def reload(self) -> None:
        """Check the files of the index, and take a snapshot of what is committed by now.

        Raises:
            IndexCorrupt: It is damaged.
        """
        index, path = self.index, self.path
        if index is None or path is None:
            return
        with self._reloading:
            with library_errors_as(IndexCorrupt):
                meta, stamps = _check_files(path)
            index.reload()
            self._meta, self._stamps = meta, stamps
        if self.lock is not None:
            checksums.remember(path, stamps)

    def check(self) -> None:
        """Look whether files have changed, at most ten times a second, and reload the index if so.

        It is to be called before they are read.

        Raises:
            IndexCorrupt: It is damaged.
        """
        if not self._is_unchanged():
            self.reload()

    def discard(self, path: Path | None) -> None:
        """Let another index be created in place of that in a folder, unless that has happened by now."""
        if self.path == path:
            self._forget()
        if path is not None and self._pointed_to() == path:
            (self._folder / "current").unlink(missing_ok=True)

    def _forget(self) -> None:
        self.index = self.path = None
        self._stamps = {}

    def _is_unchanged(self) -> bool:
        path, moment = self.path, time.monotonic()
        if path is None or moment - self._checked_at < _CHECK_SECONDS:
            return True
        self._checked_at = moment
        return checksums.is_unchanged(path, self._stamps)

    def _is_same_lock(self, lock: int) -> bool:
        try:
            return os.path.samestat(os.fstat(lock), (self._folder / "lock").stat())
        except OSError:
            return False

    def _pointed_to(self) -> Path | None:
        try:
            pointer = msgspec.json.decode((self._folder / "current").read_bytes(), type=Pointer)
        except (OSError, msgspec.MsgspecError) as error:
            if is_out_of_resources(error):
                raise
            return None
        path = self._folder / Path(pointer.folder).name
        return path if pointer.version == VERSION and (path / "meta.json").exists() else None


def _meta_of(folder: Path) -> tuple[int, int]:
    status = (folder / "meta.json").stat()
    return (status.st_mtime_ns, status.st_ino)


def _check_files(folder: Path) -> tuple[tuple[int, int], checksums.Stamps]:
    """Check the files of an index, several times: whoever writes it may remove some of them in between."""
    for attempt in range(_ATTEMPTS):
        meta = _meta_of(folder)
        try:
            return meta, checksums.check(folder)
        except ValueError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_ATTEMPT_SECONDS)
    raise AssertionError
