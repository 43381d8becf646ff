"""Posting: from the outbox to the receivers.

A delivery is claimed by moving it into the future: until then nobody else takes it, and when whoever claimed it
was killed, it is due again. It goes when the receiver has taken it, so it arrives at least once. Deliveries of
one prediction are posted one after the other, those of different predictions side by side.
"""

import asyncio
import contextlib
import hashlib
import hmac
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import structlog

from wriftai_server._version import __version__
from wriftai_server.database.changes import Changes, Watch
from wriftai_server.database.driver import Database, DatabaseUnavailable, Transaction
from wriftai_server.database.values import now, timestamp
from wriftai_server.logs import Outage
from wriftai_server.settings import Settings
from wriftai_server.webhooks import store
from wriftai_server.webhooks.addresses import CheckedTransport, Resolve, look_up
from wriftai_server.webhooks.store import Delivery

_SIDE_BY_SIDE = 64
# Someone whose receivers do not answer leaves places to others.
_OF_ONE_USER = 16
# The name is looked up in that time, too.
_ANSWER_SECONDS = 10
# An address that takes no connection leaves time for the next one of the host.
_CONNECT_SECONDS = 4
# What follows the status is of no interest, but a receiver may take it for a failure to be cut off.
_REST_SECONDS = 2
_REST_BYTES = 64 * 1024
_LEASE = timedelta(seconds=30)
_FIRST_DELAY, _LAST_DELAY = 1.0, 3600.0
_PATIENCE = timedelta(days=1)
_IDLE_SECONDS = 60.0
_RETRY_SECONDS = 1.0

_log = structlog.get_logger()


class Deliverer:
    """Posts what is in the outbox; several may work on one database.

    Args:
        database: Holds the outbox.
        changes: Tell the topic `webhooks` when there is more in it.
        settings: Of the hub; `webhook_allow` counts.
        resolve: Finds the addresses of a host and port.
    """

    def __init__(
        self, database: Database, changes: Changes, settings: Settings, *, resolve: Resolve = look_up
    ) -> None:
        self._database = database
        self._changes = changes
        self._allowed = settings.webhook_allow
        self._resolve = resolve
        self._under_way: Counter[str] = Counter()
        self._outage = Outage("webhooks wait", "webhooks go on")

    async def run(self) -> None:
        """Post until cancelled; what is under way then is posted again by whoever runs next."""
        self._under_way.clear()
        with self._changes.watch("webhooks") as watch:
            async with asyncio.TaskGroup() as posting:
                while True:
                    delivery = await self._next(watch)
                    self._under_way[delivery.user_id] += 1
                    posting.create_task(self._deliver(delivery))

    async def _next(self, watch: Watch) -> Delivery:
        """Wait for a delivery that is due and has a place, and claim it."""
        while True:
            try:
                due = await self._due()
                moment = now()
                ready = [user_id for user_id, next_at in due.items() if next_at <= moment]
                if not ready:
                    self._outage.end()
                    await watch.changed(_seconds_until(min(due.values(), default=None)))
                    continue
                user_id = min(ready, key=lambda user_id: (self._under_way[user_id], due[user_id]))
                delivery = await self._claim(user_id)
                self._outage.end()
                if delivery is not None:
                    return delivery
            except DatabaseUnavailable as error:
                self._outage.begin(error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _due(self) -> dict[str, str]:
        """Find when the next delivery of each user is due for whom there is a place."""
        if self._under_way.total() >= _SIDE_BY_SIDE:
            return {}
        async with self._database.reading() as view:
            due = await store.due(view)
        return {user_id: at for user_id, at in due.items() if self._under_way[user_id] < _OF_ONE_USER}

    async def _claim(self, user_id: str) -> Delivery | None:
        async with self._database.writing() as transaction:
            moment = datetime.now(UTC)
            lease = timestamp(moment + _LEASE)
            return await store.claim(transaction, user_id=user_id, now=timestamp(moment), lease=lease)

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            failure = await self._failure(delivery)
            async with self._database.writing() as transaction:
                if failure is None:
                    await store.remove(transaction, delivery, now=now())
                else:
                    await _put_off(transaction, delivery, failure)
        except DatabaseUnavailable as error:
            # It is posted again when the lease has run out.
            self._outage.begin(error)
        finally:
            self._leave(delivery.user_id)

    def _leave(self, user_id: str) -> None:
        self._under_way -= Counter([user_id])
        self._changes.tell("webhooks")

    async def _failure(self, delivery: Delivery) -> str | None:
        """Post a delivery; say why the receiver did not take it, or None when it did."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                transport = CheckedTransport(self._allowed, partial(self._look_up, delivery.user_id))
                response = await transport.handle_async_request(_request(delivery))
            await _hear_out(response)
        except TimeoutError:
            return f"no answer within {_ANSWER_SECONDS} s"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None if response.is_success else f"status {response.status_code}"

    async def _look_up(self, user_id: str, host: str, port: int) -> list[str]:
        """Find the addresses of a host.

        That cannot be ended. When the time is up it goes on, and keeps a place of its user until it ends.
        """
        found = asyncio.ensure_future(self._resolve(host, port))
        try:
            await asyncio.wait([found])
        finally:
            if not found.done():
                self._under_way[user_id] += 1
                found.add_done_callback(partial(self._forget, user_id))
        return found.result()

    def _forget(self, user_id: str, found: asyncio.Future[list[str]]) -> None:
        if not found.cancelled():
            found.exception()  # Nobody else asks for it.
        self._leave(user_id)


def _seconds_until(moment: str | None) -> float:
    if moment is None:
        return _IDLE_SECONDS
    return (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()


async def _put_off(transaction: Transaction, delivery: Delivery, failure: str) -> None:
    """Have a delivery that failed done again later, or give it up when that went on for long enough."""
    seen = {"delivery": delivery.id, "prediction": delivery.prediction_id, "reason": failure}
    moment = datetime.now(UTC)
    if moment - datetime.fromisoformat(delivery.created_at) > _PATIENCE:
        _log.warning("webhook given up", attempts=delivery.attempts + 1, **seen)
        await store.remove(transaction, delivery, now=timestamp(moment))
    else:
        delay = min(_FIRST_DELAY * 2 ** min(delivery.attempts, 32), _LAST_DELAY) * random.uniform(0.5, 1)
        _log.debug("webhook put off", seconds=round(delay, 1), **seen)
        await store.postpone(transaction, delivery, next_at=timestamp(moment + timedelta(seconds=delay)))


def _request(delivery: Delivery) -> httpx.Request:
    body = delivery.body.encode()
    headers = {
        "content-type": "application/json",
        "user-agent": f"wriftai-hub/{__version__}",
        "wriftai-webhook-id": str(delivery.id),
        "connection": "close",
    }
    if delivery.secret is not None:
        headers["wriftai-webhook-signature"] = _signature(delivery.secret, int(time.time()), body)
    timeout = {"connect": _CONNECT_SECONDS}
    return httpx.Request("POST", delivery.url, headers=headers, content=body, extensions={"timeout": timeout})


def _signature(secret: str, moment: int, body: bytes) -> str:
    signed = hmac.new(secret.encode(), b"%d.%b" % (moment, body), hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


async def _hear_out(response: httpx.Response) -> None:
    """Read the rest of an answer, within bounds, and close the connection."""
    left = _REST_BYTES
    try:
        with contextlib.suppress(TimeoutError, httpx.HTTPError):
            async with asyncio.timeout(_REST_SECONDS):
                async for piece in response.aiter_raw():
                    left -= len(piece)
                    if left <= 0:
                        break
    finally:
        await response.aclose()
