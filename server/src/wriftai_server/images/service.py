"""Rules for images: a repository is a model, pulled by who may see it and pushed to by its owner."""

from wriftai_server.database.driver import Reader, Row, Transaction
from wriftai_server.http.caller import Caller
from wriftai_server.http.problems import Problem, unauthenticated
from wriftai_server.images import references, store
from wriftai_server.images.manifests import Manifest, invalid
from wriftai_server.models import service as models


async def holds(view: Reader, *, model_id: str, digest: str) -> bool:
    """Tell whether a model has an image, which then is there with all its blobs.

    Args:
        view: Runs the query.
        model_id: UUID of the model.
        digest: Of the image's manifest.
    """
    return await store.manifest(view, model_id=model_id, digest=digest) is not None


async def find_pullable(view: Reader, caller: Caller, *, owner: str, name: str) -> str:
    """Find the id of a model that the caller may pull from.

    Raises:
        Problem: 404, there is none; 401 for an anonymous caller, who may be someone who sees it.
    """
    try:
        model_id, _ = await models.find_visible(view, caller, owner=owner, name=name)
    except Problem:
        if caller.id is not None:
            raise
        raise unauthenticated(
            "There is no such model for everyone: log in with your username, and a token as the password."
        ) from None
    return model_id


async def blob_size(view: Reader, *, model_id: str, digest: str) -> int:
    """Find the size of a blob of a model.

    Raises:
        Problem: 404, the model has no such blob.
    """
    size = await store.size(view, model_id=model_id, digest=digest)
    if size is None:
        raise no_blob(digest)
    return size


async def hold_blob(transaction: Transaction, *, model_id: str, digest: str) -> None:
    """Let a model hold a blob whose bytes are stored."""
    await store.hold(transaction, model_id=model_id, digest=digest)


async def remove_blob(transaction: Transaction, *, model_id: str, digest: str) -> None:
    """Let a model hold a blob no longer.

    Raises:
        Problem: 404, it has no such blob; 405, a manifest names it.
    """
    if await store.is_named(transaction, model_id=model_id, digest=digest):
        raise Problem(405, "A manifest names this blob: delete the manifest first.", {"Allow": "GET, HEAD"})
    if not await store.release(transaction, model_id=model_id, digest=digest):
        raise no_blob(digest)


async def mount(transaction: Transaction, caller: Caller, *, model_id: str, digest: str, source: str) -> bool:
    """Let a model hold a blob that another model holds; tell whether that worked.

    Args:
        transaction: Changes the rows.
        caller: Must see the other model.
        model_id: Holds the blob then.
        digest: Of the blob.
        source: The other model, as `owner/name`.
    """
    owner, _, name = source.partition("/")
    await transaction.lock(store.lock_of(digest))
    try:
        source_id, _ = await models.find_visible(transaction, caller, owner=owner, name=name)
    except Problem:
        return False
    if await store.size(transaction, model_id=source_id, digest=digest) is None:
        return False
    await store.hold(transaction, model_id=model_id, digest=digest)
    return True


async def manifest(view: Reader, *, model_id: str, reference: str) -> Row:
    """Find the digest, media type and size of a manifest by tag or digest.

    Raises:
        Problem: 404, the model has none.
    """
    if references.is_digest(reference):
        row = await store.manifest(view, model_id=model_id, digest=reference)
    else:
        row = await store.manifest_by_tag(view, model_id=model_id, name=reference)
    if row is None:
        raise no_manifest(reference)
    return row


async def put_manifest(
    transaction: Transaction, read: Manifest, *, model_id: str, digest: str, tag: str | None
) -> None:
    """Give a model a manifest whose bytes are stored.

    Args:
        transaction: Changes the rows; to be undone when there is a problem.
        read: What is in it.
        model_id: Has everything that the manifest names.
        digest: Of the manifest.
        tag: Names it from now on; None leaves the tags as they are.

    Raises:
        Problem: 400, the model lacks some of what the manifest names, or has it with another size.
    """
    await store.add_manifest(
        transaction, model_id=model_id, digest=digest, media_type=read.media_type, subject=read.subject
    )
    await store.add_named(
        transaction, model_id=model_id, manifest=digest, digests={named.digest for named in read.names}
    )
    sizes = await store.named_sizes(transaction, model_id=model_id, manifest=digest, is_index=read.is_index)
    missing = sorted(each for each, size in sizes.items() if size is None)
    if missing:
        what = "manifests" if read.is_index else "blobs"
        raise Problem(
            400,
            f"The model lacks {len(missing)} of the {what} that the manifest names, such as {missing[0]}: "
            "push them first.",
            code="MANIFEST_BLOB_UNKNOWN",
        )
    for named in read.names:
        if named.size != sizes[named.digest]:
            raise invalid(f"{named.digest} has {sizes[named.digest]} bytes, the manifest says {named.size}.")
    if tag is not None:
        await store.set_tag(transaction, model_id=model_id, name=tag, digest=digest)


async def remove_manifest(transaction: Transaction, *, model_id: str, reference: str) -> None:
    """Remove a tag; or a manifest with all its tags.

    Raises:
        Problem: 404, the model has none.
    """
    if references.is_digest(reference):
        removed = await store.remove_manifest(transaction, model_id=model_id, digest=reference)
    else:
        removed = await store.remove_tag(transaction, model_id=model_id, name=reference)
    if not removed:
        raise no_manifest(reference)


async def list_tags(view: Reader, *, model_id: str, after: str, limit: int) -> list[str]:
    """Find the tags of a model that come after a text, in the order of their bytes."""
    return await store.tag_names(view, model_id=model_id, after=after, limit=limit)


async def list_referrers(view: Reader, *, model_id: str, subject: str, after: str, limit: int) -> list[Row]:
    """Find digest, media type and size of the manifests of a model that are about another one.

    Args:
        view: Runs the query.
        model_id: UUID of the model.
        subject: Digest of the other one, which need not be there.
        after: The digest behind which to begin; they come in the order of their digests.
        limit: How many at most.
    """
    return await store.referrers(view, model_id=model_id, subject=subject, after=after, limit=limit)


def no_blob(digest: str) -> Problem:
    """Make the answer for a blob that a model lacks."""
    return Problem(404, f"The model has no blob {digest}.", code="BLOB_UNKNOWN")


def no_manifest(reference: str) -> Problem:
    """Make the answer for a manifest that a model lacks."""
    return Problem(404, f"The model has no manifest '{reference}'.", code="MANIFEST_UNKNOWN")
