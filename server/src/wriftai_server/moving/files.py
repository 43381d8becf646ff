"""Files and folders that are there as a whole or not at all, also after a crash of the machine."""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from wriftai_server.moving.progress import CannotMove

_BLOCK_BYTES = 1024 * 1024


@contextlib.contextmanager
def writing(what: object) -> Iterator[None]:
    """Name failures of the disk.

    Args:
        what: That is being written.

    Raises:
        CannotMove: There is no room, or no right to write.
    """
    try:
        yield
    except OSError as error:
        raise CannotMove(f"{what} cannot be written: {error.strerror or error}.") from error


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a folder beside another to be filled; it takes the place of the other once all is in it.

    Args:
        folder: Is not there, or is empty.

    Raises:
        CannotMove: It is there and not empty, or another process fills it.
    """
    folder = folder.resolve()  # A folder cannot take the place of a link.
    if folder.is_mount() or (folder.exists() and not (folder.is_dir() and is_empty(folder))):
        raise CannotMove(f"There is something at {folder} already: name a folder that does not exist.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(folder.with_name(f".{folder.name}.unfinished")) as unfinished_folder:
        yield unfinished_folder
        for each, _, _ in os.walk(unfinished_folder):
            sync(Path(each))
        unfinished_folder.rename(folder)
        sync(folder.parent)


@contextlib.contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """Make a folder for what is not whole yet, and remove it in the end if it is still there.

    One that was left by a run that was killed is taken over, and emptied.

    Args:
        folder: What is in it is nobody else's.

    Raises:
        CannotMove: Another process has it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    # No link that someone else has put there: what it leads to is not to be emptied.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _lock(descriptor, folder)
        for each in folder.iterdir():
            remove(each)
        try:
            yield folder
        finally:
            remove(folder)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        # The kernel takes the lock back when the folder is closed, however the process ends.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had the lock may have given the folder another name.
        is_current = os.fstat(descriptor).st_ino == folder.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        is_current = False
    if not is_current:
        raise CannotMove(f"Another process is at work in {folder}: wait until it has ended.")


def is_empty(folder: Path) -> bool:
    """Tell whether there is nothing in a folder."""
    return next(folder.iterdir(), None) is None


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Let what is in a file, or the names in a folder, outlive a crash of the machine."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(file: Path, *, told: Callable[[int], None]) -> str:
    """Give the SHA-256 of a file, in hexadecimal.

    Args:
        file: To read.
        told: Called with the length of each piece that was read.
    """
    sha256 = hashlib.sha256()
    with file.open("rb") as pieces:
        while piece := pieces.read(_BLOCK_BYTES):
            sha256.update(piece)
            told(len(piece))
    return sha256.hexdigest()
