"""The feed of changes, from wherever a reader is in it."""

import asyncio
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.server.rows import on_database
from wriftai_server.database import feed, schema
from wriftai_server.database.driver import Database
from wriftai_server.database.feed import Note
from wriftai_server.database.opening import FILE_NAME
from wriftai_server.database.sqlite import SQLiteTransaction, connect
from wriftai_server.database.statements import Statement
from wriftai_server.database.values import now

_FIRST = Statement(
    select(*[schema.feed.c[name] for name in Note._fields]).order_by(schema.feed.c.transaction_id).limit(1)
)


async def add(database: Database, *ids: str) -> None:
    async with database.writing() as transaction:
        for each in ids:
            await feed.note(transaction, "model", each)


async def read(database: Database, position: Note, limit: int = 100) -> list[Note]:
    async with database.reading() as view:
        notes = await feed.after(view, position, limit=limit)
    assert notes is not None
    return notes


async def last(database: Database) -> Note:
    async with database.reading() as view:
        return await feed.last(view)


async def first(database: Database) -> Note:
    async with database.reading() as view:
        row = await view.one(_FIRST)
    assert row is not None
    return Note(*row)


def test_notes_are_given_from_each_position_on(home: Path) -> None:
    async def work(database: Database) -> None:
        start = await last(database)
        for ids in (["a"], ["b", "c", "d"], ["e", "f"]):
            await add(database, *ids)
        notes = await read(database, start)
        assert [note.subject_id for note in notes] == list("abcdef")
        assert await last(database) == notes[-1]
        for place, note in enumerate(notes, 1):
            for limit in range(8):
                assert await read(database, note, limit) == notes[place : place + limit]

    on_database(home, work)


def test_a_position_that_is_of_another_feed_is_not_known(home: Path) -> None:
    async def work(database: Database) -> None:
        await add(database, "a")
        known = await last(database)
        for other in (known._replace(id=known.id + 1), known._replace(subject_id="b")):
            async with database.reading() as view:
                assert await feed.after(view, other, limit=1) is None

    on_database(home, work)


def test_what_lies_before_a_reader_costs_nothing_on_sqlite(tmp_path: Path) -> None:
    def steps_of_reading(since: Note) -> int:
        with closing(connect(tmp_path / FILE_NAME)) as connection:
            steps: list[None] = []
            connection.set_progress_handler(lambda: steps.append(None), 1)
            found = asyncio.run(feed.after(SQLiteTransaction(connection), since, limit=10))
            assert found is not None
            assert [note.subject_id for note in found] == ["z"]
            return len(steps)

    async def work(database: Database) -> None:
        costs = []
        for _ in range(2):
            await add(database, *map(str, range(2_000)))
            since = await last(database)
            await add(database, "z")
            costs.append(await asyncio.to_thread(steps_of_reading, since))
        assert costs[0] == costs[1]

    on_database(tmp_path, work)


def test_old_notes_go_but_for_the_last_and_who_has_read_others_begins_anew(home: Path) -> None:
    async def work(database: Database) -> None:
        start = await last(database)
        await add(database, *map(str, range(2_500)))
        old = await last(database)
        await add(database, "a")
        before = now()
        await add(database, "b")
        await feed.trim(database, before=before)
        async with database.reading() as view:
            assert await feed.after(view, start, limit=1) is None
            assert await feed.after(view, old, limit=1) is None
        await add(database, "c")
        kept = await first(database)
        assert [note.subject_id for note in (kept, *await read(database, kept))] == ["a", "b", "c"]

    on_database(home, work)


def test_the_last_note_stays_and_whoever_has_read_it_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_TRIM_SECONDS", 0)
    monkeypatch.setattr(feed, "_KEPT", timedelta(0))

    async def work(database: Database) -> None:
        await add(database, "a", "b")
        position = await last(database)
        trimming = asyncio.create_task(feed.keep_trimming(database))
        while await first(database) != position:
            assert not trimming.done()
            await asyncio.sleep(0.01)
        trimming.cancel()
        await asyncio.wait([trimming])
        await add(database, "c")
        assert [note.subject_id for note in await read(database, position)] == ["c"]

    on_database(home, work)
