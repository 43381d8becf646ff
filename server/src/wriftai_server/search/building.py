"""Filling an index: from all rows when it is new, then from the feed of changes, batch by batch.

Much of that is done in a process of its own, with low priority, so that the hub answers meanwhile:
`python -m wriftai_server.search.building`, told on its standard input what to do. It ends when that is closed.
"""

import asyncio
import gc
import os
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from enum import IntEnum
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog

from wriftai_server import logs
from wriftai_server.database import feed
from wriftai_server.database.connections import UnusableServer
from wriftai_server.database.driver import Database, DatabaseUnavailable, Reader, Row
from wriftai_server.database.opening import open_database
from wriftai_server.search import store
from wriftai_server.search.damage import Broken, Unwritten
from wriftai_server.search.documents import model_document, user_document
from wriftai_server.search.index import Index, State, Writing
from wriftai_server.settings import LogLevel

_READ_AT_ONCE = 1_000
_NOTES_AT_ONCE = 1_000
# Eight segments of about the same size are merged into one, in which a search costs least.
_SEGMENTS = 8
# What is looked up often while a segment grows stays near the processor if that is small.
_MOST_IN_SEGMENT = 130_000
_LEAST_IN_SEGMENT = 2_500
_MOST_WAITING = 50
_MEGABYTES = 150
_NICENESS = 5
_COLLECT_EVERY = 100_000
# Models come by their numbers of predictions: the popular ones, which are looked through first, so stand side by
# side, and lists of words need be read nowhere else. Who leaves a part has another popularity, which is noted.
MODELS = (range(1024, 2**63), range(64, 1024), range(8, 64), range(8))
_PARTS = (None, *MODELS)  # Users come first.

_log = structlog.get_logger()


class Lost(Exception):
    """The feed does not know the position of the index: it is to be built anew."""

    def __init__(self) -> None:
        super().__init__("The index is that of another database, or of too long ago.")


class Ended(IntEnum):
    """How the process ended, where it is not done.

    Attributes:
        BROKEN: The index is damaged, or gone.
        LOST: The feed is another one.
        WAITING: The database cannot be reached now: what is committed of the index stays.
        UNWRITTEN: The index cannot be written now: what is committed of it stays.
    """

    BROKEN = 2
    LOST = 3
    WAITING = 4
    UNWRITTEN = 5


class Change(NamedTuple):
    """What a batch of notes comes to.

    Attributes:
        removed: Ids of documents that go, also where they come back.
        added: Documents that come.
        state: Of the index when it has the batch.
    """

    removed: list[str]
    added: list[dict[str, Any]]
    state: State


class Task(msgspec.Struct, frozen=True):
    """What a process is to do.

    Attributes:
        data_dir: Of the hub.
        database: Address of its database; None is the file in that folder.
        folder: Of the index.
        log_level: Less important lines are left out.
    """

    data_dir: str
    database: str | None
    folder: str
    log_level: LogLevel


async def begin(view: Reader) -> State:
    """Give the state of an index that has read nothing yet."""
    return State(await feed.last(view), reading=0)


async def read_all(database: Database, state: State) -> AsyncIterator[Change]:
    """Give all users and models that an index has not read yet, in batches."""
    async with database.scanning() as view:
        for number, counts in list(enumerate(_PARTS))[state.reading :]:
            document = user_document if counts is None else model_document
            after = state.after if number == state.reading else ""
            while rows := await store.sources_after(view, counts, after, limit=_READ_AT_ONCE):
                after = rows[-1][0]
                yield Change([], list(map(document, rows)), State(state.note, number, after))
    yield Change([], [], State(state.note))


async def read_changes(database: Database, index: Index, state: State) -> AsyncGenerator[Change, None]:
    """Give what changed since an index was last up to date, as far as it fits a batch of notes.

    The last comes with the next state. Those before it, all models of users who have another name by now, leave
    the state as it is: they take effect together.

    Raises:
        Lost: The feed does not know the position of the index.
    """
    async with database.scanning() as view:
        notes = await feed.after(view, state.note, limit=_NOTES_AT_ONCE)
        if notes is None:
            raise Lost
        if not notes:
            return
        user_ids, model_ids = (
            list({note.subject_id for note in notes if note.subject == subject}) for subject in ("user", "model")
        )
        users = await store.user_sources(view, user_ids)
        for user_id in [user[0] for user in users if not index.view.holds_user(user[0], user[1])]:
            async for owned in _owned(view, user_id):
                yield Change([row[0] for row in owned], await _documents([], owned), state)
        documents = await _documents(users, await store.model_sources(view, model_ids))
    yield Change([*user_ids, *model_ids], documents, State(notes[-1]))


