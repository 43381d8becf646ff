"""Making a backup of a hub, whether or not it is running.

The rows are those of one moment. The images are copied after them: a hub removes none while a backup is made, nor
sooner than a while after the last model let go of it.
"""

from pathlib import Path

from wriftai_server._version import __version__
from wriftai_server.database.migrate import is_known
from wriftai_server.database.opening import FILE_NAME
from wriftai_server.database.values import now
from wriftai_server.images.blobs import Blobs
from wriftai_server.moving import copies, images, manifest, sqlite
from wriftai_server.moving.files import sha256_of, whole_folder, writing
from wriftai_server.moving.manifest import FORMAT, Manifest
from wriftai_server.moving.progress import CannotMove, Tell


async def back_up(source: Path | str, blobs: Blobs, folder: Path, *, tell: Tell) -> Manifest:
    """Make a backup, whole or not at all.

    Args:
        source: Database of the hub: its file, or the address of a PostgreSQL database.
        blobs: Of the hub.
        folder: Is not there yet, or is empty.
        tell: Told how far it is.

    Returns:
        What is in the backup.

    Raises:
        CannotMove: The folder is in use, there is no room, or something of the hub cannot be read.
        UnusableServer: The PostgreSQL server cannot be reached.
    """
    with writing(folder), whole_folder(folder) as unfinished_folder:
        async with blobs.keeping():
            created_at = now()
            copy = unfinished_folder / FILE_NAME
            await _save(source, copy, tell=tell)
            schema = sqlite.schema_of(copy)
            if not is_known(schema):
                raise CannotMove(f"{source} is of a newer release of the hub: make the backup with that release.")
            digests = sqlite.held_blobs(copy, source)
            size, missing = await images.save(blobs, digests, unfinished_folder, tell=tell)
        made = Manifest(
            format=FORMAT,
            release=__version__,
            schema=schema,
            created_at=created_at,
            database_sha256=sha256_of(copy, told=lambda _: None),
            database_bytes=copy.stat().st_size,
            blobs=sorted({*digests}.difference(missing)),
            image_bytes=size,
            missing_blobs=missing,
        )
        manifest.write(unfinished_folder, made)
    return made


async def _save(source: Path | str, file: Path, *, tell: Tell) -> None:
    """Copy the rows of a hub, those of a file as they lie in it."""
    if isinstance(source, Path):
        sqlite.duplicate(source, file, told=lambda done, total: tell("Copying the database", done, total))
        sqlite.check(file, source)
    else:
        await copies.copy(source, file, tell=tell)
