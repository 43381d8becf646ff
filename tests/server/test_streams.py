"""Following predictions: server-sent events."""

import asyncio
import itertools
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.client.scripted import ScriptedHub
from tests.databases import open_in
from tests.hubs import Hub
from tests.server.people import People, Person
from tests.server.queues import Queue
from tests.server.runs import LONG_AGO, Worker, add_runnable, run
from wriftai.predictions import ErrorSource, Status, TaskError
from wriftai_server.database.changes import Changes
from wriftai_server.http.caller import Caller
from wriftai_server.predictions import stream
from wriftai_server.predictions.claims import Claim, Event, Outcome
from wriftai_server.predictions.queue import cancel

FAILED = TaskError(source=ErrorSource.external, message="No\nsuch file.", detail=[1])


@pytest.fixture
def worker(people: People, folder: Path) -> Worker:
    return Worker(folder)


@pytest.fixture
def version(ada: Person, folder: Path) -> dict[str, Any]:
    """Add a model with a version that can run."""
    return add_runnable(ada, folder)


def events(reply: httpx.Response) -> list[tuple[str, str, Any]]:
    """Take a stream apart: id, kind and data of each event."""
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in reply.text.removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        assert list(fields) == ["id", "event", "data"]
        found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


def follow(caller: Person, prediction: Any, after: str | None = None) -> list[tuple[str, str, Any]]:
    params = {} if after is None else {"after_id": after}
    return events(caller.send("GET", f"/predictions/{prediction['id']}/stream", params=params))


def is_unknown(caller: Person, prediction: Any, after: str) -> bool:
    """Whether a hub refuses to go on behind an event because there was no such."""
    reply = caller.send("GET", f"/predictions/{prediction['id']}/stream", params={"after_id": after})
    if reply.status_code == 200:
        return False
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert (fault["loc"], fault["type"]) == (["query", "after_id"], "event_unknown")
    return True


def without_io(caller: Person, prediction: Any) -> Any:
    """Give a prediction as it is listed."""
    shown = caller.send("GET", f"/predictions/{prediction['id']}").json()
    return {name: value for name, value in shown.items() if name not in ("input", "output", "logs", "setup_logs")}


