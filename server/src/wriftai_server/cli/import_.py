"""`wriftai-server import`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wriftai_server.cli.execution import on_database
from wriftai_server.cli.options import DEFAULT_DATA_DIR, DatabaseAddress, DataDir
from wriftai_server.cli.progress import bars

if TYPE_CHECKING:
    from wriftai_server.database.driver import Database

_GZIP = b"\x1f\x8b"
# A model takes far less. A file without ends of lines does not fill the memory.
_LONGEST_LINE = 1024 * 1024


def import_(
    file: Annotated[Path, typer.Argument(help="JSON lines, one model each; - is the standard input.")],
    owner: Annotated[
        str | None,
        typer.Option(help='Username of who will own the models; without it each line has an "owner".'),
    ] = None,
    create_owners: Annotated[
        bool, typer.Option("--create-owners", help="Add owners that are missing, without tokens.")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
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

    lines, size = _opened(file)
    created, present, bad = on_database(data_dir, database, work)
    console.print(f"{created:,} created, {present:,} there already, {bad:,} bad lines.", highlight=False)
    if bad:
        raise typer.Exit(1)


def _opened(file: Path) -> tuple[Iterator[bytes], int | None]:
    """Open a file, or the standard input; give its lines, and its size if that is known."""
    if str(file) == "-" and sys.stdin is None:
        raise typer.BadParameter("The standard input is closed.", param_hint="file")
    with _errors_told(file):
        descriptor = sys.stdin.fileno() if str(file) == "-" else os.open(file, os.O_RDONLY)
        # Not `sys.stdin`, whose lock would be held at the end; nor closed, which may take long.
        opened = open(descriptor, "rb", closefd=False)  # noqa: SIM115
    return _lines(opened, file), os.fstat(descriptor).st_size or None


def _lines(opened: BufferedReader, file: Path) -> Iterator[bytes]:
    """Give lines, of longer ones the beginning, which is no model."""
    with _errors_told(file):
        if opened.peek(2).startswith(_GZIP):
            raise typer.BadParameter(f"{file} is compressed: zcat {file} | wriftai-server import -")
        while line := opened.readline(_LONGEST_LINE):
            yield line
            while len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
                line = opened.readline(_LONGEST_LINE)


@contextmanager
def _errors_told(file: Path) -> Iterator[None]:
    """End the command where the file cannot be read."""
    try:
        yield
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}", param_hint="file") from error
