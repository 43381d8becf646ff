"""Layers that each request passes before it is routed, from the outermost to the innermost."""

import itertools
import re
import secrets
import time
from typing import Any

from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from wriftai_server.logs import RequestLog, request_id

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NO_PART = re.compile(rb"%2f|/(?=/)", re.IGNORECASE)


class Observed:
    """Gives each request an id, tells its caller how many more are allowed, and logs how it was answered.

    An id that the caller sends as `x-request-id` is kept, so that one can be followed through several services.

    Args:
        app: Answers the requests.
        log: Takes a line for each.
    """

    def __init__(self, app: ASGIApp, log: RequestLog) -> None:
        self._app = app
        self._log = log
        # Unique among processes by its random beginning, and in this one by the count.
        self._ids = (f"{prefix}{n:08x}" for prefix in (secrets.token_hex(12),) for n in itertools.count())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        scope.setdefault("state", {})  # To be found here by whoever is given a copy of the scope.
        current = _sent_id(scope) or next(self._ids)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (b"x-request-id", current.encode())]
                if (allowance := scope["state"].get("allowance")) is not None:
                    headers += allowance.headers()
                message["headers"] = headers
            await send(message)

        token = request_id.set(current)
        try:
            await self._app(scope, receive, answer)
        finally:
            request_id.reset(token)
            seconds = time.perf_counter() - started
            self._log.add(scope["method"], scope["path"], status, seconds, current)


class Heads:
    """Answers HEAD like GET, but for the body (RFC 9110, section 9.3.2).

    Args:
        app: Answers the requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != HttpMethod.HEAD:
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            # The answer ends here, however long its body would be.
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        # What serves the hub goes by the method of its own scope.
        as_get: Scope = {**scope, "method": HttpMethod.GET}
        await self._app(as_get, receive, answer)


class WholeParts:
    """Keeps a part of a path from being taken for two parts, or for none.

    A name with a slash in it (`%2F`) would otherwise reach another route, and so would a name that is empty.

    Args:
        app: Answers the requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] == ScopeType.HTTP and _NO_PART.search(scope["raw_path"]):
            # No name is empty or contains a slash, so this path leads nowhere; U+FFFD is in no name either.
            scope["path"] = _NO_PART.sub(b"\xef\xbf\xbd", scope["raw_path"]).decode("utf-8", "replace")
        await self._app(scope, receive, send)


def _sent_id(scope: Any) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            sent: str = value.decode()
            return sent
    return None
