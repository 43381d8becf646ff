"""`wriftai-server import`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from wriftai_server.cli.folder import DEFAULT, DatabaseAddress, DataDir, on_database
from wriftai_server.cli.progress import bars

_GZIP = b"\x1f\x8b"

if TYPE_CHECKING:
    from wriftai_server.database.driver import Database


def import_(
    file: Annotated[Path, typer.Argument(help="JSON lines, one model each; - is the standard input.")],
    owner: Annotated[
        str | None,
        typer.Option(help='Username of who will own the models; without it each line has an "owner".'),
    ] = None,
    create_owners: Annotated[
        bool, typer.Option("--create-owners", help="Add owners that are missing, without tokens.")
    ] = False,
    data_dir: DataDir = DEFAULT,
    database: DatabaseAddress = None,
) -> None:
    """Load a catalogue of models, whether or not a hub is running on the folder.

    Each line holds what creating a model takes. Models that their owner has already stay as they are, so an
    interrupted import can be started again. Bad lines are reported and left out; the exit status is then 1.
    """
    from rich.console import Console

    from wriftai_server.hardware import catalogue
    from wriftai_server.hardware import service as hardware
    from wriftai_server.models.loading import load

    console = Console(stderr=True)

    async def work(opened: Database) -> tuple[int, int, int]:
        async with opened.writing() as transaction:
            await hardware.offer_if_none(transaction, catalogue.detect)
        created = present = bad = 0
        with bars(console) as progress:
            task = progress.add_task("Importing models", total=size)
            async for batch in load(opened, lines, owner=owner, creates_owners=create_owners):
                for line in batch.bad:
                    progress.console.print(
                        f"line {line.number}: {line.reason}", markup=False, highlight=False, soft_wrap=True
                    )
                created, present, bad = created + batch.created, present + batch.present, bad + len(batch.bad)
                progress.advance(task, batch.size)
        return created, present, bad

    with _opened(file) as (lines, size):
        created, present, bad = on_database(data_dir, database, work)
    console.print(f"{created:,} created, {present:,} there already, {bad:,} bad lines.", highlight=False)
    if bad:
        raise typer.Exit(1)


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Iterator[bytes], int | None]]:
    """Open a file, or the standard input; give its lines, and its size if that is known."""
    if str(file) != "-":
        with _errors_told(file):
            opened = file.open("rb")
        with opened:
            if opened.peek(2).startswith(_GZIP):
                raise typer.BadParameter(f"{file} is compressed: zcat {file} | wriftai-server import -")
            yield _lines(opened, file), os.fstat(opened.fileno()).st_size or None
    elif sys.stdin is None:
        raise typer.BadParameter("The standard input is closed.", param_hint="file")
    else:
        # Not `sys.stdin`, whose lock would be held at the end; nor closed, which may take long.
        yield _lines(open(sys.stdin.fileno(), "rb", closefd=False), file), None  # noqa: SIM115


def _lines(opened: IO[bytes], file: Path) -> Iterator[bytes]:
    with _errors_told(file):
        yield from opened


@contextmanager
def _errors_told(file: Path) -> Iterator[None]:
    """End the command where the file cannot be read."""
    try:
        yield
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}", param_hint="file") from error
