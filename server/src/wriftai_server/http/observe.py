"""What is noted of each request: an id on every answer, and a line in the log."""

import re
import time
import uuid
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from wriftai_server.http.limits import Allowance

_log = structlog.get_logger()
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_ENCODED_SLASH = re.compile(rb"%2f", re.IGNORECASE)


class Observed:
    """The outermost layer: gives each request an id, and logs how it was answered.

    An id that the caller sends as `x-request-id` is kept, so that one can be followed through several services.

    Args:
        app: Answers the requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id), *_limit_headers(scope)]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
            try:
                await self._app(scope, receive, answer)
            finally:
                _log.info(
                    "request",
                    method=scope.get("method"),
                    path=scope["path"],
                    status=status,
                    ms=round((time.perf_counter() - started) * 1000, 3),
                )


class WholeParts:
    """Keeps an encoded slash from dividing a path: `%2F` in a name would otherwise reach another route.

    Args:
        app: Answers the requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] == ScopeType.HTTP and _ENCODED_SLASH.search(scope["raw_path"]):
            # No name contains a slash, so this path leads nowhere; U+FFFD is in no name either.
            scope["path"] = _ENCODED_SLASH.sub(b"\xef\xbf\xbd", scope["raw_path"]).decode("utf-8", "replace")
        await self._app(scope, receive, send)


def _limit_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    allowance: Allowance | None = scope["state"].get("allowance")
    return [] if allowance is None else [(name, str(value).encode()) for name, value in allowance.headers()]


def _request_id(scope: Any) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return bytes(value)
    return uuid.uuid4().hex.encode()
