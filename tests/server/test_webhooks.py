"""Webhooks: each arrives at least once, in order, signed, and however the receiver behaves."""

import asyncio
import hashlib
import hmac
import json
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from tests.server.outbox import body, delivering, outbox_in, until
from tests.server.receiver import TAKEN, Receiver, Visit, be_silent, status, take
from wriftai import verify_webhook
from wriftai_server._version import __version__
from wriftai_server.database.values import timestamp

CERTIFICATE = Path(__file__).parents[1] / "client" / "loopback.pem"
BODY = '{"id": "1", "output": "\u00e4 \\u2028"}'.encode()


def test_a_body_is_posted_as_it_is(home: Path) -> None:
    async def scenario() -> None:
        async with Receiver().listening() as receiver, delivering(home) as outbox:
            await outbox.send(receiver.url, BODY)
            await outbox.empty()
        (visit,) = receiver.visits
        assert visit.line == "POST /hook?key=of%20mine HTTP/1.1"
        assert visit.body == BODY
        assert visit.headers == {
            "host": f"127.0.0.1:{receiver.port}",
            "content-type": "application/json",
            "content-length": str(len(BODY)),
            "user-agent": f"wriftai-hub/{__version__}",
            "wriftai-webhook-id": "1",
            "connection": "close",
        }

    asyncio.run(scenario())


def test_what_was_put_in_before_is_posted_too(home: Path) -> None:
    async def scenario() -> None:
        async with Receiver().listening() as receiver:
            async with outbox_in(home) as outbox:
                await outbox.send(receiver.url, body(1), body(2))
            async with delivering(home) as outbox:
                await outbox.empty()
        assert receiver.bodies == [1, 2]

    asyncio.run(scenario())


def test_what_another_process_puts_in_is_posted(home: Path) -> None:
    async def scenario() -> None:
        async with (
            Receiver().listening() as receiver,
            outbox_in(home) as elsewhere,
            delivering(home) as outbox,
        ):
            for number in range(3):
                await elsewhere.send(receiver.url, body(number))
                await outbox.empty()
        assert receiver.bodies == [0, 1, 2]

    asyncio.run(scenario())


def test_a_user_with_a_secret_gets_signatures(home: Path) -> None:
    def assert_signed(visit: Visit, secret: bytes) -> None:
        moment, signature = visit.headers["wriftai-webhook-signature"].split(",")
        assert moment.startswith("t=")
        assert abs(int(moment[2:]) - time.time()) < 300
        expected = hmac.new(secret, moment[2:].encode() + b"." + visit.body, hashlib.sha256).hexdigest()
        assert signature == f"v1={expected}"
        shown = verify_webhook(visit.body, visit.headers["wriftai-webhook-signature"], secret.decode())
        assert shown == visit.json

    async def scenario() -> None:
        async with Receiver().listening() as receiver, delivering(home) as outbox:
            ada = outbox.add_user("the secret ä of ada")
            await outbox.send(receiver.url, BODY, user_id=ada)
            await outbox.empty()
            outbox.run("UPDATE users SET webhook_secret = 'another' WHERE id = ?", ada)
            await outbox.send(receiver.url, BODY, user_id=ada)
            await outbox.empty()
            outbox.run("UPDATE users SET webhook_secret = NULL")
            await outbox.send(receiver.url, BODY, user_id=ada)
            await outbox.empty()
        assert_signed(receiver.visits[0], "the secret ä of ada".encode())
        assert_signed(receiver.visits[1], b"another")
        assert "wriftai-webhook-signature" not in receiver.visits[2].headers

    asyncio.run(scenario())


def test_no_id_comes_twice(home: Path) -> None:
    async def scenario() -> None:
        async with Receiver().listening() as receiver, delivering(home) as outbox:
            for number in range(3):
                await outbox.send(receiver.url, body(number))
                await outbox.empty()
        assert [visit.id for visit in receiver.visits] == [1, 2, 3]

    asyncio.run(scenario())


class Ordered(Receiver):
    """A receiver that takes its time, and holds on to the fact that no prediction is posted twice at a time."""

    def __init__(self, *, at_once: int) -> None:
        super().__init__(self._take)
        self._at_once = at_once
        self._under_way: set[str] = set()
        self._all_came = asyncio.Event()
        self.order: dict[str, list[int]] = {}

    async def _take(self, visit: Visit) -> None:
        prediction, number = visit.json
        assert prediction not in self._under_way
        self._under_way.add(prediction)
        if len(self._under_way) == self._at_once:
            self._all_came.set()
        await self._all_came.wait()
        await asyncio.sleep(number % 3 / 1000)
        self._under_way.remove(prediction)
        self.order.setdefault(prediction, []).append(number)
        await visit.send(TAKEN)


