"""What an index is rebuilt from: all rows, the popular models first, and what of them changed meanwhile."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, update

from tests.databases import address_of
from tests.server.conftest import inside
from tests.server.rows import on_database
from tests.server.samples import add_model
from wriftai_server.database.driver import Database, DatabaseUnavailable
from wriftai_server.database.postgres import MOST_CONNECTIONS
from wriftai_server.database.schema import models
from wriftai_server.database.statements import Statement
from wriftai_server.database.values import popularity
from wriftai_server.http.caller import Caller
from wriftai_server.http.paging import Place
from wriftai_server.models import tallies
from wriftai_server.models.loading import load
from wriftai_server.search import batches, rebuilding, service
from wriftai_server.search.batches import MODEL_RANGES, Batch
from wriftai_server.search.documents import id_of, number_from
from wriftai_server.search.index import Index, IndexWriter, State
from wriftai_server.search.indexer import Indexer
from wriftai_server.settings import Settings

COUNTS = [0, 7, 8, 63, 64, 1023, 1024, 2**62]
_COUNT = Statement(
    update(models).where(models.c.id == bindparam("model_id")).values(predictions_count=bindparam("count"))
)


@given(count=st.integers(0, 2**63 - 1))
def test_every_model_is_in_one_range(count: int) -> None:
    assert sum(count in counts for counts in MODEL_RANGES) == 1


def test_who_leaves_a_range_has_another_popularity() -> None:
    for higher, lower in pairwise(MODEL_RANGES):
        assert higher.start == lower.stop
        assert popularity(higher.start) != popularity(lower.stop - 1)


@pytest.mark.parametrize("at_once", [1, 1000])
def test_the_popular_come_first_from_wherever_reading_goes_on(
    home: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(batches, "_READ_AT_ONCE", at_once)
    with inside(home) as people:
        ada = people.add()
        # Of those that are made within a millisecond, chance decides which id is first.
        ids = sorted(
            add_model(ada, f"model-{number}", visibility="public")["id"] for number in range(len(COUNTS))
        )

    async def work(database: Database) -> None:
        async with database.writing() as transaction:
            for model_id, count in zip(ids, COUNTS, strict=True):
                await transaction.execute(_COUNT, model_id=model_id, count=count)
        async with database.scanning() as view:
            first = await batches.first_state(view)
        read_batches = [batch async for batch in batches.read_all(database, first)]
        assert _models(read_batches) == [ids[n] for n in (6, 7, 4, 5, 2, 3, 0, 1)]
        assert read_batches[-1].state == State(first.note)
        for place, batch in enumerate(read_batches[:-1], 1):
            rest = [each async for each in batches.read_all(database, batch.state)]
            assert _models(rest) == _models(read_batches[place:])

    on_database(home, work)


def test_who_becomes_popular_while_all_are_read_is_in_the_index(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inside(home) as people:
        ada = people.add()
        rising, popular = (add_model(ada, name, visibility="public")["id"] for name in ("rising", "popular"))
    read_all, read = batches.read_all, list[Batch]()

    async def read_while_one_rises(database: Database, state: State) -> AsyncIterator[Batch]:
        async for batch in read_all(database, state):
            read.append(batch)
            yield batch
            if _models([batch]) == [popular]:  # The range that the other one comes into was read.
                async with database.writing() as transaction:
                    await tallies.add(transaction, model_id=rising)
                await tallies.settle(database)

    async def work(database: Database) -> None:
        async with database.writing() as transaction:
            for model_id, count in ((rising, 7), (popular, 8)):
                await transaction.execute(_COUNT, model_id=model_id, count=count)
        monkeypatch.setattr(batches, "read_all", read_while_one_rises)
        await rebuilding.fill(database, Index(tmp_path))

    on_database(home, work)
    assert _models(read) == [popular]
    assert Index(tmp_path).snapshot.document_count == 2 + 2  # The owner, and how far it has got.


def test_what_is_built_anew_is_merged(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of eight pieces, as only segments that are about as large are merged, however long each is committed."""
    monkeypatch.setattr(batches, "_READ_AT_ONCE", 10)
    monkeypatch.setattr(rebuilding, "_LEAST_IN_SEGMENT", 10)
    write, commit = IndexWriter.write, IndexWriter.commit
    pieces = [0]

    def write_and_count(self: IndexWriter, removed: list[str], added: list[dict[str, Any]]) -> None:
        pieces[-1] += len(added)
        write(self, removed, added)

    def commit_slowly(self: IndexWriter, state: State) -> None:
        pieces.append(0)
        time.sleep(0.1)
        commit(self, state)

    monkeypatch.setattr(IndexWriter, "write", write_and_count)
    monkeypatch.setattr(IndexWriter, "commit", commit_slowly)
    with inside(home) as people:
        owner = people.add()
    lines = [json.dumps({"name": f"model-{n}", "hardware_identifier": "cpu"}).encode() for n in range(400)]

    async def work(database: Database) -> None:
        async for _ in load(database, lines, owner=owner.name):
            pass
        await rebuilding.fill(database, Index(tmp_path))

    on_database(home, work)
    assert [n for n in pieces if n] == [51, 60, 50, 50, 50, 50, 50, 40]
    snapshot = Index(tmp_path).snapshot
    assert snapshot.document_count == 400 + 2  # The owner, and how far it has got.
    # The one that it began with may be merged with the first of them.
    assert snapshot.searcher.num_segments <= 3


def test_a_database_that_goes_while_an_index_is_committed_is_what_building_ends_with(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = IndexWriter.commit

    def commit_slowly(self: IndexWriter, state: State) -> None:
        time.sleep(0.2)
        commit(self, state)

    async def read_and_fail(*_: object) -> AsyncIterator[Batch]:
        nothing: list[Batch] = []
        for batch in nothing:
            yield batch
        raise DatabaseUnavailable("It is gone.")

    monkeypatch.setattr(IndexWriter, "commit", commit_slowly)
    monkeypatch.setattr(batches, "read_all", read_and_fail)
    with inside(home):
        pass

    async def work(database: Database) -> None:
        with pytest.raises(DatabaseUnavailable, match=r"^It is gone\.$"):
            await rebuilding.fill(database, Index(tmp_path))

    on_database(home, work)
    state = Index(tmp_path).snapshot.state
    assert state is not None
    assert state.reading == 0


def test_many_who_search_at_once_find_what_was_just_stored(home: Path) -> None:
    """Each waits for the index, which needs a connection to follow: more wait than there are connections."""
    with inside(home) as people:
        owner = people.add()
    line = {"name": "new", "hardware_identifier": "cpu", "visibility": "public", "description": "Wombats."}

    async def work(database: Database) -> None:
        indexer = Indexer(database, Settings(data_dir=home, database=address_of(home)))
        running = asyncio.create_task(indexer.run())
        assert await indexer.catch_up()
        async for _ in load(database, [json.dumps(line).encode()], owner=owner.name):
            pass
        anyone = Caller(None, "")
        searches = [
            service.models(database, indexer, anyone, "wombats", Place(None, False), size=9)
            for _ in range(2 * MOST_CONNECTIONS)
        ]
        for page in await asyncio.gather(*searches):
            assert [row[1] for row in page.rows] == ["new"]
        running.cancel()
        await asyncio.wait([running])

    on_database(home, work)


def _models(read: list[Batch]) -> list[str]:
    found = [document for batch in read for document in batch.added if "public_name_prefix" in document]
    return [id_of(number_from(document["mixed"], document["low"])) for document in found]
