"""The same POST sent twice does its work once (the `Idempotency-Key` header).

The first answer is stored under the caller's key in the transaction that did the work, so there is never the one
without the other. What failed is not stored: it changed nothing and may be tried again.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.params import HeaderParameter
from sqlalchemy import and_, bindparam, delete, insert, select, tuple_

from wriftai_server.database.driver import Transaction
from wriftai_server.database.schema import idempotency_keys
from wriftai_server.database.statements import Statement
from wriftai_server.database.values import now, timestamp
from wriftai_server.http.problems import malformed

_KEPT = timedelta(days=1)

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Any text of the caller's; a request that repeats it gets the first answer again, for a day.",
    ),
]

_NAMED = (idempotency_keys.c.user_id, idempotency_keys.c.key)
_THIS = and_(idempotency_keys.c.user_id == bindparam("user_id"), idempotency_keys.c.key == bindparam("key"))
_OLD = idempotency_keys.c.created_at < bindparam("before")
_FIND = Statement(select(idempotency_keys.c.fingerprint, idempotency_keys.c.answer).where(_THIS))
_INSERT = Statement(insert(idempotency_keys).values({c.name: bindparam(c.name) for c in idempotency_keys.c}))
_FORGET_THIS = Statement(delete(idempotency_keys).where(_THIS, _OLD))
# Some at a time, as nobody is to wait for all of a busy day; more than come, so that they do not pile up.
_some_old = select(*_NAMED).where(_OLD).order_by(idempotency_keys.c.created_at).limit(10)
# What another request removes just now need not be waited for.
_FORGET = Statement(
    delete(idempotency_keys).where(tuple_(*_NAMED).in_(_some_old.with_for_update(skip_locked=True)))
)


async def once(
    transaction: Transaction,
    request: Request[Any, Any, Any],
    key: str | None,
    work: Callable[[], Awaitable[Any]],
) -> Any:
    """Do some work, or give the answer of the first time.

    Args:
        transaction: The work's own.
        request: Its method, path and body must be those of the first time.
        key: From the caller; None does the work.
        work: Gives the answer, as JSON can hold it.

    Raises:
        Malformed: The key was used for another request.
    """
    if key is None:
        return await work()
    fingerprint = await _fingerprint(request)
    # Of two requests with one key the second waits for the answer of the first.
    await transaction.lock(f"idempotency key of {request.user.id}: {key}")
    before = timestamp(datetime.now(UTC) - _KEPT)
    # Only the first of the two can wait for a row, while it keeps none: no two requests wait for each other.
    await transaction.execute(_FORGET_THIS, user_id=request.user.id, key=key, before=before)
    await transaction.execute(_FORGET, before=before)
    known = await transaction.one(_FIND, user_id=request.user.id, key=key)
    if known is not None:
        if known[0] != fingerprint:
            msg = "This key was used for another request: make a new one."
            raise malformed("header", "Idempotency-Key", msg=msg, type="idempotency_key_reused")
        return msgspec.Raw(known[1].encode())
    answer = await work()
    await transaction.execute(
        _INSERT,
        user_id=request.user.id,
        key=key,
        fingerprint=fingerprint,
        answer=msgspec.json.encode(answer).decode(),
        created_at=now(),
    )
    return answer


async def _fingerprint(request: Request[Any, Any, Any]) -> str:
    where = f"{request.method} {request.scope['path']}\n".encode()
    return hashlib.sha256(where + await request.body()).hexdigest()
