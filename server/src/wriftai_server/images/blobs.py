"""Blobs: bytes that are found by their SHA-256, in the data folder or an object store.

Here are the bytes; which of them there are, and who holds them, is in the database. A row comes before its bytes
and goes after them: there are never bytes without a row, and a row that no model holds may have none.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from obstore.exceptions import BaseError
from obstore.store import HTTPStore, LocalStore, MemoryStore, from_url

from wriftai_server.images.references import Part
from wriftai_server.images.spools import Spools, leave_to_owner

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_PIECE_BYTES = 1024 * 1024
_PARTS_AT_ONCE = 4
_PATIENCE = timedelta(minutes=1)


class UnusableStore(Exception):
    """The address of the object store cannot be used."""


class BlobMissing(Exception):
    """There are no bytes with this digest."""


class StoreUnavailable(Exception):
    """The store cannot be read from or written to now: the disk is full, or it cannot be reached."""


class Blobs:
    """The bytes of all blobs.

    Attributes:
        spools: Files that are to become blobs.

    Args:
        data_dir: Holds the bytes in `blobs`, unless there is an object store; it exists.
        object_store: Address of a bucket, such as `s3://bucket/prefix`; the environment has what opens it.

    Raises:
        UnusableStore: The address is not one of an object store.
    """

    def __init__(self, data_dir: Path, object_store: str | None = None) -> None:
        self._data_dir = data_dir.absolute()
        self.spools = Spools(self._data_dir / "uploads")
        self._lock = self._data_dir / "blobs.lock"
        self._is_local = object_store is None
        self._store = LocalStore(self._data_dir) if object_store is None else _opened(object_store)

    async def read(self, digest: str, part: Part | None = None) -> AsyncIterator[bytes]:
        """Begin to read a blob; give its bytes in pieces of about a megabyte.

        Args:
            digest: `sha256:…`.
            part: To read, which is not empty; None reads the whole.

        Raises:
            BlobMissing: There is no such blob.
            StoreUnavailable: It cannot be read now; while the pieces are read, too.
        """
        with _errors_named(digest):
            found = await self._store.get_async(self._key(digest), options={"range": part} if part else {})
        return _pieces(digest, found.stream(_PIECE_BYTES))

    async def content(self, digest: str) -> bytes:
        """Read a small blob as a whole.

        Raises:
            BlobMissing: There is no such blob.
            StoreUnavailable: It cannot be read now.
        """
        return b"".join([piece async for piece in await self.read(digest)])

    async def put(self, digest: str, file: Path) -> None:
        """Make a file a blob, whole or not at all; the file is gone then.

        Args:
            digest: Of the file's bytes, as the caller has checked.
            file: Of a spool.

        Raises:
            StoreUnavailable: It cannot be stored now; the file is still there.
        """
        key = self._key(digest)
        with _errors_named(digest):
            if self._is_local:
                await self._store.rename_async(str(file.relative_to(self._data_dir)), key)
                await asyncio.to_thread(_sync, (self._data_dir / key).parent)
            else:
                await self._store.put_async(key, file, max_concurrency=_PARTS_AT_ONCE)
                await asyncio.to_thread(file.unlink)

    async def delete(self, digest: str) -> None:
        """Remove the bytes of a blob, if there are any.

        Raises:
            StoreUnavailable: They cannot be removed now.
        """
        with contextlib.suppress(BlobMissing), _errors_named(digest):
            await self._store.delete_async(self._key(digest))

    @contextlib.asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Keep every process that uses the folder from deleting blobs, while bytes and row of one are put.

        Raises:
            StoreUnavailable: The file that stands for that cannot be opened.
        """
        with self._opened_lock() as file:
            while not _locked(file.fileno(), fcntl.LOCK_SH):  # noqa: ASYNC110  other processes set no event
                await asyncio.sleep(0.005)
            yield

    @contextlib.contextmanager
    def deleting(self) -> Iterator[bool]:
        """Keep everyone from putting blobs while bytes and row of one are deleted; False if someone is at it.

        Raises:
            StoreUnavailable: The file that stands for that cannot be opened.
        """
        with self._opened_lock() as file:
            yield _locked(file.fileno(), fcntl.LOCK_EX)

    def _opened_lock(self) -> BinaryIO:
        try:
            with contextlib.suppress(FileExistsError), self._lock.open("xb") as new:
                leave_to_owner(new.fileno(), self._data_dir)
            # A link would lead root, who backs up the hub of someone else, to any file of the machine.
            return os.fdopen(os.open(self._lock, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "ab")
        except OSError as error:
            raise StoreUnavailable(f"{self._lock} cannot be opened: {error.strerror}.") from error

    def _key(self, digest: str) -> str:
        algorithm, _, name = digest.partition(":")
        key = f"{algorithm}/{name[:2]}/{name}"
        return f"blobs/{key}" if self._is_local else key


def _opened(address: str) -> "ObjectStore":
    try:
        if address.startswith("file:"):
            return from_url(address)
        store = from_url(
            address,
            # A blob takes as long as it takes; what counts is that bytes keep coming.
            client_options={"timeout": timedelta(days=1), "read_timeout": _PATIENCE},
            retry_config={"max_retries": 5, "retry_timeout": _PATIENCE},
        )
    except (BaseError, ValueError) as error:
        raise _unusable(address, str(error).partition("\n")[0]) from error
    if isinstance(store, (HTTPStore, MemoryStore)):
        raise _unusable(address, "that is no bucket")
    return store


def _unusable(address: str, reason: str) -> UnusableStore:
    return UnusableStore(
        f"The object store {address} cannot be used: {reason}. Addresses read s3://bucket/prefix, "
        "gs://bucket/prefix, az://container/prefix, or file:///folder for a folder that is there."
    )


@contextlib.contextmanager
def _errors_named(digest: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise BlobMissing(digest) from error
    except (BaseError, OSError) as error:
        raise StoreUnavailable(str(error).partition("\n")[0]) from error


async def _pieces(digest: str, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with _errors_named(digest):
        async for piece in stream:
            yield piece


def _locked(descriptor: int, kind: int) -> bool:
    # The kernel takes the lock back when the file is closed, however the process ends.
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(folder: Path) -> None:
    # Only so is a renamed file still there after a crash of the machine.
    for each in (folder, folder.parent):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
