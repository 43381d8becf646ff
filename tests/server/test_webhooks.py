"""Webhooks: each arrives at least once, in order, signed, and however the receiver behaves."""

import asyncio
import hashlib
import hmac
import json
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.server.outbox import body, delivering, outbox_in, until
from tests.server.receiver import TAKEN, Receiver, Visit, be_silent, status, take
from wriftai import verify_webhook
from wriftai_server._version import __version__
from wriftai_server.database.values import timestamp

CERTIFICATE = Path(__file__).parents[1] / "client" / "loopback.pem"
BODY = '{"id": "1", "output": "\u00e4 \\u2028"}'.encode()


def ago(**past: float) -> str:
    return timestamp(datetime.now(UTC) - timedelta(**past))


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


async def hang_up(visit: Visit) -> None:
    visit.connection.close()


async def talk_nonsense(visit: Visit) -> None:
    await visit.send(b"220 mail.example ESMTP ready\r\n")


async def break_off(visit: Visit) -> None:
    await visit.send(b"HTTP/1.1 20")


async def deliver_to_each(folder: Path, receivers: list[Receiver]) -> None:
    """Send two bodies to each of some receivers, all at the same time, and wait until they are taken."""
    async with AsyncExitStack() as stack:
        for receiver in receivers:
            await stack.enter_async_context(receiver.listening())
        outbox = await stack.enter_async_context(delivering(folder))
        for receiver in receivers:
            await outbox.send(receiver.url, body(1), body(2))
        await outbox.empty()


def test_what_was_not_taken_is_posted_again_before_what_follows(home: Path) -> None:
    refusals = [status(code) for code in (100, 199, 300, 304, 400, 404, 410, 429, 500, 503)]
    receivers = [Receiver(answer, take) for answer in (*refusals, hang_up, talk_nonsense, break_off)]
    asyncio.run(deliver_to_each(home, receivers))
    for receiver in receivers:
        assert receiver.bodies == [1, 1, 2]
        first, again, following = (visit.id for visit in receiver.visits)
        assert first == again < following


def test_what_was_taken_is_not_posted_again(home: Path) -> None:
    receivers = [Receiver(status(code)) for code in (200, 201, 202, 204, 299)]
    asyncio.run(deliver_to_each(home, receivers))
    assert [receiver.bodies for receiver in receivers] == [[1, 2]] * len(receivers)


def test_redirects_are_not_followed(home: Path) -> None:
    async def scenario() -> None:
        async with Receiver().listening() as inner:
            to_inner = [status(code, f"Location: {inner.url}") for code in (301, 302, 303, 307, 308)]
            receivers = [Receiver(redirect, take) for redirect in to_inner]
            await deliver_to_each(home, receivers)
        assert [receiver.bodies for receiver in receivers] == [[1, 1, 2]] * len(receivers)
        assert inner.visits == []

    asyncio.run(scenario())


def test_a_receiver_that_was_down(home: Path) -> None:
    async def scenario() -> None:
        receiver = Receiver()
        async with receiver.listening():
            pass
        async with delivering(home) as outbox:
            await outbox.send(receiver.url, body(1), body(2))
            await until(lambda: outbox.run("SELECT 1 FROM webhook_deliveries WHERE attempts = 1"))
            async with receiver.listening():
                await outbox.empty()
        assert receiver.bodies == [1, 2]

    asyncio.run(scenario())


async def drip(visit: Visit) -> None:
    while True:
        await visit.send(b"HTTP/1.1 200 OK\r\nX: y\r\n"[:1])
        await asyncio.sleep(1)


@pytest.mark.usefixtures("fast_clock")
@pytest.mark.parametrize("answer", [be_silent, drip])
def test_a_receiver_that_does_not_answer_is_left(
    home: Path, answer: Callable[[Visit], Coroutine[Any, Any, None]]
) -> None:
    async def scenario() -> None:
        async with Receiver(answer, take).listening() as receiver, delivering(home) as outbox:
            await outbox.send(receiver.url, body(1), body(2))
            await outbox.empty()
        assert receiver.bodies[:2] == [1, 1]
        assert sorted(receiver.bodies) == receiver.bodies
        assert receiver.bodies[-1] == 2

    asyncio.run(scenario())


