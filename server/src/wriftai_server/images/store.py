"""Rows of images: which blobs there are, which model holds them, and what manifests and tags name."""

from sqlalchemy import bindparam, select

from wriftai_server.database.driver import Reader
from wriftai_server.database.schema import manifests
from wriftai_server.database.statements import Statement

_MANIFEST = Statement(
    select(manifests.c.digest, manifests.c.media_type).where(
        manifests.c.model_id == bindparam("model_id"), manifests.c.digest == bindparam("digest")
    )
)


async def manifest(view: Reader, *, model_id: str, digest: str) -> tuple[str, str] | None:
    """Find the digest and media type of a model's manifest."""
    row = await view.one(_MANIFEST, model_id=model_id, digest=digest)
    return None if row is None else (row[0], row[1])
