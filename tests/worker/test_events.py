"""What runs say, until it is stored."""

import asyncio

from tests.worker.workshop import Workshop
from wriftai_server.predictions.claims import Claim
from wriftai_server.worker.claims import Claims
from wriftai_server.worker.event_buffer import EventBuffer
from wriftai_server.worker.event_writer import EventWriter


async def taken(workshop: Workshop, claims: Claims, version: str) -> Claim:
    (claim,) = await claims.take(workshop.hardware_id, version, 1)
    return claim


def test_two_attempts_of_one_prediction_are_both_written(workshop: Workshop) -> None:
    version = workshop.push()
    workshop.stop()
    prediction = workshop.create(version, text="a")
    claims, lost = (Claims(workshop.database, workshop.changes, seconds) for seconds in (60, -1))

    async def work() -> None:
        earlier = EventBuffer(await taken(workshop, lost, version), 100)
        await claims.expire()
        later = EventBuffer(await taken(workshop, claims, version), 100)
        writer = EventWriter(claims)
        for buffer in (later, earlier):  # The earlier one does not know yet that it counts no more.
            buffer.add_line("log", b"attempt %d" % buffer.claim.attempt)
            writer.note(buffer)
        writing = asyncio.create_task(writer.run())
        async with asyncio.timeout(10):
            while later.pending or earlier.pending:  # noqa: ASYNC110  nobody is told of what is refused
                await asyncio.sleep(0.01)
        writing.cancel()

    workshop.do(work())
    assert workshop.events(prediction) == [("log", "attempt 2")]


def test_an_output_is_bounded_by_its_bytes() -> None:
    claim = Claim("a", 1, "w", "u", "m", "v", "{}")
    # Each piece counts for 64 bytes beside its text.
    assert EventBuffer(claim, 64 + 8).add_output('"\u00e9\u00e9\u00e9"')
    assert not EventBuffer(claim, 64 + 7).add_output('"\u00e9\u00e9\u00e9"')
