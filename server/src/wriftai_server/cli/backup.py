"""`wriftai-server backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wriftai_server.cli.execution import fail, finish, no_hub
from wriftai_server.cli.options import DEFAULT_DATA_DIR, DatabaseAddress, DataDir, ObjectStore
from wriftai_server.cli.progress import steps

_MOST_SHOWN = 10


def backup(
    to: Annotated[Path, typer.Option(help="Folder to make, best on another disk.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    object_store: ObjectStore = None,
    database: DatabaseAddress = None,
) -> None:
    """Make a backup of a hub, whether or not it is running: users, models, predictions and images.

    It shows one moment, and is whole or not there. It holds secrets and what people sent to their models: only
    you may read it. Parts of images that the hub has lost are reported; the exit status is then 1.
    """
    from rich.console import Console

    from wriftai_server.database.opening import FILE_NAME, check_no_backup
    from wriftai_server.images.blobs import Blobs
    from wriftai_server.moving.backups import back_up

    if not (data_dir / FILE_NAME).exists() if database is None else not data_dir.is_dir():
        raise no_hub(data_dir)
    source = data_dir / FILE_NAME if database is None else database
    console = Console(stderr=True, highlight=False, soft_wrap=True)

    async def work() -> None:
        check_no_backup(data_dir)
        with steps(console) as tell:
            made = await back_up(source, Blobs(data_dir, object_store), to, tell=tell)
        for digest in made.missing_blobs[:_MOST_SHOWN]:
            console.print(f"The hub has lost the image part {digest}.")
        console.print(
            f"{to} holds the hub as it was at {made.created_at}: {made.database_bytes:,} bytes of rows and "
            f"{made.image_bytes:,} bytes of images. It holds secrets: keep it where only you can read it.",
            markup=False,
        )
        if made.missing_blobs:
            raise fail(
                f"{len(made.missing_blobs):,} parts of images are missing or damaged in the hub, and are not in "
                "the backup. Where images are in a bucket, name it with --object-store."
            )

    finish(work())
