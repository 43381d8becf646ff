"""A worker in this process, on a hub's folder without the hub."""

import asyncio
import json
import uuid
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert, select

from tests.packed import ANYTHING, ECHO, Image, image
from wriftai.predictions import PredictionWithIO
from wriftai_server.database.changes import Changes
from wriftai_server.database.opening import open_database
from wriftai_server.database.schema import models, predictions, versions
from wriftai_server.database.statements import Statement
from wriftai_server.database.values import new_id, now
from wriftai_server.hardware import service as hardware
from wriftai_server.hardware.catalogue import Entry
from wriftai_server.images.blobs import Blobs
from wriftai_server.predictions import queue, store
from wriftai_server.settings import Settings, WorkerSettings
from wriftai_server.users import service as users
from wriftai_server.users import store as users_store
from wriftai_server.worker.confinement.sandbox import Unconfined
from wriftai_server.worker.worker import Worker

PATIENCE = 60


class Workshop:
    """A worker that runs for as long as something is waited for.

    Args:
        data_dir: Folder of the hub; made anew, or gone on with.
        slots: Of the one hardware that there is.
        settings: Those that differ from the usual ones.
    """

    def __init__(self, data_dir: Path, *, slots: int = 1, **settings: Any) -> None:
        self.data_dir = data_dir
        self.database = open_database(data_dir)
        self.blobs = Blobs(data_dir)
        self.settings = Settings(data_dir=data_dir, worker=WorkerSettings(**settings))
        self.catalogue = [Entry("cpu", "CPU", 1, 1, slots=slots)]
        self._runner = asyncio.Runner()
        self._runner.run(self._open())
        self._worker: asyncio.Task[None] | None = None
        try:
            self.start()
        except Unconfined:
            self.close()
            raise

    def start(self) -> None:
        """Start a worker."""
        self._runner.run(self._start())

    def stop(self) -> None:
        """Tell the worker to stop, and wait until it has."""
        self._runner.run(self._stop())

    def close(self) -> None:
        """Stop, and let go of the folder."""
        self.stop()
        self._runner.run(self.database.close())
        self._runner.close()

    def push(self, pushed: Image | str = ECHO, *, model: str | None = None, **label: Any) -> str:
        """Store an image and a version of it; give the version's id.

        Args:
            pushed: The image, or the code of its model.
            model: Id of a model that is there; None makes one.
            label: Of the image.
        """
        made = image(pushed, **label) if isinstance(pushed, str) else pushed
        return self._runner.run(self._push(made, model or self.add_model()))

    def add_model(self) -> str:
        """Store a model; give its id."""
        return self._runner.run(self._add_model())

    def create(self, version: str, **values: Any) -> str:
        """Create a prediction; give its id."""
        return self._runner.run(self._create(version, values))

    def cancel(self, prediction: str) -> None:
        """Ask for a prediction to be cancelled."""
        self._runner.run(self._cancel(prediction))

    def ended(self, prediction: str) -> PredictionWithIO:
        """Let the worker run until a prediction has ended."""
        return self.until(prediction, "succeeded", "failed", "cancelled")

    def until(self, prediction: str, *statuses: str) -> PredictionWithIO:
        """Let the worker run until a prediction has one of some statuses."""
        return self._runner.run(self._until(prediction, statuses))

    def predict(self, version: str, **values: Any) -> PredictionWithIO:
        """Run a prediction to its end."""
        return self.ended(self.create(version, **values))

    def look(self, prediction: str) -> PredictionWithIO:
        """See a prediction as it is."""
        return self._runner.run(self._look(prediction))

    def events(self, prediction: str) -> list[tuple[str, str]]:
        """Give what a prediction said in its last attempt: kinds and data."""
        return self._runner.run(self._events(prediction))

    def run(self, seconds: float) -> None:
        """Let the worker run."""
        self._runner.run(asyncio.sleep(seconds))

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something else to its end, beside the worker."""
        self._runner.run(work)

    async def _open(self) -> None:
        async with self.database.writing() as transaction:
            await hardware.offer(transaction, self.catalogue)
            name = f"user-{uuid.uuid4().hex[:8]}"
            await users.create(transaction, username=name)
            row = await users_store.find(transaction, username=name)
            assert row is not None
            self.user_id = row[0]
            self.hardware_id = await hardware.id_of(transaction, "cpu")
        self.changes = Changes(self.database)

    async def _start(self) -> None:
        worker = Worker(self.database, self.blobs, self.changes, self.settings, self.catalogue)
        worker.open()
        self._worker = asyncio.create_task(worker.run())

    async def _stop(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])
            self._worker = None

    async def _add_model(self) -> str:
        id_ = new_id()
        values = {"id": id_, "owner_id": self.user_id, "name": f"m-{id_}", "visibility": "private"}
        await self._insert(models, values | {"hardware_id": self.hardware_id, "created_at": now()})
        return id_

    async def _push(self, pushed: Image, model: str) -> str:
        for digest, content in pushed.blobs.items():
            file = self.data_dir / f"pushed-{uuid.uuid4().hex}"
            file.write_bytes(content)
            await self.blobs.put(digest, file)
        id_ = new_id()
        values: dict[str, Any] = {
            "id": id_,
            "model_id": model,
            "number": uuid.uuid4().int >> 72,
            "release_notes": "",
        }
        values |= {"schemas": json.dumps(ANYTHING), "container_image_digest": pushed.digest, "created_at": now()}
        await self._insert(versions, values)
        return id_

    async def _create(self, version: str, values: dict[str, Any]) -> str:
        id_ = new_id()
        async with self.database.reading() as view:
            row = await view.one(Statement(select(versions.c.model_id).where(versions.c.id == version)))
        row_values = {"id": id_, "user_id": self.user_id, "version_id": version, "hardware_id": self.hardware_id}
        row_values |= {"model_id": row[0] if row else new_id(), "status": "pending", "input": json.dumps(values)}
        await self._insert(
            predictions, row_values | {"created_at": now(), "updated_at": now(), "hub_url": "http://hub"}
        )
        self.changes.tell("queue")
        return id_

    async def _cancel(self, prediction: str) -> None:
        async with self.database.writing() as transaction:
            await queue.cancel(transaction, prediction_id=prediction)
        self.changes.tell(prediction, queue.end_of(prediction), "cancels")

    async def _insert(self, table: Any, values: dict[str, Any]) -> None:
        async with self.database.writing() as transaction:
            await transaction.execute(Statement(insert(table).values(values)))

    async def _until(self, prediction: str, statuses: Iterable[str]) -> PredictionWithIO:
        async with asyncio.timeout(PATIENCE):
            while True:
                with self.changes.watch(prediction) as watch:
                    found = await self._look(prediction)
                    if found["status"] in statuses:
                        return found
                    await watch.changed(1)

    async def _look(self, prediction: str) -> PredictionWithIO:
        async with self.database.reading() as view:
            found = await store.by_id(view, prediction_id=prediction)
        shown: PredictionWithIO = msgspec.json.decode(msgspec.json.encode(found))
        return shown

    async def _events(self, prediction: str) -> list[tuple[str, str]]:
        async with self.database.reading() as view:
            row = await view.one(Statement(select(predictions.c.attempt).where(predictions.c.id == prediction)))
            assert row is not None
            found = await store.events(view, prediction_id=prediction, attempt=row[0], after=0, limit=100_000)
        return [(kind, data) for _, kind, data in found]
