"""A hub of several processes: `serve --workers N`."""

import itertools
import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.hubs import Hub, running
from tests.server.people import People
from tests.server.runs import add_runnable, run
from tests.system.processes import end, is_alive, processes_of
from wriftai import Client
from wriftai_server.database.opening import FILE_NAME

LIMIT = 1_000_000


class Callers(NamedTuple):
    """Connections to a hub that stay open.

    Attributes:
        connections: Each is one.
    """

    connections: list[httpx.Client]

    def processes(self) -> list[str]:
        """Name the processes that answer, one for each connection: the ids that they give to requests say so."""
        replies = [connection.get("/v1/hardware") for connection in self.connections]
        assert {reply.status_code for reply in replies} == {200}
        return [reply.headers["x-request-id"][:24] for reply in replies]


@pytest.fixture
def callers(hub: Hub) -> Iterator[Callers]:
    with ExitStack() as stack:
        yield Callers(connect(hub, 8, stack))


def connect(hub: Hub, count: int, stack: ExitStack) -> list[httpx.Client]:
    # Without `verify` each reads all certificates of the machine.
    clients = [httpx.Client(base_url=hub.address, timeout=60, verify=False) for _ in range(count)]  # noqa: S501
    return [stack.enter_context(client) for client in clients]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Give a hub of two processes, one of which has the worker."""
    with running(tmp_path_factory.mktemp("two") / "data", "--workers", "2", "--rate-limit", str(LIMIT)) as hub:
        yield hub


@pytest.fixture(scope="module")
def people(hub: Hub) -> Iterator[People]:
    people = People(hub.data_dir, hub.url)
    yield people
    people.close()


def answering(hub: Hub) -> set[str]:
    """Name the processes that answer those who connect now."""
    with ExitStack() as stack:
        try:
            return set(Callers(connect(hub, 4, stack)).processes())
        except httpx.TransportError:  # One was killed a moment ago.
            return set()


def both(hub: Hub) -> set[str]:
    """Name both processes: the next connections may all go to one of them, which had fewer until now."""
    seen: list[set[str]] = []

    def are_both() -> bool:
        seen.append(answering(hub))
        return len(seen[-1]) == 2

    until(are_both)
    return seen[-1]


def deaths(logged: list[str]) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, logged) if line["event"] == "process ended"]


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(1200):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("It did not come to that.")


def test_connections_are_spread_evenly(callers: Callers) -> None:
    first = callers.processes()
    assert sorted(Counter(first).values()) == [4, 4]
    assert callers.processes() == first


def test_connections_that_were_closed_are_made_good_for(hub: Hub, callers: Callers) -> None:
    processes = callers.processes()
    for connection, process in zip(callers.connections, processes, strict=True):
        if process == processes[0]:
            connection.close()

    until(lambda: answering(hub) == {processes[0]})


def test_a_limit_holds_over_all_processes(callers: Callers, people: People) -> None:
    ada = people.add()
    headers = {"Authorization": f"Bearer {ada.token}"}

    def told() -> list[tuple[int, int]]:
        replies = [connection.get("/v1/user", headers=headers) for connection in callers.connections]
        return [
            (int(reply.headers["x-ratelimit-reset"]), int(reply.headers["x-ratelimit-remaining"]))
            for reply in replies
        ]

    one, two = told(), told()
    # A minute may end meanwhile; two do not.
    resets, left = zip(*(one if one[0][0] == one[-1][0] else two), strict=True)
    assert len(set(resets)) == 1
    assert list(left) == list(range(left[0], left[0] - 8, -1))


def test_what_one_process_accepts_another_waits_for(hub: Hub, callers: Callers, people: People) -> None:
    ada = people.add()
    prediction = run(ada, add_runnable(ada, hub.data_dir))
    path, headers = f"/v1/predictions/{prediction['id']}", {"Authorization": f"Bearer {ada.token}"}
    for connection in callers.connections[:2]:
        reply = connection.get(path, headers={**headers, "Prefer": "wait=60"})
        assert reply.json()["status"] == "failed"  # Its image is not there.


def test_processes_that_are_killed_come_back_and_callers_notice_nothing(hub: Hub, people: People) -> None:
    ada = people.add()
    version = add_runnable(ada, hub.data_dir)
    is_done, names = threading.Event(), list[set[str]]()

    def call() -> int:
        with Client(hub.url, ada.token) as client:
            for number in itertools.count():
                if is_done.is_set():
                    return number
                time.sleep(0.01)
                client.models.create({"name": f"killed-{number}", "hardware_identifier": "cpu"})
        raise AssertionError

    with ThreadPoolExecutor(1) as thread:
        calling = thread.submit(call)
        try:
            for pid in processes_of(hub):
                names.append(both(hub))
                end(pid)
                until(lambda: len(answering(hub) | names[-1]) == 3)
        finally:
            is_done.set()
    with closing(sqlite3.connect(hub.data_dir / FILE_NAME)) as connection:
        query = "SELECT count(*) FROM models WHERE name LIKE 'killed-%'"
        assert connection.execute(query).fetchone() == (calling.result(),)
    # The worker has come back too.
    prediction = run(ada, version, headers={"Prefer": "wait=60"}, timeout=90)
    assert prediction["status"] == "failed"
    ended = deaths(hub.log.read_text().splitlines())
    assert [(line["level"], line["number"]) for line in ended] == [("warning", 1), ("warning", 2)]
    assert all(line["reason"].startswith("A process of the hub ended with signal 9;") for line in ended)


def test_processes_do_not_outlive_their_parent(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--workers", "2", "--no-worker") as hub:
        processes = processes_of(hub)
        assert len(processes) == 2
        hub.kill()
        until(lambda: not any(map(is_alive, processes)))


def test_a_hub_whose_processes_die_again_and_again_ends(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--workers", "2", "--no-worker") as hub:
        with closing(sqlite3.connect(hub.data_dir / FILE_NAME, timeout=60)) as connection:
            connection.execute(
                "CREATE TRIGGER doom BEFORE UPDATE ON hardware BEGIN SELECT RAISE(ABORT, 'struck by doom'); END"
            )
        processes = processes_of(hub)
        end(processes[1])
        assert hub.process.wait(300) == 1
        assert not any(map(is_alive, processes))
    *logged, reason = hub.log.read_text().splitlines()
    assert reason.startswith("Error: A process of the hub ended with status 3; the log may say why.")
    assert [line["starts_in"] for line in deaths(logged)][-2:] == [0.5, 1]
