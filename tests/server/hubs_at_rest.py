"""Hubs that nothing runs on: their rows and files."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from wriftai_server.database.opening import FILE_NAME

Rows = dict[str, list[tuple[Any, ...]]]


def rows(file: Path) -> Rows:
    """Give all rows of all tables of a database file, but for the feed, in no order of their own."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name != 'feed'")
        names = sorted(name for (name,) in found)
        every = {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names}  # noqa: S608
    every["sqlite_sequence"] = [row for row in every["sqlite_sequence"] if row[0] != "feed"]
    return every


def hub_rows(data_dir: Path) -> Rows:
    """Give all rows of a hub, but for the feed."""
    return rows(data_dir / FILE_NAME)


def files(folder: Path) -> dict[str, bytes]:
    """Give all files below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def blobs(data_dir: Path) -> dict[str, bytes]:
    """Give the bytes of the images of a hub."""
    return files(data_dir / "blobs")
