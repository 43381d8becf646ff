"""The checker of histories finds nothing in those of a sound queue, and in those of a broken one what it did.

The queues are a few statements on the hub's own tables. Clients, workers, those who deliver and the end of leases
take turns by chance; any of them may be killed before its next turn, or go on after it was believed dead.
"""

import asyncio
import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.system.faults import Final, Stored, faults, read, unfinished
from tests.system.history import Accepted, Cancelled, Change, Diary, Fact, History, Said, Seen, Sent, result
from wriftai_server.database.opening import FILE_NAME, open_database

KEYS = 8
TURNS = 400
SEEDS = 5

SOUND = {
    "find": "SELECT id FROM predictions JOIN idempotency_keys ON answer = json_quote(id) WHERE key = :key",
    "remember": "INSERT OR REPLACE INTO idempotency_keys SELECT 'ada', :key, '', json_quote(:id), 'now'",
    "claim": (
        "UPDATE predictions SET status = 'started', worker = :worker, attempt = attempt + 1"
        " WHERE id = (SELECT id FROM predictions WHERE status = 'pending' LIMIT 1) RETURNING id, attempt"
    ),
    "say": (
        "INSERT INTO prediction_events SELECT id, :attempt, 1, 'log', :marker FROM predictions"
        " WHERE id = :id AND status = 'started' AND attempt = :attempt RETURNING 1"
    ),
    "finish": (
        "UPDATE predictions SET status = :status, output = :output, finished_at = 'now'"
        " WHERE id = :id AND status = 'started' AND attempt = :attempt AND worker = :worker RETURNING id"
    ),
    "cancel": (
        "UPDATE predictions SET status = 'cancelled', finished_at = 'now'"
        " WHERE id = :id AND status IN ('pending', 'started') RETURNING id"
    ),
    "expire": ("UPDATE predictions SET status = 'pending' WHERE id = :id AND status = 'started' RETURNING id"),
    "enqueue": (
        "INSERT INTO webhook_deliveries (prediction_id, user_id, body, created_at, next_at)"
        " SELECT :id, 'ada', json_object('status', :status), 'now', 'now'"
    ),
    "head": "SELECT min(id) FROM webhook_deliveries WHERE prediction_id = :id",
    "delivered": "DELETE FROM webhook_deliveries WHERE id = :delivery",
}


class Broken(NamedTuple):
    """What makes a queue a broken one.

    Attributes:
        statement: Which one is another.
        sound: A part of it.
        broken: What stands there instead.
        fault: What the checker says.
    """

    statement: str
    sound: str
    broken: str
    fault: str


BROKEN = (
    Broken("find", "key = :key", "key = :key AND status = 'pending'", "was answered with several"),
    Broken("find", "key = :key", "key = :key AND status = 'pending'", "made several predictions"),
    Broken("find", "key = :key", "key >= :key", "which has key"),
    Broken("remember", ":id", "(SELECT min(id) FROM predictions)", "and stands for"),
    Broken("claim", "attempt = attempt + 1", "attempt = 1", "tell of another number of starts than 1"),
    Broken("say", "SELECT id, :attempt", "SELECT id, :attempt + 1", "was said by several attempts"),
    Broken("finish", "AND attempt = :attempt AND worker = :worker", "", "is not from attempt"),
    Broken("finish", "AND status = 'started'", "", "ended and changed"),
    Broken("finish", "finished_at = 'now'", "finished_at = NULL", "the time of its end says otherwise"),
    Broken("finish", "status = :status", "status = 'pending'", "end with"),
    Broken("cancel", "AND status IN ('pending', 'started')", "", "ended and changed"),
    Broken("cancel", "id = :id", "id != :id", "and nobody wanted that"),
    Broken("cancel", "status = 'cancelled'", "status = 'pending'", "was to be cancelled and waits again"),
    Broken("expire", "AND status = 'started'", "", "had ended and was"),
    Broken("expire", "UPDATE predictions SET status = 'pending'", "DELETE FROM predictions", "and is not there"),
    Broken(
        "enqueue", "'now', 'now'", "'now', 'now' WHERE :status != 'pending'", "tell of started behind started"
    ),
    Broken("enqueue", "'now', 'now'", "'now', 'now' WHERE :status != 'succeeded'", "and it is succeeded"),
    Broken("head", "min(id)", "max(id)", "came behind webhook"),
    Broken(
        "delivered",
        "id = :delivery",
        "prediction_id = (SELECT prediction_id FROM webhook_deliveries WHERE id = :delivery)",
        "was never received",
    ),
)


