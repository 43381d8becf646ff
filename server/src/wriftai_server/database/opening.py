"""Open the database of a hub: the file in its data folder, or one of a PostgreSQL server."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from wriftai_server.database.driver import Database, DatabaseUnavailable
from wriftai_server.database.migrate import migrate
from wriftai_server.database.postgres import PostgresDatabase
from wriftai_server.database.preparing import prepare
from wriftai_server.database.sqlite import SQLiteDatabase

FILE_NAME = "hub.sqlite3"
# Is in the folder while a backup is being restored to it.
RESTORING = ".restoring"
# Is in a folder that is a backup.
MANIFEST = "manifest.json"
# Are in the folder of a hub, wherever its database is.
_BESIDE = ("blobs", "search")


class UnusableFolder(Exception):
    """The data folder cannot be made or written to, is not whole, or is none."""


def is_missing(data_dir: Path, address: str | None) -> bool:
    """Tell whether there is no hub yet whose database is a file in a folder; a server is to be asked."""
    return address is None and not (data_dir / FILE_NAME).exists()


def check_no_backup(data_dir: Path) -> None:
    """Check that a folder is not a backup: whoever uses a hub's folder writes to it.

    Raises:
        UnusableFolder: It is one.
    """
    if (data_dir / MANIFEST).exists():
        raise UnusableFolder(
            f"{data_dir} is a backup, which has to stay as it is: restore it to another folder with "
            "`wriftai-server restore`."
        )


def open_database(data_dir: Path, address: str | None = None) -> Database:
    """Open the database of a hub, brought to the current schema; what is missing of it and its folder is made.

    Args:
        data_dir: Holds all that is not in the database.
        address: Of a PostgreSQL database, `postgresql://…`; None is the file in the folder.

    Raises:
        UnusableFolder: The folder cannot be made or written to, is a backup, or one that is only half restored,
            or has files of a hub whose database is elsewhere.
        SchemaTooNew: A newer release has used the database.
        UnusableServer: The address leads to no database that can be used.
        DatabaseUnavailable: The disk is full, someone else keeps the database locked, or the file is damaged.
    """
    check_no_backup(data_dir)
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Under a name that nobody can have put a link at.
        with tempfile.TemporaryFile(dir=data_dir):
            pass
    except OSError as error:
        raise UnusableFolder(f"The data folder {data_dir} cannot be used: {error.strerror}.") from error
    if (data_dir / RESTORING).exists():
        raise UnusableFolder(
            f"The backup in {data_dir} is not restored yet: let `wriftai-server restore` end, or run it again."
        )
    if address is not None:
        _finish(prepare(address))
        return PostgresDatabase(address)
    file = data_dir / FILE_NAME
    # Someone else may just begin a hub here; its database comes first.
    if any((data_dir / each).exists() for each in _BESIDE) and not file.exists():
        raise UnusableFolder(
            f"{data_dir} has files of a hub, but not its database {FILE_NAME}: name that with --database, or "
            "another folder with --data-dir."
        )
    try:
        migrate(file)
        return SQLiteDatabase(file)
    except sqlite3.Error as error:
        raise DatabaseUnavailable(f"The database {file} cannot be used: {error}{_room(file, error)}.") from error


def _room(file: Path, error: sqlite3.Error) -> str:
    """Say how much room there is where that may be the reason, which SQLite does not say."""
    # What Python finds, such as text that is none, has no code.
    if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL):
        return ""
    return f", with {shutil.disk_usage(file.parent).free:,} bytes free on its disk"


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Wait for some work on a loop of its own, whether or not one runs here."""
    with ThreadPoolExecutor(1, "opening") as thread:
        thread.submit(asyncio.run, work).result()
