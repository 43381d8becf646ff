"""Who is told of what becomes of a prediction."""

from tests.worker.workshop import Workshop
from wriftai.predictions import Status
from wriftai_server.predictions.claims import Claim, Outcome
from wriftai_server.predictions.queue import end_of
from wriftai_server.worker.claims import Claims
from wriftai_server.worker.event_buffer import EventBuffer

ENDED = Outcome(Status.succeeded, "1", None, None, 0.1)


async def taken(workshop: Workshop, claims: Claims, version: str) -> Claim:
    (claim,) = await claims.take(workshop.hardware_id, version, 1)
    return claim


def test_who_waits_for_an_end_is_not_told_of_the_beginning(workshop: Workshop) -> None:
    version = workshop.push()
    workshop.stop()
    prediction = workshop.create(version, text="a")
    claims = Claims(workshop.database, workshop.changes, 60)

    async def work() -> None:
        with workshop.changes.watch(prediction) as any_change, workshop.changes.watch(end_of(prediction)) as end:
            await any_change.changed(1)
            await end.changed(0)  # The first look of all wakes everyone.
            claim = await taken(workshop, claims, version)
            assert await any_change.changed(0)
            assert not await end.changed(0)
            await claims.finish(EventBuffer(claim, 100), ENDED, workshop.hardware_id, 0)
            assert await any_change.changed(0)
            assert await end.changed(0)

    workshop.do(work())


def test_who_waits_for_an_end_is_told_when_it_is_given_back(workshop: Workshop) -> None:
    version = workshop.push()
    workshop.stop()
    prediction = workshop.create(version, text="a")
    claims, lost = (Claims(workshop.database, workshop.changes, seconds) for seconds in (60, -1))

    async def work() -> None:
        with workshop.changes.watch(end_of(prediction)) as end:
            await end.changed(1)
            await claims.release([await taken(workshop, claims, version)])
            assert await end.changed(0)
            await taken(workshop, lost, version)
            await claims.expire()
            assert await end.changed(0)

    workshop.do(work())


def test_what_a_worker_holds_without_knowing_waits_again(workshop: Workshop) -> None:
    version = workshop.push()
    workshop.stop()
    first, second = (workshop.create(version, text="a") for _ in range(2))
    claims, unheard = (Claims(workshop.database, workshop.changes, 60) for _ in range(2))
    unheard.worker = claims.worker  # The answer to its commit is lost on the way.

    async def work() -> None:
        known, lost = await taken(workshop, claims, version), await taken(workshop, unheard, version)
        assert (known.id, lost.id) == (first, second)
        with workshop.changes.watch(second) as change:
            assert len(await claims.renew()) == 2
            await change.changed(0)
            assert len(await claims.renew()) == 2
            assert await change.changed(0)
        assert [each.id for each in await claims.renew()] == [first]
        # What the lost attempt says no longer counts, and the prediction can run.
        await unheard.finish(EventBuffer(lost, 100), ENDED, workshop.hardware_id, 0)
        again = await taken(workshop, claims, version)
        assert (again.id, again.attempt) == (second, 2)
        for _ in range(3):
            assert len(await claims.renew()) == 2
        for claim in (known, again):
            await claims.finish(EventBuffer(claim, 100), ENDED, workshop.hardware_id, 0)
        assert await claims.renew() == []

    workshop.do(work())
    assert [workshop.look(each)["status"] for each in (first, second)] == ["succeeded", "succeeded"]
