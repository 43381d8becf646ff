"""Rules that routes declare: who may call them.

A token comes as `Bearer`, and under /v2 also as the password of `Basic`, with any username.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

from wriftai_server.http import oci
from wriftai_server.http.caller import Caller, authenticate
from wriftai_server.http.errors import render
from wriftai_server.http.limits import Limits
from wriftai_server.http.problems import Problem, unauthenticated

AnyRequest = Request[Any, Any, Any]

# RFC 9110, 7.2, but for what nobody's hosts are called.
_HOST = re.compile(rb"[A-Za-z0-9._:%\[\]-]{0,255}")


async def anyone(request: AnyRequest) -> None:
    """Rule of a route: everyone may call, anonymous callers too; a token that is sent must be valid."""
    scope, state = request.scope, request.app.state
    headers = dict(scope["headers"])
    hub_url = state["public_url"] or f"{scope['scheme']}://{_host(headers) or _reached(scope['server'])}"
    authorization = headers.get(b"authorization")
    token = None if authorization is None else _sent_token(scope["path"], authorization.decode("latin-1"))
    caller = Caller(None, hub_url)
    limits: Limits | None = state["limits"]
    try:
        if token is not None:
            caller = await authenticate(state["database"], token, hub_url)
    finally:
        # A token that is not valid counts for its address, lest they be tried one after the other.
        if limits is not None:
            address = (scope["client"] or ("",))[0]
            scope["state"]["allowance"] = limits.take(caller.id or address)
    scope["user"] = caller


async def signed_in(request: AnyRequest) -> None:
    """Rule of a route: only users may call."""
    await anyone(request)
    if request.scope["user"].id is None:
        how = "log in with your username, and the token as the password"
        if not oci.spoken_at(request.scope["path"]):
            how = "send it as 'Authorization: Bearer <token>'"
        raise unauthenticated(f"This needs a token: {how}.")


async def unasked(request: AnyRequest) -> None:
    """Rule of a route: it is the same for everyone, so nobody is asked who they are, and nothing is counted."""
    request.scope["user"] = None


class Unrouted(Response[Any]):
    """The answer where there is no route.

    Rules belong to routes. So that a request without one gets the same 401 or 429 as others, it is held against
    `anyone` here, before it is told that it leads nowhere.

    Args:
        request: Leads nowhere, or has a method that the address does not take.
        error: Says which.
    """

    def __init__(self, request: AnyRequest, error: HTTPException) -> None:
        self._request = request
        self._error = error

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIApp:  # type: ignore[override]  # all that a router asks
        """Give the ASGI application that sends it."""
        return self._send

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: Exception = self._error
        try:
            await anyone(self._request)
        except Exception as refusal:
            answer = refusal
        response = render(self._request, answer).to_asgi_response(app=None, request=self._request)
        await response(scope, receive, send)


RULES = (anyone, signed_in, unasked)


def check_rules(routes: Iterable[BaseRoute]) -> None:
    """Refuse to build a hub that has a route without a rule.

    Raises:
        RuntimeError: A route does not say who may call it.
    """
    for handler in (
        handler for route in routes if isinstance(route, HTTPRoute) for handler in route.route_handlers
    ):
        if "OPTIONS" not in handler.http_methods and handler.before_request not in RULES:
            raise RuntimeError(
                f"{handler} does not say who may call it: give it a rule of http/rules.py as its before_request."
            )


def _sent_token(path: str, authorization: str) -> str | None:
    """Give what is sent as a token, whatever that is; None when it is nothing."""
    scheme, _, text = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return text.strip()
        case "basic" if oci.spoken_at(path):
            return _password(text)
    return ""


def _password(text: str) -> str | None:
    try:
        credentials = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    # Blank ones are sent by programs that were asked for some and have none.
    return None if credentials == ":" else credentials.partition(":")[2]


def _host(headers: Mapping[bytes, bytes]) -> str:
    """Give the host that the caller says to call; addresses in answers begin with it."""
    host = headers.get(b"host", b"")
    if not _HOST.fullmatch(host):
        raise Problem(400, "The header 'Host' is no name or address of a host.")
    return host.decode()


def _reached(server: tuple[str, int | None] | None) -> str:
    # Before HTTP/1.1 callers do not say whom they call: it is the address that they reached.
    host, port = server or ("", None)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