async def talk_for_ever(visit: Visit) -> None:
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    while True:
        await visit.send(b" " * 8192)


@pytest.mark.parametrize("rest", ["Content-Length: 9", "Transfer-Encoding: chunked"])
def test_the_status_decides_whatever_follows(home: Path, rest: str) -> None:
    async def break_off_later(visit: Visit) -> None:
        await visit.send(f"HTTP/1.1 200 OK\r\n{rest}\r\n\r\n{{".encode())

    async def scenario() -> None:
        for answer in (talk_for_ever, break_off_later):
            async with Receiver(answer).listening() as receiver, delivering(home) as outbox:
                await outbox.send(receiver.url, body(1), body(2))
                await outbox.empty()
            assert receiver.bodies == [1, 2]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 1), (1, 2), (5, 32), (11, 2048), (12, 3600), (10**6, 3600)]
)
def test_the_more_often_it_failed_the_longer_it_waits(home: Path, attempts: int, seconds: int) -> None:
    async def scenario() -> None:
        async with outbox_in(home) as outbox, Receiver(status(500)).listening() as receiver:
            await outbox.send(receiver.url, body(1), body(2))
            outbox.run("UPDATE webhook_deliveries SET attempts = ?", attempts)
            earliest = datetime.now(UTC) + timedelta(seconds=seconds / 2)
            async with delivering(home):
                await until(lambda: outbox.run("SELECT 1 FROM webhook_deliveries WHERE attempts > ?", attempts))
                latest = datetime.now(UTC) + timedelta(seconds=seconds)
                (found,) = outbox.run("SELECT DISTINCT next_at, attempts FROM webhook_deliveries")
        assert timestamp(earliest) <= found[0] <= timestamp(latest)
        assert found[1] == attempts + 1

    asyncio.run(scenario())


def test_what_is_put_in_meanwhile_waits_for_its_turn(home: Path) -> None:
    async def scenario() -> None:
        async with Receiver(status(500), take).listening() as receiver, delivering(home) as outbox:
            prediction = outbox.add_prediction(receiver.url)
            await outbox.put(prediction, body(1))
            await until(lambda: outbox.run("SELECT 1 FROM webhook_deliveries WHERE attempts = 1"))
            await outbox.put(prediction, body(2))
            await outbox.empty()
        assert receiver.bodies == [1, 1, 2]

    asyncio.run(scenario())


def test_a_delivery_is_given_up_after_a_day_and_what_follows_is_not(home: Path) -> None:
    async def scenario() -> None:
        async with Receiver(status(500), take).listening() as receiver, outbox_in(home) as outbox:
            prediction = await outbox.send(receiver.url, body(1), body(2))
            outbox.run("UPDATE webhook_deliveries SET created_at = ?, attempts = 30 WHERE id = 1", ago(hours=25))
            with capture_logs() as logs:
                async with delivering(home):
                    await outbox.empty()
        assert receiver.bodies == [1, 2]
        (line,) = [entry for entry in logs if entry["event"] == "webhook given up"]
        assert line == {
            "event": "webhook given up",
            "log_level": "warning",
            "delivery": 1,
            "prediction": prediction,
            "attempts": 31,
            "reason": "status 500",
        }

    asyncio.run(scenario())


def test_a_delivery_is_not_given_up_within_a_day(home: Path) -> None:
    async def scenario() -> None:
        async with Receiver(status(500), take).listening() as receiver, outbox_in(home) as outbox:
            await outbox.send(receiver.url, body(1))
            outbox.run("UPDATE webhook_deliveries SET created_at = ?", ago(hours=23))
            async with delivering(home):
                await outbox.empty()
        assert receiver.bodies == [1, 1]

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
                await until(lambda: len(logs) > 1)
            outbox.run("ALTER TABLE elsewhere RENAME TO webhook_deliveries")
            outbox.hurry()
            await outbox.empty()
        assert receiver.bodies == [1, 1, 2]
        assert {entry["event"] for entry in logs} == {"database unavailable"}

    asyncio.run(scenario())
