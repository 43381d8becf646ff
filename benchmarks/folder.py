"""The folder of a hub that has been in use: many models, of owners who have few or many, some of them private."""

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from benchmarks import catalogue, shelf
from benchmarks.command import timed
from benchmarks.indexing import WORTH_KEEPING, indexed
from tests.hubs import run
from wriftai_server.database.opening import FILE_NAME
from wriftai_server.database.values import timestamp

_FACTS = "facts.json"
_DATA = "data"
_BEGINNING = datetime(2023, 1, 1, tzinfo=UTC)
_TIED = 0.5
_MOST_PREDICTIONS = 10**9


class Folder(NamedTuple):
    """A data folder, and what is known of it.

    Attributes:
        path: Of the folder.
        models: How many there are.
        owner: Who has the most models.
        token: Of that owner.
    """

    path: Path
    models: int
    owner: str
    token: str

    def connected(self) -> "closing[sqlite3.Connection]":
        """Open its database, whether or not a hub runs on it."""
        return closing(sqlite3.connect(self.path / FILE_NAME, timeout=60))

    def own(self) -> list[str]:
        """Give the names of the largest owner's models."""
        with self.connected() as connection:
            mine = "SELECT name FROM models WHERE owner_id = (SELECT id FROM users WHERE username = ?)"
            return [name for (name,) in connection.execute(f"{mine} ORDER BY id", (self.owner,))]

    def public(self, count: int) -> list[tuple[str, str]]:
        """Draw public models at random, as many as there are at most; give owner and name of each."""
        with self.connected() as connection:
            rows = [row for (row,) in connection.execute("SELECT rowid FROM models WHERE visibility = 'public'")]
            chosen = random.Random(count).sample(rows, min(count, len(rows)))
            one = "SELECT username, m.name FROM models m JOIN users u ON u.id = m.owner_id WHERE m.rowid = ?"
            return [connection.execute(one, (row,)).fetchone() for row in chosen]


def take(place: Path, models: int, kept_in: Path) -> Folder:
    """Copy a filled data folder, which is filled before unless it is there.

    Args:
        place: Of the copy; does not exist yet.
        models: How many.
        kept_in: Where filled folders are kept.
    """
    source = shelf.kept(kept_in, f"sqlite-{models}", lambda folder: _fill(folder, models))
    facts = json.loads((source / _FACTS).read_text())
    return Folder(shelf.copied(source / _DATA, place), models, **facts)


def _fill(folder: Path, models: int) -> None:
    """Fill a data folder: models by the import command, times and numbers by SQL, and what search needs."""
    data = folder / _DATA
    owner = catalogue.owners(models)[0]
    token = run("users", "create", owner, data_dir=data).stdout.strip()
    imported(data, models)
    with closing(sqlite3.connect(data / FILE_NAME)) as connection, connection:
        connection.executemany(
            "UPDATE models SET created_at = ?, predictions_count = ? WHERE rowid = ?",
            zip(_moments(models), _counts(models), _rows(connection), strict=False),
        )
    if models >= WORTH_KEEPING:
        indexed(data)
    (folder / _FACTS).write_text(json.dumps({"owner": owner, "token": token}))


def imported(data: Path, models: int) -> float:
    """Import a catalogue into a data folder; give the seconds of the command, from its start to its end.

    Args:
        data: There is a hub in it already.
        models: How many.
    """
    file = data.with_name("models.jsonl")
    with file.open("w", encoding="utf-8") as lines:
        lines.writelines(f"{line.text}\n" for line in catalogue.lines(models))
    seconds = timed("import", file, "--create-owners", "--data-dir", data)
    file.unlink()
    return seconds


def _rows(connection: sqlite3.Connection) -> list[int]:
    return [row for (row,) in connection.execute("SELECT rowid FROM models ORDER BY rowid")]


def _moments(models: int) -> Iterator[str]:
    """Give times of creation: half of the models share theirs with the one before, as those of a program may."""
    chance = random.Random(models)
    moment = _BEGINNING
    while True:
        if chance.random() > _TIED:
            moment += timedelta(seconds=chance.random() * 1e8 / models)
        yield timestamp(moment)


def _counts(models: int) -> Iterator[int]:
    """Give numbers of predictions: few models have very many, and very many have none or the same few."""
    chance = random.Random(models)
    while True:
        yield min(int(chance.paretovariate(0.7)) - 1, _MOST_PREDICTIONS)
