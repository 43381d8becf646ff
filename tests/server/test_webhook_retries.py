"""Webhooks that are posted again: after what, before what follows, how soon, and until when."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.server.outbox import body, delivering, outbox_in, until
from tests.server.receiver import Receiver, Visit, be_silent, status, take
from wriftai_server.database.values import timestamp


def ago(**past: float) -> str:
    return timestamp(datetime.now(UTC) - timedelta(**past))


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
