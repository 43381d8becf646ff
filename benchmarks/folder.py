"""The folder of a hub that has been in use: many models, of owners who have few or many, some of them private."""

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from benchmarks import catalogue
from tests.hubs import run
from wriftai_server.database.opening import FILE_NAME
from wriftai_server.database.values import new_id, now

_LOADER = "loader"
_MODELS_PER_OWNER = 50


class Folder(NamedTuple):
    """A data folder, and what is known of it.

    Attributes:
        path: Of the folder.
        models: How many there are.
        public: Owner and name of each public model.
        owner: Who has the most models.
        token: Of that owner.
        import_seconds: What the import command took, from its start to its end.
    """

    path: Path
    models: int
    public: list[tuple[str, str]]
    owner: str
    token: str
    import_seconds: float


def make(path: Path, models: int) -> Folder:
    """Fill a data folder: models by the import command, then owners and numbers of predictions by SQL.

    Args:
        path: Does not exist yet.
        models: How many.
    """
    chance = random.Random(models)
    run("users", "create", _LOADER, data_dir=path)
    seconds = _import(path, models, chance)
    with closing(sqlite3.connect(path / FILE_NAME)) as connection, connection:
        _hand_out(connection, _add_owners(connection, models // _MODELS_PER_OWNER, chance), chance)
        public = connection.execute(
            "SELECT username, models.name FROM models JOIN users ON users.id = owner_id"
            " WHERE visibility = 'public' ORDER BY models.id"
        ).fetchall()
        owner = connection.execute(
            "SELECT username FROM models JOIN users ON users.id = owner_id"
            " GROUP BY owner_id ORDER BY count(*) DESC"
        ).fetchone()[0]
    token = run("tokens", "create", owner, data_dir=path).stdout.strip()
    return Folder(path, models, public, owner, token, seconds)


def _import(path: Path, models: int, chance: random.Random) -> float:
    lines = path.parent / "models.jsonl"
    with lines.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(model)}\n" for model in catalogue.models(models, chance))
    started = perf_counter()
    run("import", str(lines), "--owner", _LOADER, data_dir=path)
    return perf_counter() - started


def _add_owners(connection: sqlite3.Connection, count: int, chance: random.Random) -> list[str]:
    """Add users without tokens; the command takes a second for each, and there are thousands."""
    rows = [(new_id(), name, now()) for name in catalogue.owners(count, chance)]
    connection.executemany("INSERT INTO users (id, username, created_at) VALUES (?, ?, ?)", rows)
    return [row[0] for row in rows]


def _hand_out(connection: sqlite3.Connection, owners: list[str], chance: random.Random) -> None:
    """Give each model an owner, few of whom have many, and a number of predictions, which many share."""
    models = [row[0] for row in connection.execute("SELECT id FROM models ORDER BY created_at")]
    weights = [1 / rank for rank, _ in enumerate(owners, 1)]
    chosen = chance.choices(owners, weights, k=len(models))
    counts = (int(chance.paretovariate(0.7)) - 1 for _ in models)
    connection.executemany(
        "UPDATE models SET owner_id = ?, predictions_count = ? WHERE id = ?",
        zip(chosen, counts, models, strict=True),
    )
