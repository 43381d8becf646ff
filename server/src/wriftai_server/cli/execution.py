"""How commands do their work, and how they end where they cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from wriftai_server.database.driver import Database

T = TypeVar("T")


def fail(reason: object) -> typer.Exit:
    """Print why the command cannot do its work; give the exception that ends it, to be raised."""
    typer.echo(f"Error: {reason}", err=True)
    return typer.Exit(1)


def no_hub(data_dir: Path) -> typer.Exit:
    """Print that a hub has to be there first; give the exception that ends the command, to be raised."""
    return fail(f"There is no hub in {data_dir}: correct --data-dir, or name its --database.")


def on_database(
    data_dir: Path, address: str | None, work: Callable[[Database], Awaitable[T]], *, create: bool = False
) -> T:
    """Open the database of a hub, do some work on it, and close it; refusals end the command.

    Args:
        data_dir: May be in use by a running hub.
        address: Of a PostgreSQL database; None is the file in the folder.
        work: Is given the database.
        create: Whether to make what is missing; otherwise it ends the command.
    """
    from wriftai_server.database.opening import is_missing, open_database

    if not create and is_missing(data_dir, address):
        raise no_hub(data_dir)

    async def whole() -> T:
        database = open_database(data_dir, address)
        try:
            return await work(database)
        finally:
            await database.close()

    return finish(whole())


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Do some work to its end; where it is refused (`refusals.py`), print why and end the command."""
    from wriftai_server.refusals import REFUSALS

    try:
        return asyncio.run(work)
    except REFUSALS as error:
        raise fail(error) from None
    except UnicodeEncodeError:
        raise fail("An argument is not text in UTF-8.") from None
