"""A full disk: what cannot be stored is refused, the rest goes on, and nothing that was stored is lost.

The kernel keeps the hub from making any file larger, which needs no rights and no disk of its own. That hits the
log too, as a full disk does that holds both.
"""

import os
import resource
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.client.sides import Side
from tests.hubs import COMMAND, Hub, running
from tests.system.folders import add_user, assert_sound, bearer, dump, model_names
from tests.system.payloads import VERSION, model
from wriftai import Client, ServerError
from wriftai_server.database.opening import FILE_NAME

READS = ("/models", "/models/ada/kept", "/models/ada/kept/versions", "/search/models?q=kept", "/users", "/user")
WRITES = [
    ("POST", "/models", model("more")),
    ("PATCH", "/models/ada/kept", {"description": "Changed."}),
    ("POST", "/models/ada/kept/versions", VERSION),
    ("DELETE", "/models/ada/kept/versions/1", None),
    ("PATCH", "/user", {"bio": "Changed."}),
    ("DELETE", "/models/ada/kept", None),
]


class Signed:
    """Someone with a token of a hub.

    Args:
        hub: Runs on this machine.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.token = add_user(hub.data_dir, "ada")
        self.http = httpx.Client(base_url=hub.url, headers=bearer(self.token), timeout=60)

    @contextmanager
    def no_room(self, *, left: int = 0) -> Iterator[None]:
        """Let no file of the hub grow past a size."""
        pid, kind = self.hub.process.pid, resource.RLIMIT_FSIZE
        limits = resource.prlimit(pid, kind)
        resource.prlimit(pid, kind, (left, limits[1]))
        try:
            yield
        finally:
            resource.prlimit(pid, kind, limits)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    with running(tmp_path_factory.mktemp("full") / "data") as hub:
        signed = Signed(hub)
        with signed.http:
            yield signed
        assert_sound(hub.data_dir)


def test_writes_are_refused_while_reads_go_on(signed: Signed) -> None:
    http = signed.http
    assert http.post("/models", json=model("kept")).status_code == 201
    assert http.post("/models/ada/kept/versions", json=VERSION).status_code == 201
    before = dump(signed.hub.data_dir)

    with signed.no_room():
        for method, path, body in WRITES:
            refused = http.request(method, path, json=body)

            assert refused.status_code == 503
            assert refused.json() == {"detail": "The hub cannot store anything at the moment; try again later."}
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.headers["x-request-id"]
        for path in READS:
            assert http.get(path).status_code == 200
        assert httpx.get(f"{signed.hub.address}/healthz").status_code == 200

    assert dump(signed.hub.data_dir) == before
    for method, path, body in WRITES:
        assert http.request(method, path, json=body).is_success


def test_all_that_was_stored_before_the_room_ran_out_is_there(signed: Signed) -> None:
    stored, refused = set[str](), set[str]()
    for more in (10_000, 50_000, 100_001):
        log_size = (signed.hub.data_dir / f"{FILE_NAME}-wal").stat().st_size
        with signed.no_room(left=log_size + more):
            for number in range(60):
                name = f"model-{more}-{number}"
                status = signed.http.post("/models", json=model(name, description="x" * 5000)).status_code
                assert status in (201, 503)
                (stored if status == 201 else refused).add(name)

    names = set(model_names(signed.hub.data_dir))
    assert stored
    assert refused
    assert stored <= names
    assert not refused & names


def test_the_client_raises_what_the_hub_said(signed: Signed, side: Side) -> None:
    with Client(signed.hub.url, signed.token, max_retries=0) as client:
        with signed.no_room(), pytest.raises(ServerError, match="cannot store anything") as caught:
            side.call(client.authenticated_user.update, {"bio": "Changed."})

        assert caught.value.status_code == 503
        assert caught.value.request_id
        assert side.call(client.authenticated_user.update, {"bio": "Kept."})["bio"] == "Kept."


def test_a_call_that_is_tried_again_succeeds_when_there_is_room(signed: Signed) -> None:
    full, done = threading.Event(), threading.Event()

    def fill() -> None:
        with signed.no_room():
            full.set()
            done.wait(1)

    filling = threading.Thread(target=fill)
    filling.start()
    full.wait()
    with Client(signed.hub.url, signed.token) as client:
        created = client.models.create({"name": "late", "hardware_identifier": "cpu"})
    done.set()
    filling.join()

    assert signed.http.get("/models/ada/late").json()["id"] == created["id"]


@pytest.mark.parametrize("command", [["users", "create", "bob"], ["serve", "--port", "0"]], ids=" ".join)
def test_commands_say_that_they_cannot_write(tmp_path: Path, command: list[str]) -> None:
    add_user(tmp_path, "ada")
    before = dump(tmp_path)

    ended = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *COMMAND, *command, "--data-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        # Without what measures coverage: it could not write either, and would say so.
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: The database {tmp_path / FILE_NAME} cannot be used: ")
    assert "Traceback" not in ended.stderr
    assert dump(tmp_path) == before
