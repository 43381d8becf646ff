"""Hubs of several sizes on both databases, which all run at the same time."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import folder as folders
from benchmarks import postgres, shelf
from benchmarks.command import timed
from benchmarks.folder import Folder
from benchmarks.indexing import WORTH_KEEPING, indexed
from benchmarks.machine import SERVER_CORE, on_core
from benchmarks.servers import hub_on
from benchmarks.session import Server
from wriftai_server.database.opening import FILE_NAME

SQLITE = "SQLite"
POSTGRESQL = "PostgreSQL"


class Hub(NamedTuple):
    """A hub that runs.

    Attributes:
        database: `SQLite` or `PostgreSQL`.
        folder: On SQLite its data folder, else one with the same models.
        url: Address of its database; None is the file in the folder.
        server: Answers.
    """

    database: str
    folder: Folder
    url: str | None
    server: Server

    @property
    def size(self) -> int:
        """Give the number of models."""
        return self.folder.models


@contextmanager
def serving(sizes: tuple[int, ...], place: Path, kept_in: Path) -> Iterator[list[Hub]]:
    """Run a hub of each size on each database, all on the core of servers.

    Args:
        sizes: Numbers of models.
        place: Where copies of filled folders go.
        kept_in: Where filled folders are kept.
    """
    with ExitStack() as stack:
        hubs = list[Hub]()
        for size in sizes:
            filled = folders.take(place / f"sqlite-{size}", size, kept_in)
            hubs.append(stack.enter_context(_on_sqlite(filled)))
            hubs.append(stack.enter_context(_on_postgresql(filled, place, kept_in)))
        yield hubs


@contextmanager
def _on_sqlite(filled: Folder) -> Iterator[Hub]:
    with on_core(SERVER_CORE), hub_on(filled.path) as server:
        yield Hub(SQLITE, filled, None, server)


@contextmanager
def _on_postgresql(filled: Folder, place: Path, kept_in: Path) -> Iterator[Hub]:
    name = f"postgresql-{filled.models}"
    source = shelf.kept(kept_in, name, partial(_fill, filled=filled, kept_in=kept_in))
    copy = shelf.copied(source, place / name)
    with (
        on_core(SERVER_CORE),
        postgres.serving(copy / "database") as url,
        hub_on(copy / "data", "--database", url) as server,
    ):
        yield Hub(POSTGRESQL, filled, url, server)


def _fill(folder: Path, *, filled: Folder, kept_in: Path) -> None:
    """Copy the rows of a hub on SQLite to PostgreSQL, and let search make its index if that takes long."""
    with tempfile.TemporaryDirectory(prefix="wriftai-postgresql-") as place:
        source = folders.take(Path(place) / "sqlite", filled.models, kept_in).path
        data = folder / "data"
        with postgres.serving(Path(place) / "database") as url:
            timed("copy", "--from", f"sqlite:{source / FILE_NAME}", "--to", url)
            postgres.fetched(url, "VACUUM ANALYZE")
            if filled.models >= WORTH_KEEPING:
                indexed(data, "--database", url)
        shelf.copied(Path(place) / "database", folder / "database")
