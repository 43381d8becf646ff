"""Hubs and people for the tests of the server."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Postgres, kept_in
from tests.hubs import Hub
from tests.server.inside import InsideHub
from tests.server.library import fill, write_catalogue
from tests.server.people import People, Person

Home = Callable[[Path], AbstractContextManager[Path]]

ON_SQLITE = frozenset(
    f"test_{name}"
    for name in (
        "bodies",
        "errors",
        "head",
        "openapi",
        "request_ids",
        "schemas",
        "wire",
    )
)
"""Modules that run on SQLite alone: of what is told before or after anything is stored."""
ON_POSTGRES = frozenset({"test_pool", "test_postgres", "test_postgres_plans"})
"""Modules that run on PostgreSQL alone; those in neither run on both."""


@contextmanager
def inside(data_dir: Path, **settings: Any) -> Iterator[People]:
    """Run a hub in this process, on the database that its folder has; give the people on it."""
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a database on both, but for modules that are about one."""
    name = metafunc.definition.path.stem
    if "database" not in metafunc.fixturenames:
        return
    sqlite, postgres = pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)
    if name in ON_POSTGRES:
        kinds = [postgres]
    # Where the clock is fast, the patience with a server is over at once.
    elif name in ON_SQLITE or "fast_clock" in metafunc.fixturenames:
        kinds = [sqlite]
    else:
        kinds = [sqlite, postgres]
    metafunc.parametrize("database", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> Home:
    """Give what gives a folder a database, for as long as it is used: of one kind or the other."""
    if request.param == "sqlite":
        return lambda folder: kept_in(None, folder)
    postgres: Postgres = request.getfixturevalue("postgres")

    @contextmanager
    def home(folder: Path) -> Iterator[Path]:
        with postgres.database() as address, kept_in(address, folder):
            yield folder

    return home


@pytest.fixture
def home(tmp_path: Path, database: Home) -> Iterator[Path]:
    """Give a folder for a hub of the test's own."""
    with database(tmp_path / "data") as folder:
        yield folder


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory, database: Home) -> Iterator[People]:
    """Give the people on the hub in this process that most tests use."""
    with database(tmp_path_factory.mktemp("inside") / "data") as data_dir, inside(data_dir) as people:
        yield people


@pytest.fixture(scope="session")
def folder(people: People) -> Path:
    """Give the folder of that hub."""
    return people.data_dir


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory, database: Home) -> Iterator[Person]:
    """Give the owner of a hub with more than a page of everything."""
    folder = tmp_path_factory.mktemp("library")
    catalogue = write_catalogue(folder / "hardware.toml")
    with database(folder / "data") as data_dir, inside(data_dir, hardware=catalogue) as people:
        yield fill(people, data_dir)


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
