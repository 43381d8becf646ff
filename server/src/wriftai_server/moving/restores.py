"""Bringing a hub back from a backup.

The data folder is marked until all is in it, so that no hub starts on half of it.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from wriftai_server.database import feed
from wriftai_server.database.migrate import is_known, migrate
from wriftai_server.database.opening import FILE_NAME, MANIFEST, RESTORING
from wriftai_server.database.sqlite import SQLiteDatabase
from wriftai_server.images.blobs import Blobs
from wriftai_server.moving import copies, images, manifest, postgres_rows, sqlite
from wriftai_server.moving.files import is_empty, remove, sha256_of, sync, unfinished, writing
from wriftai_server.moving.manifest import Manifest
from wriftai_server.moving.progress import CannotMove, Tell


class Restored(NamedTuple):
    """What was restored.

    Attributes:
        manifest: Of the backup.
        waiting_predictions: How many had not ended: they run now, or again.
        waiting_webhooks: How many were still to be posted: they are now, or again.
    """

    manifest: Manifest
    waiting_predictions: int
    waiting_webhooks: int


def check(backup: Path, *, tell: Tell) -> Manifest:
    """Check that a backup is whole, and that this release can restore it.

    Raises:
        CannotMove: It is not, or cannot.
    """
    found = manifest.read(backup)
    if not is_known(found.schema):
        raise CannotMove(
            f"The backup in {backup} was made by a newer release of the hub ({found.release}): restore it with "
            "that release."
        )
    file, done = backup / FILE_NAME, 0

    def told(size: int) -> None:
        nonlocal done
        done += size
        tell("Checking the database", done, found.database_bytes)

    try:
        is_good = sha256_of(file, told=told) == found.database_sha256
    except OSError as error:
        raise CannotMove(f"The backup is damaged: {file}: {error.strerror}.") from error
    if not is_good:
        raise CannotMove(f"The backup is damaged: {file} is not what {MANIFEST} says.")
    images.check(backup, found.blobs, tell=tell)
    return found


async def restore(
    backup: Path, data_dir: Path, object_store: str | None, *, database: str | None = None, tell: Tell
) -> Restored:
    """Make a hub of a backup, whole or not at all.

    Args:
        backup: Stays as it is.
        data_dir: Is empty, is not there, or was left by a run that was killed.
        object_store: Address of the bucket that is to hold the images; None puts them into the folder.
        database: Address of an empty PostgreSQL database for the rows; None puts them into the folder.
        tell: Told how far it is.

    Raises:
        CannotMove: The backup is damaged, the folder is in use, or there is no room.
        UnusableServer: The PostgreSQL server cannot be reached.
        UnusableStore: The object store's address is none.
    """
    with writing(data_dir):
        _check_unused(data_dir)
    if database is not None:
        await postgres_rows.check_empty(database)
    found = check(backup, tell=tell)
    with writing(data_dir), _half_restored(data_dir) as unfinished_folder:
        tell("Restoring the database", 0, 1)
        file = unfinished_folder / FILE_NAME
        shutil.copyfile(backup / FILE_NAME, file)
        file.chmod(0o600)
        await _make_current(file)
        restored = Restored(
            found,
            sqlite.count(file, "predictions", "status IN ('pending', 'started')"),
            sqlite.count(file, "webhook_deliveries"),
        )
        sync(file)
        tell("Restoring the database", 1, 1)
        await images.bring(backup, found.blobs, Blobs(data_dir, object_store), tell=tell)
        # Last, as the images of a hub have to be there when its rows are.
        if database is None:
            file.rename(data_dir / FILE_NAME)
        else:
            await copies.copy(file, database, tell=tell)
    return restored


async def _make_current(file: Path) -> None:
    with sqlite.errors_named(file, "brought to the current schema"):
        migrate(file)
        database = SQLiteDatabase(file)
    try:
        async with database.writing() as transaction:
            await feed.begin_anew(transaction)
    finally:
        await database.close()


@contextlib.contextmanager
def _half_restored(data_dir: Path) -> Iterator[Path]:
    """Mark a data folder for as long as not all is in it; what is there after an error is removed."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_unused(data_dir)
    mark = data_dir / RESTORING
    with unfinished(mark):
        _clear(data_dir)
        try:
            yield mark
            sync(data_dir)
        except BaseException:
            _clear(data_dir)
            raise
    sync(data_dir)


def _check_unused(data_dir: Path) -> None:
    if data_dir.exists() and not (data_dir / RESTORING).exists() and not is_empty(data_dir):
        raise CannotMove(f"There is something in {data_dir} already: name an empty folder with --data-dir.")


def _clear(data_dir: Path) -> None:
    for each in data_dir.iterdir():
        if each.name != RESTORING:
            remove(each)
