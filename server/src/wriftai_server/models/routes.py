"""Models over HTTP."""

from typing import Any

from litestar import Request, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from wriftai.common_types import SortDirection
from wriftai.models import Model, ModelsSortBy
from wriftai_server.http.idempotency import IdempotencyKey, once
from wriftai_server.http.paging import Page, page, read_cursor
from wriftai_server.http.parameters import Cursor, PageSize
from wriftai_server.http.rules import anyone, signed_in
from wriftai_server.models import service
from wriftai_server.models.bodies import CreateModel, UpdateModel
from wriftai_server.wire.models import shown_all


@get("/models", before_request=anyone, tags=["models"], summary="List models")
async def list_models(
    request: Request[Any, Any, Any],
    cursor: Cursor = None,
    page_size: PageSize = 25,
    sort_by: FromQuery[ModelsSortBy] = ModelsSortBy.CREATED_AT,
    sort_direction: FromQuery[SortDirection] = SortDirection.ASC,
) -> Page[Model]:
    """Give a page of the models that the caller may see."""
    return await _page(request, None, cursor, page_size, sort_by, sort_direction)


@get("/models/{owner:str}", before_request=anyone, tags=["models"], summary="List one owner's models")
async def list_models_of(
    request: Request[Any, Any, Any],
    owner: FromPath[str],
    cursor: Cursor = None,
    page_size: PageSize = 25,
    sort_by: FromQuery[ModelsSortBy] = ModelsSortBy.CREATED_AT,
    sort_direction: FromQuery[SortDirection] = SortDirection.ASC,
) -> Page[Model]:
    """Give a page of one owner's models that the caller may see."""
    async with request.app.state["database"].reading() as view:
        owner_id = await service.owner_id(view, owner)
    return await _page(request, owner_id, cursor, page_size, sort_by, sort_direction)


@get("/user/models", before_request=signed_in, tags=["models"], summary="List the caller's models")
async def list_my_models(
    request: Request[Any, Any, Any],
    cursor: Cursor = None,
    page_size: PageSize = 25,
    sort_by: FromQuery[ModelsSortBy] = ModelsSortBy.CREATED_AT,
    sort_direction: FromQuery[SortDirection] = SortDirection.ASC,
) -> Page[Model]:
    """Give a page of the caller's own models, private ones included."""
    return await _page(request, request.user.id, cursor, page_size, sort_by, sort_direction)


@post("/models", before_request=signed_in, tags=["models"], summary="Create a model")
async def create_model(
    request: Request[Any, Any, Any], data: JSONBody[CreateModel], idempotency_key: IdempotencyKey = None
) -> Model:
    """Create a model that the caller owns; private, unless the body says otherwise."""
    async with request.app.state["database"].writing() as transaction:
        model: Model = await once(
            transaction,
            request,
            idempotency_key,
            lambda: service.create(transaction, request.user, data.given()),
        )
    return model


@get("/models/{owner:str}/{name:str}", before_request=anyone, tags=["models"], summary="Get a model")
async def get_model(request: Request[Any, Any, Any], owner: FromPath[str], name: FromPath[str]) -> Model:
    """Give one model, by names without regard to case."""
    async with request.app.state["database"].reading() as view:
        return await service.get(view, request.user, owner=owner, name=name)


@patch("/models/{owner:str}/{name:str}", before_request=signed_in, tags=["models"], summary="Change a model")
async def update_model(
    request: Request[Any, Any, Any], owner: FromPath[str], name: FromPath[str], data: JSONBody[UpdateModel]
) -> Model:
    """Change a model that the caller owns; a new name keeps the id."""
    async with request.app.state["database"].writing() as transaction:
        return await service.change(transaction, request.user, owner=owner, name=name, changes=data.given())


@delete(
    "/models/{owner:str}/{name:str}",
    before_request=signed_in,
    tags=["models"],
    summary="Delete a model",
    status_code=200,
)
async def delete_model(request: Request[Any, Any, Any], owner: FromPath[str], name: FromPath[str]) -> None:
    """Remove a model that the caller owns, with all its versions."""
    async with request.app.state["database"].writing() as transaction:
        await service.remove(transaction, request.user, owner=owner, name=name)


async def _page(
    request: Request[Any, Any, Any],
    owner_id: str | None,
    cursor: str | None,
    page_size: int,
    sort_by: ModelsSortBy,
    sort_direction: SortDirection,
) -> Page[Model]:
    order = f"models:{owner_id or ''}:{sort_by}:{sort_direction}"
    place = read_cursor(cursor, order, service.sort_key_types(sort_by))
    async with request.app.state["database"].reading() as view:
        found = await service.page(
            view,
            request.user,
            place,
            owner_id=owner_id,
            sort_by=sort_by,
            descending=sort_direction == SortDirection.DESC,
            size=page_size,
        )
    return page(shown_all(found.rows, request.user.hub_url), found, order, request)
