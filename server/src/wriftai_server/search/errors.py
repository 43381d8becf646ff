"""Errors of the index, told from what the library raises."""

import asyncio
import contextlib
import errno
import re
from collections.abc import Iterator

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_CODE = re.compile(r"\bcode: (\d+)")


class IndexCorrupt(Exception):
    """The index is damaged."""


class IndexUnreadable(OSError):
    """The index cannot be read now, as where no more files can be opened; what is on the disk may be intact."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The index cannot be read now: {reason}")


class IndexUnwritable(OSError):
    """The index cannot be written now, as on a full disk; what is committed of it stays."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The index cannot be written: {reason}")


@contextlib.contextmanager
def library_errors_as(kind: type[IndexCorrupt | IndexUnwritable]) -> Iterator[None]:
    """Raise one error for all that the library raises of an index: errors, and panics, which are no `Exception`s.

    It is to stand round calls of the library alone: what our own code raises is no damage, and no other index
    would mend it.

    Args:
        kind: The error: `IndexUnwritable`, where all that is done is writing.

    Raises:
        IndexCorrupt: The index is damaged.
        IndexUnreadable: The process has run out of files or memory, which is no damage.
        IndexUnwritable: The index cannot be written.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        what = IndexUnreadable if kind is IndexCorrupt and is_out_of_resources(error) else kind
        raise what(f"{type(error).__name__}: {error}") from error
    except (Exception, KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError):
        raise
    except BaseException as error:
        raise kind(repr(error)) from error


def is_out_of_resources(error: Exception) -> bool:
    """Tell whether no more files can be opened, or no memory had; the library writes that into its errors."""
    if isinstance(error, OSError):
        return error.errno in _EXHAUSTED
    code = _CODE.search(str(error))
    return code is not None and int(code[1]) in _EXHAUSTED
