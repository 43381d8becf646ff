"""The transport that joins what is written in one turn of the event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from wriftai_server.http.protocol import Joined


class Wire:
    """Notes what a transport is asked to do."""

    def __init__(self) -> None:
        self.done: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.done

    def pause_reading(self) -> None:
        self.done.append("paused")


def joined(work: Callable[[Joined], Awaitable[None]]) -> list[bytes | str]:
    """Work with a transport for a turn; tell what it did by then."""

    async def whole() -> list[bytes | str]:
        wire = Wire()
        await work(Joined(cast("Any", wire)))
        await asyncio.sleep(0)
        return wire.done

    return asyncio.run(whole())


def test_what_is_written_in_one_turn_leaves_in_one_piece() -> None:
    async def work(transport: Joined) -> None:
        transport.write(b"head")
        transport.write(b"body")
        await asyncio.sleep(0)
        transport.write(b"more")

    assert joined(work) == [b"headbody", b"more"]


def test_much_leaves_at_once() -> None:
    async def work(transport: Joined) -> None:
        transport.write(b"head")
        transport.write(bytes(65_536))
        transport.pause_reading()
        transport.write(b"more")

    assert joined(work) == [b"head" + bytes(65_536), "paused", b"more"]


def test_hanging_up_sends_what_is_left() -> None:
    async def work(transport: Joined) -> None:
        transport.write(b"last")
        transport.close()
        transport.write(b"too late")

    assert joined(work) == [b"last", "closed"]
