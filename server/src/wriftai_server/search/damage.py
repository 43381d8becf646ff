"""Damage: what the library says of an index that is not whole, or cannot be written."""

import asyncio
import contextlib
from collections.abc import Iterator


class Broken(Exception):
    """The index is damaged."""


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
    """
    try:
        yield
    except (ValueError, OSError) as error:
        raise name(f"{type(error).__name__}: {error}") from error
    except (Exception, KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError):
        raise
    except BaseException as error:
        raise name(repr(error)) from error
