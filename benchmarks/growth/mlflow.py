"""The model registry of MLflow on an SQLite file, with the same models, asked through its REST API."""

import base64
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from benchmarks import catalogue, shelf
from benchmarks.environments import environment
from benchmarks.growth.calls import CREATE, GET, OLDEST_FIRST, SEARCH, UPDATE
from benchmarks.growth.questions import LETTERS, NOTHING, ONE_WORD, THREE_WORDS, TWO_WORDS, Question
from benchmarks.machine import SERVER_CORE, on_core
from benchmarks.peers import free_port
from benchmarks.posts import Call, once, post
from benchmarks.session import Server

VERSION = "3.17.2"
NAME = f"MLflow {VERSION}"
ASKED = (ONE_WORD, TWO_WORDS, THREE_WORDS, LETTERS, NOTHING)
"""Kinds of questions that it can be asked."""

_PATH = "/api/2.0/mlflow/registered-models"
_START_SECONDS = 300
# It tells its makers nothing, and does not run jobs beside, which would take turns with all servers.
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
_FILE = "registry.sqlite3"
_FOUND = b'"registered_models"'
_NAMES = 2_000
_CODE = (Path(catalogue.__file__), Path(__file__))
_numbers = itertools.count(time.time_ns())


class Registry(NamedTuple):
    """A registry that runs.

    Attributes:
        size: Number of models.
        server: Answers.
        names: Of some models.
    """

    size: int
    server: Server
    names: list[str]

    def calls(self, questions: list[Question]) -> dict[str, Call]:
        """Give the calls that are like those of a hub.

        Args:
            questions: Are asked as `ILIKE` on names, for each word.
        """
        # Where nothing is found, it says nothing.
        proof = dict.fromkeys(ASKED, _FOUND) | {NOTHING: b"{}"}
        return {
            GET: self._asking([f"/get?name={quote(name)}" for name in self.names], b'"registered_model"'),
            **{
                page: self._asking([f"/search?max_results=25{start}"], _FOUND)
                for page, start in zip(OLDEST_FIRST, self._starts(), strict=True)
            },
            **{
                f"{SEARCH}: {each.kind}": self._asking([_like(text) for text in each.texts], proof[each.kind])
                for each in questions
            },
            CREATE: Call(self.server, self._creations(), b'"registered_model"'),
            UPDATE: Call(self.server, self._updates(), b'"registered_model"'),
        }

    def _starts(self) -> Iterator[str]:
        """Give where the first page begins, the one in the middle, and the last one, without walking there."""
        yield ""
        for offset in (self.size // 2, self.size - 25):
            token = base64.b64encode(json.dumps({"offset": offset}).encode()).decode()
            yield f"&page_token={quote(token)}"

    def _asking(self, paths: list[str], proof: bytes) -> Call:
        return Call(self.server, itertools.cycle([_get(self.server, path) for path in paths]), proof)

    def _creations(self) -> Iterator[bytes]:
        for number in _numbers:
            body = {"name": f"measured-{number}", "description": "Made to be measured. " * 10}
            yield post(self.server, f"{_PATH}/create", json.dumps(body).encode())

    def _updates(self) -> Iterator[bytes]:
        for name in itertools.cycle(self.names):
            body = {"name": name, "description": "Changed to be measured. " * 10}
            yield post(self.server, f"{_PATH}/update", json.dumps(body).encode(), method="PATCH")


@contextmanager
def serving(size: int, place: Path, kept_in: Path) -> Iterator[Registry]:
    """Run a registry with the models of a catalogue, on the core of servers.

    Args:
        size: Number of models.
        place: Where a copy of the filled folder goes.
        kept_in: Where filled folders are kept.
    """
    source = shelf.kept(kept_in, f"mlflow-{VERSION}-{size}", partial(_fill, size=size), code=_CODE)
    folder = shelf.copied(source, place / f"mlflow-{size}")
    with closing(sqlite3.connect(folder / _FILE)) as connection:
        names = connection.execute("SELECT name FROM registered_models ORDER BY creation_time, name").fetchall()
    with on_core(SERVER_CORE), _running(folder) as server:
        yield Registry(size, server, [name for (name,) in names[:: max(1, size // _NAMES)]])


def _fill(folder: Path, *, size: int) -> None:
    """Let the registry create one model, and write rows like that one's for all: its API would take very long.

    Names are unique in the whole registry, so they have the owner's in front.
    """
    with _running(folder) as server:
        once(
            Call(server, iter([post(server, f"{_PATH}/create", b'{"name":"first","description":"x"}')]), b"first")
        )
    with closing(sqlite3.connect(folder / _FILE)) as connection, connection:
        cursor = connection.execute("SELECT * FROM registered_models")
        row = dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))
        connection.execute("DELETE FROM registered_models")
        marks = ", ".join(f":{name}" for name in row)
        connection.executemany(
            f"INSERT INTO registered_models ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 - its own names
            (row | each for each in _rows(size)),
        )


def _rows(size: int) -> Iterator[dict[str, object]]:
    began = time.time_ns() // 1_000_000
    for number, line in enumerate(catalogue.lines(size)):
        moment = began + number
        yield {
            "name": f"{line.owner}.{line.name}",
            "description": json.loads(line.text).get("description"),
            "creation_time": moment,
            "last_updated_time": moment,
        }


@contextmanager
def _running(folder: Path) -> Iterator[Server]:
    """Run the server with default settings, but with one worker as the hub has."""
    binaries = environment("mlflow", VERSION)
    port = free_port()
    command = ["-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [binaries / "python", *command, "--backend-store-uri", f"sqlite:///{folder / _FILE}"],
            cwd=folder,
            env={**os.environ, **_QUIET, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            _wait(port, process)
            yield Server("127.0.0.1", port, process.pid)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("MLflow did not start.")


def _like(text: str) -> str:
    names = " AND ".join(f"name ILIKE '%{word}%'" for word in text.split())
    return f"/search?max_results=25&filter={quote(names)}"


def _get(server: Server, path: str) -> bytes:
    return f"GET {_PATH}{path} HTTP/1.1\r\nhost: {server.host}:{server.port}\r\n\r\n".encode()
