"""Search over HTTP."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.params import QueryParameter

from wriftai.common_types import User
from wriftai.models import Model
from wriftai_server.http.paging import Page, page, read_cursor
from wriftai_server.http.parameters import Cursor, PageSize
from wriftai_server.http.rules import anyone
from wriftai_server.search import service
from wriftai_server.wire import models, users

ModelQuery = Annotated[
    str, QueryParameter(name="q", max_length=1000, description="A name, `owner/name`, or words in any order.")
]
UserQuery = Annotated[
    str, QueryParameter(name="q", max_length=1000, description="A username, or words in any order.")
]


@get("/search/models", before_request=anyone, tags=["search"], summary="Find models")
async def search_models(
    request: Request[Any, Any, Any], q: ModelQuery, cursor: Cursor = None, page_size: PageSize = 25
) -> Page[Model]:
    """Give a page of the models that match and that the caller may see, best match first."""
    order = f"search:models:{service.ORDER_VERSION}:{q}"
    place = read_cursor(cursor, order, service.KEY_TYPES)
    state = request.app.state
    found = await service.models(state["database"], state["indexer"], request.user, q, place, size=page_size)
    return page(models.shown_all(found.rows, request.user.hub_url), found, order, request)


@get("/search/users", before_request=anyone, tags=["search"], summary="Find users")
async def search_users(
    request: Request[Any, Any, Any], q: UserQuery, cursor: Cursor = None, page_size: PageSize = 25
) -> Page[User]:
    """Give a page of the users that match, best match first."""
    order = f"search:users:{service.ORDER_VERSION}:{q}"
    place = read_cursor(cursor, order, service.KEY_TYPES)
    state = request.app.state
    found = await service.users(state["database"], state["indexer"], q, place, size=page_size)
    return page([users.shown(row, request.user.hub_url) for row in found.rows], found, order, request)
