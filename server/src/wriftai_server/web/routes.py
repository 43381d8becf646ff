"""Pages, the OpenAPI document, and what a load balancer asks."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.response import Redirect

from wriftai_server._version import __version__
from wriftai_server.hardware import service as hardware
from wriftai_server.http.paging import Place
from wriftai_server.http.rules import anyone, unasked
from wriftai_server.web.pages import html
from wriftai_server.web.reference import sections

_STYLE = Path(__file__).parent / "static" / "style.css"


@get("/", before_request=unasked, include_in_schema=False)
async def get_home() -> Redirect:
    """Lead to the reference."""
    return Redirect("/v1/docs")


@get("/v1/openapi.json", before_request=anyone, include_in_schema=False)
async def get_openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Give the OpenAPI document."""
    return Response(msgspec.json.encode(await _document(request)), media_type=MediaType.JSON)


@get("/v1/docs", before_request=anyone, include_in_schema=False)
async def get_reference(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the OpenAPI document to a person."""
    document = await _document(request)
    return html("reference", info=document["info"], sections=sections(document), version=__version__)


@get("/static/style.css", before_request=unasked, include_in_schema=False)
async def get_style() -> Response[bytes]:
    """Give the style sheet of all pages."""
    return Response(_STYLE.read_bytes(), media_type="text/css", headers={"Cache-Control": "max-age=300"})


@get("/healthz", before_request=unasked, include_in_schema=False)
async def get_health(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Tell that the hub answers and its database does."""
    async with request.app.state["database"].reading() as view:
        await hardware.page(view, Place(), size=1)
    return {"status": "ok", "version": __version__}


async def _document(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Give the OpenAPI document. The first time it is made, while others are answered."""
    document: dict[str, Any] = await asyncio.to_thread(request.app.state["openapi"])
    return document
