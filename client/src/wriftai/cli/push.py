"""`wriftai push`."""

from pathlib import Path
from typing import Annotated

import typer


def push(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the project.")] = Path(),
    release_notes: Annotated[str, typer.Option(help="What is new, at most 255 characters.")] = "",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="OWNER/NAME",
            help="Model that it becomes a version of, instead of the one that the project names.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most that the files may have together, in MiB.")] = 1024,
) -> None:
    """Make a project the newest version of its model on the hub, and print which one it is.

    A model that the hub does not have is created, private. Nothing is created before the project was packed, its
    requirements were found and its predictor was imported. What the hub has of it already is not uploaded again.
    """
    from wriftai import Client
    from wriftai.cli import formats, publication
    from wriftai.cli.refusals import refusals

    with refusals(), Client() as client:
        found = formats.read(folder)
        published = publication.publish(
            client, found, model=model, release_notes=release_notes, limit=limit << 20
        )
        typer.echo(published)
