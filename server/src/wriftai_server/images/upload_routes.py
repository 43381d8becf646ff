"""Uploads over HTTP: blobs in one go, in chunks, and taken over from another model."""

from collections.abc import AsyncIterator
from typing import Annotated

from litestar import Response, delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, QueryParameter

from wriftai_server.database.driver import Transaction
from wriftai_server.http.problems import Problem
from wriftai_server.http.request import BodyRequest
from wriftai_server.http.rules import signed_in
from wriftai_server.images import references, service, uploads
from wriftai_server.images.spools import Spool
from wriftai_server.models import service as models

_UPLOADS = "/{owner:str}/{name:str}/blobs/uploads"
_UPLOAD = f"{_UPLOADS}/{{upload_id:str}}"


@post(_UPLOADS, before_request=signed_in, request_max_body_size=None)
async def begin_upload(
    request: BodyRequest,
    owner: FromPath[str],
    name: FromPath[str],
    digest: FromQuery[str | None] = None,
    mount: FromQuery[str | None] = None,
    source: Annotated[str | None, QueryParameter(name="from")] = None,
    algorithm: Annotated[str, QueryParameter(name="digest-algorithm")] = "sha256",
) -> Response[bytes]:
    """Begin to upload a blob, or do all of it: from the body, or by taking it over from another model."""
    if algorithm != "sha256":
        raise Problem(400, "The only algorithm for digests is sha256.", code="DIGEST_INVALID")
    async with request.app.state["database"].writing() as transaction:
        model_id = await models.lock_owned(transaction, request.user, owner=owner, name=name)
        if (
            mount is not None
            and source is not None
            and await service.mount(
                transaction, request.user, model_id=model_id, digest=references.digest(mount), source=source
            )
        ):
            return _stored(owner, name, mount)
        if digest is None:
            upload_id = await uploads.begin(transaction, model_id=model_id)
            return _progress(202, owner, name, upload_id, 0)
    return await _upload_at_once(request, owner, name, references.digest(digest))


@get(_UPLOAD, before_request=signed_in)
async def get_upload(
    request: BodyRequest, owner: FromPath[str], name: FromPath[str], upload_id: FromPath[str]
) -> Response[bytes]:
    """Tell how much of a blob has come."""
    async with request.app.state["database"].reading() as view:
        await uploads.require(view, request.user, owner=owner, name=name, upload_id=upload_id)
    size = request.app.state["blobs"].spools.size(upload_id)
    return _progress(204, owner, name, upload_id, size)


@patch(_UPLOAD, before_request=signed_in, request_max_body_size=None)
async def add_chunk(
    request: BodyRequest, owner: FromPath[str], name: FromPath[str], upload_id: FromPath[str]
) -> Response[bytes]:
    """Take the next bytes of a blob: all of the body, or nothing of it."""
    async with request.app.state["database"].reading() as view:
        await uploads.require(view, request.user, owner=owner, name=name, upload_id=upload_id)
    async with uploads.spool(request.app.state["blobs"].spools, upload_id) as spool:
        await _take(request, spool)
        return _progress(202, owner, name, upload_id, spool.size)


