"""`serve --no-worker` and `wriftai-server worker`: two processes on one folder."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.hubs import COMMAND, Hub, running
from tests.packed import image, push
from tests.system.folders import add_user, bearer
from wriftai_server.database.opening import FILE_NAME, MANIFEST


@contextmanager
def working(hub: Hub) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker beside a hub."""
    command = [*COMMAND, "worker", "--data-dir", str(hub.data_dir), "--grace-seconds", "0"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as worker:
        try:
            yield worker
        finally:
            worker.terminate()
            worker.wait(30)


def test_a_worker_runs_what_another_process_accepted(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--no-worker") as hub:
        headers = bearer(add_user(hub.data_dir, "ada"))
        with httpx.Client(base_url=hub.address, headers=headers, timeout=90) as http:
            version = push(http, "ada", "echo", image())
            body = {"input": {"text": "hello"}}
            created = http.post(f"/v1/versions/{version}/predictions", json=body)
            assert created.status_code == 202
            place = f"/v1/predictions/{created.json()['id']}"
            assert http.get(place, headers={"Prefer": "wait=1"}).json()["status"] == "pending"

            with working(hub) as first, working(hub) as second:
                ended = http.get(place, headers={"Prefer": "wait=60"}).json()
                assert (ended["status"], ended["output"]) == ("succeeded", "hello")
                first.kill()
                again = http.post(f"/v1/versions/{version}/predictions", json=body, headers={"Prefer": "wait=60"})
                assert again.json()["output"] == "hello"
                assert again.status_code == 200
            assert second.returncode == 0


def test_a_folder_without_a_hub(tmp_path: Path) -> None:
    command = [*COMMAND, "worker", "--data-dir", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr == f"Error: There is no hub in {tmp_path}: correct --data-dir, or name its --database.\n"


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("worker",)], ids=["serve", "worker"])
def test_none_starts_on_a_backup(tmp_path: Path, command: tuple[str, ...]) -> None:
    for name in (FILE_NAME, MANIFEST):
        (tmp_path / name).touch()
    started = [*COMMAND, *command, "--data-dir", str(tmp_path)]
    ended = subprocess.run(started, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: {tmp_path} is a backup, which has to stay as it is: ")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {FILE_NAME: b"", MANIFEST: b""}


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("worker",)], ids=["serve", "worker"])
def test_a_worker_that_dies_ends_its_process(tmp_path: Path, command: tuple[str, ...]) -> None:
    add_user(tmp_path, "ada")
    doomed = [sys.executable, "-m", "tests.system.doomed", *command, "--data-dir", str(tmp_path)]
    ended = subprocess.run(doomed, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    *logged, reason = ended.stderr.splitlines()
    assert reason.startswith("Error: The worker died (MemoryError: struck by doom)")
    (line,) = [line for line in map(json.loads, logged) if line["event"] == "the worker died"]
    assert line["level"] == "error"
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("MemoryError: struck by doom")


@pytest.mark.parametrize("option", ["--idle-seconds", "--confinement", "--memory-mb"])
def test_options_that_make_no_sense(tmp_path: Path, option: str) -> None:
    command = [*COMMAND, "worker", option, "-1", "--data-dir", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert option in ended.stderr
