"""`wriftai-server copy`."""

from __future__ import annotations

from typing import Annotated

import typer

from wriftai_server.cli.execution import finish
from wriftai_server.cli.progress import steps

_SHOWN = ("users", "models", "versions", "predictions")


def copy(
    from_: Annotated[
        str, typer.Option("--from", help="Database of a hub: sqlite:PATH, with its file, or postgresql://….")
    ],
    to: Annotated[str, typer.Option(help="File that is not there yet, or empty database of PostgreSQL.")],
) -> None:
    """Copy all rows of a hub to another database, SQLite or PostgreSQL, as they are at one moment.

    Stop the hub before, as what it stores later is not in the copy, and start it with the other `--database`
    afterwards, on the same data folder: images stay where they are, in the folder or in a bucket. The copy is
    compared with the original, and is there as a whole or not at all.
    """
    from rich.console import Console

    from wriftai_server.moving import copies

    console = Console(stderr=True, highlight=False, soft_wrap=True)

    async def work() -> None:
        source, target = copies.place_of(from_), copies.place_of(to)
        with steps(console) as tell:
            copied = await copies.copy(source, target, tell=tell)
        counts = copied.counts
        console.print(
            f"{sum(counts.values()):,} rows are copied and compared: "
            f"{', '.join(f'{counts[name]:,} {name}' for name in _SHOWN)}, and what belongs to them.",
            markup=False,
        )
        if copied.is_behind:
            console.print(
                "The hub was written to meanwhile, and that is not in the copy. If it is to take its place, stop "
                "the hub, and copy it again."
            )
        console.print("Images stay where they are: start the hub on the same data folder, or --object-store.")

    finish(work())
