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
from wriftai_server.worker.journal import Journal


class Claims:
    """Takes predictions from the queue, and brings them back.

    Args:
        database: Holds the queue.
        changes: Told of every change.
        lease_seconds: For so long a claim holds without being renewed.
    """

    def __init__(self, database: Database, changes: Changes, lease_seconds: float) -> None:
        self._database = database
        self._changes = changes
        self._lease = timedelta(seconds=lease_seconds)
        # Held by whoever locks several predictions that this worker holds, in whatever order.
        self._several = asyncio.Lock()
        # What this worker knows that it holds, and what a renewal showed beside: answers to commits can be lost.
        self._known: set[str] = set()
        self._unheard: set[str] = set()
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(8)}"

    async def waiting(self, hardware_id: str) -> list[WaitingVersion]:
        """Find the versions that predictions wait for."""
        async with self._database.reading() as view:
            return await queue.waiting(view, hardware_id=hardware_id)

    async def take(self, hardware_id: str, version_id: str, limit: int) -> list[Claim]:
        """Claim predictions of a version, those that waited longest.

        Raises:
            DatabaseUnavailable: Nothing can be written now.
        """
        async with self._database.writing() as transaction:
            claims = await self._claim(transaction, hardware_id, version_id, limit)
        self._begin(claims)
        return claims

    async def finish(self, journal: Journal, outcome: Outcome, hardware_id: str, room: int) -> list[Claim]:
        """End a prediction, and claim the next ones of its version at once.

        Args:
            journal: The last of what it said.
            outcome: How it ended.
            hardware_id: What the next ones wait for.
            room: How many of them to claim at most.

        Raises:
            DatabaseUnavailable: Nothing can be written now, and nothing was.
        """
        claim, claims = journal.claim, list[Claim]()
        async with journal.storing:
            events = journal.pending[:]
            async with self._database.writing() as transaction:
                if not events or await queue.add_events(transaction, claim, events):
                    await queue.finish(transaction, claim, outcome)
                if room:
                    claims = await self._claim(transaction, hardware_id, claim.version_id, room)
            del journal.pending[: len(events)]
        self._end([claim])
        self._begin(claims)
        return claims

    async def write(self, journals: Sequence[Journal]) -> None:
        """Store what runs have said so far.

        Raises:
            DatabaseUnavailable: Nothing can be written now, and nothing was.
        """
        async with AsyncExitStack() as stack:
            for journal in journals:
                await stack.enter_async_context(journal.storing)
            written = [(journal, journal.pending[:]) for journal in journals if journal.pending]
            async with self._several, self._database.writing() as transaction:
                for journal, events in written:
                    await queue.add_events(transaction, journal.claim, events)
            for journal, events in written:
                del journal.pending[: len(events)]
        self._tell(journal.claim for journal, _ in written)

    async def release(self, claims: Sequence[Claim]) -> None:
        """Give predictions back; they wait again."""
        if claims:
            async with self._database.writing() as transaction:
                for claim in claims:
                    await queue.release(transaction, claim)
            self._end(claims)
            self._changes.tell("queue")

    async def renew(self) -> list[Held]:
        """Hold on to everything that is held, and say what that is.

        What this worker has for two turns without knowing waits again: it was claimed, and the answer was lost.
        """
        known = self._known.copy()
        async with self._several, self._database.writing() as transaction:
            held = await queue.renew(transaction, worker=self.worker, lease_until=self._lease_until())
            attempts = {each.attempt_id for each in held}
            unheard = attempts - self._known
            stray = [each for each in held if each.attempt_id in unheard & self._unheard]
            for each in stray:
                await queue.give_up(transaction, each, worker=self.worker)
        self._unheard = unheard
        self._known -= known - attempts  # Their leases ran out.
        self._tell_given_back([each.id for each in stray])
        return held

    async def cancelled(self) -> list[str]:
        """Give the ids of what is held and is to be cancelled."""
        async with self._database.reading() as view:
            return await queue.to_cancel(view, worker=self.worker)

    async def expire(self) -> None:
        """Take back what other workers held and did not renew."""
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
        self._known.update(claim.attempt_id for claim in claims)
        self._tell(claims)

    def _end(self, claims: Sequence[Claim]) -> None:
        self._known.difference_update(claim.attempt_id for claim in claims)
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
