"""Data folders of hubs, seen and changed from outside."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from tests.databases import address_of, run_sql
from tests.hubs import Hub
from wriftai_server.cli import app
from wriftai_server.database.opening import FILE_NAME


def add_user(data_dir: Path, name: str, *options: str) -> str:
    """Add a user with the command, in this process, which saves starting one; give the token."""
    arguments = [name, *options, "--data-dir", str(data_dir), *database_options(data_dir)]
    result = CliRunner().invoke(app, ["users", "create", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def database_options(data_dir: Path) -> list[str]:
    """Give what tells a command where the rows of a folder are."""
    address = address_of(data_dir)
    return [] if address is None else ["--database", address]


def bearer(token: str) -> dict[str, str]:
    """Make the header that says who is calling."""
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def database(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """Open the database file beside the hub; each statement takes effect at once."""
    with closing(sqlite3.connect(data_dir / FILE_NAME, isolation_level=None, timeout=30)) as connection:
        yield connection


def dump(data_dir: Path) -> list[str]:
    """Write out all that is stored."""
    with database(data_dir) as connection:
        return list(connection.iterdump())


def model_names(data_dir: Path) -> list[str]:
    """Give the names of all stored models, in the order in which they were stored."""
    return [name for (name,) in run_sql(data_dir, "SELECT name FROM models ORDER BY created_at, id")]


def assert_sound(data_dir: Path) -> None:
    """Check that the file is undamaged and that nothing in it points nowhere."""
    with database(data_dir) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def failures_logged(hub: Hub, *, since: int = 0) -> list[Any]:
    """Give what the hub logged as an error.

    Args:
        hub: Has logged JSON lines.
        since: Where to start in its log, in bytes.
    """
    lines = map(json.loads, hub.log.read_bytes()[since:].splitlines())
    return [line for line in lines if line["level"] in ("error", "critical") or line.get("status", 0) >= 500]