class Run(NamedTuple):
    """What a worker holds, or believes to hold."""

    worker: str
    id: str
    attempt: int
    marker: str


class Simulation:
    """A queue, and all who have to do with it.

    Args:
        connection: To the hub's tables.
        statements: Of the queue.
        chance: Chooses whose turn it is.
    """

    def __init__(self, connection: sqlite3.Connection, statements: dict[str, str], chance: random.Random) -> None:
        self._connection = connection
        self._statements = statements
        self._chance = chance
        self._time = 0
        self._markers = 0
        self._runs: list[Run] = []
        self.history = History()

    def run(self) -> None:
        """Let things happen for a while, and then, if the queue lets them, come to their end."""
        turns = (self._create, self._cancel, self._look, self._claim, self._finish, self._expire, self._deliver)
        for _ in range(TURNS):
            self._chance.choice(turns)()
        for _ in range(KEYS * 40):
            for turn in turns[2:]:
                turn()

    def _do(self, name: str, **values: Any) -> Any:
        # Statements name only some of what they are given.
        return self._connection.execute(self._statements[name], values).fetchone()

    def _move(self, name: str, status: str, **values: Any) -> Any:
        moved = self._do(name, status=status, **values)
        if moved is not None:
            self._do("enqueue", id=moved[0], status=status)
        return moved

    def _some_id(self) -> str:
        rows = self._connection.execute("SELECT id FROM predictions ORDER BY id").fetchall()
        return str(self._chance.choice(rows)[0]) if rows else ""

    def _create(self) -> None:
        key = f"key-{self._chance.randrange(KEYS)}"
        idempotency_key = f"of-{key}"
        self.history.note(Sent(key, idempotency_key, 1))
        known = self._do("find", key=idempotency_key)
        prediction_id = known[0] if known else f"{key}-{self._tick()}"
        if known is None:
            self._connection.execute(
                "INSERT INTO predictions (id, user_id, model_id, version_id, hardware_id, hub_url, status, input,"
                " webhook_url, created_at, updated_at)"
                " VALUES (?, 'ada', '', '', 'cpu', '', 'pending', ?, 'http://receiver', '', '')",
                (prediction_id, json.dumps({"key": key})),
            )
            self._do("remember", key=idempotency_key, id=prediction_id)
        if self._chance.random() < 0.8:  # Otherwise the answer is lost.
            self.history.note(Accepted(key, prediction_id))

    def _look(self) -> None:
        id_ = self._some_id()
        found = self._connection.execute(
            "SELECT status, output, error FROM predictions WHERE id = ?", (id_,)
        ).fetchone()
        if found is not None:
            self.history.note(Seen(id_, self._tick(), self._tick(), found[0], result(*found[1:])))

    def _claim(self) -> None:
        worker = f"worker-{self._chance.randrange(3)}"
        claimed = self._move("claim", "started", worker=worker)
        if claimed is None or self._chance.random() < 0.1:  # Killed as soon as it had claimed.
            return
        self._markers += 1
        run = Run(worker, claimed[0], claimed[1], f"marker-{self._markers}")
        if self._do("say", id=run.id, attempt=run.attempt, marker=run.marker):
            self.history.note(Said(run.id, run.attempt, run.marker))
        self._runs.append(run)

    def _finish(self) -> None:
        if not self._runs:
            return
        run = self._chance.choice(self._runs)
        luck = self._chance.random()
        if luck < 0.8:  # Otherwise it does not learn that it is done, and says another time how it ended.
            self._runs.remove(run)
        if luck < 0.1:  # Killed while it ran.
            return
        succeeds = self._chance.random() < 0.7
        self._move(
            "finish",
            "succeeded" if succeeds else "failed",
            output=json.dumps(run.marker) if succeeds else None,
            **run._asdict(),
        )

    def _cancel(self) -> None:
        id_ = self._some_id()
        if self._chance.random() < 0.7:  # Few have second thoughts.
            return
        self.history.note(Cancelled(id_, inf))
        if self._move("cancel", "cancelled", id=id_):
            self.history.note(Cancelled(id_, self._tick()))

    def _expire(self) -> None:
        id_ = self._some_id()
        if self._move("expire", "pending", id=id_):
            self._connection.execute("DELETE FROM prediction_events WHERE prediction_id = ?", (id_,))

    def _deliver(self) -> None:
        head = self._do("head", id=self._some_id())
        if not head or head[0] is None:
            return
        id_, body = self._connection.execute(
            "SELECT prediction_id, body FROM webhook_deliveries WHERE id = ?", head
        ).fetchone()
        self.history.note(Change(head[0], id_, json.loads(body)["status"]))
        if self._chance.random() < 0.8:  # Otherwise killed before it could note that.
            self._do("delivered", delivery=head[0])

    def _tick(self) -> int:
        self._time += 1
        return self._time


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Give a database with the hub's tables, one user and one kind of hardware."""
    asyncio.run(open_database(tmp_path).close())
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("INSERT INTO users (id, username, created_at) VALUES ('ada', 'ada', '')")
        connection.execute("INSERT INTO hardware VALUES ('cpu', 'cpu', 'CPU', 0, 1, 0, 1, 1, '')")
        yield connection


