"""A disk without room, for one process: files that cannot grow."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_room(*, beyond: int) -> Iterator[None]:
    """Let this process make no file longer than so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (beyond, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
