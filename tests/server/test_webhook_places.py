"""Webhooks under way: so many at a time, and of one user no more than leave places to others."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.server.outbox import body, delivering, outbox_in, until
from tests.server.receiver import Receiver, Visit, be_silent, take


def test_receivers_that_do_not_answer_leave_places_to_others(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            Receiver(be_silent).listening() as silent,
            Receiver().listening() as receiver,
            delivering(tmp_path) as outbox,
        ):
            someone = outbox.add_user()
            for _ in range(100):
                await outbox.send(silent.url, body(1), user_id=someone)
            await until(lambda: len(silent.visits) == 16)
            await outbox.send(receiver.url, body(2))
            await until(lambda: receiver.visits)
            assert len(silent.visits) == 16

    asyncio.run(scenario())


@contextmanager
def slow_names(patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Have the system find names on this machine, but for `slow.invalid`; give what it is asked for."""
    asked, is_over = [], threading.Event()

    def find(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        if host == "slow.invalid":
            is_over.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    patch.setattr(socket, "getaddrinfo", find)
    try:
        yield asked
    finally:
        is_over.set()


def test_names_that_take_long_to_look_up_leave_places_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with Receiver().listening() as receiver, delivering(tmp_path) as outbox:
            with slow_names(monkeypatch) as asked:
                someone = outbox.add_user()
                for _ in range(20):
                    await outbox.send("http://slow.invalid/", body(1), user_id=someone)
                await until(lambda: len(asked) == 16)
                await outbox.send(f"http://quick.invalid:{receiver.port}/", body(2))
                await until(lambda: receiver.visits)
                assert asked.count("slow.invalid") == 16

    asyncio.run(scenario())


@pytest.mark.usefixtures("fast_clock")
def test_a_name_that_is_still_looked_up_keeps_the_place_of_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path) as outbox:
            with slow_names(monkeypatch) as asked, capture_logs() as logs:
                someone = outbox.add_user()
                for _ in range(40):
                    await outbox.send("http://slow.invalid/", body(1), user_id=someone)
                await until(lambda: len(logs) == 16)
                assert {entry["reason"] for entry in logs} == {"no answer within 10 s"}
                outbox.hurry()
                await asyncio.sleep(20)
                assert len(asked) == 16
            await until(lambda: len(asked) > 16)

    asyncio.run(scenario())


def test_so_many_are_under_way_at_a_time_and_no_more(tmp_path: Path) -> None:
    async def scenario() -> None:
        free = asyncio.Event()

        async def hold(visit: Visit) -> None:
            await free.wait()
            await take(visit)

        async with Receiver(hold).listening() as receiver, outbox_in(tmp_path) as outbox:
            for user_id in [outbox.add_user() for _ in range(5)]:
                for _ in range(16):
                    await outbox.send(receiver.url, body(1), user_id=user_id)
            async with delivering(tmp_path):
                await until(lambda: len(receiver.visits) >= 64)
                await asyncio.sleep(0.2)
                assert len(receiver.visits) == 64
                free.set()
                await outbox.empty()
        assert len(receiver.visits) == 80

    asyncio.run(scenario())
