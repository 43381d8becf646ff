"""Users over HTTP."""

from typing import Annotated, Any

from litestar import Request, Response, get, patch
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter

from wriftai.common_types import SortDirection, User
from wriftai.users import UsersSortBy
from wriftai_server.http.paging import Page, page, read_cursor
from wriftai_server.http.parameters import Cursor, PageSize
from wriftai_server.http.rules import anyone, signed_in, unasked
from wriftai_server.users import avatar, service
from wriftai_server.users.bodies import UpdateUser
from wriftai_server.wire.users import shown


@get("/users", before_request=anyone, tags=["users"], summary="List users")
async def list_users(
    request: Request[Any, Any, Any],
    cursor: Cursor = None,
    page_size: PageSize = 25,
    sort_by: FromQuery[UsersSortBy] = UsersSortBy.CREATED_AT,
    sort_direction: FromQuery[SortDirection] = SortDirection.ASC,
) -> Page[User]:
    """Give a page of everyone on the hub."""
    order = f"users:{sort_by}:{sort_direction}"
    place = read_cursor(cursor, order, service.KEY_TYPES)
    async with request.app.state["database"].reading() as view:
        found = await service.page(view, place, descending=sort_direction == SortDirection.DESC, size=page_size)
    return page([shown(row, request.user.hub_url) for row in found.rows], found, order, request)


@get("/users/{username:str}", before_request=anyone, tags=["users"], summary="Get a user")
async def get_user(request: Request[Any, Any, Any], username: FromPath[str]) -> User:
    """Give one user, by name without regard to case."""
    async with request.app.state["database"].reading() as view:
        return await service.get(view, request.user, username=username)


@get("/user", before_request=signed_in, tags=["users"], summary="Get the caller")
async def get_me(request: Request[Any, Any, Any]) -> User:
    """Give the user whose token was sent."""
    async with request.app.state["database"].reading() as view:
        return await service.me(view, request.user)


@patch("/user", before_request=signed_in, tags=["users"], summary="Change the caller")
async def update_me(request: Request[Any, Any, Any], data: JSONBody[UpdateUser]) -> User:
    """Change the user whose token was sent."""
    async with request.app.state["database"].writing() as transaction:
        return await service.change_me(transaction, request.user, data.given())


@get(
    "/avatars/{file_name:str}",
    before_request=unasked,
    include_in_schema=False,
    media_type="image/svg+xml",
    cache_control=None,
)
async def get_avatar(
    request: Request[Any, Any, Any], file_name: Annotated[str, PathParameter(max_length=64)]
) -> Response[str]:
    """Draw the picture of a user."""
    async with request.app.state["database"].reading() as view:
        user_id, username, *_ = await service.find(view, user_id=file_name.removesuffix(".svg"))
    return Response(
        avatar.draw(user_id, username),
        media_type="image/svg+xml",
        headers={"Cache-Control": "public, max-age=3600", "Content-Security-Policy": "default-src 'none'"},
    )
