"""Who is calling: from a token to a caller.

A token reads `wriftai_<id>_<secret>`. The id finds its row; of the secret, 256 random bits, only the SHA-256 is
stored. (A slow password hash protects secrets that people choose; it adds nothing to random ones.)
"""

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

from sqlalchemy import bindparam, select

from wriftai_server.database.driver import Database
from wriftai_server.database.schema import tokens, users
from wriftai_server.database.statements import Statement
from wriftai_server.http.problems import unauthenticated

_TOKEN = re.compile(r"wriftai_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")

_BY_TOKEN = Statement(
    select(tokens.c.secret_hash, users.c.id).join_from(tokens, users).where(tokens.c.id == bindparam("token_id"))
)


class Caller(NamedTuple):
    """Who sent a request.

    Attributes:
        id: UUID of the user; None for an anonymous caller.
        hub_url: Address under which the caller reaches the hub, without a slash at its end.
    """

    id: str | None
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


async def authenticate(database: Database, token: str, hub_url: str) -> Caller:
    """Find whose token it is.

    Args:
        database: Has the tokens.
        token: Text that may be one.
        hub_url: Of the caller.

    Raises:
        Problem: 401, it is none, or it was revoked.
    """
    match = _TOKEN.fullmatch(token)
    if match is not None:
        async with database.reading() as view:
            row = await view.one(_BY_TOKEN, token_id=match[1])
        if row is not None and hmac.compare_digest(row[0], _hash(match[2])):
            return Caller(row[1], hub_url)
    raise unauthenticated("The token is not valid: it may have been revoked or mistyped.")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