def test_a_plain_run_tells_its_output_when_it_ends(ada: Person, worker: Worker, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    claim = worker.claim(prediction)
    worker.say(claim, Event("setup_log", "loading"), Event("log", "one\r\n\u2028"), Event("log", ""))
    worker.finish(claim, Outcome(Status.succeeded, output='{\n "n": [1,\r\n2]}'))
    now = without_io(ada, prediction)
    assert now["status"] == "succeeded"
    # The number of a line is its place among all that the run said; lines of the setup are not sent.
    assert follow(ada, prediction) == [
        ("1-0", "init", now),
        ("1-2", "log", "one\r\n\u2028"),
        ("1-3", "log", ""),
        ("1-4", "output", {"n": [1, 2]}),
        ("1-5", "done", now),
    ]


def test_a_run_that_streams_tells_each_piece_once(ada: Person, worker: Worker, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    claim = worker.claim(prediction)
    worker.say(claim, Event("output", '"a"'), Event("log", "between"), Event("output", "null"))
    worker.finish(claim, Outcome(Status.succeeded, output='["a",null]'))
    kinds = [(kind, data) for _, kind, data in follow(ada, prediction)[1:-1]]
    assert kinds == [("output", "a"), ("log", "between"), ("output", None)]


def test_an_output_may_be_null(ada: Person, worker: Worker, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    worker.complete(prediction, Outcome(Status.succeeded, output="null"))
    assert follow(ada, prediction)[1] == ("1-1", "output", None)


def test_a_run_that_failed_tells_why(ada: Person, worker: Worker, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    worker.complete(prediction, Outcome(Status.failed, error=FAILED))
    now = without_io(ada, prediction)
    assert follow(ada, prediction) == [("1-0", "init", now), ("1-1", "error", FAILED), ("1-2", "done", now)]


def test_what_never_ran_is_told_as_well(ada: Person, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    ada.client.predictions.cancel(prediction["id"])
    now = without_io(ada, prediction)
    assert follow(ada, prediction) == [("0-0", "init", now), ("0-1", "done", now)]


def test_a_stream_can_be_resumed_behind_each_of_its_events(
    ada: Person, worker: Worker, version: dict[str, Any]
) -> None:
    prediction = run(ada, version)
    claim = worker.claim(prediction)
    worker.say(claim, *(Event("log", str(n)) for n in range(450)))
    worker.finish(claim, Outcome(Status.failed, error=FAILED))
    whole = follow(ada, prediction)
    assert [each[0] for each in whole] == [f"1-{n}" for n in range(453)]
    for place in (0, 1, 199, 200, 201, 449, 450, 451):
        assert follow(ada, prediction, whole[place][0]) == whole[place + 1 :]
    # Whoever asks again behind the end learns again that it was the end.
    assert follow(ada, prediction, "1-452") == whole[-1:]
    for beyond in ("1-453", "1-999999999"):
        assert is_unknown(ada, prediction, beyond)


def test_what_a_browser_sends_goes_before_the_address(
    ada: Person, worker: Worker, version: dict[str, Any]
) -> None:
    prediction = run(ada, version)
    worker.complete(prediction)
    path = f"/predictions/{prediction['id']}/stream"
    for params in ({}, {"after_id": "0-0"}, {"after_id": "nonsense"}):
        reply = ada.send("GET", path, params=params, headers={"Last-Event-ID": "1-1"})
        assert [kind for _, kind, _ in events(reply)] == ["done"]


@pytest.mark.parametrize(
    "after", ["x", "1", "1-", "-1", "1-1-1", "1.0-1", " 1-0", "1-0\n", "٣-1", "2-0", "1-1000000000"]
)
def test_an_event_that_there_was_not_is_malformed(
    ada: Person, worker: Worker, version: dict[str, Any], after: str
) -> None:
    prediction = run(ada, version)
    worker.complete(prediction)
    assert is_unknown(ada, prediction, after)


def test_an_event_that_is_still_to_come_is_malformed(
    ada: Person, worker: Worker, version: dict[str, Any]
) -> None:
    prediction = run(ada, version)
    claim = worker.claim(prediction)
    for said in range(2):
        assert is_unknown(ada, prediction, f"1-{said + 1}")
        worker.say(claim, Event("log", str(said)))
    worker.finish(claim, Outcome(Status.succeeded, output="1"))
    assert [each[0] for each in follow(ada, prediction, "1-2")] == ["1-3", "1-4"]


def test_a_new_attempt_begins_anew(ada: Person, worker: Worker, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    lost = worker.claim(prediction, lease_until=LONG_AGO)
    worker.say(lost, Event("log", "lost"), Event("output", "1"))
    assert worker.expire() == [prediction["id"]]
    claim = worker.claim(prediction)
    worker.say(claim, Event("log", "kept"))
    worker.finish(claim, Outcome(Status.succeeded, output="2"))
    now = without_io(ada, prediction)
    whole = [("2-0", "init", now), ("2-1", "log", "kept"), ("2-2", "output", 2), ("2-3", "done", now)]
    for after in (None, "0-0", "1-0", "1-2"):
        assert follow(ada, prediction, after) == whole
    assert follow(ada, prediction, "2-1") == whole[2:]


def test_what_was_lost_and_then_cancelled_ends_for_those_who_saw_more_of_it(
    ada: Person, worker: Worker, version: dict[str, Any]
) -> None:
    prediction = run(ada, version)
    lost = worker.claim(prediction, lease_until=LONG_AGO)
    worker.say(lost, Event("log", "one"), Event("log", "two"))
    worker.expire()
    ada.client.predictions.cancel(prediction["id"])
    for seen in (0, 1, 2):
        ((number, kind, _),) = follow(ada, prediction, f"1-{seen}")
        assert (number, kind) == (f"1-{seen + 1}", "done")


def test_events_come_while_they_happen(shared_people: People, shared_hub: Hub) -> None:
    ada = shared_people.add()
    prediction = run(ada, add_runnable(ada, shared_hub.data_dir))
    worker = Worker(shared_hub.data_dir)
    seen: list[tuple[str, str]] = []
    states: list[str] = []
    claims: list[Claim] = []
    for event in ada.client.predictions.stream(prediction["id"]):
        seen.append((event["id"], event["event"]))
        if event["event"] in ("init", "done"):
            data: Any = event["data"]
            states.append(data["status"])
        # What comes next is only done when what came before was seen.
        match event["id"]:
            case "0-0":
                claims.append(worker.claim(prediction))
            case "1-0":
                worker.say(claims[0], Event("log", "one"))
            case "1-1":
                worker.say(claims[0], Event("output", "1"), Event("output", "2"))
            case "1-3":
                worker.finish(claims[0], Outcome(Status.succeeded, output="[1,2]"))
    assert states == ["pending", "started", "succeeded"]
    assert seen == [
        ("0-0", "init"),
        ("1-0", "init"),
        ("1-1", "log"),
        ("1-2", "output"),
        ("1-3", "output"),
        ("1-4", "done"),
    ]


def test_a_stream_ends_when_the_one_who_follows_leaves(shared_people: People, shared_hub: Hub) -> None:
    ada = shared_people.add()
    prediction = run(ada, add_runnable(ada, shared_hub.data_dir))
    for _ in range(5):
        stream = ada.client.predictions.stream(prediction["id"])
        assert [event["event"] for event in itertools.islice(stream, 1)] == ["init"]
        stream.close()
    path = f"/v1/predictions/{prediction['id']}/stream"
    # A request is in the log when it has ended.
    while shared_hub.log.read_text().count(path) < 5:
        time.sleep(0.05)
    assert ada.client.predictions.get(prediction["id"])["status"] == "pending"


def test_a_stream_is_not_silent_while_nothing_happens(home: Path) -> None:
    queue = Queue(home)
    prediction_id = queue.add()
    queue.close()

    async def first(count: int) -> list[bytes]:
        ada, database = Caller("ada", "https://hub.example"), open_in(home)
        async with database.reading() as view:
            position = await stream.begin(view, ada, prediction_id=prediction_id, after=None)
        events = stream.follow(
            database, Changes(database), ada, prediction_id=prediction_id, position=position, quiet_seconds=0.2
        )
        pieces = [await anext(events) for _ in range(count)]
        await events.aclose()
        await database.close()
        return pieces

    init, *comments = asyncio.run(first(3))
    assert init.startswith(b"id: 0-0\nevent: init\n")
    assert comments == [b":\n\n", b":\n\n"]


def test_a_stream_is_not_silent_while_something_else_happens(home: Path) -> None:
    queue = Queue(home)
    prediction_id = queue.add()
    queue.close()

    async def first(count: int) -> list[bytes]:
        ada, database = Caller("ada", "https://hub.example"), open_in(home)
        changes = Changes(database)

        async def wake() -> None:
            while True:
                changes.tell(prediction_id)
                await asyncio.sleep(0.001)

        waking = asyncio.create_task(wake())
        events = stream.follow(
            database,
            changes,
            ada,
            prediction_id=prediction_id,
            position=stream.Position(-1, -1),
            quiet_seconds=0.2,
        )
        async with asyncio.timeout(60):
            pieces = [await anext(events) for _ in range(count)]
        await events.aclose()
        waking.cancel()
        await database.close()
        return pieces

    assert asyncio.run(first(3))[1:] == [b":\n\n", b":\n\n"]


def test_those_who_follow_one_prediction_are_told_in_turns(home: Path) -> None:
    queue = Queue(home)
    prediction_id = queue.add()
    queue.close()

    async def told_in_turns() -> Counter[int]:
        ada, database = Caller("ada", "https://hub.example"), open_in(home)
        changes, turn, told = Changes(database), 0, Counter[int]()

        async def hear() -> None:
            async for _ in stream.follow(
                database, changes, ada, prediction_id=prediction_id, position=stream.Position(-1, -1)
            ):
                told[turn] += 1

        async with asyncio.TaskGroup() as group:
            followers = [group.create_task(hear()) for _ in range(40)]
            while told.total() < 40:
                turn += 1
                await asyncio.sleep(0)
            async with database.writing() as transaction:
                await cancel(transaction, prediction_id=prediction_id)
            changes.tell(prediction_id)
            while not all(each.done() for each in followers):
                turn += 1
                await asyncio.sleep(0)
        await database.close()
        return told

    told = asyncio.run(told_in_turns())
    assert told.total() == 80
    assert max(told.values()) <= 4


def test_a_client_with_its_defaults_does_not_take_a_quiet_stream_for_dead(
    shared_people: People, shared_hub: Hub
) -> None:
    ada = shared_people.add()
    prediction = run(ada, add_runnable(ada, shared_hub.data_dir))
    hub = ScriptedHub()
    hub.client().authenticated_user.get()
    patience = hub.requests[0].extensions["timeout"]["read"]
    url = f"{shared_hub.url}/predictions/{prediction['id']}/stream"
    headers = {"Authorization": f"Bearer {ada.token}"}
    with httpx.stream("GET", url, headers=headers, timeout=patience) as reply:
        comment = next(line for line in reply.iter_lines() if line.startswith(":"))
    assert comment == ":"
