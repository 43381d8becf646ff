"""The queue of predictions: what its steps do, and what they cost."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.server.queues import Planned, Queue
from wriftai.predictions import ErrorSource, Status, TaskError
from wriftai_server.database.driver import Transaction
from wriftai_server.http.caller import Caller
from wriftai_server.http.paging import Place
from wriftai_server.predictions import queue as steps
from wriftai_server.predictions import service, store
from wriftai_server.predictions.claims import Claim, Event, Held, Outcome, WaitingVersion

WELL = Outcome(Status.succeeded, output="1", execution_seconds=1.5)


@pytest.fixture
def queue(home: Path) -> Iterator[Queue]:
    queue = Queue(home)
    yield queue
    queue.close()


def say(queue: Queue, claim: Claim, *events: Event) -> bool:
    return queue.do(lambda transaction: steps.add_events(transaction, claim, events))


def release(queue: Queue, claim: Claim) -> bool:
    return queue.do(lambda transaction: steps.release(transaction, claim))


def renew(queue: Queue, worker: str, lease_until: str) -> list[Held]:
    return queue.do(lambda transaction: steps.renew(transaction, worker=worker, lease_until=lease_until))


def waiting(queue: Queue, hardware: str = "cpu") -> list[WaitingVersion]:
    return queue.do(lambda transaction: steps.waiting(transaction, hardware_id=hardware))


def first_of(queue: Queue, version: str, ids: list[str]) -> list[str]:
    """Give those of some predictions that are first to run, of those that wait for a version."""

    async def step(transaction: Transaction) -> list[str]:
        place = {"hardware_id": "cpu", "version_id": version}
        return [each for each in ids if await steps.is_first(transaction, prediction_id=each, **place)]

    return queue.do(step)


def test_a_claim_says_what_to_run(queue: Queue) -> None:
    queue.add()
    assert queue.claim("w") == [Claim("prediction-0001", 1, "w", "ada", "model", "v", "1")]
    assert queue.claim("w") == []


def test_those_that_waited_longest_go_first(queue: Queue) -> None:
    ids = [queue.add() for _ in range(5)]
    assert [claim.id for claim in queue.claim(limit=3)] == ids[:3]
    assert [claim.id for claim in queue.claim(limit=3)] == ids[3:]


def test_a_claim_is_for_a_version_on_hardware(queue: Queue) -> None:
    queue.add(version="a", hardware="gpu")
    assert queue.claim(version="a", hardware="cpu") == []
    assert queue.claim(version="b", hardware="gpu") == []
    assert len(queue.claim(version="a", hardware="gpu")) == 1


def test_it_is_known_which_versions_are_waited_for_since_when(queue: Queue) -> None:
    assert waiting(queue) == []
    ids = [queue.add(version=version) for version in ("b", "a", "b", "c")]
    ids.append(queue.add(version="d", hardware="gpu"))
    assert waiting(queue) == [
        WaitingVersion("a", "000002"),
        WaitingVersion("b", "000001"),
        WaitingVersion("c", "000004"),
    ]
    assert [first_of(queue, version, ids) for version in "abd"] == [ids[1:2], ids[:1], []]
    queue.claim(version="b")
    queue.claim(version="a")
    assert [first_of(queue, version, ids) for version in "abd"] == [[], ids[2:3], []]
    assert waiting(queue) == [WaitingVersion("b", "000003"), WaitingVersion("c", "000004")]
    assert waiting(queue, "gpu") == [WaitingVersion("d", "000005")]


def test_a_worker_renews_what_it_holds_and_no_more(queue: Queue) -> None:
    for _ in range(4):
        queue.add()
    mine, done, other = (queue.claim(worker)[0] for worker in ("w", "w", "x"))
    queue.finish(done, WELL)
    queue.cancel(other.id)
    assert renew(queue, "w", "5") == [Held(mine.id, 1, "w")]
    assert renew(queue, "x", "5") == [Held(other.id, 1, "x")]
    assert renew(queue, "y", "5") == []
    assert queue.rows("lease_until") == [("5",), ("1",), ("5",), (None,)]
    assert queue.expire("4") == []
    assert queue.do(lambda transaction: steps.to_cancel(transaction, worker="w")) == []
    assert queue.do(lambda transaction: steps.to_cancel(transaction, worker="x")) == [other.id]


def test_what_is_said_is_kept_in_order(queue: Queue) -> None:
    queue.add()
    (claim,) = queue.claim()
    assert say(queue, claim, Event("setup_log", "a"), Event("log", "b\0\n"))
    assert say(queue, claim)
    assert say(queue, claim, Event("output", "1"))
    assert queue.rows("seq, kind, data", "prediction_events", "seq") == [
        (1, "setup_log", "a"),
        (2, "log", "b\ufffd\n"),
        (3, "output", "1"),
    ]


def test_three_lost_attempts_are_a_failure(queue: Queue) -> None:
    prediction_id = queue.add()
    for attempt in (1, 2):
        (claim,) = queue.claim(lease_until="1")
        assert say(queue, claim, Event("log", "lost"))
        assert claim.attempt == attempt
        assert queue.expire("2") == [prediction_id]
        assert queue.rows("status, worker, lease_until") == [("pending", None, None)]
        assert queue.rows("1", "prediction_events", "seq") == []
    (claim,) = queue.claim(lease_until="1")
    say(queue, claim, Event("log", "last words"))
    assert queue.expire("2") == [prediction_id]
    ((status, error, finished_at),) = queue.rows("status, error, finished_at")
    assert (status, finished_at is None) == ("failed", False)
    assert msgspec.json.decode(error, type=dict[str, Any])["source"] == "internal"
    # What the last attempt said may tell why the worker disappeared.
    assert queue.rows("data", "prediction_events", "seq") == [("last words",)]
    assert queue.expire("9") == []


def test_giving_back_is_no_loss(queue: Queue) -> None:
    queue.add()
    for attempt in range(1, 6):
        (claim,) = queue.claim()
        assert claim.attempt == attempt
        assert say(queue, claim, Event("log", "nothing yet"))
        assert release(queue, claim)
        assert not release(queue, claim)
        assert not queue.finish(claim, WELL)
    assert queue.rows("status, lost") == [("pending", 0)]
    assert queue.rows("1", "prediction_events", "seq") == []


@pytest.mark.parametrize("way", ["release", "expire"])
def test_what_was_to_be_cancelled_does_not_run_again(queue: Queue, way: str) -> None:
    queue.add()
    (claim,) = queue.claim(lease_until="1")
    assert queue.cancel(claim.id)
    assert queue.rows("status") == [("started",)]
    assert release(queue, claim) if way == "release" else queue.expire("2") == [claim.id]
    ((status, finished_at, error),) = queue.rows("status, finished_at, error")
    assert (status, finished_at is None, error) == ("cancelled", False, None)
    assert queue.claim() == []


def test_nothing_counts_that_a_fenced_attempt_says(queue: Queue) -> None:
    queue.add()
    (lost,) = queue.claim("w", lease_until="1")
    queue.expire("2")
    (claim,) = queue.claim("w")
    for fenced in (lost, claim._replace(worker="x"), claim._replace(attempt=3)):
        assert not say(queue, fenced, Event("log", "late"))
        assert not queue.finish(fenced, WELL)
        assert not release(queue, fenced)
    assert queue.rows("status, attempt, output") == [("started", 2, None)]
    assert queue.rows("1", "prediction_events", "seq") == []
    assert queue.finish(claim, WELL)
    assert queue.rows("status, attempt, output") == [("succeeded", 2, "1")]


def test_what_has_ended_stays_as_it_is(queue: Queue) -> None:
    error = TaskError(source=ErrorSource.external, message="Bad.", detail=None)
    for outcome in (WELL, Outcome(Status.failed, error=error), Outcome(Status.cancelled)):
        queue.add()
        (claim,) = queue.claim()
        assert queue.finish(claim, outcome)
        before = queue.rows("*")
        assert not queue.cancel(claim.id)
        assert not queue.finish(claim, Outcome(Status.succeeded, output="2"))
        assert not say(queue, claim, Event("log", "late"))
        assert not release(queue, claim)
        assert queue.expire("9") == []
        assert renew(queue, "worker", "9") == []
        assert queue.rows("*") == before


def test_webhooks_are_told_of_every_change(queue: Queue) -> None:
    ran, stopped, lost, silent = (queue.add(webhook=webhook) for webhook in (True, True, True, False))
    (claim,) = queue.claim(lease_until="9")
    queue.cancel(stopped)
    queue.claim(limit=2, lease_until="1")
    queue.expire("2")
    queue.cancel(claim.id)
    queue.finish(claim, Outcome(Status.cancelled))
    queue.cancel(lost)
    queue.cancel(silent)
    told = queue.posted()
    assert [status for each, status in told if each == ran] == ["started", "cancelled"]
    assert [status for each, status in told if each == stopped] == ["cancelled"]
    assert [status for each, status in told if each == lost] == ["started", "pending", "cancelled"]
    assert silent not in dict(told)


def test_webhooks_show_the_prediction_as_its_creator_would_see_it(queue: Queue) -> None:
    prediction_id = queue.add(webhook=True)
    (claim,) = queue.claim()
    say(queue, claim, Event("log", "line"), Event("setup_log", "loaded"))
    queue.finish(claim, WELL)
    _, (body,) = queue.rows("body", "webhook_deliveries")
    shown = msgspec.json.decode(body)
    assert shown["url"] == f"https://hub.example/v1/predictions/{prediction_id}"
    assert (shown["input"], shown["output"]) == (1, 1)
    assert (shown["logs"], shown["setup_logs"]) == (["line"], ["loaded"])
    assert (shown["status"], shown["execution_time"], shown["setup_time"]) == ("succeeded", "PT1.5S", None)


async def each_step(planned: Planned) -> None:
    """Do all that is done while many predictions wait."""
    ada, row = Caller("ada", "https://hub.example"), {"version_id": "v", "hardware_id": "cpu"}
    of: service.Reference | str
    for of in (service.Reference("ada", "m"), service.Reference("ada", "m", 1), "v"):
        await service.create(planned, ada, of, {"input": 1}, is_checked=True)
    await steps.waiting(planned, hardware_id="cpu")
    claims = await steps.claim(planned, worker="w", lease_until="5", limit=3, **row)
    assert len(claims) == 3
    assert await steps.renew(planned, worker="w", lease_until="5")
    assert await steps.add_events(planned, claims[0], [Event("log", "line")])
    assert await steps.finish(planned, claims[0], WELL)
    assert await steps.release(planned, claims[1])
    assert await steps.cancel(planned, prediction_id=claims[1].id)
    assert await steps.cancel(planned, prediction_id=claims[2].id)
    assert await steps.to_cancel(planned, worker="w")
    assert await steps.expire(planned, now="9")
    await service.get(planned, ada, prediction_id=claims[0].id)
    await store.events(planned, prediction_id=claims[0].id, attempt=1, after=0, limit=10)
    await store.result(planned, prediction_id=claims[0].id, attempt=1)
    for statuses in ((), ("pending",), ("failed", "succeeded", "cancelled")):
        for place in (Place(), Place(("1", "1")), Place(("1", "1"), backward=True)):
            await service.page(planned, ada, place, statuses=statuses, size=2)


def test_no_step_looks_at_more_rows_than_it_needs(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    of_all = {"created_at": ""}
    model = {"owner_id": "ada", "name": "m", "visibility": "private", "hardware_id": "cpu", "latest_version": 1}
    queue.insert("models", id="model", **model, **of_all)
    version = {"model_id": "model", "number": 1, "release_notes": "", "container_image_digest": "sha256:1"}
    queue.insert("versions", id="v", schemas='{"prediction": {"input": {}}}', **version, **of_all)
    queue.insert("blobs", digest="sha256:1", size=1, **of_all)
    queue.insert("manifests", model_id="model", digest="sha256:1", media_type="", **of_all)
    planned = Planned(tmp_path)

    asyncio.run(each_step(planned))

    planned.connection.close()
    queue.close()
    # What is scanned, and sorted, are versions that were found by an index, and pages that were cut out by one.
    looked = [
        plan
        for before, plan in itertools.pairwise(["", *planned.plans])
        if plan.startswith("SCAN") or (plan.startswith("USE TEMP") and not before.startswith("SCAN anon_"))
    ]
    assert [plan for plan in looked if not plan.startswith("SCAN anon_")] == []
    assert sum("ix_predictions_queue" in plan for plan in planned.plans) >= 4
    assert any("ix_predictions_user_status" in plan for plan in planned.plans)
    assert any("ix_predictions_leases" in plan for plan in planned.plans)
