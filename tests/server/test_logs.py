"""What a running hub writes to standard error."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.hubs import Hub
from tests.server.people import People, Person
from wriftai_server.database.opening import FILE_NAME


def lines(hub: Hub) -> list[dict[str, Any]]:
    """Read the log; each of its lines is an object."""
    return [json.loads(line) for line in hub.log.read_bytes().split(b"\n")[:-1]]


def lines_of(hub: Hub, request_id: str, event: str = "request") -> list[dict[str, Any]]:
    """Wait for what is logged of a request."""
    found: list[dict[str, Any]] = []
    for _ in range(600):
        found = [line for line in lines(hub) if line.get("request_id") == request_id]
        if any(line["event"] == event for line in found):
            break
        time.sleep(0.05)
    return found


def send(caller: Person, method: str, path: str, **options: Any) -> str:
    """Send a request with an id of its own, and give that."""
    request_id = uuid.uuid4().hex
    headers = {**options.pop("headers", {}), "X-Request-ID": request_id}
    assert caller.send(method, path, headers=headers, **options).headers["x-request-id"] == request_id
    return request_id


@pytest.fixture
def ada(shared_people: People) -> Person:
    return shared_people.add()


def test_every_request_has_a_line(shared_hub: Hub, ada: Person) -> None:
    for method, path, status in (
        ("GET", "/models?page_size=1", 200),
        ("HEAD", "/models", 200),
        ("POST", "/models", 422),
        ("GET", "/nothing", 404),
        ("PUT", "/models", 405),
    ):
        request_id = send(ada, method, path)
        (line,) = lines_of(shared_hub, request_id)
        assert line.pop("ms") > 0
        assert line.pop("timestamp").endswith("Z")
        assert line == {
            "event": "request",
            "level": "info",
            "method": method,
            "path": f"/v1{path.partition('?')[0]}",
            "status": status,
            "request_id": request_id,
        }


def test_ids_that_the_hub_makes_are_logged_too(shared_hub: Hub, ada: Person) -> None:
    request_id = ada.send("GET", "/models").headers["x-request-id"]
    assert len(lines_of(shared_hub, request_id)) == 1


def test_the_beginning_is_logged(shared_hub: Hub) -> None:
    first = lines(shared_hub)[0]
    assert (first["event"], first["level"]) == ("listening", "info")
    assert (first["address"], first["data_dir"]) == (shared_hub.address, str(shared_hub.data_dir))


MANY_LINES = """
import asyncio
from wriftai_server.logs import RequestLog

async def main():
    log = RequestLog("info")
    for _ in range(20):
        for _ in range(200):
            log.add("GET", "/v1/models", 200, 0.001, "x" * 32)
        log.flush()

asyncio.run(main())
"""


def test_lines_of_several_processes_stay_whole_in_a_pipe() -> None:
    reading, writing = os.pipe()
    programs = [subprocess.Popen([sys.executable, "-c", MANY_LINES], stderr=writing) for _ in range(3)]
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        logged = pipe.readlines()
    assert [program.wait(60) for program in programs] == [0, 0, 0]
    assert len([json.loads(line) for line in logged]) == 3 * 20 * 200


@pytest.fixture
def doomed(shared_hub: Hub) -> Iterator[str]:
    """Make the database fail on models of a certain name, and give the name."""
    with closing(sqlite3.connect(shared_hub.data_dir / FILE_NAME, timeout=60)) as connection:
        connection.execute(
            "CREATE TRIGGER doom BEFORE INSERT ON models WHEN NEW.name = 'doomed' "
            "BEGIN SELECT RAISE(ABORT, 'struck by doom'); END"
        )
        yield "doomed"
        connection.execute("DROP TRIGGER doom")


def test_what_nobody_foresaw_is_found_under_the_id_of_its_request(
    shared_hub: Hub, ada: Person, doomed: str
) -> None:
    request_id = send(ada, "POST", "/models", json={"name": doomed, "hardware_identifier": "cpu"})
    failure, request = sorted(lines_of(shared_hub, request_id), key=lambda line: str(line["event"] == "request"))
    assert (failure["event"], failure["level"]) == ("unexpected error", "error")
    assert "Traceback" in failure["exception"]
    assert "struck by doom" in failure["exception"]
    assert request["status"] == 500


def test_no_token_is_logged(shared_hub: Hub, ada: Person, shared_people: People, doomed: str) -> None:
    wrong = shared_people.known("", f"wriftai_{'a' * 12}_{'b' * 43}")
    last = ""
    for caller in (ada, wrong):
        send(caller, "GET", "/user")
        send(caller, "POST", "/models", json={"name": doomed, "hardware_identifier": "cpu"})
        send(caller, "POST", "/models", content=caller.token.encode())
        send(caller, "GET", f"/models?cursor={caller.token}")
        last = send(caller, "GET", "/user", headers={"Authorization": f"Basic {caller.token}"})
    assert lines_of(shared_hub, last)
    log = shared_hub.log.read_text()
    for caller in (ada, wrong):
        assert caller.token.split("_", 2)[2] not in log


def test_what_libraries_log_has_the_same_form(shared_hub: Hub) -> None:
    with socket.create_connection(
        ("127.0.0.1", int(shared_hub.address.rpartition(":")[2])), timeout=60
    ) as caller:
        caller.sendall(b"This is no HTTP.\r\n\r\n")
        assert caller.recv(1000).startswith(b"HTTP/1.1 400 ")
    line = next(line for line in lines(shared_hub) if line["event"] == "Invalid HTTP request received.")
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "Invalid HTTP request received.", "level": "warning", "logger": "uvicorn.error"}
