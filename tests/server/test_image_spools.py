"""Files that are to become blobs: many at once, and requests that are given up."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.images import digest_of
from wriftai_server.images.spools import SpoolBusy, Spools

PIECE = b"x" * 1024 * 1024


@pytest.fixture
def spools(tmp_path: Path) -> Spools:
    return Spools(tmp_path / "uploads")


async def pieces(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


def test_more_than_can_be_remembered(spools: Spools) -> None:
    names = [f"spool-{number}" for number in range(1100)]

    async def work() -> None:
        for content in (b"one ", b"two ", b"three"):
            for name in names:
                async with spools.held(name) as spool:
                    await spool.add(pieces(content))
        for name in names:
            async with spools.held(name) as spool:
                assert await spool.seal(digest_of(b"one two three"))

    asyncio.run(work())


def test_a_file_that_another_process_added_to(spools: Spools, tmp_path: Path) -> None:
    async def work() -> None:
        async with spools.held("a") as spool:
            await spool.add(pieces(b"one "))
        async with Spools(tmp_path / "uploads").held("a") as spool:
            await spool.add(pieces(b"two"))
        async with spools.held("a") as spool:
            assert spool.size == 7
            assert await spool.seal(digest_of(b"one two"))

    asyncio.run(work())


def test_one_at_a_time(spools: Spools, tmp_path: Path) -> None:
    async def work() -> None:
        async with spools.held("a"):
            for others in (spools, Spools(tmp_path / "uploads")):
                with pytest.raises(SpoolBusy):
                    async with others.held("a"):
                        raise AssertionError

    asyncio.run(work())


@pytest.mark.parametrize("size", [0, 64])
def test_a_request_that_is_given_up_adds_nothing(spools: Spools, size: int) -> None:
    """It is given up while it waits for more; with bytes before that also while those are written."""

    async def work() -> None:
        began = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            began.set()
            yield PIECE * size
            await asyncio.Event().wait()

        async def add() -> None:
            async with spools.held("a") as spool:
                await spool.add(endless())

        async with spools.held("a") as spool:
            await spool.add(pieces(b"kept"))
        adding = asyncio.create_task(add())
        await began.wait()
        await asyncio.sleep(0.001)
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        async with spools.held("a") as spool:
            assert spool.size == spools.size("a") == 4
            assert await spool.seal(digest_of(b"kept"))

    asyncio.run(work())
