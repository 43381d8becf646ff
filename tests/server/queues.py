"""A queue of predictions on a database of its own, and what it says when it is asked."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tests.databases import address_of, open_in, run_sql
from wriftai_server.database.driver import Transaction
from wriftai_server.database.opening import FILE_NAME
from wriftai_server.database.sqlite import DIALECT, SQLiteTransaction, connect
from wriftai_server.database.statements import Statement
from wriftai_server.predictions import queue, store
from wriftai_server.predictions.claims import Claim, Outcome

T = TypeVar("T")

HARDWARE = ("cpu", "gpu")
_TABLES = ("webhook_deliveries", "prediction_events", "predictions")
_ANYTHING = {"gpus": 0, "cpus": 1, "ram_per_gpu_gb": 0, "ram_gb": 1, "is_offered": 1, "created_at": ""}


class Queue:
    """Steps of a queue, one transaction each.

    Args:
        folder: Where the database is made.
    """

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._folder = folder
        self._database = open_in(folder)
        # A connection beside the queue's own, which is kept: opening one takes longer than most looks.
        self._file = None if address_of(folder) else connect(folder / FILE_NAME)
        self._numbers = itertools.count(1)
        self.insert("users", id="ada", username="ada", created_at="")
        for name in HARDWARE:
            self.insert("hardware", id=name, identifier=name, name=name, **_ANYTHING)

    def do(self, step: Callable[[Transaction], Awaitable[T]]) -> T:
        async def whole() -> T:
            async with self._database.writing() as transaction:
                return await step(transaction)

        return self._runner.run(whole())

    def insert(self, table: str, **row: Any) -> None:
        """Store a row that the queue itself does not."""
        places = ", ".join("?" for _ in row)
        self._run(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())  # noqa: S608

    def add(self, *, version: str = "v", hardware: str = "cpu", webhook: bool = False) -> str:
        """Add a prediction that waits; they are created one after the other."""
        number = next(self._numbers)
        row = {
            "id": f"prediction-{number:04}",
            "user_id": "ada",
            "model_id": "model",
            "version_id": version,
            "hardware_id": hardware,
            "input": str(number),
            "webhook_url": "https://example.org" if webhook else None,
            "hub_url": "https://hub.example" if webhook else None,
        }
        self.do(lambda transaction: store.add(transaction, now=f"{number:06}", **row))
        return str(row["id"])

    def claim(
        self,
        worker: str = "worker",
        *,
        version: str = "v",
        hardware: str = "cpu",
        lease_until: str = "1",
        limit: int = 1,
    ) -> list[Claim]:
        return self.do(
            lambda transaction: queue.claim(
                transaction,
                worker=worker,
                hardware_id=hardware,
                version_id=version,
                lease_until=lease_until,
                limit=limit,
            )
        )

    def finish(self, claim: Claim, outcome: Outcome) -> bool:
        return self.do(lambda transaction: queue.finish(transaction, claim, outcome))

    def expire(self, now: str) -> list[str]:
        return self.do(lambda transaction: queue.expire(transaction, now=now))

    def cancel(self, prediction_id: str) -> bool:
        return self.do(lambda transaction: queue.cancel(transaction, prediction_id=prediction_id))

    def rows(self, columns: str, table: str = "predictions", order: str = "id") -> list[tuple[Any, ...]]:
        """Read what is stored."""
        return self._run(f"SELECT {columns} FROM {table} ORDER BY {order}")  # noqa: S608

    def posted(self) -> list[tuple[str, str]]:
        """Give the ids and statuses that webhooks are to be told, in order."""
        bodies = (msgspec.json.decode(body) for (body,) in self.rows("body", "webhook_deliveries"))
        return [(body["id"], body["status"]) for body in bodies]

    def clear(self) -> None:
        for table in _TABLES:
            self._run(f"DELETE FROM {table}")  # noqa: S608

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._runner.run(self._database.close())
        self._runner.close()

    def _run(self, sql: str, *values: Any) -> list[Any]:
        """Run a statement beside the queue."""
        if self._file is None:
            return run_sql(self._folder, sql, *values)
        return self._file.execute(sql, values).fetchall()


class Planned(SQLiteTransaction):
    """Runs statements, and takes note of how SQLite looks for their rows.

    Args:
        folder: Of a database.
    """

    def __init__(self, folder: Path) -> None:
        self.connection = connect(folder / FILE_NAME)
        self.plans: list[str] = []
        super().__init__(self.connection)

    async def one(self, statement: Statement, **values: Any) -> Any:
        self._plan(statement, values)
        return await super().one(statement, **values)

    async def all(self, statement: Statement, **values: Any) -> list[Any]:
        self._plan(statement, values)
        return await super().all(statement, **values)

    async def execute(self, statement: Statement, **values: Any) -> int:
        self._plan(statement, values)
        return await super().execute(statement, **values)

    def _plan(self, statement: Statement, values: dict[str, Any]) -> None:
        sql, constants, order = statement.compiled(DIALECT)
        ordered = [{**constants, **values}[name] for name in order]
        rows = self.connection.execute(f"EXPLAIN QUERY PLAN {sql}", ordered)
        self.plans += [row[3] for row in rows]
