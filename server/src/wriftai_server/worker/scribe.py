"""Stores what runs say, a few times a second and for all of them at once."""

import asyncio
import time

from wriftai_server.database.driver import DatabaseUnavailable
from wriftai_server.logs import Outage
from wriftai_server.worker.claims import Claims
from wriftai_server.worker.journal import Journal

_PAUSE_SECONDS = 0.1
_RETRY_SECONDS = 1.0


class Scribe:
    """Writes journals down: the first line of a burst at once, what follows in batches.

    Args:
        claims: Stores them.
    """

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        # By attempt: of one prediction, an attempt that was lost may still run beside the one that counts.
        self._waiting: dict[str, Journal] = {}
        self._wake = asyncio.Event()
        self._wrote_at = 0.0
        self._outage = Outage("events wait to be stored", "events are stored again")

    def note(self, journal: Journal) -> None:
        """Store what a journal has, soon."""
        self._waiting[journal.claim.attempt_id] = journal
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(max(0.0, self._wrote_at + _PAUSE_SECONDS - time.monotonic()))
            self._wake.clear()
            journals, self._waiting = [*self._waiting.values()], {}
            try:
                await self._claims.write(journals)
                self._outage.end()
            except DatabaseUnavailable as error:
                self._outage.begin(error)
                self._waiting = {journal.claim.attempt_id: journal for journal in journals} | self._waiting
                self._wake.set()
                await asyncio.sleep(_RETRY_SECONDS)
            self._wrote_at = time.monotonic()
