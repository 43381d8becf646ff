"""Damage: what the library says of an index that is not whole, or cannot be written."""

import asyncio
import contextlib
from collections.abc import Iterator


class Broken(Exception):
    """The index is damaged."""


@contextlib.contextmanager
def damage_named() -> Iterator[None]:
    """Name all that the library may raise of a damaged index: errors, and panics, which are no `Exception`s.

    It is to stand round calls of the library alone: what our own code raises is no damage, and no other index
    would mend it.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        raise Broken(f"{type(error).__name__}: {error}") from error
    except (Exception, KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError):
        raise
    except BaseException as error:
        raise Broken(repr(error)) from error
