"""Stores what predictions say on their way, a few times a second and for all of them at once."""

import asyncio
import time

from wriftai_server.database.driver import DatabaseUnavailable
from wriftai_server.logs import Outage
from wriftai_server.worker.claims import Claims
from wriftai_server.worker.event_buffer import EventBuffer

_PAUSE_SECONDS = 0.1
_RETRY_SECONDS = 1.0


class EventWriter:
    """Stores what is in event buffers: the first event after a pause at once, what follows ten times a second.

    Args:
        claims: Does so, for the attempts that still count; what others say is dropped.
    """

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        # By attempt: of one prediction, an attempt that was lost may still run beside the one that counts.
        self._waiting: dict[str, EventBuffer] = {}
        self._wake = asyncio.Event()
        self._wrote_at = 0.0
        self._outage = Outage("events wait to be stored", "events are stored again")

    def note(self, buffer: EventBuffer) -> None:
        """Have what is pending in a buffer stored soon."""
        self._waiting[buffer.claim.attempt_id] = buffer
        self._wake.set()

    async def run(self) -> None:
        """Store until cancelled; while the database cannot be written to, all that was noted is kept."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(max(0.0, self._wrote_at + _PAUSE_SECONDS - time.monotonic()))
            self._wake.clear()
            buffers, self._waiting = [*self._waiting.values()], {}
            try:
                await self._claims.write(buffers)
                self._outage.end()
            except DatabaseUnavailable as error:
                self._outage.begin(error)
                self._waiting = {buffer.claim.attempt_id: buffer for buffer in buffers} | self._waiting
                self._wake.set()
                await asyncio.sleep(_RETRY_SECONDS)
            self._wrote_at = time.monotonic()
