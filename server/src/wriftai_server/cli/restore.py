"""`wriftai-server restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wriftai_server.cli.execution import finish
from wriftai_server.cli.options import DEFAULT_DATA_DIR, DatabaseAddress, DataDir, ObjectStore
from wriftai_server.cli.progress import steps


def restore(
    from_: Annotated[
        Path,
        typer.Option("--from", exists=True, file_okay=False, help="Folder that `wriftai-server backup` made."),
    ],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    object_store: ObjectStore = None,
    database: DatabaseAddress = None,
) -> None:
    """Bring a hub back from a backup, into a folder that is empty or not there yet.

    All of the backup is checked first. A backup of an older release is brought to the current schema.
    """
    from rich.console import Console

    from wriftai_server.moving import restores

    console = Console(stderr=True, highlight=False, soft_wrap=True)

    async def work() -> None:
        with steps(console) as tell:
            restored = await restores.restore(from_, data_dir, object_store, database=database, tell=tell)
        console.print(f"{data_dir} holds the hub as it was at {restored.manifest.created_at}.", markup=False)
        if restored.waiting_predictions or restored.waiting_webhooks:
            console.print(
                f"Predictions that wait in it: {restored.waiting_predictions:,}; webhooks: "
                f"{restored.waiting_webhooks:,}. If the hub that was backed up is still running, they run and "
                "are posted twice: stop it before."
            )
        if restored.manifest.missing_blobs:
            console.print(
                f"{len(restored.manifest.missing_blobs):,} parts of images were not in the backup: versions that "
                "need them cannot run until they are pushed again."
            )

    finish(work())
