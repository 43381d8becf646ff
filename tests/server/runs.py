"""Predictions on a hub under test, and the part of a worker played on its database."""

import asyncio
import itertools
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.databases import open_in, run_sql
from tests.server.people import Person
from tests.server.samples import add_model
from wriftai.predictions import PredictionWithIO, Status
from wriftai_server.database.changes import Changes
from wriftai_server.database.driver import Transaction
from wriftai_server.predictions import queue
from wriftai_server.predictions.claims import Claim, Event, Outcome

T = TypeVar("T")

ANY: Any = {}
LATER = "9999-01-01T00:00:00.000000Z"
LONG_AGO = "0001-01-01T00:00:00.000000Z"

_digests = (f"sha256:{number:064x}" for number in itertools.count(1))


def add_runnable(
    owner: Person, folder: Path, *, schema: Any = ANY, visibility: str = "private", holds: bool = True
) -> dict[str, Any]:
    """Add a model with a version that can run; give the version, and the model under `model`."""
    model = add_model(owner, visibility=visibility)
    return {**add_runnable_version(owner, folder, model, schema=schema, holds=holds), "model": model}


def add_runnable_version(
    owner: Person, folder: Path, model: Any, *, schema: Any = ANY, holds: bool = True
) -> dict[str, Any]:
    """Add a version that can run."""
    digest = next(_digests)
    body = {
        "release_notes": "Runs.",
        "schemas": {"prediction": {"input": schema, "output": {}}},
        "container_image_digest": digest,
    }
    reply = owner.send("POST", f"/models/{owner.name}/{model['name']}/versions", json=body)
    assert reply.status_code == 201
    if holds:
        hold_image(folder, model["id"], digest)
    version: dict[str, Any] = reply.json()
    return version


def hold_image(folder: Path, model_id: str, digest: str) -> None:
    """Let a model hold an image, as if it had been pushed."""
    run_sql(
        folder,
        "INSERT INTO blobs (digest, size, created_at) VALUES (?, 2, '') ON CONFLICT DO NOTHING",
        digest,
    )
    run_sql(
        folder,
        "INSERT INTO manifests (model_id, digest, media_type, created_at) VALUES (?, ?, '', '')",
        *(model_id, digest),
    )


def create(caller: Person, path: str, **options: Any) -> httpx.Response:
    """Ask for a prediction at a path; the body is a usual one unless it is among the options."""
    return caller.send("POST", path, **{"json": {"input": 1}, **options})


def run(caller: Person, version: dict[str, Any], value: Any = None, **options: Any) -> PredictionWithIO:
    """Create a prediction."""
    body = {"input": value, **options.pop("body", {})}
    reply = caller.send("POST", f"/versions/{version['id']}/predictions", json=body, **options)
    assert reply.status_code in (200, 202), reply.text
    prediction: PredictionWithIO = reply.json()
    return prediction


class Worker:
    """Does to the rows what a worker does, and tells of it.

    Args:
        folder: Of the hub.
    """

    def __init__(self, folder: Path) -> None:
        self.name = f"worker-{uuid.uuid4()}"
        self._folder = folder

    def claim(self, prediction: PredictionWithIO, *, lease_until: str = LATER) -> Claim:
        """Start a prediction, the only one that waits for its version."""
        place = {"hardware_id": prediction["hardware_id"], "version_id": prediction["version_id"]}
        (claim,) = self._claim(**place, lease_until=lease_until)
        assert claim.id == prediction["id"]
        return claim

    def claim_next(self, *, hardware_id: str, version_id: str) -> Claim:
        """Start a prediction as soon as one waits for a version."""
        while not (claims := self._claim(hardware_id=hardware_id, version_id=version_id)):
            time.sleep(0.02)
        return claims[0]

    def say(self, claim: Claim, *events: Event) -> bool:
        return self._do(lambda transaction: queue.add_events(transaction, claim, events), [claim.id])

    def finish(self, claim: Claim, outcome: Outcome | None = None) -> bool:
        """End a prediction; well, unless it is told otherwise."""
        ended = outcome or Outcome(Status.succeeded, output="null", execution_seconds=0.5)
        return self._do(lambda transaction: queue.finish(transaction, claim, ended), [claim.id])

    def release(self, claim: Claim) -> bool:
        return self._do(lambda transaction: queue.release(transaction, claim), [claim.id])

    def expire(self) -> list[str]:
        """Take back what leases of long ago were given for."""
        ids = list[str]()

        async def step(transaction: Transaction) -> list[str]:
            ids.extend(await queue.expire(transaction, now="1000-01-01T00:00:00.000000Z"))
            return ids

        return self._do(step, ids)

    def complete(self, prediction: PredictionWithIO, outcome: Outcome | None = None) -> None:
        """Start a prediction and end it."""
        assert self.finish(self.claim(prediction), outcome)

    def _claim(self, *, hardware_id: str, version_id: str, lease_until: str = LATER) -> list[Claim]:
        ids = list[str]()

        async def step(transaction: Transaction) -> list[Claim]:
            claims = await queue.claim(
                transaction,
                worker=self.name,
                hardware_id=hardware_id,
                version_id=version_id,
                lease_until=lease_until,
            )
            ids.extend(claim.id for claim in claims)
            return claims

        return self._do(step, ids)

    def _do(self, step: Callable[[Transaction], Awaitable[T]], ids: list[str]) -> T:
        """Take a step in a transaction, and tell of the predictions that it took on."""

        async def whole() -> T:
            database = open_in(self._folder)
            try:
                async with database.writing() as transaction:
                    done = await step(transaction)
                Changes(database).tell(*ids, *map(queue.end_of, ids))
                return done
            finally:
                await database.close()

        return asyncio.run(whole())
