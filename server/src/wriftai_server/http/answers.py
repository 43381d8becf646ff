"""JSON answers, written straight to the wire.

Most of what Litestar's own response does (cookies, background tasks, headers of several layers) is not used by
the routes of the API, and takes a sixth of the time of a request by key.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.types import ASGIApp, Receive, Scope, Send

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode
_JSON = (b"content-type", b"application/json")


class JSONAnswer(Response[T]):
    """What a route returns, as JSON.

    Args:
        content: Anything that msgspec encodes.
        status_code: Of the route.
        headers: Sent with it.
    """

    def __init__(
        self, content: T, *, status_code: int, headers: Mapping[str, str] | None = None, **_: Any
    ) -> None:
        self._body = _encode(content)
        self._status = status_code
        self._headers = headers or {}

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIApp:  # type: ignore[override]  # all that a router asks
        """Give the ASGI application that sends it."""
        return self._send

    async def _send(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [_JSON, (b"content-length", str(len(self._body)).encode())]
        headers += [(name.lower().encode(), value.encode()) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})
