"""Predictions that this worker holds: every step of theirs is a transaction, told of when it is committed."""

import asyncio
import os
import secrets
import socket
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

from wriftai_server.database.changes import Changes
from wriftai_server.database.driver import Database, Transaction
from wriftai_server.database.values import now, timestamp
from wriftai_server.predictions import queue
from wriftai_server.predictions.claims import Claim, Held, Outcome, WaitingVersion
from wriftai_server.worker.event_buffer import EventBuffer


class Claims:
    """Takes predictions from the queue, holds them while they run, and brings them back.

    Args:
        database: Holds the queue.
        changes: Told of every change.
        lease_seconds: For so long a claim holds without being renewed; then the prediction waits again.

    Attributes:
        worker: Name of this worker, which no other has or ever had.
    """

    def __init__(self, database: Database, changes: Changes, lease_seconds: float) -> None:
        self._database = database
        self._changes = changes
        self._lease = timedelta(seconds=lease_seconds)
        # Held by whoever locks several predictions that this worker holds, in whatever order.
        self._several = asyncio.Lock()
        # Attempts that this worker holds: by commits whose answers came, and, as the last renewal showed, by
        # others, whose answers are under way or were lost.
        self._acknowledged: set[str] = set()
        self._unacknowledged: set[str] = set()
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(8)}"

    async def waiting(self, hardware_id: str) -> list[WaitingVersion]:
        """Find the versions that predictions wait for on some hardware.

        Raises:
            DatabaseUnavailable: The queue cannot be read now.
        """
        async with self._database.reading() as view:
            return await queue.waiting(view, hardware_id=hardware_id)

    async def take(self, hardware_id: str, version_id: str, limit: int) -> list[Claim]:
        """Claim predictions of a version, those that waited longest.

        Args:
            hardware_id: UUID of what they wait for.
            version_id: UUID.
            limit: How many at most.

        Raises:
            DatabaseUnavailable: Nothing can be written now.
        """
        async with self._database.writing() as transaction:
            claims = await self._claim(transaction, hardware_id, version_id, limit)
        self._begin(claims)
        return claims

    async def finish(self, buffer: EventBuffer, outcome: Outcome, hardware_id: str, room: int) -> list[Claim]:
        """End a prediction, and claim the next ones of its version in the same transaction; give those.

        Where the claim no longer counts, nothing of it is stored.

        Args:
            buffer: Holds its claim, and the last of what it said.
            outcome: How it ended.
            hardware_id: UUID of what the next ones wait for.
            room: How many of them to claim at most.

        Raises:
            DatabaseUnavailable: Nothing can be written now, and nothing was.
        """
        claim, claims = buffer.claim, list[Claim]()
        async with buffer.storing:
            events = buffer.pending[:]
            async with self._database.writing() as transaction:
                if not events or await queue.add_events(transaction, claim, events):
                    await queue.finish(transaction, claim, outcome)
                if room:
                    claims = await self._claim(transaction, hardware_id, claim.version_id, room)
            del buffer.pending[: len(events)]
        self._end([claim])
        self._begin(claims)
        return claims

    async def write(self, buffers: Sequence[EventBuffer]) -> None:
        """Store what is pending in buffers, of the attempts that still count; what others said is dropped.

        Raises:
            DatabaseUnavailable: Nothing can be written now, and nothing was.
        """
        async with AsyncExitStack() as stack:
            for buffer in buffers:
                await stack.enter_async_context(buffer.storing)
            written = [(buffer, buffer.pending[:]) for buffer in buffers if buffer.pending]
            async with self._several, self._database.writing() as transaction:
                for buffer, events in written:
                    await queue.add_events(transaction, buffer.claim, events)
            for buffer, events in written:
                del buffer.pending[: len(events)]
        self._tell(buffer.claim for buffer, _ in written)

    async def release(self, claims: Sequence[Claim]) -> None:
        """Give predictions back, so that they wait again; what no longer counts is left alone.

        Raises:
            DatabaseUnavailable: Nothing can be written now, and nothing was.
        """
        if claims:
            async with self._database.writing() as transaction:
                for claim in claims:
                    await queue.release(transaction, claim)
            self._end(claims)
            self._changes.tell("queue")

    async def renew(self) -> list[Held]:
        """Renew the leases of all that this worker holds, and say what that is.

        What it holds at two renewals without knowing is given back: it was claimed, and the answer was lost.

        Raises:
            DatabaseUnavailable: Nothing can be written now, and nothing was.
        """
        acknowledged = self._acknowledged.copy()
        async with self._several, self._database.writing() as transaction:
            held = await queue.renew(transaction, worker=self.worker, lease_until=self._lease_until())
            attempts = {each.attempt_id for each in held}
            unacknowledged = attempts - self._acknowledged
            stray = [each for each in held if each.attempt_id in unacknowledged & self._unacknowledged]
            for each in stray:
                await queue.release(transaction, each)
        self._unacknowledged = unacknowledged
        self._acknowledged -= acknowledged - attempts  # Their leases ran out.
        self._tell_given_back([each.id for each in stray])
        return held

    async def cancelled(self) -> list[str]:
        """Give the ids of the predictions that this worker holds and that are to be cancelled.

        Raises:
            DatabaseUnavailable: The queue cannot be read now.
        """
        async with self._database.reading() as view:
            return await queue.to_cancel(view, worker=self.worker)

    async def expire(self) -> None:
        """Let predictions wait again whose leases ran out, whoever held them.

        Raises:
            DatabaseUnavailable: Nothing can be written now, and nothing was.
        """
        async with self._database.writing() as transaction:
            expired = await queue.expire(transaction, now=now())
        self._tell_given_back(expired)

    async def _claim(
        self, transaction: Transaction, hardware_id: str, version_id: str, limit: int
    ) -> list[Claim]:
        return await queue.claim(
            transaction,
            worker=self.worker,
            hardware_id=hardware_id,
            version_id=version_id,
            lease_until=self._lease_until(),
            limit=limit,
        )

    def _lease_until(self) -> str:
        return timestamp(datetime.now(UTC) + self._lease)

    def _begin(self, claims: Sequence[Claim]) -> None:
        self._acknowledged.update(claim.attempt_id for claim in claims)
        self._tell(claims)

    def _end(self, claims: Sequence[Claim]) -> None:
        self._acknowledged.difference_update(claim.attempt_id for claim in claims)
        for claim in claims:
            self._changes.tell(queue.end_of(claim.id))
        self._tell(claims)

    def _tell_given_back(self, ids: Sequence[str]) -> None:
        if ids:
            self._changes.tell(*ids, *map(queue.end_of, ids), "queue", "webhooks")

    def _tell(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            self._changes.tell(claim.id)
            if claim.has_webhook:
                self._changes.tell("webhooks")
