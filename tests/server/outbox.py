"""An outbox with what it needs around it, and a deliverer of it in a process of its own."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.databases import open_in, run_sql
from wriftai_server.database.changes import Changes
from wriftai_server.database.driver import Database
from wriftai_server.database.values import new_id, now
from wriftai_server.settings import Settings
from wriftai_server.webhooks import service
from wriftai_server.webhooks.addresses import Resolve, look_up
from wriftai_server.webhooks.delivery import Deliverer

LOOPBACK = "127.0.0.0/8"


def body(number: int) -> bytes:
    """Give what is posted."""
    return json.dumps(number).encode()


class Outbox:
    """The outbox of a database, and whoever else has it open.

    Args:
        folder: Holds the database.
        database: The same, open.
        changes: Of the database.
    """

    def __init__(self, folder: Path, database: Database, changes: Changes) -> None:
        self._folder = folder
        self._database = database
        self._changes = changes
        self.run("INSERT INTO hardware VALUES ('cpu', 'cpu', 'CPU', 0, 1, 0, 1, 1, '') ON CONFLICT DO NOTHING")

    def run(self, sql: str, *values: Any) -> list[Any]:
        """Run a statement as another process would."""
        return run_sql(self._folder, sql, *values)

    def add_user(self, secret: str | None = None) -> str:
        """Add a user; give the id."""
        user_id = new_id()
        self.run(
            "INSERT INTO users (id, username, created_at, webhook_secret) VALUES (?, ?, ?, ?)",
            *(user_id, user_id, now(), secret),
        )
        return user_id

    def add_prediction(self, url: str, *, user_id: str | None = None) -> str:
        """Add a prediction that tells a URL what becomes of it; give the id."""
        prediction_id = new_id()
        self.run(
            "INSERT INTO predictions (id, user_id, model_id, version_id, hardware_id, hub_url, status,"
            " webhook_url, created_at, updated_at)"
            " VALUES (?, ?, 'model', 'version', 'cpu', '', 'pending', ?, ?, ?)",
            *(prediction_id, user_id or self.add_user(), url, now(), now()),
        )
        return prediction_id

    async def put(self, prediction_id: str, *bodies: bytes) -> None:
        """Put bodies in, each in a transaction of its own."""
        for body in bodies:
            async with self._database.writing() as transaction:
                await service.enqueue(transaction, prediction_id=prediction_id, body=body)
            self._changes.tell("webhooks")

    async def send(self, url: str, *bodies: bytes, user_id: str | None = None) -> str:
        """Put bodies in for a new prediction; give its id."""
        prediction_id = self.add_prediction(url, user_id=user_id)
        await self.put(prediction_id, *bodies)
        return prediction_id

    def ids(self) -> list[int]:
        """Give the ids of what is still in."""
        return [row[0] for row in self.run("SELECT id FROM webhook_deliveries ORDER BY id")]

    def hurry(self) -> None:
        """Let everything be due now, and tell of it as whoever put it off would."""
        self.run("UPDATE webhook_deliveries SET next_at = ?", now())
        self._changes.tell("webhooks")

    async def empty(self) -> None:
        """Wait until all was delivered or given up."""
        await until(lambda: not self.ids())


@asynccontextmanager
async def outbox_in(folder: Path) -> AsyncIterator[Outbox]:
    """Open the outbox of a folder, without anyone who delivers."""
    database = open_in(folder)
    try:
        yield Outbox(folder, database, Changes(database))
    finally:
        await database.close()


@asynccontextmanager
async def delivering(folder: Path, *, allow: str = LOOPBACK, resolve: Resolve = look_up) -> AsyncIterator[Outbox]:
    """Deliver what is in the outbox of a folder; give the outbox."""
    database = open_in(folder)
    changes = Changes(database)
    settings = Settings(data_dir=folder, webhook_allow=allow)
    running = asyncio.create_task(Deliverer(database, changes, settings, resolve=resolve).run())
    try:
        yield Outbox(folder, database, changes)
        assert not running.done(), running.result()
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await database.close()


async def until(condition: Callable[[], Any]) -> None:
    """Wait until a condition holds; only a test that fails waits in vain."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("It never came to that.")


async def _deliver_for_ever(folder: Path, allow: str, host: str) -> None:
    async def resolve(name: str, port: int) -> list[str]:
        return ["127.0.0.1"] if name == host else await look_up(name, port)

    async with delivering(folder, allow=allow, resolve=resolve):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_deliver_for_ever(Path(sys.argv[1]), LOOPBACK, sys.argv[2]))
