"""What a backup says of itself: the file `manifest.json` in its folder.

hub.sqlite3              all rows of the hub, also of one on PostgreSQL
blobs/sha256/ab/abcd…    its images, each named by its digest
manifest.json            written last
"""

from pathlib import Path
from typing import Annotated

import msgspec

from wriftai_server.database.opening import MANIFEST
from wriftai_server.moving.files import sync
from wriftai_server.moving.progress import CannotMove

FORMAT = 1
Digest = Annotated[str, msgspec.Meta(pattern="^sha256:[a-f0-9]{64}$")]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a backup.

    Attributes:
        format: Number of the layout above; others cannot be read.
        release: Of the hub's software that made it.
        schema: Of the database.
        created_at: The moment that it shows, RFC 3339.
        database_sha256: Of the file, in hexadecimal.
        database_bytes: Length of the file.
        blobs: Digests of the images' parts that are in the backup.
        image_bytes: Length of all of them.
        missing_blobs: Digests of parts that the hub ought to have had, and had not, or damaged.
    """

    format: int
    release: str
    schema: str
    created_at: str
    database_sha256: str
    database_bytes: int
    blobs: list[Digest]
    image_bytes: int
    missing_blobs: list[str]


class _Format(msgspec.Struct):
    format: int


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a backup."""
    file = folder / MANIFEST
    file.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    file.chmod(0o600)
    sync(file)


def read(folder: Path) -> Manifest:
    """Read the manifest of a backup.

    Raises:
        CannotMove: There is none, or it is of another format.
    """
    file = folder / MANIFEST
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CannotMove(f"There is no backup in {folder}: {MANIFEST}: {error.strerror}.") from error
    try:
        number = msgspec.json.decode(content, type=_Format).format
        if number == FORMAT:
            return msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CannotMove(f"The backup in {folder} is damaged: {MANIFEST}: {error}.") from error
    raise CannotMove(
        f"The backup in {folder} has format {number}, and this release reads format {FORMAT} only: restore it "
        "with the release that made it."
    )


def path_of(folder: Path, digest: str) -> Path:
    """Give the file of a blob in a backup."""
    name = digest.removeprefix("sha256:")
    return folder / "blobs" / "sha256" / name[:2] / name
