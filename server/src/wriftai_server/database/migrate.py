"""Bring a database to the current schema.

The migrations are the same for every database. Alembic runs them on a file of SQLite; for PostgreSQL it writes
them down as SQL, and the hub's own driver runs that. So they are plain statements, which ask for no results.

Most databases are current, so Alembic is loaded only where one is not: that takes longer than looking.
"""

import io
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaTooNew(Exception):
    """The database was last used by a newer release of the hub: run that release, or restore a copy."""


def migrate(file: Path) -> None:
    """Run the migrations that an SQLite file lacks, each whole or not at all; make the file if it is missing.

    Processes that do it at once wait for one another.

    Raises:
        SchemaTooNew: The file has migrations that this release does not know.
        sqlite3.Error: The disk is full, someone else keeps the file locked, or it is damaged.
    """
    if is_current(_schema_of(file)):
        return
    from alembic import command
    from alembic.util import CommandError

    engine = _engine(file)
    config = _config()
    try:
        with engine.connect() as connection, connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise _too_new(str(file)) from error
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise error.orig from error
        raise
    finally:
        engine.dispose()


def is_known(schema: str) -> bool:
    """Tell whether this release knows a schema, and so can bring it to the current one."""
    return schema in _schemas()


def is_current(schema: str | None) -> bool:
    """Tell whether a schema is the one that this release works with; None is none."""
    return schema == _schemas()[-1]


def schema_in(connection: sqlite3.Connection) -> str | None:
    """Tell which schema an SQLite file has; None when it is not the database of a hub."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def statements(name: str, schema: str | None) -> str:
    """Write down the migrations that a PostgreSQL database lacks; empty when it lacks none.

    Args:
        name: Of the database, for people.
        schema: That it has; None is none.

    Raises:
        SchemaTooNew: This release does not know that schema.
    """
    if is_current(schema):
        return ""
    from alembic import command
    from alembic.util import CommandError

    written = io.StringIO()
    try:
        command.upgrade(_config(written), f"{schema or 'base'}:head", sql=True)
    except CommandError as error:
        raise _too_new(name) from error
    return written.getvalue()


def _schemas() -> list[str]:
    """Give the schemas that this release knows, its own last: files of migrations are called after them."""
    return sorted(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def _schema_of(file: Path) -> str | None:
    """Tell which schema a file has; None when that is not to be seen: whoever migrates it says what is wrong."""
    if not file.exists():
        return None
    try:
        with closing(sqlite3.connect(file)) as connection:
            return schema_in(connection)
    except sqlite3.Error:
        return None


def _config(output: io.StringIO | None = None) -> "Config":
    from alembic.config import Config

    config = Config(output_buffer=output)
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _too_new(name: str) -> SchemaTooNew:
    return SchemaTooNew(
        f"{name} was last used by a newer release of the hub (this one knows schema {_schemas()[-1]}): "
        "run that release, or restore a copy."
    )


def _engine(file: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(file)), poolclass=NullPool, connect_args={"timeout": 60}
    )

    # Python's driver would commit before each statement that changes the schema; these two leave it to us.
    @event.listens_for(engine, "connect")
    def _no_implicit_transactions(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # the driver's own connection

    @event.listens_for(engine, "begin")
    def _one_at_a_time(connection: object) -> None:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")  # type: ignore[attr-defined]  # events are untyped

    return engine
