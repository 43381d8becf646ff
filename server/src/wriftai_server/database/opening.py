"""Open the database of a data folder."""

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from wriftai_server.database.driver import Database, DatabaseUnavailable
from wriftai_server.database.migrate import migrate
from wriftai_server.database.sqlite import SQLiteDatabase

FILE_NAME = "hub.sqlite3"
# Is in the folder while a backup is being restored to it.
RESTORING = ".restoring"


class UnusableFolder(Exception):
    """The data folder cannot be made or written to, or is not whole."""


def open_database(data_dir: Path) -> Database:
    """Open the database in a folder, brought to the current schema; what is missing is made.

    Raises:
        UnusableFolder: The folder cannot be made or written to, or a backup is only half restored to it.
        SchemaTooNew: A newer release has used it.
        DatabaseUnavailable: The disk is full, someone else keeps the database locked, or the file is damaged.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data_dir / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise UnusableFolder(f"The data folder {data_dir} cannot be used: {error.strerror}.") from error
    if (data_dir / RESTORING).exists():
        raise UnusableFolder(
            f"The backup in {data_dir} is not restored yet: let `wriftai-server restore` end, or run it again."
        )
    file = data_dir / FILE_NAME
    try:
        migrate(file)
        return SQLiteDatabase(file)
    except (sqlite3.Error, DBAPIError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise DatabaseUnavailable(f"The database {file} cannot be used: {reason}.") from error
