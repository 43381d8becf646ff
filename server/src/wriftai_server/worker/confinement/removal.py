"""Removes folders that models have written to, and that may still be written to meanwhile."""

import contextlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

_ROUNDS = 3
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_log = structlog.get_logger()


class _TooLong(Exception):
    """Most likely someone writes faster than can be removed."""


def remove_tree(folder: Path, *, seconds: float = 600) -> None:
    """Remove a folder with all that is in it, however deep it goes; what cannot be removed is logged and stays.

    Links are removed, not followed. Folders in folders are moved up to the top one and emptied there, so that it
    takes neither a stack nor file descriptors, and no path gets too long.

    Args:
        folder: Of which nothing is to be left; nothing happens when there is none.
        seconds: Given up after so long, as it is where others go on writing; what is there then stays.
    """
    try:
        _remove(folder, time.monotonic() + seconds)
    except FileNotFoundError:
        pass
    except Exception as error:  # Nobody's work is to end for what a model left.
        _log.warning("a folder could not be removed", folder=str(folder), reason=str(error))


def _remove(folder: Path, end: float) -> None:
    for round_ in range(_ROUNDS):
        with _opened(str(folder)) as top:
            waiting = _empty(top, top, end)
            while waiting:
                _remove_from(top, waiting.pop(), waiting, end)
        try:
            folder.rmdir()
        except OSError:
            if round_ == _ROUNDS - 1:
                raise
        else:
            return


def _remove_from(top: int, name: str, waiting: list[str], end: float) -> None:
    """Remove a folder from the top one, and note those that were in it."""
    with contextlib.suppress(OSError):  # What stays keeps the top one from being removed, which tells of it.
        with _opened(name, top) as folder:
            waiting += _empty(folder, top, end)
        os.rmdir(name, dir_fd=top)


def _empty(folder: int, top: int, end: float) -> list[str]:
    """Remove all files from a folder and move its folders to the top one; give their names there."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if time.monotonic() > end:
                raise _TooLong("it took too long, which it does when others go on writing")
            with contextlib.suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.name, dir_fd=folder)
                elif folder == top:
                    found.append(entry.name)
                else:
                    found.append(_move_up(entry.name, folder, top))
    return found


def _move_up(name: str, folder: int, top: int) -> str:
    new = f"removed-{secrets.token_hex(8)}"
    try:
        os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
    except PermissionError:
        with _opened(name, folder):  # Which makes it one that may be moved.
            os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
    return new


@contextlib.contextmanager
def _opened(name: str, within: int | None = None) -> Iterator[int]:
    """Open a folder, whatever its mode is."""
    place = os.open(name, os.O_PATH | _FOLDER, dir_fd=within)
    try:
        path = f"/proc/self/fd/{place}"  # Is what was opened, even if another thing has its name by now.
        if stat.S_IMODE(os.fstat(place).st_mode) & 0o700 != 0o700:
            Path(path).chmod(0o700)
        folder = os.open(path, os.O_DIRECTORY | os.O_CLOEXEC)
    finally:
        os.close(place)
    try:
        yield folder
    finally:
        os.close(folder)
