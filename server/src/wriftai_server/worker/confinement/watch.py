"""What a model's processes use together, which no limit of the kernel bounds for an ordinary user."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_BLOCK = 512
_LEAST = 4096  # What an empty file takes, about.
_TOO_MUCH = 1 << 60  # Folders that are nested too deep to be measured count for this.
_PAGE = os.sysconf("SC_PAGE_SIZE")


def memory_used(*, enough: int) -> int:
    """Add up the memory of all processes but this one, in bytes.

    Args:
        enough: Pages that processes share are only told apart when their plain sum is more, as that is slow.
    """
    processes = list(_processes())
    plain = sum(map(_own_memory, processes))
    return plain if plain <= enough else sum(map(_fair_memory, processes))


def tasks() -> int:
    """Count the threads of all processes but this one."""
    return sum(map(_threads, _processes()))


def disk_used(*folders: str) -> int:
    """Add up the files in folders, and those that are open and were removed already, in bytes."""
    sizes: dict[tuple[int, int], int] = {}
    for folder in folders:
        _add_folder(folder, sizes)
    _add_removed(sizes)
    return sum(sizes.values())


def _processes() -> Iterator[Path]:
    own = str(os.getpid())
    for name in os.listdir(_PROC):  # noqa: PTH208  as many as there are processes, several times in each tick of the launcher
        if name.isdecimal() and name != own:
            yield _PROC / name


def _own_memory(process: Path) -> int:
    with contextlib.suppress(OSError):
        _, resident, shared, *_ = (process / "statm").read_text().split()
        return (int(resident) - int(shared)) * _PAGE
    return 0


def _threads(process: Path) -> int:
    with contextlib.suppress(OSError):
        # The name, in parentheses, may hold anything.
        return int((process / "stat").read_text(errors="replace").rpartition(")")[2].split()[17])
    return 0


def _fair_memory(process: Path) -> int:
    with contextlib.suppress(OSError):
        for line in (process / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
    return 0


def _add_folder(folder: str, sizes: dict[tuple[int, int], int]) -> None:
    folders = [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    _add(entry, sizes)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                sizes[0, 0] = _TOO_MUCH


def _add_removed(sizes: dict[tuple[int, int], int]) -> None:
    for process in _processes():
        with contextlib.suppress(OSError), os.scandir(process / "fd") as entries:
            for entry in entries:
                _add(entry, sizes, is_open=True)


def _add(entry: os.DirEntry[str], sizes: dict[tuple[int, int], int], *, is_open: bool = False) -> None:
    with contextlib.suppress(FileNotFoundError):
        found = entry.stat(follow_symlinks=is_open)
        if not is_open or (stat.S_ISREG(found.st_mode) and not found.st_nlink):
            sizes[found.st_dev, found.st_ino] = max(found.st_blocks * _BLOCK, _LEAST)
