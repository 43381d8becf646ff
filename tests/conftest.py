"""What tests of a running hub share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.hubs import Hub, running

if TYPE_CHECKING:
    from tests.databases import Postgres

# How long a machine takes to draw examples says nothing about what is tested.
settings.register_profile("patient", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres",
        metavar="URL",
        help="Test on this PostgreSQL server, as a user who may create databases; by default on one of our own.",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with folders whose files take long, so that none of these goes on while nothing else is left."""
    items.sort(key=lambda item: item.path.parent.name not in ("benchmarks", "system", "worker"))


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """Give a PostgreSQL server."""
    # On the other Pythons there is nothing of the hub.
    from tests.databases import Postgres, started

    address = request.config.getoption("--postgres")
    with nullcontext(address) if address else started() as address:
        server = Postgres(address)
        yield server
        server.close()


@pytest.fixture(scope="session")
def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Give a hub that many tests use; each makes users of its own. Predictions stay as they are made."""
    with running(tmp_path_factory.mktemp("shared") / "data", "--no-worker") as hub:
        yield hub
