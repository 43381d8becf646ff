"""A database file as a whole: how a copy of it is made while others use it."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from wriftai_server.database.sqlite import connect
from wriftai_server.http.bodies import Digest
from wriftai_server.moving.files import sync
from wriftai_server.moving.progress import CannotMove

_PAGES_AT_ONCE = 4096
_HELD = """
    SELECT digest FROM blobs
    WHERE EXISTS (SELECT 1 FROM model_blobs WHERE model_blobs.digest = blobs.digest)
       OR EXISTS (SELECT 1 FROM manifests WHERE manifests.digest = blobs.digest)
    ORDER BY digest
"""


@contextlib.contextmanager
def errors_named(what: object, done: str) -> Iterator[None]:
    """Name failures of SQLite, or of the disk.

    Args:
        what: The file.
        done: What is being done with it, as a participle.

    Raises:
        CannotMove: It is damaged, locked, out of reach, or there is no room.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CannotMove(f"The database {what} cannot be {done}: {reason}.") from error


def duplicate(file: Path, to: Path, *, told: Callable[[int, int], None]) -> None:
    """Copy a database file page by page as it is at one moment, while others read and write it.

    Args:
        file: Stays as it is.
        to: Is not there yet; nobody else may read it.
        told: Called with how many pages are copied, and how many there are.

    Raises:
        CannotMove: The one cannot be read, or the other cannot be written.
    """
    to.touch(mode=0o600)
    with errors_named(file, f"copied to {to}"), contextlib.closing(connect(file)) as source:
        # Pages that others change meanwhile go into the log, for as long as this transaction is open.
        source.execute("BEGIN")
        source.execute("SELECT 1 FROM sqlite_master").fetchone()
        with contextlib.closing(sqlite3.connect(to)) as target:
            target.execute("PRAGMA synchronous = OFF")
            source.backup(
                target,
                pages=_PAGES_AT_ONCE,
                progress=lambda _, left, total: told(total - left, total),
            )
            target.execute("PRAGMA journal_mode = DELETE")
        source.execute("ROLLBACK")
    sync(to)


def check(file: Path, source: object) -> None:
    """Check that no page of a copied database file is damaged: one is copied with what is wrong with it.

    Args:
        file: The copy.
        source: What was copied, for people.

    Raises:
        CannotMove: One is.
    """
    ((found,),) = _rows(file, "PRAGMA quick_check(1)")
    if found != "ok":
        damage = str(found).splitlines()[-1]
        raise CannotMove(
            f"The database {source} is damaged ({damage}), and so would be the backup, which is not made: "
            "restore an earlier one."
        )


def schema_of(file: Path) -> str:
    """Tell which schema a database file has."""
    return str(_rows(file, "SELECT version_num FROM alembic_version")[0][0])


def held_blobs(file: Path, source: object) -> list[str]:
    """Find the digests of all blobs that models hold, or that are manifests of theirs.

    Args:
        file: A copy of a database.
        source: What was copied, for people.

    Raises:
        CannotMove: One is no digest, and so no name for a file either.
    """
    try:
        return msgspec.convert([digest for (digest,) in _rows(file, _HELD)], type=list[Digest])
    except msgspec.ValidationError as error:
        raise CannotMove(f"The database {source} is damaged: a name of a blob is none: {error}.") from error


def count(file: Path, table: str, condition: str = "1") -> int:
    """Count the rows of a table that fulfil a condition."""
    return int(_rows(file, f"SELECT count(*) FROM {table} WHERE {condition}")[0][0])  # noqa: S608  both are ours


def _rows(file: Path, sql: str) -> list[tuple[Any, ...]]:
    # A backup may be on a disk that cannot be written to. Nobody changes it, so no locks are needed either.
    address = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
    with errors_named(file, "read"), contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
    return rows
