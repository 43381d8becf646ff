"""Waiting for a prediction to end: the `Prefer` header."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.databases import open_in
from tests.hubs import Hub, running
from tests.server.people import People, Person
from tests.server.queues import Queue
from tests.server.runs import Worker, add_runnable, run
from wriftai.predictions import Status
from wriftai_server.database.changes import Changes
from wriftai_server.http.caller import Caller
from wriftai_server.predictions import waiting
from wriftai_server.predictions.claims import Outcome
from wriftai_server.predictions.queue import cancel, end_of


@pytest.fixture
def worker(people: People, folder: Path) -> Worker:
    return Worker(folder)


@pytest.fixture
def version(ada: Person, folder: Path) -> dict[str, Any]:
    """Add a model with a version that can run."""
    return add_runnable(ada, folder)


@contextmanager
def meanwhile(*steps: Callable[[], object]) -> Iterator[None]:
    """Take steps beside the test, most likely while it waits; it is right whenever they come."""

    def take() -> None:
        for step in steps:
            time.sleep(0.15)
            step()

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_get_answers_when_the_prediction_ends(ada: Person, worker: Worker, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    with meanwhile(lambda: worker.complete(prediction, Outcome(Status.succeeded, output="[1]"))):
        reply = ada.send("GET", f"/predictions/{prediction['id']}", headers={"Prefer": "wait=60"})
    assert reply.status_code == 200
    assert (reply.json()["status"], reply.json()["output"]) == ("succeeded", [1])
    assert reply.headers["preference-applied"] == "wait"


def test_get_answers_when_the_time_is_up(ada: Person, worker: Worker, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    with meanwhile(lambda: worker.claim(prediction)):
        reply = ada.send("GET", f"/predictions/{prediction['id']}", headers={"Prefer": "wait=1"})
    assert reply.status_code == 200
    assert reply.json()["status"] == "started"
    assert reply.headers["preference-applied"] == "wait"


def test_creating_answers_when_the_prediction_ends(ada: Person, worker: Worker, version: dict[str, Any]) -> None:
    first = run(ada, version)
    worker.complete(first)
    place = {"hardware_id": first["hardware_id"], "version_id": version["id"]}
    with meanwhile(lambda: worker.finish(worker.claim_next(**place))):
        reply = create(ada, version, "wait=60")
    assert reply.status_code == 200
    assert reply.json()["status"] == "succeeded"
    assert reply.headers["location"] == reply.json()["url"]
    assert reply.headers["preference-applied"] == "wait"


def test_creating_answers_when_the_time_is_up(ada: Person, version: dict[str, Any]) -> None:
    reply = create(ada, version, "wait=1")
    assert reply.status_code == 202
    assert reply.json()["status"] == "pending"
    assert reply.headers["preference-applied"] == "wait"


@pytest.mark.parametrize(
    "prefer", ["wait=0", "wait=00", "WAIT=0", 'wait="0"', "respond-async, wait=0", "wait = 0; strict, x=y"]
)
def test_spellings_of_a_wait(ada: Person, version: dict[str, Any], prefer: str) -> None:
    reply = create(ada, version, prefer)
    assert reply.status_code == 202
    assert reply.headers["preference-applied"] == "wait"


@pytest.mark.parametrize(
    "prefer", ["", "wait", "wait=", "wait=-1", "wait=soon", "wait=1.5", "respond-async", ",;="]
)
def test_what_is_not_understood_does_not_count(ada: Person, version: dict[str, Any], prefer: str) -> None:
    reply = create(ada, version, prefer)
    assert reply.status_code == 202
    assert "preference-applied" not in reply.headers
    seen = ada.send("GET", f"/predictions/{reply.json()['id']}", headers={"Prefer": prefer})
    assert seen.status_code == 200
    assert "preference-applied" not in seen.headers


def test_several_headers_are_one_list(ada: Person, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    path = f"/predictions/{prediction['id']}"
    for values in (("respond-async", "wait=0"), ("handling=lenient", "return=minimal", "foo, wait=0")):
        headers = [("Prefer", value) for value in values]
        seen = ada.send("GET", path, headers=headers)
        created = ada.send("POST", f"/versions/{version['id']}/predictions", json={"input": 1}, headers=headers)
        assert [reply.headers.get("preference-applied") for reply in (seen, created)] == ["wait", "wait"]
    # The first wait counts (RFC 7240, section 2).
    headers = [("Prefer", "wait=0"), ("Prefer", "wait=60")]
    assert ada.send("GET", path, headers=headers).json()["status"] == "pending"


def test_what_has_ended_is_answered_at_once(ada: Person, worker: Worker, version: dict[str, Any]) -> None:
    prediction = run(ada, version)
    worker.complete(prediction)
    reply = ada.send("GET", f"/predictions/{prediction['id']}", headers={"Prefer": "wait=999999999"})
    assert reply.json()["status"] == "succeeded"


def test_nobody_waits_for_what_is_not_there(ada: Person) -> None:
    reply = ada.send("GET", "/predictions/none", headers={"Prefer": "wait=60"})
    assert reply.status_code == 404


def test_a_cancel_ends_the_wait(shared_people: People, shared_hub: Hub) -> None:
    ada = shared_people.add()
    prediction = run(ada, add_runnable(ada, shared_hub.data_dir))
    path = f"/predictions/{prediction['id']}"
    with meanwhile(lambda: ada.send("POST", f"{path}/cancel")):
        reply = ada.send("GET", path, headers={"Prefer": "wait=60"}, timeout=60)
    assert reply.json()["status"] == "cancelled"


def test_a_hub_that_stops_answers_those_who_wait(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--no-worker") as hub:
        people = People(hub.data_dir, hub.url)
        ada = people.add()
        prediction = run(ada, add_runnable(ada, hub.data_dir))
        path = f"/predictions/{prediction['id']}"
        with ThreadPoolExecutor() as threads:
            waiting = threads.submit(ada.send, "GET", path, headers={"Prefer": "wait=60"}, timeout=60)
            following = threads.submit(ada.send, "GET", f"{path}/stream", timeout=60)
            with meanwhile(hub.process.terminate):
                replies = waiting.result(), following.result()
        people.close()
        assert hub.process.wait(30) == 0
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].json() == prediction
    assert replies[1].text.startswith("id: 0-0\nevent: init\n")
    assert not [line for line in hub.log.read_text().splitlines() if json.loads(line)["level"] == "error"]


@pytest.mark.parametrize("why", ["it ends", "the time is up", "the hub stops"])
def test_those_who_are_woken_together_are_answered_in_turns(home: Path, why: str) -> None:
    queue = Queue(home)
    prediction_id = queue.add()
    queue.close()

    async def answers_in_turns() -> Counter[int]:
        ada, database = Caller("ada", "https://hub.example"), open_in(home)
        changes, turn, answered = Changes(database), 0, Counter[int]()

        async def wait() -> None:
            await waiting.until_ended(
                database, changes, ada, prediction_id=prediction_id, seconds=1 if why == "the time is up" else 60
            )
            answered[turn] += 1

        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(wait()) for _ in range(40)]
            await asyncio.sleep(0.2)  # By now all of them wait, most likely; it is right if they do not.
            if why == "it ends":
                async with database.writing() as transaction:
                    await cancel(transaction, prediction_id=prediction_id)
                changes.tell(end_of(prediction_id))
            elif why == "the hub stops":
                changes.end()
            while not all(each.done() for each in waits):
                turn += 1
                await asyncio.sleep(0)
        await database.close()
        return answered

    answered = asyncio.run(answers_in_turns())
    assert answered.total() == 40
    assert max(answered.values()) <= 4


def create(caller: Person, version: dict[str, Any], prefer: str) -> httpx.Response:
    path = f"/versions/{version['id']}/predictions"
    return caller.send("POST", path, json={"input": 1}, headers={"Prefer": prefer})
