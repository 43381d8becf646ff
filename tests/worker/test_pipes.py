"""Pipes to a runtime that is gone."""

import asyncio
import os

import pytest

from wriftai_server.worker.engines.pipes import Writer


@pytest.mark.parametrize("waiting", [b"", b" " * 1_000_000])
def test_what_nobody_reads_any_more_is_lost(waiting: bytes) -> None:
    async def scenario() -> None:
        read, write = os.pipe()
        writer = Writer(write)
        if waiting:
            writer.write(waiting)
        os.close(read)
        writer.write(b"cancel")
        await asyncio.sleep(0.01)
        writer.write(b"stop")
        writer.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.close(write)

    asyncio.run(scenario())
