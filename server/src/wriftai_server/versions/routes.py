"""Versions over HTTP."""

from typing import Annotated, Any

from litestar import Request, delete, get, post
from litestar.params import FromPath, JSONBody, PathParameter

from wriftai_server.http.idempotency import IdempotencyKey, once
from wriftai_server.http.paging import Page, page, read_cursor
from wriftai_server.http.parameters import Cursor, PageSize
from wriftai_server.http.problems import not_found
from wriftai_server.http.rules import anyone, signed_in
from wriftai_server.inspection.inspector import NeedsInspection
from wriftai_server.models import service as models
from wriftai_server.versions import service
from wriftai_server.versions.bodies import CreateVersion
from wriftai_server.wire.versions import NumberedVersion, shown

Number = Annotated[int, PathParameter(ge=1, le=2**31, description="1, 2, 3 … in each model.")]


@get(
    "/models/{owner:str}/{name:str}/versions",
    before_request=anyone,
    tags=["versions"],
    summary="List a model's versions",
)
async def list_versions(
    request: Request[Any, Any, Any],
    owner: FromPath[str],
    name: FromPath[str],
    cursor: Cursor = None,
    page_size: PageSize = 25,
) -> Page[NumberedVersion]:
    """Give a page of a model's versions, newest first."""
    async with request.app.state["database"].reading() as view:
        model_id, _ = await models.find_visible(view, request.user, owner=owner, name=name)
        order = f"versions:{model_id}"
        place = read_cursor(cursor, order, (int,))
        found = await service.page(view, place, model_id=model_id, size=page_size)
    return page([shown(row) for row in found.rows], found, order, request)


@post(
    "/models/{owner:str}/{name:str}/versions",
    before_request=signed_in,
    tags=["versions"],
    summary="Add a version",
)
async def create_version(
    request: Request[Any, Any, Any],
    owner: FromPath[str],
    name: FromPath[str],
    data: JSONBody[CreateVersion],
    idempotency_key: IdempotencyKey = None,
) -> NumberedVersion:
    """Add a version to a model that the caller owns; it becomes the latest."""

    async def create(*, is_checked: bool) -> NumberedVersion:
        async with request.app.state["database"].writing() as transaction:
            version: NumberedVersion = await once(
                transaction,
                request,
                idempotency_key,
                lambda: service.create(
                    transaction, request.user, owner=owner, name=name, params=data.given(), is_checked=is_checked
                ),
            )
        return version

    try:
        return await create(is_checked=True)
    except NeedsInspection as needed:
        await needed.inspect(request.app.state["inspector"], request.user.id)
    return await create(is_checked=False)


@get("/versions/{version_id:str}", before_request=anyone, tags=["versions"], summary="Get a version")
async def get_version(request: Request[Any, Any, Any], version_id: FromPath[str]) -> NumberedVersion:
    """Give one version, by id."""
    async with request.app.state["database"].reading() as view:
        return await service.get(view, request.user, version_id=version_id)


@get(
    "/models/{owner:str}/{name:str}/versions/{number:int}",
    before_request=anyone,
    tags=["versions"],
    summary="Get a version by its number",
)
async def get_numbered_version(
    request: Request[Any, Any, Any], owner: FromPath[str], name: FromPath[str], number: Number
) -> NumberedVersion:
    """Give one version of a model, by its number."""
    _check_spelling(request, number)
    async with request.app.state["database"].reading() as view:
        return await service.get_numbered(view, request.user, owner=owner, name=name, number=number)


@delete(
    "/versions/{version_id:str}",
    before_request=signed_in,
    tags=["versions"],
    summary="Delete a version",
    status_code=200,
)
async def delete_version(request: Request[Any, Any, Any], version_id: FromPath[str]) -> None:
    """Remove a version of a model that the caller owns."""
    async with request.app.state["database"].writing() as transaction:
        await service.remove(transaction, request.user, version_id=version_id)


@delete(
    "/models/{owner:str}/{name:str}/versions/{number:int}",
    before_request=signed_in,
    tags=["versions"],
    summary="Delete a version by its number",
    status_code=200,
)
async def delete_numbered_version(
    request: Request[Any, Any, Any], owner: FromPath[str], name: FromPath[str], number: Number
) -> None:
    """Remove one version of a model that the caller owns, by its number."""
    _check_spelling(request, number)
    async with request.app.state["database"].writing() as transaction:
        version = await service.get_numbered(transaction, request.user, owner=owner, name=name, number=number)
        await service.remove(transaction, request.user, version_id=version["id"])


def _check_spelling(request: Request[Any, Any, Any], number: int) -> None:
    # Litestar takes what Python does: 01, +1 and more. A version has one address by number.
    if not request.scope["path"].endswith(f"/{number}"):
        raise not_found("version")
