"""Crashes while the index of search is written: it is whole again by itself, and the hub answers meanwhile."""

import contextlib
import itertools
import json
import random
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from tests.hubs import Hub, running
from tests.system.folders import add_user
from tests.system.payloads import model
from tests.system.processes import end, processes_of
from wriftai import Client
from wriftai_server.cli import app

NAMES = {f"beetle-{number}" for number in range(2_500)}
KILLS = 2


def is_begun(data_dir: Path) -> bool:
    """Tell whether there is an index, be it an empty one."""
    return (data_dir / "search" / "current").exists()


def is_written_to(data_dir: Path) -> bool:
    """Tell whether anything of a document is on the disk."""
    return any((data_dir / "search").glob("*/*.store"))


def wait_until(happened: Callable[[Path], bool], data_dir: Path) -> None:
    for _ in range(60_000):
        if happened(data_dir):
            return
        time.sleep(0.001)
    raise TimeoutError(f"{happened.__name__} did not come true within a minute.")


def first_found(hub: Hub, q: str) -> str | None:
    found = httpx.get(f"{hub.url}/search/models", params={"q": q, "page_size": 1}).json()["items"]
    return str(found[0]["name"]) if found else None


def names_found(hub: Hub, q: str) -> set[str]:
    with Client(hub.url) as client:
        return {model["name"] for model in client.models.search(q, {"page_size": 100}).iter_all()}


@pytest.fixture(scope="module")
def beetles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a data folder with many models that were imported, and no index yet."""
    folder = tmp_path_factory.mktemp("beetles")
    data_dir, lines = folder / "data", folder / "models.jsonl"
    add_user(data_dir, "ada")
    rows = [model(name, visibility="public", description="Six legs.") for name in NAMES]
    lines.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    command = ["import", str(lines), "--owner", "ada", "--data-dir", str(data_dir)]
    assert CliRunner().invoke(app, command).exit_code == 0
    return data_dir


@pytest.mark.parametrize("moment", [is_begun, is_written_to])
def test_an_index_whose_building_was_killed_is_built_after(
    tmp_path: Path, beetles: Path, moment: Callable[[Path], bool]
) -> None:
    chance, data_dir = random.Random(moment.__name__), shutil.copytree(beetles, tmp_path / "data")
    for _ in range(KILLS):
        with running(data_dir, "--no-worker") as hub:
            assert first_found(hub, "beetle-17") == "beetle-17"
            wait_until(moment, data_dir)
            time.sleep(chance.uniform(0, 0.05))
            hub.kill()
    with running(data_dir, "--no-worker") as hub:
        while first_found(hub, "legs six") is None:
            assert first_found(hub, "beetle-17") == "beetle-17"
        assert names_found(hub, "legs six") == NAMES


def test_what_was_made_before_a_kill_is_found_after_it(tmp_path: Path) -> None:
    chance, data_dir = random.Random(7), tmp_path / "data"
    token = add_user(data_dir, "ada")
    made, tried = set[str](), set[str]()
    for round_ in range(KILLS):
        with running(data_dir, "--no-worker") as hub, Client(hub.url, token) as client:
            dying = threading.Timer(chance.uniform(0.1, 0.5), hub.kill)
            with contextlib.suppress(httpx.TransportError):
                for number in itertools.count():
                    letters = "".join("abcdefghij"[int(digit)] for digit in f"{round_}{number}")
                    body = model(f"beetle-{letters}", visibility="public", description="Six legs.")
                    tried.add(body["name"])
                    client.api.request("POST", "/models", body)
                    made.add(body["name"])
                    if number == 0:
                        dying.start()
                    # So that the index is written again and again.
                    while first_found(hub, f"legs {body['name']}") != body["name"]:
                        pass
            dying.join()
    with running(data_dir, "--no-worker") as hub:
        assert len(made) >= KILLS
        assert made <= names_found(hub, "legs six") <= tried


def test_of_several_processes_another_keeps_the_index_when_one_is_killed(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    token = add_user(data_dir, "ada")
    with running(data_dir, "--workers", "2", "--no-worker") as hub, Client(hub.url, token) as client:
        names = set[str]()
        for number in range(3):
            names.add(f"beetle-{number}")
            body = model(f"beetle-{number}", visibility="public", description="Six legs.")
            client.api.request("POST", "/models", body)
            wait_until(lambda _: len(processes_of(hub)) == 2, data_dir)
            # Each connection is another one's.
            for _ in range(8):
                wait_until(lambda _: names_found(hub, "legs six") == names, data_dir)
            end(processes_of(hub)[0])
