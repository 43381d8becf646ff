"""What is asked: the hub as anyone runs it, and two ways to search that take an afternoon to build."""

import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from benchmarks.catalogue import REAL
from benchmarks.relevance.judgments import Model
from benchmarks.session import Server, Session
from tests.hubs import run, running
from wriftai import Client

OWNER = "timm"
_PATIENCE_SECONDS = 60


class Engine(Protocol):
    """Something that finds models."""

    def find(self, q: str, limit: int) -> list[str]:
        """Give the names of at most so many models, best first."""
        ...


class Hub:
    """`GET /search/models` of a running hub.

    Args:
        session: To the hub.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, q: str, limit: int) -> list[str]:
        """Ask for one page."""
        page = self._session.json(f"/search/models?{urlencode({'q': q, 'page_size': limit})}")
        return [model["name"] for model in page["items"]]


class FullText:
    """SQLite's FTS5 as its manual has it: stems, accents folded, ranked by bm25 with names ten times as heavy.

    The last word is a beginning. Models with all the words come first; any of the words will do when there are no
    more of those.

    Args:
        connection: Of its own.
        models: To find.
    """

    def __init__(self, connection: sqlite3.Connection, models: Sequence[Model]) -> None:
        self._connection = connection
        connection.execute(
            "CREATE VIRTUAL TABLE models USING fts5(owner, name, description,"
            " tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        connection.executemany("INSERT INTO models VALUES (?, ?, ?)", ((OWNER, *model) for model in models))

    def find(self, q: str, limit: int) -> list[str]:
        """Ask for all the words, then for any of them."""
        words = [f'"{word}"' for word in re.findall(r"[^\W_]+", q)]
        if not words:
            return []
        words[-1] += "*"
        found = [*self._match(" AND ".join(words), limit), *self._match(" OR ".join(words), limit)]
        return list(dict.fromkeys(found))[:limit]

    def _match(self, expression: str, limit: int) -> list[str]:
        rows = self._connection.execute(
            "SELECT name FROM models WHERE models MATCH ? ORDER BY bm25(models, 2, 10, 1), name LIMIT ?",
            (expression, limit),
        )
        return [row[0] for row in rows]


class Like:
    """`LIKE '%word%'` on owner/name or description for each word; names with more of the words come first.

    Args:
        connection: Of its own.
        models: To find.
    """

    def __init__(self, connection: sqlite3.Connection, models: Sequence[Model]) -> None:
        self._connection = connection
        connection.execute("CREATE TABLE models (title TEXT, name TEXT, description TEXT)")
        connection.executemany(
            "INSERT INTO models VALUES (?, ?, ?)", ((f"{OWNER}/{model.name}", *model) for model in models)
        )

    def find(self, q: str, limit: int) -> list[str]:
        """Ask for all the words."""
        words = [f"%{_escaped(word)}%" for word in q.split()]
        in_name = [f"(title LIKE ?{n} ESCAPE '^')" for n, _ in enumerate(words, 1)]
        anywhere = [f"({each} OR description LIKE ?{n} ESCAPE '^')" for n, each in enumerate(in_name, 1)]
        where, order = " AND ".join(anywhere) or "false", " + ".join(in_name) or "name"
        query = f"SELECT name FROM models WHERE {where} ORDER BY {order} DESC, name LIMIT {limit}"  # noqa: S608
        return [row[0] for row in self._connection.execute(query, words)]


def _wait_for_all(address: str) -> None:
    """Wait until words find each model: a hub answers before its index is whole."""
    models = len(REAL.read_text(encoding="utf-8").splitlines())
    until = time.monotonic() + _PATIENCE_SECONDS
    with Client(api_base_url=address) as client:
        while len(list(client.models.search(OWNER, {"page_size": 100}).iter_all())) < models:
            if time.monotonic() > until:
                raise RuntimeError(f"Words do not find all {models:,} models after {_PATIENCE_SECONDS} s")
            time.sleep(0.2)


def _escaped(word: str) -> str:
    return re.sub("([%_^])", r"^\1", word)


@contextmanager
def hub() -> Iterator[Hub]:
    """Run a hub that `wriftai-server import` has filled with the real catalogue."""
    with tempfile.TemporaryDirectory(prefix="wriftai-relevance-") as place:
        data_dir = Path(place) / "data"
        run("users", "create", OWNER, data_dir=data_dir)
        run("import", str(REAL), "--owner", OWNER, data_dir=data_dir)
        with running(data_dir, "--no-worker") as started:
            address = urlsplit(started.address)
            server = Server(str(address.hostname), address.port or 0, started.process.pid)
            _wait_for_all(started.url)
            with Session(server) as session:
                yield Hub(session)


@contextmanager
def peers(models: Sequence[Model]) -> Iterator[dict[str, Engine]]:
    """Fill the two others, in memory."""
    with closing(sqlite3.connect(":memory:")) as words, closing(sqlite3.connect(":memory:")) as patterns:
        yield {"SQLite FTS5": FullText(words, models), "LIKE": Like(patterns, models)}
