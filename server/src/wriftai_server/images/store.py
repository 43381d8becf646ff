"""Rows of images: which blobs there are, which model holds them, and what manifests and tags name.

What a model does not hold is not there for it, whether or not another model holds it.
"""

from collections.abc import Iterable

from sqlalchemy import (
    BindParameter,
    Integer,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.sql import ColumnElement

from wriftai_server.database.driver import Reader, Row, Transaction
from wriftai_server.database.schema import blobs, manifest_blobs, manifests, model_blobs, tags, uploads
from wriftai_server.database.statements import Statement
from wriftai_server.database.values import now

_MODEL: BindParameter[str] = bindparam("model_id")
_DIGEST: BindParameter[str] = bindparam("digest")
_HELD = and_(model_blobs.c.model_id == _MODEL, model_blobs.c.digest == _DIGEST)
_HERE = and_(manifests.c.model_id == _MODEL, manifests.c.digest == _DIGEST)
_TAGGED = and_(tags.c.model_id == _MODEL, tags.c.name == bindparam("name"))


def _insert_new(table: Table, known: ColumnElement[bool]) -> Statement:
    """Insert a row, unless a condition says that there is one."""
    values = select(*(bindparam(column.name, type_=column.type) for column in table.c))
    return Statement(insert(table).from_select(list(table.c), values.where(~exists().where(known))))


_BLOB = Statement(select(blobs.c.size).join_from(model_blobs, blobs).where(_HELD))
_ANNOUNCE = _insert_new(blobs, blobs.c.digest == _DIGEST)
_MARK_ANEW = Statement(
    update(blobs)
    .where(blobs.c.digest == _DIGEST, blobs.c.unreferenced_at.is_not(None))
    .values(unreferenced_at=bindparam("at"))
)
_HOLD = _insert_new(model_blobs, _HELD)
_REVIVE = Statement(update(blobs).where(blobs.c.digest == _DIGEST).values(unreferenced_at=null()))
_RELEASE = Statement(delete(model_blobs).where(_HELD))
_NAMED = Statement(
    select(manifest_blobs.c.manifest)
    .where(manifest_blobs.c.model_id == _MODEL, manifest_blobs.c.digest == _DIGEST)
    .limit(1)
)

_MANIFEST = Statement(
    select(manifests.c.digest, manifests.c.media_type, blobs.c.size).join_from(manifests, blobs).where(_HERE)
)
_MANIFEST_BY_TAG = Statement(
    select(manifests.c.digest, manifests.c.media_type, blobs.c.size)
    .join_from(manifests, blobs)
    .join(tags, and_(tags.c.model_id == manifests.c.model_id, tags.c.digest == manifests.c.digest))
    .where(_TAGGED)
)
_INSERT_MANIFEST = _insert_new(manifests, _HERE)
_INSERT_NAMED = _insert_new(
    manifest_blobs,
    and_(
        manifest_blobs.c.model_id == _MODEL,
        manifest_blobs.c.manifest == bindparam("manifest"),
        manifest_blobs.c.digest == _DIGEST,
    ),
)
_DELETE_MANIFEST = Statement(delete(manifests).where(_HERE))
_REFERRERS = Statement(
    select(manifests.c.digest, manifests.c.media_type, blobs.c.size)
    .join_from(manifests, blobs)
    .where(
        manifests.c.model_id == _MODEL,
        manifests.c.subject == bindparam("subject"),
        manifests.c.digest > bindparam("after"),
    )
    .order_by(manifests.c.digest)
    .limit(bindparam("limit", type_=Integer()))
)


def _sizes(holders: Table) -> Statement:
    """Select what a manifest names, with the sizes of what the model has of it."""
    had = and_(holders.c.model_id == manifest_blobs.c.model_id, holders.c.digest == manifest_blobs.c.digest)
    return Statement(
        select(manifest_blobs.c.digest, blobs.c.size)
        .select_from(manifest_blobs.outerjoin(holders, had).outerjoin(blobs, blobs.c.digest == holders.c.digest))
        .where(manifest_blobs.c.model_id == _MODEL, manifest_blobs.c.manifest == bindparam("manifest"))
    )


_SIZES = {True: _sizes(manifests), False: _sizes(model_blobs)}

_INSERT_TAG = Statement(insert(tags).values({column.name: bindparam(column.name) for column in tags.c}))
_DELETE_TAG = Statement(delete(tags).where(_TAGGED))
_TAGS = Statement(
    select(tags.c.name)
    .where(tags.c.model_id == _MODEL, tags.c.name > bindparam("after"))
    .order_by(tags.c.name)
    .limit(bindparam("limit", type_=Integer()))
)

_INSERT_UPLOAD = Statement(insert(uploads).values({column.name: bindparam(column.name) for column in uploads.c}))
_UPLOAD = and_(uploads.c.id == bindparam("upload_id"), uploads.c.model_id == _MODEL)
_GET_UPLOAD = Statement(select(uploads.c.id).where(_UPLOAD))
_DELETE_UPLOAD = Statement(delete(uploads).where(_UPLOAD))


async def size(view: Reader, *, model_id: str, digest: str) -> int | None:
    """Find the size of a blob that a model holds."""
    row = await view.one(_BLOB, model_id=model_id, digest=digest)
    return None if row is None else row[0]


def lock_of(digest: str) -> str:
    """Name the lock of whoever says that a blob will be there, or stay, and of whoever deletes it."""
    return f"blob {digest}"


async def announce(transaction: Transaction, *, digest: str, size: int) -> None:
    """Note that there will be a blob, or will be again.

    Until somebody holds or names it, it is as good as removed, and its bytes stay for as long as those of any
    blob that nothing names.
    """
    await transaction.lock(lock_of(digest))
    at = now()
    if not await transaction.execute(_MARK_ANEW, digest=digest, at=at):
        await transaction.execute(_ANNOUNCE, digest=digest, size=size, created_at=at, unreferenced_at=at)


async def hold(transaction: Transaction, *, model_id: str, digest: str) -> None:
    """Let a model hold a blob that there is."""
    await transaction.execute(_HOLD, model_id=model_id, digest=digest, created_at=now())
    await transaction.execute(_REVIVE, digest=digest)


async def release(transaction: Transaction, *, model_id: str, digest: str) -> bool:
    """Let a model hold a blob no longer; tell whether it did."""
    return await transaction.execute(_RELEASE, model_id=model_id, digest=digest) > 0


async def is_named(view: Reader, *, model_id: str, digest: str) -> bool:
    """Tell whether a manifest of a model names a blob."""
    return await view.one(_NAMED, model_id=model_id, digest=digest) is not None


async def manifest(view: Reader, *, model_id: str, digest: str) -> Row | None:
    """Find the digest, media type and size of a model's manifest."""
    return await view.one(_MANIFEST, model_id=model_id, digest=digest)


async def manifest_by_tag(view: Reader, *, model_id: str, name: str) -> Row | None:
    """Find the digest, media type and size of the manifest that a tag of a model names."""
    return await view.one(_MANIFEST_BY_TAG, model_id=model_id, name=name)


async def add_manifest(
    transaction: Transaction, *, model_id: str, digest: str, media_type: str, subject: str | None
) -> None:
    """Give a model a manifest whose bytes are a blob; `add_named` says what goes with it."""
    await transaction.execute(
        _INSERT_MANIFEST,
        model_id=model_id,
        digest=digest,
        media_type=media_type,
        subject=subject,
        created_at=now(),
    )


async def add_named(transaction: Transaction, *, model_id: str, manifest: str, digests: Iterable[str]) -> None:
    """Note which blobs or manifests a manifest names, and that they and its own blob stay."""
    rows = [{"model_id": model_id, "manifest": manifest, "digest": digest} for digest in digests]
    await transaction.execute_many(_INSERT_NAMED, rows)
    # In one order, as models share blobs: two who wait for each other would never end.
    named = sorted({manifest, *digests})
    await transaction.execute_many(_REVIVE, [{"digest": digest} for digest in named])


async def named_sizes(view: Reader, *, model_id: str, manifest: str, is_index: bool) -> dict[str, int | None]:
    """Find the sizes of what a manifest names, by digest; None is for what the model does not have."""
    return dict(map(tuple, await view.all(_SIZES[is_index], model_id=model_id, manifest=manifest)))


async def remove_manifest(transaction: Transaction, *, model_id: str, digest: str) -> bool:
    """Remove a manifest of a model, and its tags; tell whether there was one."""
    return await transaction.execute(_DELETE_MANIFEST, model_id=model_id, digest=digest) > 0


async def referrers(view: Reader, *, model_id: str, subject: str, after: str, limit: int) -> list[Row]:
    """Find digest, media type and size of the manifests that are about another one, in the order of digests."""
    return await view.all(_REFERRERS, model_id=model_id, subject=subject, after=after, limit=limit)


async def set_tag(transaction: Transaction, *, model_id: str, name: str, digest: str) -> None:
    """Let a tag name a manifest, and no longer another one."""
    await transaction.execute(_DELETE_TAG, model_id=model_id, name=name)
    await transaction.execute(_INSERT_TAG, model_id=model_id, name=name, digest=digest)


async def remove_tag(transaction: Transaction, *, model_id: str, name: str) -> bool:
    """Remove a tag; tell whether there was one."""
    return await transaction.execute(_DELETE_TAG, model_id=model_id, name=name) > 0


async def tag_names(view: Reader, *, model_id: str, after: str, limit: int) -> list[str]:
    """Find tags in the order of their bytes."""
    return [name for (name,) in await view.all(_TAGS, model_id=model_id, after=after, limit=limit)]


async def add_upload(transaction: Transaction, *, upload_id: str, model_id: str) -> None:
    """Note that an upload has begun."""
    await transaction.execute(_INSERT_UPLOAD, id=upload_id, model_id=model_id, created_at=now())


async def has_upload(view: Reader, *, upload_id: str, model_id: str) -> bool:
    """Tell whether an upload to a model is under way."""
    return await view.one(_GET_UPLOAD, upload_id=upload_id, model_id=model_id) is not None


async def remove_upload(transaction: Transaction, *, upload_id: str, model_id: str) -> bool:
    """End an upload; tell whether it was under way."""
    return await transaction.execute(_DELETE_UPLOAD, upload_id=upload_id, model_id=model_id) > 0
