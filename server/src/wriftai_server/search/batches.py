"""Batches: what to remove from an index and add to it, read from all rows when it is new, then from the feed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Any, NamedTuple

from wriftai_server.database import feed
from wriftai_server.database.driver import Database, Reader, Row
from wriftai_server.search import store
from wriftai_server.search.documents import model_document, user_document
from wriftai_server.search.index import Index, IndexWriter, State

_READ_AT_ONCE = 1_000
_NOTES_AT_ONCE = 1_000
# Models come by their numbers of predictions: the popular ones, which are searched first, so stand side by side,
# and postings need be read nowhere else. A model that leaves its range has another popularity, which is noted.
MODEL_RANGES = (range(1024, 2**63), range(64, 1024), range(8, 64), range(8))
_RANGES = (None, *MODEL_RANGES)  # Users come first.


class PositionLost(Exception):
    """The feed does not know the position of the index, which has to be rebuilt."""

    def __init__(self) -> None:
        super().__init__("The index is that of another database, or of too long ago.")


class Batch(NamedTuple):
    """A part of what an index has to take in.

    Attributes:
        removed: Ids of documents to remove, be it that they are added again.
        added: Documents to add.
        state: How far the index has got with that.
    """

    removed: list[str]
    added: list[dict[str, Any]]
    state: State


async def first_state(view: Reader) -> State:
    """Give the state of an index that has read nothing yet."""
    return State(await feed.last(view), reading=0)


async def read_all(database: Database, state: State) -> AsyncIterator[Batch]:
    """Read all users and models that an index does not hold yet."""
    async with database.scanning() as view:
        for number, counts in list(enumerate(_RANGES))[state.reading :]:
            document = user_document if counts is None else model_document
            after = state.after if number == state.reading else ""
            while rows := await store.sources_after(view, counts, after, limit=_READ_AT_ONCE):
                after = rows[-1][0]
                yield Batch([], list(map(document, rows)), State(state.note, number, after))
    yield Batch([], [], State(state.note))


async def read_changes(database: Database, index: Index, state: State) -> AsyncGenerator[Batch, None]:
    """Read what changed since the state of an index, as far as a thousand notes of the feed go.

    The last batch comes with the next state. Those before it, all models of users who have another name by now,
    come with the state as it is: they take effect together.

    Raises:
        PositionLost: The feed does not know the position of the index.
    """
    async with database.scanning() as view:
        notes = await feed.after(view, state.note, limit=_NOTES_AT_ONCE)
        if notes is None:
            raise PositionLost
        if not notes:
            return
        user_ids, model_ids = (
            list({note.subject_id for note in notes if note.subject == subject}) for subject in ("user", "model")
        )
        users = await store.user_sources(view, user_ids)
        for user_id in [user[0] for user in users if not index.snapshot.holds_user(user[0], user[1])]:
            async for owned in _owned(view, user_id):
                yield Batch([row[0] for row in owned], await _documents([], owned), state)
        documents = await _documents(users, await store.model_sources(view, model_ids))
    yield Batch([*user_ids, *model_ids], documents, State(notes[-1]))


async def _owned(view: Reader, user_id: str) -> AsyncIterator[list[Row]]:
    after = ""
    while rows := await store.sources_of_owner(view, user_id, after, limit=_READ_AT_ONCE):
        after = rows[-1][0]
        yield rows


async def _documents(users: list[Row], models: list[Row]) -> list[dict[str, Any]]:
    """Make documents, beside the event loop: a thousand take a while."""
    return await asyncio.to_thread(lambda: [*map(user_document, users), *map(model_document, models)])


def apply(writer: IndexWriter, batches: Iterable[Batch]) -> None:
    """Write batches, without letting them take effect."""
    for batch in batches:
        writer.write(batch.removed, batch.added)