async def _owned(view: Reader, user_id: str) -> AsyncIterator[list[Row]]:
    after = ""
    while rows := await store.sources_of_owner(view, user_id, after, limit=_READ_AT_ONCE):
        after = rows[-1][0]
        yield rows


async def _documents(users: list[Row], models: list[Row]) -> list[dict[str, Any]]:
    """Make documents, beside the event loop: a thousand take a while."""
    return await asyncio.to_thread(lambda: [*map(user_document, users), *map(model_document, models)])


def apply(writing: Writing, changes: Iterable[Change]) -> None:
    """Write changes, without letting them take effect."""
    for change in changes:
        writing.write(change.removed, change.added)


async def fill(database: Database, index: Index) -> None:
    """Bring an index up to date, however much that is.

    Raises:
        Lost: The feed does not know the position of the index.
    """
    state = index.view.state
    if state is None:
        async with database.scanning() as view:
            state = await begin(view)
    work = partial(asyncio.get_running_loop().run_in_executor, None)
    writing = await work(partial(index.writing, megabytes=_MEGABYTES))
    try:
        if state.reading is not None:
            await _fill_with_all(database, writing, state, work)
            index.reload()
        while await _fill_with_changes(database, index, writing, work):
            index.reload()
        _log.info("indexed")
    except BaseException:
        await work(writing.abandon)
        raise
    await work(writing.close)
    _log.info("index merged")


async def _fill_with_changes(
    database: Database, index: Index, writing: Writing, work: Callable[..., Any]
) -> bool:
    """Write what a batch of notes comes to; tell whether there was one."""
    before = state = index.view.state
    if before is None:
        return False
    async for change in read_changes(database, index, before):
        await work(apply, writing, [change])
        state = change.state
    if state == before:
        return False
    await work(writing.commit, state)
    return True


async def _fill_with_all(database: Database, writing: Writing, state: State, work: Callable[..., Any]) -> None:
    async with database.scanning() as view:
        total = sum([await store.count(view, which, most=2**31) for which in ("users", "models")])
    every = _segment_size(total)
    read, most = 0, every
    waiting: deque[Change] = deque()
    commit = asyncio.ensure_future(work(writing.commit, state))
    try:
        async for change in read_all(database, state):
            # Documents are made while those before them are committed.
            waiting.append(change)
            await asyncio.sleep(0)
            is_last = change.state.reading is None
            while waiting and (commit.done() or is_last or len(waiting) == _MOST_WAITING):
                await commit
                while waiting and read < most:
                    taken = waiting.popleft()
                    apply(writing, [taken])
                    read += len(taken.added)
                    state = taken.state
                if read >= most or state.reading is None:
                    commit = asyncio.ensure_future(work(writing.commit, state))
                    most += every
                    _log.info("indexing", read=read, of=total)
    finally:
        # Nobody else may do anything with it meanwhile.
        await asyncio.wait([commit])
    await commit


def _segment_size(total: int) -> int:
    """Give the number of documents to commit at once, so that all come in 8 segments, or 16, or 24."""
    if total < _SEGMENTS * _LEAST_IN_SEGMENT:
        return total + 1
    merges = ceil(total / (_SEGMENTS * _MOST_IN_SEGMENT))
    return ceil(total / (_SEGMENTS * merges))


def _end_with_parent() -> None:
    # Not by way of `sys.stdin`, whose lock would be held when the interpreter ends.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


async def _run(task: Task) -> None:
    database = open_database(Path(task.data_dir), task.database)
    try:
        await fill(database, Index(Path(task.folder)))
    finally:
        await database.close()


def main() -> None:
    """Do what the standard input says."""
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    os.nice(_NICENESS)
    # Documents are many, and hold no cycles.
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY)
    logs.configure(task.log_level)
    try:
        asyncio.run(_run(task))
    except Lost:
        sys.exit(Ended.LOST)
    except (DatabaseUnavailable, UnusableServer) as error:
        _log.warning("index waits", reason=str(error))
        sys.exit(Ended.WAITING)
    except Unwritten as error:
        _log.warning("index waits", reason=str(error))
        sys.exit(Ended.UNWRITTEN)
    except Broken as error:
        _log.warning("index broken", reason=str(error))
        sys.exit(Ended.BROKEN)


if __name__ == "__main__":
    main()
