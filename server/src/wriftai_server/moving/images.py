"""The bytes of images, between a hub and a backup."""

import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from wriftai_server.database.values import new_id
from wriftai_server.images.blobs import BlobMissing, Blobs, StoreUnavailable
from wriftai_server.moving.files import remove, sha256_of, writing
from wriftai_server.moving.manifest import path_of
from wriftai_server.moving.progress import CannotMove, Tell

_PIECE_BYTES = 1024 * 1024


async def save(blobs: Blobs, digests: Sequence[str], folder: Path, *, tell: Tell) -> tuple[int, list[str]]:
    """Copy blobs into a backup.

    Args:
        blobs: Of the hub.
        digests: Of the blobs.
        folder: The backup.
        tell: Told how many are done.

    Returns:
        How many bytes they have, and the digests of those that are missing, or damaged.

    Raises:
        CannotMove: They cannot be read or written now.
    """
    size, missing = 0, []
    for done, digest in enumerate(digests, 1):
        file = path_of(folder, digest)
        with writing(folder):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if await _save(blobs, digest, file):
                size += file.stat().st_size
            else:
                missing.append(digest)
                remove(file)
        tell("Copying images", done, len(digests))
    return size, missing


async def _save(blobs: Blobs, digest: str, file: Path) -> bool:
    """Copy a blob; tell whether it was what its digest says."""
    sha256 = hashlib.sha256()
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            async for piece in await blobs.read(digest):
                sha256.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
    except BlobMissing:
        return False
    except StoreUnavailable as error:
        raise CannotMove(f"The image part {digest} cannot be read: {error}.") from error
    return f"sha256:{sha256.hexdigest()}" == digest


def check(folder: Path, digests: Sequence[str], *, tell: Tell) -> None:
    """Check that all blobs of a backup are what their digests say.

    Raises:
        CannotMove: One is missing or damaged.
    """
    for done, digest in enumerate(digests, 1):
        file = path_of(folder, digest)
        try:
            is_good = f"sha256:{sha256_of(file, told=lambda _: None)}" == digest
        except OSError as error:
            raise CannotMove(f"The backup is damaged: {file}: {error.strerror}.") from error
        if not is_good:
            raise CannotMove(f"The backup is damaged: {file} is not what its name says.")
        tell("Checking images", done, len(digests))


async def bring(folder: Path, digests: Sequence[str], blobs: Blobs, *, tell: Tell) -> None:
    """Copy blobs from a backup.

    Args:
        folder: The backup.
        digests: Of the blobs.
        blobs: Of the hub.
        tell: Told how many are done.

    Raises:
        CannotMove: They cannot be read or written now.
    """
    for done, digest in enumerate(digests, 1):
        file = path_of(folder, digest)
        try:
            async with blobs.spools.held(new_id()) as spool:
                await spool.add(_pieces(file))
                if not await spool.seal(digest):
                    raise CannotMove(f"{file} was changed while it was read.")
                await blobs.put(digest, spool.path)
        except (OSError, StoreUnavailable) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise CannotMove(f"The image part {digest} cannot be stored: {reason}.") from error
        tell("Restoring images", done, len(digests))


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as pieces:
        while piece := pieces.read(_PIECE_BYTES):
            yield piece
