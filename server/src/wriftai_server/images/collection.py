"""What is left over goes: blobs that no manifest names, and uploads that nobody goes on with.

A blob that no manifest names is marked. Once it has been so for long enough, first no model holds it any more,
then its bytes go, and last its row. At any moment in between the same blob may be put again: whoever puts one
marks it anew first, and takes the mark away last. Meanwhile a lock (`Blobs.keeping`) keeps all processes on that
machine from deleting. Those on other machines do not see the lock, but the new mark: what takes up to a day to be
put is safe from them where marks younger than a day do not count.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BindParameter, and_, bindparam, delete, exists, select, update

from wriftai_server.database.driver import Database
from wriftai_server.database.schema import blobs, manifest_blobs, manifests, model_blobs, uploads
from wriftai_server.database.statements import Statement
from wriftai_server.database.values import now, timestamp
from wriftai_server.images import store
from wriftai_server.images.blobs import Blobs

_UPLOAD_KEPT = timedelta(days=1)

_DIGEST: BindParameter[str] = bindparam("digest")
_UNNAMED = and_(
    ~exists().where(manifests.c.digest == blobs.c.digest),
    ~exists().where(manifest_blobs.c.digest == blobs.c.digest),
)
_UNMARKED = and_(blobs.c.unreferenced_at.is_(None), _UNNAMED)
_EXPIRED = and_(blobs.c.unreferenced_at < bindparam("before"), _UNNAMED)
_HIDDEN = and_(_EXPIRED, ~exists().where(model_blobs.c.digest == blobs.c.digest))

_TO_MARK = Statement(select(blobs.c.digest).where(_UNMARKED).order_by(blobs.c.digest))
_MARK = Statement(
    update(blobs).where(blobs.c.digest == _DIGEST, _UNMARKED).values(unreferenced_at=bindparam("at"))
)
# Blobs that someone uses again just now are left out.
_expired = select(blobs.c.digest).where(_EXPIRED).with_for_update(skip_locked=True).cte()
_HIDE = Statement(delete(model_blobs).where(model_blobs.c.digest.in_(select(_expired.c.digest))))
_TO_DELETE = Statement(select(blobs.c.digest).where(_HIDDEN))
_MAY_DELETE = Statement(select(blobs.c.digest).where(blobs.c.digest == _DIGEST, _HIDDEN))
_FORGET = Statement(delete(blobs).where(blobs.c.digest == _DIGEST, _HIDDEN))
_OLD_UPLOADS = Statement(select(uploads.c.id).where(uploads.c.created_at < bindparam("before")))
_FORGET_UPLOAD = Statement(delete(uploads).where(uploads.c.id == bindparam("upload_id")))


async def collect(database: Database, blobs: Blobs, *, before: str) -> int:
    """Mark what no manifest names, and remove what has been marked since before a moment.

    Args:
        database: Changes in several transactions, so that none is long.
        blobs: Loses the bytes.
        before: RFC 3339, as the database has it.

    Returns:
        How many blobs were removed.

    Raises:
        StoreUnavailable: Bytes cannot be removed now; the next call does it.
    """
    await _end_old_uploads(database, blobs)
    async with database.scanning() as view:
        found = await view.all(_TO_MARK)
    async with database.writing() as transaction:
        await transaction.execute_many(_MARK, [{"digest": digest, "at": now()} for (digest,) in found])
        await transaction.execute(_HIDE, before=before)
    async with database.reading() as view:
        hidden = await view.all(_TO_DELETE, before=before)
    return sum([await _delete(database, blobs, digest, before) for (digest,) in hidden])


async def _delete(database: Database, blobs: Blobs, digest: str, before: str) -> bool:
    with blobs.deleting() as alone:
        if not alone:
            return False
        async with database.locking(store.lock_of(digest)):
            async with database.reading() as view:
                may = await view.one(_MAY_DELETE, digest=digest, before=before) is not None
            if may:
                await blobs.delete(digest)
                async with database.writing() as transaction:
                    await transaction.execute(_FORGET, digest=digest, before=before)
    return may


async def _end_old_uploads(database: Database, blobs: Blobs) -> None:
    moment = datetime.now(UTC) - _UPLOAD_KEPT
    for upload_id in blobs.spools.touched_before(moment.timestamp()):
        blobs.spools.drop(upload_id)
    async with database.writing() as transaction:
        for (upload_id,) in await transaction.all(_OLD_UPLOADS, before=timestamp(moment)):
            # Without a file it has never begun, or was left off just above.
            if not blobs.spools.size(upload_id):
                await transaction.execute(_FORGET_UPLOAD, upload_id=upload_id)