@put(_UPLOAD, before_request=signed_in, request_max_body_size=None)
async def finish_upload(
    request: BodyRequest,
    owner: FromPath[str],
    name: FromPath[str],
    upload_id: FromPath[str],
    digest: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Take the last bytes of a blob, if the body has any, and store it if it has the digest."""
    digest = references.digest(digest)
    database, blobs = request.app.state["database"], request.app.state["blobs"]
    async with database.reading() as view:
        model_id = await uploads.require(view, request.user, owner=owner, name=name, upload_id=upload_id)
    async with uploads.spool(blobs.spools, upload_id) as spool:
        await _take(request, spool)
        is_right = await spool.seal(digest)
        if is_right:
            await uploads.keep(
                database,
                blobs,
                spool,
                digest=digest,
                link=lambda transaction: uploads.finish(
                    transaction, model_id=model_id, upload_id=upload_id, digest=digest
                ),
            )
        else:
            async with database.writing() as transaction:
                await uploads.cancel(transaction, model_id=model_id, upload_id=upload_id)
    blobs.spools.drop(upload_id)
    if not is_right:
        raise uploads.wrong_digest(digest)
    return _stored(owner, name, digest)


@delete(_UPLOAD, before_request=signed_in, status_code=200)
async def cancel_upload(
    request: BodyRequest, owner: FromPath[str], name: FromPath[str], upload_id: FromPath[str]
) -> Response[bytes]:
    """Give up an upload; what has come of it is removed."""
    async with request.app.state["database"].writing() as transaction:
        model_id = await uploads.require(transaction, request.user, owner=owner, name=name, upload_id=upload_id)
        await uploads.cancel(transaction, model_id=model_id, upload_id=upload_id)
    request.app.state["blobs"].spools.drop(upload_id)
    return Response(b"", status_code=204)


async def _upload_at_once(request: BodyRequest, owner: str, name: str, digest: str) -> Response[bytes]:
    blobs = request.app.state["blobs"]

    async def link(transaction: Transaction) -> None:
        model_id = await models.lock_owned(transaction, request.user, owner=owner, name=name)
        await service.hold_blob(transaction, model_id=model_id, digest=digest)

    async with uploads.fresh_spool(blobs.spools) as spool:
        await _take(request, spool)
        if not await spool.seal(digest):
            raise uploads.wrong_digest(digest)
        await uploads.keep(request.app.state["database"], blobs, spool, digest=digest, link=link)
    return _stored(owner, name, digest)


async def _take(request: BodyRequest, spool: Spool) -> None:
    """Add the body to a spool, if it is what comes next."""
    try:
        chunk = references.chunk(request.headers.get("content-range"))
    except ValueError:
        raise _out_of_order(request, spool.size) from None
    if chunk is not None and chunk.start != spool.size:
        raise _out_of_order(request, spool.size)
    room = request.app.state["max_blob_bytes"] - spool.size
    await spool.add(_measured(request, room, chunk and chunk.end - chunk.start))


async def _measured(request: BodyRequest, room: int, length: int | None) -> AsyncIterator[bytes]:
    """Read the body, and refuse one that is too long, or has another length than its range."""
    came = 0
    if (request.content_length or 0) > room:
        raise _too_large(request)
    async for piece in request.pieces():
        came += len(piece)
        if came > room:
            raise _too_large(request)
        yield piece
    if length is not None and came != length:
        raise Problem(400, f"The Content-Range has {length} bytes, the body {came}.", code="SIZE_INVALID")


def _too_large(request: BodyRequest) -> Problem:
    most = request.app.state["max_blob_bytes"]
    return Problem(413, f"A blob has at most {most:,} bytes on this hub.", code="SIZE_INVALID")


def _out_of_order(request: BodyRequest, size: int) -> Problem:
    return Problem(
        416,
        f"The upload goes on at byte {size}; a Content-Range reads '<first>-<last>'.",
        {"Location": request.scope["path"], "Range": _range(size)},
        code="BLOB_UPLOAD_INVALID",
    )


def _range(size: int) -> str:
    # There is no way to write that there are none; others write this, too.
    return f"0-{max(size - 1, 0)}"


def _progress(status: int, owner: str, name: str, upload_id: str, size: int) -> Response[bytes]:
    headers = {
        "Location": f"/v2/{owner}/{name}/blobs/uploads/{upload_id}",
        "Range": _range(size),
        "Docker-Upload-UUID": upload_id,
    }
    return Response(b"", status_code=status, headers=headers)


def _stored(owner: str, name: str, digest: str) -> Response[bytes]:
    headers = {"Location": f"/v2/{owner}/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
    return Response(b"", status_code=201, headers=headers)
