"""Hardware over HTTP."""

from typing import Any

from litestar import Request, get

from wriftai.hardware import HardwareWithDetails
from wriftai_server.hardware import service
from wriftai_server.http.paging import Page, page, read_cursor
from wriftai_server.http.parameters import Cursor, PageSize
from wriftai_server.http.rules import anyone
from wriftai_server.wire.hardware import shown


@get("/hardware", before_request=anyone, tags=["hardware"], summary="List hardware")
async def list_hardware(
    request: Request[Any, Any, Any], cursor: Cursor = None, page_size: PageSize = 25
) -> Page[HardwareWithDetails]:
    """Give a page of what models can run on."""
    place = read_cursor(cursor, "hardware", (str, str))
    async with request.app.state["database"].reading() as view:
        found = await service.page(view, place, size=page_size)
    return page([shown(row) for row in found.rows], found, "hardware", request)