def happened(connection: sqlite3.Connection, statements: dict[str, str], seed: int) -> tuple[History, Final]:
    """Let things happen to an empty queue."""
    for table in (
        "webhook_deliveries",
        "prediction_events",
        "predictions",
        "idempotency_keys",
        "sqlite_sequence",
    ):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608  names from above
    simulation = Simulation(connection, statements, random.Random(seed))
    simulation.run()
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'webhook_deliveries'").fetchone()
    return simulation.history, read(connection.execute, last_change=last[0] if last else 0)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_sound_queue_has_no_faults(connection: sqlite3.Connection, seed: int) -> None:
    history, final = happened(connection, SOUND, seed)
    assert faults(history, final) == []
    assert unfinished(final) == []
    assert final.unsent == []
    assert len(final.predictions) == KEYS
    assert max(stored.attempt for stored in final.predictions.values()) > 1
    assert len(history.of(Change)) > (final.last_change or 0) > KEYS


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.fault)
def test_a_broken_queue_is_found_out(connection: sqlite3.Connection, broken: Broken) -> None:
    statement = SOUND[broken.statement].replace(broken.sound, broken.broken)
    assert statement != SOUND[broken.statement]
    found = []
    for seed in range(SEEDS):
        found += faults(*happened(connection, SOUND | {broken.statement: statement}, seed))
    assert any(broken.fault in fault for fault in found), found


def test_a_queue_that_leaves_some_behind_is_found_out(connection: sqlite3.Connection) -> None:
    nothing = "SELECT 1 LIMIT 0"
    history, final = happened(connection, SOUND | {"expire": nothing, "cancel": nothing}, 0)
    assert faults(history, final) == []
    assert unfinished(final) != []


def test_an_output_in_pieces_of_several_attempts_is_found_out() -> None:
    said = [Said("a", 1, "one"), Said("a", 2, "two")]
    stored = Stored("key", "succeeded", 2, result('["one", "two"]', None), frozenset({"one", "two"}), False, True)
    assert faults(History(), Final({"a": stored}, {}, said, [], 0)) == [
        "the output of prediction a is from several attempts: ['one', 'two']",
        "the output one of prediction a is not from attempt 2",
    ]


def test_a_client_that_makes_a_new_key_when_it_tries_again_is_found_out() -> None:
    history = History([Sent("key", "one", 1), Sent("key", "two", 1)])
    assert faults(history, Final({}, {}, [], [], 0)) == [
        "key key was sent under several idempotency keys: ['one', 'two']"
    ]


def test_a_diary_goes_on_behind_what_was_written_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "diary"
    noted: list[Fact] = [
        Sent("key", "one", 1),
        Cancelled("a", inf),
        Seen("a", 1.5, 2.5, "pending", "[null, null]"),
    ]
    with closing(Diary(path)) as diary:
        for fact in noted:
            diary.note(fact)
        assert path.read_bytes().count(b"\n") == len(noted)
    with path.open("ab") as file:
        file.write(b'["Accepted", "ke')
    with closing(Diary(path)) as diary:
        assert diary.facts == noted
        diary.note(Accepted("key", "a"))
    with closing(Diary(path)) as diary:
        assert diary.of(Accepted) == [Accepted("key", "a")]
        assert diary.facts == [*noted, Accepted("key", "a")]