def numbered(name: int, count: int) -> list[bytes]:
    return [json.dumps([str(name), number]).encode() for number in range(count)]


def test_each_prediction_in_order_and_different_ones_side_by_side(home: Path) -> None:
    async def scenario() -> None:
        async with Ordered(at_once=5).listening() as receiver, delivering(home) as outbox:
            for name in range(5):
                await outbox.send(receiver.url, *numbered(name, 4))
            await outbox.empty()
        assert isinstance(receiver, Ordered)
        assert receiver.order == {str(name): [0, 1, 2, 3] for name in range(5)}

    asyncio.run(scenario())


def test_two_who_deliver_do_not_get_in_each_others_way(home: Path) -> None:
    async def scenario() -> None:
        async with (
            Ordered(at_once=12).listening() as receiver,
            delivering(home) as outbox,
            delivering(home) as other,
        ):
            for name in range(40):
                await (outbox, other)[name % 2].send(receiver.url, *numbered(name, 3))
            await outbox.empty()
        assert isinstance(receiver, Ordered)
        assert receiver.order == {str(name): [0, 1, 2] for name in range(40)}
        assert len(receiver.visits) == 120

    asyncio.run(scenario())


def test_whoever_is_killed_has_it_posted_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Receiver(be_silent, take).listening() as receiver, outbox_in(tmp_path) as outbox:
            await outbox.send(receiver.url, body(1), body(2))
            module = ("-m", "tests.server.outbox", str(tmp_path), "hub.invalid")
            process = await asyncio.create_subprocess_exec(sys.executable, *module)
            try:
                await until(lambda: receiver.visits)
            finally:
                process.kill()
            assert await process.wait() == -signal.SIGKILL
            assert outbox.ids() == [1, 2]
            async with delivering(tmp_path):
                # It was claimed, so it is not due before the claim has run out.
                outbox.hurry()
                await outbox.empty()
        assert receiver.bodies == [1, 1, 2]

    asyncio.run(scenario())


def test_a_claim_that_ran_out_counts_no_more(home: Path) -> None:
    async def scenario() -> None:
        for answer in (status(200), status(500)):
            held, free = asyncio.Event(), asyncio.Event()

            async def hold(visit: Visit, answer: Any = answer, held: Any = held, free: Any = free) -> None:
                held.set()
                await free.wait()
                await answer(visit)

            async with Receiver(hold, take).listening() as receiver, delivering(home) as outbox:
                await outbox.send(receiver.url, body(1), body(2))
                await held.wait()
                other = timestamp(datetime.now(UTC) + timedelta(hours=1))
                outbox.run("UPDATE webhook_deliveries SET next_at = ?", other)
                free.set()
                await until(lambda: receiver.visits[0].connection.is_closing())
                await asyncio.sleep(0.1)
                assert outbox.run("SELECT attempts, next_at FROM webhook_deliveries") == [(0, other)] * 2
                outbox.hurry()
                await outbox.empty()
            assert receiver.bodies == [1, 1, 2]

    asyncio.run(scenario())


def test_a_database_that_fails_for_a_while(tmp_path: Path) -> None:
    async def scenario() -> None:
        held, free = asyncio.Event(), asyncio.Event()

        async def hold(visit: Visit) -> None:
            held.set()
            await free.wait()
            await take(visit)

        async with Receiver(hold, take).listening() as receiver, delivering(tmp_path) as outbox:
            await outbox.send(receiver.url, body(1), body(2))
            await held.wait()
            outbox.run("ALTER TABLE webhook_deliveries RENAME TO elsewhere")
            with capture_logs() as logs:
                free.set()
                await until(lambda: logs)
                await asyncio.sleep(1.5)  # It tries again each second.
                outbox.run("ALTER TABLE elsewhere RENAME TO webhook_deliveries")
                outbox.hurry()
                await outbox.empty()
        assert receiver.bodies == [1, 1, 2]
        assert [entry["event"] for entry in logs] == ["webhooks wait", "webhooks go on"]

    asyncio.run(scenario())
