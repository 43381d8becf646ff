"""Uploads: how bytes become a blob or a manifest of a model."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from wriftai_server.database.driver import Database, Reader, Transaction
from wriftai_server.database.values import new_id
from wriftai_server.http.caller import Caller
from wriftai_server.http.problems import Problem
from wriftai_server.images import failures, store
from wriftai_server.images.blobs import Blobs
from wriftai_server.images.spools import Spool, Spools
from wriftai_server.models import service as models
from wriftai_server.models import store as models_store

Link = Callable[[Transaction], Awaitable[None]]


async def begin(transaction: Transaction, *, model_id: str) -> str:
    """Begin an upload to a model; give its id."""
    upload_id = new_id()
    await store.add_upload(transaction, upload_id=upload_id, model_id=model_id)
    return upload_id


async def require(view: Reader, caller: Caller, *, owner: str, name: str, upload_id: str) -> str:
    """Check that an upload is under way; give the id of its model, which the caller owns.

    Raises:
        Problem: 404 or 403.
    """
    model_id = await models.find_owned(view, caller, owner=owner, name=name)
    if not await store.has_upload(view, upload_id=upload_id, model_id=model_id):
        raise _no_upload()
    return model_id


async def finish(transaction: Transaction, *, model_id: str, upload_id: str, digest: str) -> None:
    """End an upload whose bytes are stored: the model holds them.

    Raises:
        Problem: 404, it is no longer under way.
    """
    # First the model, as all do who change what it has: with it goes the upload.
    if not await models_store.lock(transaction, model_id=model_id):
        raise _no_upload()
    await cancel(transaction, model_id=model_id, upload_id=upload_id)
    await store.hold(transaction, model_id=model_id, digest=digest)


async def cancel(transaction: Transaction, *, model_id: str, upload_id: str) -> None:
    """End an upload.

    Raises:
        Problem: 404, it is no longer under way.
    """
    if not await store.remove_upload(transaction, upload_id=upload_id, model_id=model_id):
        raise _no_upload()


async def keep(database: Database, blobs: Blobs, spool: Spool, *, digest: str, link: Link) -> None:
    """Store the bytes of a spool as a blob, and let a model have it.

    Args:
        database: Gets the row of the blob in one transaction before the bytes, and the link in one after them.
        blobs: Gets the bytes.
        spool: Sealed with the digest.
        digest: Of the bytes.
        link: Lets a model have the blob; until then it is as good as removed.
    """
    async with blobs.keeping():
        async with database.writing() as transaction:
            await store.announce(transaction, digest=digest, size=spool.size)
        await blobs.put(digest, spool.path)
        async with database.writing() as transaction:
            await link(transaction)


@contextlib.asynccontextmanager
async def spool(spools: Spools, spool_id: str) -> AsyncIterator[Spool]:
    """Open a spool for one request, and turn what can go wrong with it into problems.

    Raises:
        Problem: 416, another request has it; 503, there is no room.
    """
    with failures.storing():
        async with spools.held(spool_id) as held:
            yield held


@contextlib.asynccontextmanager
async def fresh_spool(spools: Spools) -> AsyncIterator[Spool]:
    """Open a spool that lasts for one request."""
    spool_id = new_id()
    try:
        async with spool(spools, spool_id) as held:
            yield held
    finally:
        spools.drop(spool_id)


def wrong_digest(digest: str) -> Problem:
    """Make the answer for bytes that have another digest than their sender says."""
    return Problem(400, f"The bytes do not have the digest {digest}.", code="DIGEST_INVALID")


def _no_upload() -> Problem:
    return Problem(
        404,
        "There is no such upload: it was finished, cancelled or left off. Begin again.",
        code="BLOB_UPLOAD_UNKNOWN",
    )
