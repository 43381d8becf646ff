"""Copying the rows of a hub from one database to another, of whichever kind, all or nothing."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from wriftai_server.moving import postgres_rows, sqlite_rows
from wriftai_server.moving.files import sync, unfinished, writing
from wriftai_server.moving.progress import CannotMove, Tell
from wriftai_server.moving.rows import TABLES, Source, Tally, Target

_SQLITE = "sqlite:"


class Copied(NamedTuple):
    """What was copied.

    Attributes:
        counts: How many rows each table has.
        is_behind: Whether the source has other rows by now.
    """

    counts: Mapping[str, int]
    is_behind: bool


def place_of(address: str) -> Path | str:
    """Tell a file from a database of a server.

    Args:
        address: `sqlite:PATH` or `postgresql://…`.

    Raises:
        CannotMove: It is neither.
    """
    if address.startswith(_SQLITE) and address != _SQLITE:
        return Path(address.removeprefix(_SQLITE))
    if address.startswith(("postgresql://", "postgres://")):
        return address
    raise CannotMove("A database is named as sqlite:PATH, with the file of a hub, or as postgresql://….")


async def copy(source: Path | str, target: Path | str, *, tell: Tell) -> Copied:
    """Copy all rows of a hub as they are at one moment.

    Args:
        source: A file, or the address of a PostgreSQL database; stays as it is.
        target: A file that is not there yet, or the address of an empty database.
        tell: Told how far it is.

    Raises:
        CannotMove: Either will not do, or what was written is not what was read.
        UnusableServer: A server cannot be reached, or refused something.
    """
    async with _reading(source) as read, _filling(target) as filled:
        total = sum([await read.count(table) for table in TABLES])
        taken = await _walk(read, "Copying rows", total, into=filled, tell=tell)
        await filled.go_on_behind(await read.numbers())
        if await _walk(filled, "Checking the copy", total, tell=tell) != taken:
            raise CannotMove("What was written is not what was read: look after the disks, then try again.")
        async with _reading(source) as later:
            is_behind = await _walk(later, "Looking for changes since", total, tell=tell) != taken
    return Copied({name: tally.rows for name, tally in taken.items()}, is_behind)


async def _walk(
    source: Source, step: str, total: int, *, into: Target | None = None, tell: Tell
) -> Mapping[str, Tally]:
    """Read all rows, and add them to a target where there is one; give the tally of each table."""
    tallies, done = {}, 0
    for table in TABLES:
        tally = Tally()
        async for rows in source.rows(table):
            if into is not None:
                await into.add(table, rows)
            tally = tally.joined(rows)
            done += len(rows)
            tell(step, done, total)
        tallies[table.name] = tally
    return tallies


@contextlib.asynccontextmanager
async def _reading(source: Path | str) -> AsyncIterator[Source]:
    if isinstance(source, Path):
        with sqlite_rows.reading(source) as rows:
            yield rows
    else:
        async with postgres_rows.reading(source) as read:
            yield read


@contextlib.asynccontextmanager
async def _filling(target: Path | str) -> AsyncIterator[Target]:
    if isinstance(target, Path):
        with _whole_file(target) as unfinished_file:
            async with sqlite_rows.filling(unfinished_file) as rows:
                yield rows
    else:
        async with postgres_rows.filling(target) as filled:
            yield filled


@contextlib.contextmanager
def _whole_file(file: Path) -> Iterator[Path]:
    """Give a file to be made elsewhere, and let it take its place in the end."""
    file = file.resolve()
    with writing(file):
        _check_free(file)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with unfinished(file.with_name(f".{file.name}.unfinished")) as folder:
            yield folder / file.name
            _check_free(file)
            (folder / file.name).rename(file)
            sync(file.parent)


def _check_free(file: Path) -> None:
    if any(file.with_name(file.name + ending).exists() for ending in ("", "-wal", "-journal")):
        raise CannotMove(f"There is something at {file} already: name a file that does not exist.")
