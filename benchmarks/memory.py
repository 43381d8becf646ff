"""Files, held in memory while servers that have them are measured in turn.

Servers wait minutes for their turns. Some machines, such as virtual ones that give memory back, take away what of
a file nobody read for a minute; what is measured then is their disk, not a server in use.
"""

import ctypes
import mmap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_SYSTEM = ctypes.CDLL(None)
_SYSTEM.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


@contextmanager
def held(folder: Path) -> Iterator[bool]:
    """Hold in memory the files that a folder has by now; tell whether the system permits that for all of them."""
    with ExitStack() as stack:
        refused = 0
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):  # It was a temporary one.
                if path.is_file() and path.stat().st_size:
                    refused += not _is_held(path, stack)
        yield not refused


def _is_held(path: Path, stack: ExitStack) -> bool:
    with path.open("r+b") as file:
        mapped = stack.enter_context(mmap.mmap(file.fileno(), 0))
    # Python tells where something is only if it may be written; nothing is.
    start = ctypes.c_char.from_buffer(mapped)
    is_held: bool = _SYSTEM.mlock(ctypes.addressof(start), len(mapped)) == 0
    del start  # What it points to could not be let go.
    return is_held
