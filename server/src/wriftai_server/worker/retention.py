"""Removes what was kept for long enough: a little at a time, so that nobody waits for it."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from wriftai_runtime import environments as building
from wriftai_server.database.driver import Database, DatabaseUnavailable
from wriftai_server.database.values import timestamp
from wriftai_server.images.blobs import Blobs, StoreUnavailable
from wriftai_server.images.collection import collect
from wriftai_server.worker import store
from wriftai_server.worker.environments import Environments
from wriftai_server.worker.images import Images

_ROUND_SECONDS = 3600.0
_BATCH = 100
_PAUSE_SECONDS = 0.05
_PUT = timedelta(days=1)
# What was used since then may be in use by another worker on the same folder.
_UNUSED_SECONDS = 24 * 3600.0

_log = structlog.get_logger()


class Retention:
    """Tidies up, once an hour.

    Args:
        database: Forgets inputs, outputs and events of predictions that ended long ago.
        blobs: Lose what no version needs.
        images: Lose what nobody ran for long, and after a day what is of no version or was left half unpacked.
        environments: Lose what nobody ran for long.
        in_use: Gives the folders of images and environments that runtimes have open now; they stay.
        days: What is long: after so many days is forgotten and removed.
    """

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        images: Images,
        environments: Environments,
        *,
        in_use: Callable[[], Iterable[Path]],
        days: float,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._images = images
        self._environments = environments
        self._in_use = in_use
        self._kept = timedelta(days=days)

    async def run(self) -> None:
        """Tidy up until cancelled."""
        while True:
            with contextlib.suppress(DatabaseUnavailable, StoreUnavailable, OSError):
                await self.tidy()
            await asyncio.sleep(_ROUND_SECONDS)

    async def tidy(self) -> None:
        """Tidy up once.

        Raises:
            DatabaseUnavailable: Nothing can be read or written now.
            StoreUnavailable: Blobs cannot be removed now.
            OSError: Folders cannot be removed.
        """
        before = timestamp(datetime.now(UTC) - self._kept)
        forgotten = 0
        while count := await self._forget(before):
            forgotten += count
            await asyncio.sleep(_PAUSE_SECONDS)
        folders = await self._remove_folders()  # Before the blobs: their bucket may be out of reach for long.
        # What is put on another machine is safe for a day.
        marked_before = timestamp(datetime.now(UTC) - max(self._kept, _PUT))
        removed = await collect(self._database, self._blobs, before=marked_before)
        if forgotten or removed or folders:
            _log.info("tidied up", predictions=forgotten, blobs=removed, folders=folders)

    async def _forget(self, before: str) -> int:
        async with self._database.writing() as transaction:
            return await store.forget(transaction, before=before, limit=_BATCH)

    async def _remove_folders(self) -> int:
        for place in self._in_use():
            os.utime(place)
        async with self._database.reading() as view:
            known = await store.digests(view)
        long_ago, unused = time.time() - self._kept.total_seconds(), time.time() - _UNUSED_SECONDS
        images = [
            place
            for digest, place in self._images.unpacked().items()
            if _used_at(place) < (long_ago if digest in known else unused)
        ]
        images += [place for place in self._images.unfinished() if _used_at(place) < unused]
        for place in images:
            await asyncio.to_thread(self._images.remove, place)
        environments = [place for place in self._environments.built() if _used_at(place) < long_ago]
        for place in environments:
            await asyncio.to_thread(building.remove, place)
        return len(images) + len(environments)


def _used_at(place: Path) -> float:
    with contextlib.suppress(OSError):
        return place.stat().st_mtime
    return time.time()
