"""Damage: what the library says of an index that is not whole, or cannot be written."""

import asyncio
import contextlib
import errno
import re
from collections.abc import Iterator

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_CODE = re.compile(r"\bcode: (\d+)")


class Broken(Exception):
    """The index is damaged."""


class Unread(OSError):
    """The index cannot be read now, as where no more files can be opened; what is on the disk may be whole."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The index cannot be read now: {reason}")


class Unwritten(OSError):
    """The index cannot be written, as on a full disk; what is committed of it stays."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The index cannot be written: {reason}")


@contextlib.contextmanager
def damage_named(name: type[Broken | Unwritten] = Broken) -> Iterator[None]:
    """Name all that the library may raise of a damaged index: errors, and panics, which are no `Exception`s.

    It is to stand round calls of the library alone: what our own code raises is no damage, and no other index
    would mend it.

    Args:
        name: What it is called: `Unwritten`, where all that is done is writing.

    Raises:
        Unread: The process has run out of something, which is no damage.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        what = Unread if name is Broken and is_exhausted(error) else name
        raise what(f"{type(error).__name__}: {error}") from error
    except (Exception, KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError):
        raise
    except BaseException as error:
        raise name(repr(error)) from error


def is_exhausted(error: Exception) -> bool:
    """Tell whether no more files can be opened, or no more memory had; the library writes it into its errors."""
    if isinstance(error, OSError):
        return error.errno in _EXHAUSTED
    code = _CODE.search(str(error))
    return code is not None and int(code[1]) in _EXHAUSTED
