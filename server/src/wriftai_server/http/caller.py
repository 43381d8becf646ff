"""Who is calling: from the token in a request to a caller, and the rules that routes declare.

A token reads `wriftai_<id>_<secret>`. The id finds its row; of the secret, 256 random bits, only the SHA-256 is
stored. (A slow password hash protects secrets that people choose; it adds nothing to random ones.) It comes as
`Bearer`, and under /v2 also as the password of `Basic`, with any username.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Any, NamedTuple

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy import bindparam, select

from wriftai_server.database.driver import Database
from wriftai_server.database.schema import tokens, users
from wriftai_server.database.statements import Statement
from wriftai_server.http import registry
from wriftai_server.http.limits import Limits
from wriftai_server.http.problems import Problem, render

AnyRequest = Request[Any, Any, Any]

_TOKEN = re.compile(r"wriftai_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")

_BY_TOKEN = Statement(
    select(tokens.c.secret_hash, users.c.id, users.c.username, users.c.is_admin)
    .join_from(tokens, users)
    .where(tokens.c.id == bindparam("token_id"))
)


class Caller(NamedTuple):
    """Who sent a request.

    Attributes:
        id: UUID of the user; None for an anonymous caller.
        username: Empty for an anonymous caller.
        is_admin: Whether the user administers the hub.
        hub_url: Address under which the caller reaches the hub, without a slash at its end.
    """

    id: str | None
    username: str
    is_admin: bool
    hub_url: str


class Token(NamedTuple):
    """A new token.

    Attributes:
        text: What the caller sends; shown once and stored nowhere.
        id: Its public part.
        secret_hash: What is stored of the rest.
    """

    text: str
    id: str
    secret_hash: str


def new_token() -> Token:
    """Make a token out of fresh randomness."""
    token_id = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(12))
    secret = secrets.token_urlsafe(32)
    return Token(f"wriftai_{token_id}_{secret}", token_id, _hash(secret))


async def anyone(request: AnyRequest) -> None:
    """Rule of a route: everyone may call, anonymous callers too; a token that is sent must be valid."""
    scope, state = request.scope, request.app.state
    headers = dict(scope["headers"])
    host = headers.get(b"host", b"").decode("latin-1") or _reached(scope["server"])
    hub_url = state["public_url"] or f"{scope['scheme']}://{host}"
    authorization = headers.get(b"authorization")
    token = None if authorization is None else _sent_token(scope["path"], authorization.decode("latin-1"))
    caller = Caller(None, "", False, hub_url)
    limits: Limits | None = state["limits"]
    try:
        if token is not None:
            caller = await _authenticated(state["database"], token, hub_url)
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
        if not registry.spoken_at(request.scope["path"]):
            how = "send it as 'Authorization: Bearer <token>'"
        raise unauthenticated(f"This needs a token: {how}.")


async def unasked(request: AnyRequest) -> None:
    """Rule of a route: it is the same for everyone, so nobody is asked who they are, and nothing is counted."""
    request.scope["user"] = None


class Unrouted(Response[Any]):
    """The answer where no route is, and so no rule: asked for with a valid token or none, and counted.

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
                f"{handler} does not say who may call it: give it a rule of http/caller.py as its before_request."
            )


def unauthenticated(detail: str) -> Problem:
    """Make the answer for what needs a token, or a valid one."""
    return Problem(401, detail, {"WWW-Authenticate": "Bearer"})


def _sent_token(path: str, authorization: str) -> str | None:
    """Give what is sent as a token, whatever that is; None when it is nothing."""
    scheme, _, text = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return text.strip()
        case "basic" if registry.spoken_at(path):
            return _password(text)
    return ""


def _password(text: str) -> str | None:
    try:
        credentials = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    # Blank ones are sent by programs that were asked for some and have none.
    return None if credentials == ":" else credentials.partition(":")[2]


async def _authenticated(database: Database, token: str, hub_url: str) -> Caller:
    match = _TOKEN.fullmatch(token)
    if match is not None:
        async with database.reading() as view:
            row = await view.one(_BY_TOKEN, token_id=match[1])
        if row is not None and hmac.compare_digest(row[0], _hash(match[2])):
            return Caller(row[1], row[2], bool(row[3]), hub_url)
    raise unauthenticated("The token is not valid: it may have been revoked or mistyped.")


def _reached(server: tuple[str, int | None] | None) -> str:
    # Before HTTP/1.1 callers do not say whom they call: it is the address that they reached.
    host, port = server or ("", None)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
