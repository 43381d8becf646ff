"""Hubs and people for the tests of the server."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hubs import Hub
from tests.server.inside import InsideHub
from tests.server.library import fill, write_catalogue
from tests.server.people import People, Person


@contextmanager
def inside(data_dir: Path, **settings: Any) -> Iterator[People]:
    """Run a hub in this process, and give the people on it."""
    hub = InsideHub(data_dir, **settings)
    people = People(data_dir, hub.url, hub)
    try:
        yield people
    finally:
        people.close()
        hub.stop()


@pytest.fixture(scope="session", autouse=True)
def _bare_environment() -> Iterator[None]:
    """Hide the settings and proxies of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("WRIFTAI_") or name.lower().endswith("_proxy"):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the hub in this process that most tests use."""
    return tmp_path_factory.mktemp("inside") / "data"


@pytest.fixture(scope="session")
def people(folder: Path) -> Iterator[People]:
    """Give the people on the hub in this process that most tests use."""
    with inside(folder) as people:
        yield people


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Give the owner of a hub with more than a page of everything."""
    folder = tmp_path_factory.mktemp("library")
    with inside(folder / "data", hardware=write_catalogue(folder / "hardware.toml")) as people:
        yield fill(people, folder / "data")


@pytest.fixture(scope="session")
def shared_people(shared_hub: Hub) -> Iterator[People]:
    """Give the people on the hub that runs as a process."""
    people = People(shared_hub.data_dir, shared_hub.url)
    yield people
    people.close()


@pytest.fixture
def ada(people: People) -> Person:
    """Add a user."""
    return people.add()


@pytest.fixture
def bob(people: People) -> Person:
    """Add another user."""
    return people.add()


@pytest.fixture
def anyone(people: People) -> Person:
    """Give a caller without a token."""
    return people.anyone


@pytest.fixture
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a hundred seconds of patience pass in each."""
    monotonic, began = time.monotonic, time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + (monotonic() - began) * 100)
