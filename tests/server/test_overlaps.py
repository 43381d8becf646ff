"""Transactions that overlap, as on PostgreSQL: what one has not committed yet, another must not get wrong.

Here the first has changed something and is not committed while the second runs, and waits or not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.databases import Postgres, kept_in, open_in, run_sql
from tests.server.queues import Queue
from wriftai.predictions import Status
from wriftai_server.database import feed
from wriftai_server.database.driver import Database, Transaction
from wriftai_server.database.feed import Note
from wriftai_server.database.values import now
from wriftai_server.http.caller import Caller
from wriftai_server.http.problems import Problem
from wriftai_server.images import store as images
from wriftai_server.images.blobs import Blobs
from wriftai_server.images.collection import collect
from wriftai_server.predictions import queue as steps
from wriftai_server.predictions import service
from wriftai_server.predictions.claims import Event, Outcome
from wriftai_server.webhooks import store as outbox

T = TypeVar("T")

pytestmark = pytest.mark.postgres

ADA = Caller("ada", "http://hub.test")
WELL = Outcome(Status.succeeded, output="1")
DIGEST = f"sha256:{1:064x}"
LONG_AGO, LEASE, LATER = "0001", "5000", "9999"
_WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
def folder(tmp_path: Path, postgres: Postgres) -> Iterator[Path]:
    with postgres.database() as address, kept_in(address, tmp_path / "data") as folder:
        yield folder


@pytest.fixture
def queue(folder: Path) -> Iterator[Queue]:
    queue = Queue(folder)
    yield queue
    queue.close()


def overlapped(
    folder: Path,
    first: Callable[[Transaction], Awaitable[Any]],
    second: Callable[[Database], Awaitable[T]],
    *,
    waits: bool = True,
) -> T:
    """Run the second while the first is not committed; give what comes of it.

    Args:
        folder: Has the database.
        first: Changes something.
        second: Opens its own transaction.
        waits: Whether the second waits for the first, or else ends before it.
    """

    async def whole() -> T:
        database = open_in(folder)
        async with database.writing() as transaction:
            await first(transaction)
            running = asyncio.ensure_future(second(database))
            while not running.done() and not await asyncio.to_thread(run_sql, folder, _WAITING):  # noqa: ASYNC110  it sets no event
                await asyncio.sleep(0.01)
            assert running.done() != waits
        try:
            return await running
        finally:
            await database.close()

    return asyncio.run(whole())


def in_one(step: Callable[[Transaction], Awaitable[T]]) -> Callable[[Database], Awaitable[T]]:
    """Run a step in a transaction of its own."""

    async def whole(database: Database) -> T:
        async with database.writing() as transaction:
            return await step(transaction)

    return whole


def test_what_someone_claims_is_left_to_them(folder: Path, queue: Queue) -> None:
    ids = [queue.add() for _ in range(3)]

    def claim(worker: str) -> Callable[[Transaction], Awaitable[Any]]:
        return lambda transaction: steps.claim(
            transaction, worker=worker, hardware_id="cpu", version_id="v", lease_until=LEASE, limit=2
        )

    claims = overlapped(folder, claim("w"), in_one(claim("x")), waits=False)
    assert [each.id for each in claims] == ids[2:]
    assert [worker for (worker,) in queue.rows("worker")] == ["w", "w", "x"]


def test_what_was_taken_back_says_nothing_more(folder: Path, queue: Queue) -> None:
    queue.add()
    (claim,) = queue.claim(lease_until=LONG_AGO)
    was_counted = overlapped(
        folder,
        lambda transaction: steps.expire(transaction, now=LEASE),
        in_one(lambda transaction: steps.add_events(transaction, claim, [Event("log", "late")])),
    )
    assert not was_counted
    assert queue.rows("data", "prediction_events", "data") == []


def test_what_is_renewed_is_not_taken_back(folder: Path, queue: Queue) -> None:
    queue.add()
    queue.claim("w", lease_until=LONG_AGO)
    expired = overlapped(
        folder,
        lambda transaction: steps.renew(transaction, worker="w", lease_until=LATER),
        in_one(lambda transaction: steps.expire(transaction, now=LEASE)),
        waits=False,
    )
    assert expired == []
    assert queue.rows("status") == [("started",)]


def test_what_ends_just_now_cannot_be_cancelled(folder: Path, queue: Queue) -> None:
    prediction_id = queue.add()
    (claim,) = queue.claim()
    with pytest.raises(Problem, match="succeeded already"):
        overlapped(
            folder,
            lambda transaction: steps.finish(transaction, claim, WELL),
            in_one(lambda transaction: service.cancel(transaction, ADA, prediction_id=prediction_id)),
        )
    assert queue.rows("cancel_requested_at") == [(None,)]


def test_what_starts_just_now_is_asked_to_stop(folder: Path, queue: Queue) -> None:
    prediction_id = queue.add()
    overlapped(
        folder,
        lambda transaction: steps.claim(
            transaction, worker="w", hardware_id="cpu", version_id="v", lease_until=LEASE
        ),
        in_one(lambda transaction: service.cancel(transaction, ADA, prediction_id=prediction_id)),
    )
    assert queue.rows("status, cancel_requested_at IS NOT NULL") == [("started", True)]


async def due(database: Database) -> dict[str, str]:
    async with database.reading() as view:
        return await outbox.due(view)


def test_a_delivery_that_comes_while_others_are_claimed_is_claimed_with_them(folder: Path, queue: Queue) -> None:
    prediction_id = queue.add(webhook=True)

    def add(body: str, at: str) -> Callable[[Transaction], Awaitable[None]]:
        return lambda transaction: outbox.add(transaction, prediction_id=prediction_id, body=body, now=at)

    async def claim(database: Database) -> tuple[Any, dict[str, str]]:
        async with database.writing() as transaction:
            claimed = await outbox.claim(transaction, user_id="ada", now="3000", lease=LEASE)
        return claimed, await due(database)

    queue.do(add("1", "1000"))
    claimed, left = overlapped(folder, add("2", "2000"), claim)
    assert (claimed.body, left) == ("1", {"ada": LEASE})


def test_a_delivery_that_comes_when_the_one_before_is_done_is_due(folder: Path, queue: Queue) -> None:
    prediction_id = queue.add(webhook=True)

    def add(body: str, at: str) -> Callable[[Transaction], Awaitable[None]]:
        return lambda transaction: outbox.add(transaction, prediction_id=prediction_id, body=body, now=at)

    queue.do(add("1", "1000"))
    claimed = queue.do(lambda transaction: outbox.claim(transaction, user_id="ada", now="1000", lease=LEASE))
    assert claimed is not None

    async def remove(database: Database) -> dict[str, str]:
        async with database.writing() as transaction:
            await outbox.remove(transaction, claimed, now="3000")
        return await due(database)

    assert overlapped(folder, add("2", "2000"), remove) == {"ada": "3000"}


def test_of_two_who_deliver_one_gets_the_delivery(folder: Path, queue: Queue) -> None:
    prediction_id = queue.add(webhook=True)
    queue.do(lambda transaction: outbox.add(transaction, prediction_id=prediction_id, body="1", now="1000"))

    def claim(transaction: Transaction) -> Awaitable[Any]:
        return outbox.claim(transaction, user_id="ada", now="2000", lease=LEASE)

    assert overlapped(folder, claim, in_one(claim)) is None


def test_who_reads_the_feed_waits_for_who_began_before(folder: Path) -> None:
    async def add_and_read(database: Database) -> tuple[Note, list[Note] | None]:
        async with database.writing() as transaction:
            await feed.note(transaction, "model", "late")
        async with database.reading() as view:
            position = await feed.last(view)
            return position, await feed.after(view, position, limit=2)

    async def read(position: Note) -> list[str]:
        database, found = open_in(folder), list[Note]()
        # Whoever else writes on the server, as its own autovacuum does, may make it wait as well.
        async with asyncio.timeout(60), database.reading() as view:
            while len(found) < 2:
                await asyncio.sleep(0.01)
                found = await feed.after(view, position, limit=2) or []
        await database.close()
        return [note.subject_id for note in found]

    position, notes = overlapped(
        folder, lambda transaction: feed.note(transaction, "model", "early"), add_and_read, waits=False
    )
    assert (position.subject, notes) == ("beginning", [])
    assert asyncio.run(read(position)) == ["early", "late"]


@pytest.fixture
def blobs(folder: Path, queue: Queue) -> Blobs:
    """Give blobs of which a model holds one that no manifest has named for long."""
    model = {"owner_id": "ada", "name": "m", "visibility": "private", "hardware_id": "cpu", "created_at": ""}
    queue.insert("models", id="model", **model)
    queue.insert("blobs", digest=DIGEST, size=1, created_at="", unreferenced_at=LONG_AGO)
    queue.insert("model_blobs", model_id="model", digest=DIGEST, created_at="")
    return Blobs(folder)


def test_what_a_manifest_comes_to_name_stays(folder: Path, queue: Queue, blobs: Blobs) -> None:
    async def name(transaction: Transaction) -> None:
        await images.add_manifest(transaction, model_id="model", digest=DIGEST, media_type="", subject=None)
        await images.add_named(transaction, model_id="model", manifest=DIGEST, digests={DIGEST})

    removed = overlapped(folder, name, lambda database: collect(database, blobs, before=now()), waits=False)
    assert removed == 0
    assert queue.rows("digest", "model_blobs", "digest") == [(DIGEST,)]


def test_what_is_announced_again_stays(folder: Path, queue: Queue, blobs: Blobs) -> None:
    before = now()
    removed = overlapped(
        folder,
        lambda transaction: images.announce(transaction, digest=DIGEST, size=1),
        lambda database: collect(database, blobs, before=before),
        waits=False,
    )
    assert removed == 0
    assert queue.rows("digest", "blobs", "digest") == [(DIGEST,)]


def test_who_announces_a_blob_waits_while_it_is_deleted(folder: Path, blobs: Blobs) -> None:
    del blobs

    async def whole() -> None:
        database = open_in(folder)

        async def announce() -> None:
            async with database.writing() as transaction:
                await images.announce(transaction, digest=DIGEST, size=1)

        async with database.locking(images.lock_of(DIGEST)):
            announcing = asyncio.create_task(announce())
            while not await asyncio.to_thread(run_sql, folder, _WAITING):
                assert not announcing.done()
                await asyncio.sleep(0.01)
        await announcing
        await database.close()

    asyncio.run(whole())
