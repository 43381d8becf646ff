"""The current index: which one it is, whether it is whole, and who keeps it.

`search/current` names the folder of the index and the version that it is of. Whoever holds the lock on
`search/lock` keeps the index up; all others look at it again when it has changed, and take over when that is
free. Whatever is wrong with an index, the remedy is to remove `current`: the keeper then begins another.
"""

import fcntl
import os
import shutil
import threading
import time
import uuid
from pathlib import Path

import msgspec

from wriftai_server.search import wholeness
from wriftai_server.search.damage import Broken, damage_named, is_exhausted
from wriftai_server.search.index import VERSION, Index

_LOOK_SECONDS = 0.1
_ATTEMPTS = 5
_ATTEMPT_SECONDS = 0.02


class Named(msgspec.Struct, frozen=True):
    """Says which index is the current one.

    Attributes:
        version: What it is made by.
        folder: Its name.
    """

    version: str
    folder: str


class CurrentIndex:
    """Opens the index that is current, looks at it again, and begins another where there is none.

    All of it waits for the disk, so it is for threads.

    Args:
        folder: Has the indexes.

    Attributes:
        index: None when there is none that can be read.
        path: Its folder, or that of one that cannot be read.
        lock: Of who keeps it; None when that is someone else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._census: wholeness.Census = {}
        self._meta: tuple[int, int] = (0, 0)
        self._looked_at = 0.0
        self._refreshing = threading.Lock()
        self.index: Index | None = None
        self.path: Path | None = None
        self.lock: int | None = None

    def keep(self) -> bool:
        """Become who keeps it, unless someone else does; tell whether one is."""
        if self.lock is not None and not self._is_same_lock(self.lock):
            # Someone has removed the folder, and others may keep what is there now.
            self.let_go()
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

    def let_go(self) -> None:
        """Keep it no longer."""
        self._forget()
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None

    def begin(self) -> None:
        """Begin another index, which has read nothing yet, and remove all that are there."""
        folder = uuid.uuid4().hex
        (self._folder / folder).mkdir(mode=0o700, parents=True)
        try:
            Index(self._folder / folder)
            begun = self._folder / "current.new"
            begun.write_bytes(msgspec.json.encode(Named(VERSION, folder)))
            begun.replace(self._folder / "current")
        except (Broken, OSError) as error:
            shutil.rmtree(self._folder / folder, ignore_errors=True)
            raise OSError(f"The index cannot be begun: {error}") from error
        for other in self._folder.iterdir():
            if other.is_dir() and other.name != folder:
                shutil.rmtree(other, ignore_errors=True)
        self.look_on()

    def look_on(self) -> None:
        """Open the index that is current, or look at it again.

        Raises:
            Broken: It is damaged.
        """
        path = self._named()
        if path is None:
            self._forget()
        elif path != self.path or self.index is None:
            self._forget()
            self.path = path
            with damage_named():
                self._meta, self._census = _census_of(path)
            self.index = Index(path)
            wholeness.remember(path, self._census)
        elif _meta_of(path) != self._meta or not self._is_untouched():
            self.refresh()

    def refresh(self) -> None:
        """See what was committed.

        Raises:
            Broken: It is damaged.
        """
        index, path = self.index, self.path
        if index is None or path is None:
            return
        with self._refreshing:
            with damage_named():
                meta, census = _census_of(path)
            index.reload()
            self._meta, self._census = meta, census
        if self.lock is not None:
            wholeness.remember(path, census)

    def ensure_whole(self) -> None:
        """Look at its files now and then, before they are read.

        Raises:
            Broken: One is damaged.
        """
        if not self._is_untouched():
            self.refresh()

    def give_up(self, path: Path | None) -> None:
        """Let another be begun in place of one, unless that was done already."""
        if self.path == path:
            self._forget()
        if path is not None and self._named() == path:
            (self._folder / "current").unlink(missing_ok=True)

    def _forget(self) -> None:
        self.index = self.path = None
        self._census = {}

    def _is_untouched(self) -> bool:
        path, moment = self.path, time.monotonic()
        if path is None or moment - self._looked_at < _LOOK_SECONDS:
            return True
        self._looked_at = moment
        return wholeness.is_untouched(path, self._census)

    def _is_same_lock(self, lock: int) -> bool:
        try:
            return os.path.samestat(os.fstat(lock), (self._folder / "lock").stat())
        except OSError:
            return False

    def _named(self) -> Path | None:
        try:
            named = msgspec.json.decode((self._folder / "current").read_bytes(), type=Named)
        except (OSError, msgspec.MsgspecError) as error:
            if is_exhausted(error):
                raise
            return None
        path = self._folder / Path(named.folder).name
        return path if named.version == VERSION and (path / "meta.json").exists() else None


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
