"""Waiting for changes of a database, of this process and of others."""

import asyncio
import socket
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

from wriftai_server.database.changes import Changes
from wriftai_server.database.opening import FILE_NAME, open_database
from wriftai_server.database.peers import Peers

LONG = 60.0
Work = Callable[[Changes], Awaitable[None]]


def on_changes(folder: Path, work: Work) -> None:
    """Run some work on the changes of a database."""

    async def whole() -> None:
        database = open_database(folder)
        try:
            await work(Changes(database))
        finally:
            await database.close()

    asyncio.run(whole())


def change(folder: Path) -> None:
    """Change the database as another process would."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        connection.execute("INSERT INTO users (id, username, created_at) VALUES ('ada', 'ada', '')")


async def settle(changes: Changes) -> None:
    """Get the first look over with, which wakes everyone: what was before it is not known."""
    assert await changes.wait("anything", LONG)


def test_a_watch_is_told_of_its_topics_alone(tmp_path: Path) -> None:
    async def work(changes: Changes) -> None:
        await settle(changes)
        with changes.watch("a", "b") as watch, changes.watch("c") as other:
            for topics in (("a",), ("b",), ("a", "b"), ("c", "b")):
                changes.tell(*topics)
                assert await watch.changed(LONG)
                assert not await watch.changed(0)
            assert await other.changed(LONG)
            changes.tell("d")
            assert not await watch.changed(0.2)
            assert not await other.changed(0)

    on_changes(tmp_path, work)


def test_a_watch_misses_nothing_between_two_looks(tmp_path: Path) -> None:
    async def work(changes: Changes) -> None:
        with changes.watch("a") as watch:
            for _ in range(3):
                changes.tell("a")
                await asyncio.sleep(0.01)
                assert await watch.changed(0)

    on_changes(tmp_path, work)


def test_all_are_woken_when_someone_else_changes_the_database(tmp_path: Path) -> None:
    async def work(changes: Changes) -> None:
        await settle(changes)
        with changes.watch("a") as watch, changes.watch("b") as other:
            change(tmp_path)
            assert await watch.changed(LONG)
            assert await other.changed(LONG)
            # Nothing has changed since.
            assert not await watch.changed(0.2)

    on_changes(tmp_path, work)


def test_peers_are_told_of_topics_at_once_whatever_the_database_says(tmp_path: Path) -> None:
    ends = [socket.socketpair(type=socket.SOCK_DGRAM) for _ in range(2)]
    (one, to_one), (two, to_two) = ((receiver.detach(), sender.detach()) for receiver, sender in ends)

    async def whole() -> None:
        database, peers = open_database(tmp_path), (Peers(one, [to_two]), Peers(two, [to_one]))
        here, there = (Changes(database, each) for each in peers)
        await settle(there)
        with there.watch("a") as watch, there.watch("b") as other:
            here.tell("c", "a")
            assert await watch.changed(LONG)
            assert not await other.changed(0.2)
            here.end()
            assert not await watch.changed(0.2)
        for each in peers:
            each.close()
        await database.close()

    asyncio.run(whole())


def test_a_change_before_a_wait_and_after_the_last_one_ends_it(tmp_path: Path) -> None:
    async def work(changes: Changes) -> None:
        await settle(changes)
        assert not await changes.wait("a", 0.2)
        change(tmp_path)
        assert await changes.wait("a", LONG)

    on_changes(tmp_path, work)


def test_those_who_wait_are_told_that_it_ends_and_others_may_wait_on(tmp_path: Path) -> None:
    async def work(changes: Changes) -> None:
        await settle(changes)
        with changes.watch("a") as watch:
            changes.end()
            assert changes.is_ending
            assert await watch.changed(LONG)
            assert not await watch.changed(0.1)

    on_changes(tmp_path, work)
