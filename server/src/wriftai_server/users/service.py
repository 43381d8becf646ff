"""Rules for users."""

import secrets
from typing import Any

import msgspec

from wriftai.common_types import User
from wriftai_server.database.driver import Reader, Row, Transaction, UniqueViolation
from wriftai_server.database.values import new_id, now
from wriftai_server.http.caller import Caller, Token, new_token
from wriftai_server.http.paging import Cut, Place, cut
from wriftai_server.http.problems import Problem, not_found
from wriftai_server.users import store
from wriftai_server.wire.users import shown

KEY_TYPES = store.KEY_TYPES


async def get(view: Reader, caller: Caller, *, username: str) -> User:
    """Find a user by name.

    Raises:
        Problem: 404, there is none.
    """
    row = await store.find(view, username=username)
    if row is None:
        raise not_found("user")
    return shown(row, caller.hub_url)


async def me(view: Reader, caller: Caller) -> User:
    """Find the caller."""
    return shown(await find(view, user_id=str(caller.id)), caller.hub_url)


async def find(view: Reader, *, user_id: str) -> Row:
    """Find a user by id, as a row of what is shown: the id and the username come first.

    Raises:
        Problem: 404, there is none.
    """
    row = await store.get(view, id=user_id)
    if row is None:
        raise not_found("user")
    return row


async def page(view: Reader, place: Place, *, descending: bool, size: int) -> Cut:
    """Cut a page out of all users."""
    return cut(await store.page(view, place, descending=descending, limit=size + 1), place, size, store.key_of)


async def change_me(transaction: Transaction, caller: Caller, changes: dict[str, Any]) -> User:
    """Change the caller.

    Raises:
        Problem: 409, the username is taken.
    """
    if changes:
        columns = {name: _stored(name, value) for name, value in changes.items()}
        try:
            await store.change(transaction, user_id=str(caller.id), updated_at=now(), **columns)
        except UniqueViolation:
            raise _taken(changes["username"]) from None
    return await me(transaction, caller)


async def create(transaction: Transaction, *, username: str, is_admin: bool = False) -> Token:
    """Add a user and the first token.

    Raises:
        Problem: 409, the username is taken.
    """
    row = _new_row(username, is_admin=is_admin)
    try:
        await store.add(transaction, **row)
    except UniqueViolation:
        raise _taken(username) from None
    return await _add_token(transaction, user_id=row["id"], label="first")


async def find_or_add(transaction: Transaction, *, username: str) -> str:
    """Find the id of a user; who is not there yet is added, without a token."""
    row = await store.find(transaction, username=username)
    if row is None:
        await store.add_new(transaction, **_new_row(username))
        row = await store.find(transaction, username=username)
    if row is None:
        raise LookupError(username)
    user_id: str = row[0]
    return user_id


async def require_id(view: Reader, *, username: str) -> str:
    """Find the id of a user whom the operator names.

    Raises:
        Problem: 404, there is no such user.
    """
    row = await store.find(view, username=username)
    if row is None:
        raise Problem(
            404, f"There is no user '{username}': `users list` shows who there is, `users create` adds one."
        )
    user_id: str = row[0]
    return user_id


async def create_token(transaction: Transaction, *, username: str, label: str) -> Token:
    """Give a user one more token.

    Raises:
        Problem: 404, there is no such user.
    """
    return await _add_token(transaction, user_id=await require_id(transaction, username=username), label=label)


async def renew_webhook_secret(transaction: Transaction, *, username: str) -> str:
    """Give a user a new secret, which signs what is posted to the user's webhooks from then on.

    Raises:
        Problem: 404, there is no such user.
    """
    secret = f"wriftai_webhook_{secrets.token_urlsafe(32)}"
    user_id = await require_id(transaction, username=username)
    await store.change(transaction, user_id=user_id, webhook_secret=secret)
    return secret


async def remove_webhook_secret(transaction: Transaction, *, username: str) -> None:
    """Sign nothing any more that is posted to a user's webhooks.

    Raises:
        Problem: 404, there is no such user.
    """
    user_id = await require_id(transaction, username=username)
    await store.change(transaction, user_id=user_id, webhook_secret=None)


async def list_all(view: Reader) -> list[Row]:
    """Find the username, rights and time of creation of every user."""
    return await store.list_all(view)


async def tokens(view: Reader, *, username: str) -> list[Row]:
    """Find the id, label and time of creation of each of a user's tokens.

    Raises:
        Problem: 404, there is no such user.
    """
    return await store.tokens_of(view, user_id=await require_id(view, username=username))


async def revoke_token(transaction: Transaction, *, token_id: str) -> None:
    """Remove a token; whoever sends it is refused from then on.

    Raises:
        Problem: 404, there is no such token.
    """
    if not await store.remove_token(transaction, token_id=token_id):
        raise Problem(404, f"There is no token '{token_id}': `tokens list USER` shows the ids of a user's.")


def _new_row(username: str, *, is_admin: bool = False) -> dict[str, Any]:
    blank = dict.fromkeys(("name", "bio", "urls", "location", "company", "updated_at"))
    return {
        **blank,
        "id": new_id(),
        "username": username,
        "is_admin": int(is_admin),
        "created_at": now(),
    }


async def _add_token(transaction: Transaction, *, user_id: str, label: str) -> Token:
    token = new_token()
    await store.add_token(transaction, token, user_id=user_id, label=label, created_at=now())
    return token


def _stored(name: str, value: Any) -> Any:
    return msgspec.json.encode(value).decode() if name == "urls" and value is not None else value


def _taken(username: str) -> Problem:
    return Problem(409, f"The username '{username}' is taken: choose another.")
