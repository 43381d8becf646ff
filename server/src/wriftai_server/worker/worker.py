"""The worker: turns of all pools, a heartbeat, and what has to be tidied up."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

import structlog

from wriftai_server.database.changes import Changes
from wriftai_server.database.driver import Database, DatabaseUnavailable
from wriftai_server.hardware.catalogue import Entry
from wriftai_server.images.blobs import Blobs
from wriftai_server.logs import Outage
from wriftai_server.settings import Settings, WorkerSettings
from wriftai_server.webhooks.delivery import Deliverer
from wriftai_server.worker import store
from wriftai_server.worker.claims import Claims
from wriftai_server.worker.confinement.sandbox import Sandboxes
from wriftai_server.worker.environments import Environments
from wriftai_server.worker.event_writer import EventWriter
from wriftai_server.worker.images import Images
from wriftai_server.worker.loading import Loader
from wriftai_server.worker.pool import Pool
from wriftai_server.worker.retention import Retention
from wriftai_server.worker.runs import Run, Stop
from wriftai_server.worker.versions import Versions

_TICK_SECONDS = 1.0
_AGAIN_SECONDS = 5.0
_BEATS_PER_LEASE = 3

_log = structlog.get_logger()


class Worker:
    """Runs the predictions of a hub on this machine.

    Args:
        database: Holds the queue.
        blobs: Hold the images.
        changes: Tells when there is something to do, and is told of what was done.
        settings: Of the hub; without those of a worker, the usual ones count.
        catalogue: What this machine offers; predictions that wait for other hardware are left to others.
    """

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        changes: Changes,
        settings: Settings,
        catalogue: Iterable[Entry],
    ) -> None:
        folder = settings.data_dir.absolute() / "runtimes"
        own = settings.worker or WorkerSettings()
        self._database = database
        self._changes = changes
        self._settings = own
        self._deliverer = Deliverer(database, changes, settings)
        self._missing = list(catalogue)
        self._pools: list[Pool] = []
        self._outage = Outage("the queue waits", "the queue goes on")
        self._claims = Claims(database, changes, own.lease_seconds)
        self._versions = Versions(database)
        self._writer = EventWriter(self._claims)
        # The folder keeps its old name `cells`: workers of earlier releases left sandboxes there, which this one
        # removes when it starts.
        self._sandboxes = Sandboxes(folder / "cells", own)
        images, environments = Images(folder / "images", blobs), Environments(folder / "environments")
        self._loader = Loader(folder / "package", images, environments, self._sandboxes, own)
        self._retention = Retention(
            database,
            blobs,
            images,
            environments,
            in_use=lambda: [place for pool in self._pools for place in pool.kept],
            days=own.retention_days,
        )

    def open(self) -> None:
        """Get ready to run: try out a sandbox, and put the runtime package where models may read it.

        Raises:
            Unconfined: Models cannot be locked in, and the settings require it.
            OSError: The data folder cannot be written to.
        """
        self._sandboxes.open()
        self._loader.open()

    async def run(self) -> None:
        """Run predictions until cancelled; then give those that run some time to end, and back what has not.

        What else ends it is logged at once, and raised when all is tidied up.
        """
        task = asyncio.current_task()
        works = (self._writer.run, self._beat, self._cancel, self._retention.run, self._deliverer.run)
        others = [asyncio.create_task(_keep(work)) for work in works]
        try:
            with self._changes.watch("queue") as queue:
                while True:
                    await self._turn()
                    await queue.changed(_TICK_SECONDS)
        except BaseException:
            if task is None or not task.cancelling():
                _log.exception("the worker died")
            raise
        finally:
            await asyncio.gather(*(pool.close(self._settings.grace_seconds) for pool in self._pools))
            for other in others:
                other.cancel()
            await asyncio.wait(others)
            await self._sandboxes.close()

    @property
    def _runs(self) -> dict[str, Run]:
        return {attempt_id: run for pool in self._pools for attempt_id, run in pool.runs.items()}

    async def _turn(self) -> None:
        try:
            if self._missing:
                await self._find_hardware()
            for pool in self._pools:
                await pool.turn()
            self._outage.end()
        except DatabaseUnavailable as error:
            self._outage.begin(error)
        except Exception:
            _log.exception("a turn of the worker failed")

    async def _find_hardware(self) -> None:
        """Make a pool for each entry of the catalogue that the hub offers by now."""
        async with self._database.reading() as view:
            known = await store.hardware_ids(view)
        for entry in [entry for entry in self._missing if entry.identifier in known]:
            self._missing.remove(entry)
            self._pools.append(
                Pool(
                    known[entry.identifier],
                    entry.capacity,
                    claims=self._claims,
                    versions=self._versions,
                    loader=self._loader,
                    writer=self._writer,
                    settings=self._settings,
                    wake=lambda: self._changes.tell("queue"),
                )
            )

    async def _cancel(self) -> None:
        """Stop what its creators want no more of."""
        with self._changes.watch("cancels") as cancels:
            while True:
                if runs := self._runs:
                    with contextlib.suppress(DatabaseUnavailable):
                        cancelled = set(await self._claims.cancelled())
                        for run in runs.values():
                            if run.claim.id in cancelled:
                                self._stop(run, Stop.CANCELLED)
                await cancels.changed(_TICK_SECONDS)

    async def _beat(self) -> None:
        """Hold on to what runs, and take back what other workers lost."""
        while True:
            with contextlib.suppress(DatabaseUnavailable):
                before = self._runs
                # First renewed: a worker that was stopped for a while keeps what nobody has taken from it.
                held = {each.attempt_id for each in await self._claims.renew()}
                await self._claims.expire()
                for run in before.values():
                    if run.claim.attempt_id not in held:
                        self._stop(run, Stop.LOST)
            await asyncio.sleep(self._settings.lease_seconds / _BEATS_PER_LEASE)

    def _stop(self, run: Run, why: Stop) -> None:
        for pool in self._pools:
            pool.stop(run, why)


def death(running: "asyncio.Task[None]") -> str | None:
    """Say of what a worker has died; None when it was told to end.

    Args:
        running: Of `Worker.run`, which has ended.
    """
    if running.cancelling():
        return None
    error = asyncio.CancelledError() if running.cancelled() else running.exception()
    return f"{type(error).__name__}: {error}"


async def _keep(work: Callable[[], Awaitable[None]]) -> None:
    """Do some work until cancelled, and begin anew when it failed."""
    while True:
        try:
            await work()
        except Exception:
            _log.exception("a part of the worker failed")
        await asyncio.sleep(_AGAIN_SECONDS)
