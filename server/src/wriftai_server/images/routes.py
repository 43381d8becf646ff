"""Images over HTTP: blobs and manifests in the OCI distribution protocol."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from litestar import MediaType, Request, Response, delete, get, put
from litestar.params import FromPath
from litestar.response import Stream

from wriftai_server.database.driver import Transaction
from wriftai_server.http.request import BodyRequest
from wriftai_server.http.rules import anyone, signed_in
from wriftai_server.images import failures, manifests, references, service, uploads
from wriftai_server.models import service as models

AnyRequest = Request[Any, Any, Any]

# What is pushed is the pusher's, so no browser is to take it for a page of the hub's.
_AS_IT_IS = {"X-Content-Type-Options": "nosniff"}


@get("/", before_request=signed_in)
async def check() -> Response[bytes]:
    """Tell that the protocol is spoken here; anonymous callers are asked who they are."""
    return Response(b"{}", media_type=MediaType.JSON)


@get("/{owner:str}/{name:str}/blobs/{digest:str}", before_request=anyone)
async def get_blob(
    request: AnyRequest, owner: FromPath[str], name: FromPath[str], digest: FromPath[str]
) -> Response[Any]:
    """Give the bytes of a blob, or a part of them."""
    digest = references.digest(digest)
    async with request.app.state["database"].reading() as view:
        model_id = await service.find_pullable(view, request.user, owner=owner, name=name)
        size = await service.blob_size(view, model_id=model_id, digest=digest)
    part = references.part(request.headers.get("range"), size)
    start, end = part or (0, size)
    headers = {"Content-Length": str(end - start), "Accept-Ranges": "bytes", **_named(digest)}
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    with failures.reading(service.no_blob(digest)):
        pieces = await request.app.state["blobs"].read(digest, part)
    return Stream(
        pieces,
        status_code=206 if part else 200,
        headers=headers,
        media_type="application/octet-stream",
    )


@delete("/{owner:str}/{name:str}/blobs/{digest:str}", before_request=signed_in, status_code=202)
async def delete_blob(
    request: AnyRequest, owner: FromPath[str], name: FromPath[str], digest: FromPath[str]
) -> Response[bytes]:
    """Take a blob from a model that the caller owns."""
    digest = references.digest(digest)
    async with request.app.state["database"].writing() as transaction:
        model_id = await models.lock_owned(transaction, request.user, owner=owner, name=name)
        await service.remove_blob(transaction, model_id=model_id, digest=digest)
    return Response(b"", status_code=202)


@get("/{owner:str}/{name:str}/manifests/{reference:str}", before_request=anyone)
async def get_manifest(
    request: AnyRequest, owner: FromPath[str], name: FromPath[str], reference: FromPath[str]
) -> Response[bytes]:
    """Give a manifest, by tag or digest, as it was pushed."""
    async with request.app.state["database"].reading() as view:
        model_id = await service.find_pullable(view, request.user, owner=owner, name=name)
        digest, media_type, _ = await service.manifest(view, model_id=model_id, reference=reference)
    with failures.reading(service.no_manifest(reference)):
        content = await request.app.state["blobs"].content(digest)
    return Response(content, media_type=media_type, headers=_named(digest))


@put(
    "/{owner:str}/{name:str}/manifests/{reference:str}",
    before_request=signed_in,
    request_max_body_size=manifests.MAX_BYTES,
)
async def put_manifest(
    request: BodyRequest, owner: FromPath[str], name: FromPath[str], reference: FromPath[str]
) -> Response[bytes]:
    """Give a model that the caller owns a manifest whose blobs it has."""
    database, blobs = request.app.state["database"], request.app.state["blobs"]
    async with database.reading() as view:
        await models.find_owned(view, request.user, owner=owner, name=name)
    content = await request.body()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    tag = _tag(reference, digest)
    read = manifests.read(content, request.headers.get("content-type", ""))

    async def link(transaction: Transaction) -> None:
        model_id = await models.lock_owned(transaction, request.user, owner=owner, name=name)
        await service.put_manifest(transaction, read, model_id=model_id, digest=digest, tag=tag)

    async with uploads.fresh_spool(blobs.spools) as spool:
        await spool.add(_pieces(content))
        await spool.seal(digest)
        await uploads.keep(database, blobs, spool, digest=digest, link=link)
    about = {"OCI-Subject": read.subject} if read.subject else {}
    location = f"/v2/{owner}/{name}/manifests/{digest}"
    return Response(b"", status_code=201, headers={"Location": location, **_named(digest), **about})


@delete("/{owner:str}/{name:str}/manifests/{reference:str}", before_request=signed_in, status_code=202)
async def delete_manifest(
    request: AnyRequest, owner: FromPath[str], name: FromPath[str], reference: FromPath[str]
) -> Response[bytes]:
    """Remove a manifest with its tags, or one tag, from a model that the caller owns."""
    async with request.app.state["database"].writing() as transaction:
        model_id = await models.lock_owned(transaction, request.user, owner=owner, name=name)
        await service.remove_manifest(transaction, model_id=model_id, reference=reference)
    return Response(b"", status_code=202)


def _named(digest: str) -> dict[str, str]:
    return {"Docker-Content-Digest": digest, "ETag": f'"{digest}"', **_AS_IT_IS}


def _tag(reference: str, digest: str) -> str | None:
    """Give the tag that a manifest is pushed by; None when it is pushed by its digest."""
    if references.is_digest(reference):
        if references.digest(reference) != digest:
            raise uploads.wrong_digest(reference)
        return None
    if not references.is_tag(reference):
        raise manifests.invalid(f"'{reference}' is no tag: 1 to 128 letters, digits, '_', '.' and '-'.")
    return reference


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content
