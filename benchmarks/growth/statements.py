"""The floor of a database: bare statements, prepared once, on the database of a hub that is idle meanwhile."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import cycle
from typing import Any, NamedTuple

import asyncpg  # type: ignore[import-untyped]  # the library has no types

from benchmarks.growth.calls import CREATE, FIRST_PAGE, GET, UPDATE
from benchmarks.growth.hubs import Hub
from wriftai_server.database.opening import FILE_NAME
from wriftai_server.database.sqlite import connect
from wriftai_server.database.values import new_id, now

Timed = Callable[[float], list[float]]

_NAMES = 2_000
_WHOLE = (
    "SELECT m.*, u.*, h.* FROM models m JOIN users u ON u.id = m.owner_id JOIN hardware h ON h.id = m.hardware_id"
)


class _Statement(NamedTuple):
    """A statement, and the values of one run after another; `{0}` is the first of them."""

    sql: str
    values: Iterator[tuple[Any, ...]]


@contextmanager
def statements(hub: Hub) -> Iterator[dict[str, Timed]]:
    """Give what measures each statement for some seconds, and tells the seconds that each run took.

    Each is a transaction of its own, as a call of the hub is.
    """
    bare = _statements(hub)
    with _on_sqlite(hub, bare) if hub.url is None else _on_postgresql(hub.url, bare) as measured:
        yield measured


def _statements(hub: Hub) -> dict[str, _Statement]:
    with hub.folder.connected() as connection:
        owned = connection.execute(
            "SELECT m.id, owner_id, hardware_id FROM models m JOIN users u ON u.id = owner_id WHERE username = ?",
            (hub.folder.owner,),
        )
        ids, owners, hardware = zip(*owned, strict=True)
    return {
        GET: _Statement(
            f"{_WHOLE} WHERE lower(u.username) = {{0}} AND lower(m.name) = {{1}} AND m.visibility = 'public'",
            cycle([(owner.lower(), name.lower()) for owner, name in hub.folder.public(_NAMES)]),
        ),
        FIRST_PAGE: _Statement(
            f"{_WHOLE} WHERE m.visibility = 'public' ORDER BY m.created_at, m.id LIMIT 26", cycle([()])
        ),
        CREATE: _Statement(
            "INSERT INTO models (id, owner_id, name, visibility, description, hardware_id, created_at)"
            " VALUES ({0}, {1}, {2}, 'public', {3}, {4}, {5})",
            _new(owners[0], hardware[0]),
        ),
        UPDATE: _Statement(
            "UPDATE models SET description = {0}, updated_at = {1} WHERE id = {2}",
            (("Changed to be measured. " * 10, now(), each) for each in cycle(ids)),
        ),
    }


def _new(owner: str, hardware: str) -> Iterator[tuple[Any, ...]]:
    while True:
        unique = new_id()
        yield unique, owner, f"bare-{unique}", "Made to be measured. " * 10, hardware, now()


@contextmanager
def _on_sqlite(hub: Hub, bare: dict[str, _Statement]) -> Iterator[dict[str, Timed]]:
    with closing(connect(hub.folder.path / FILE_NAME)) as connection:

        def timed(statement: _Statement, seconds: float) -> list[float]:
            sql = statement.sql.format(*"??????")
            took = list[float]()
            end = time.perf_counter() + seconds
            for values in statement.values:
                started = time.perf_counter()
                connection.execute(sql, values).fetchall()
                now = time.perf_counter()
                took.append(now - started)
                if now >= end:
                    break
            return took

        yield {name: _bound(timed, statement) for name, statement in bare.items()}


@contextmanager
def _on_postgresql(url: str, bare: dict[str, _Statement]) -> Iterator[dict[str, Timed]]:
    with asyncio.Runner() as runner:
        connection: Any = runner.run(asyncpg.connect(url))

        async def timed(statement: _Statement, seconds: float) -> list[float]:
            prepared = await connection.prepare(statement.sql.format(*(f"${n}" for n in range(1, 7))))
            took = list[float]()
            end = time.perf_counter() + seconds
            for values in statement.values:
                started = time.perf_counter()
                await prepared.fetch(*values)
                now = time.perf_counter()
                took.append(now - started)
                if now >= end:
                    break
            return took

        try:
            yield {
                name: _bound(lambda each, seconds: runner.run(timed(each, seconds)), statement)
                for name, statement in bare.items()
            }
        finally:
            runner.run(connection.close())


def _bound(timed: Callable[[_Statement, float], list[float]], statement: _Statement) -> Timed:
    return lambda seconds: timed(statement, seconds)
