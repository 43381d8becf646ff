"""What tests of the whole system share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.client.sides import Awaiting, Blocking, Side
from tests.databases import kept_in
from tests.hubs import Hub
from tests.system.folders import failures_logged


@pytest.fixture(scope="session", autouse=True)
def _bare_environment() -> Iterator[None]:
    """Hide the settings and proxies of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("WRIFTAI_") or name.lower().endswith("_proxy"):
                patch.delenv(name)
        yield


@contextmanager
def kept_on(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[Path]:
    """Let a folder have a database of a kind, `sqlite` or `postgres`, for as long as it is used."""
    fresh = request.getfixturevalue("postgres").database() if kind == "postgres" else nullcontext()
    with fresh as address, kept_in(address, folder):
        yield folder


KINDS = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture(scope="module")
def hub(shared_hub: Hub) -> Iterator[Hub]:
    """Give the shared hub, which must not have failed on any request of the module."""
    before = shared_hub.log.stat().st_size
    yield shared_hub
    assert failures_logged(shared_hub, since=before) == []


@pytest.fixture(params=[Blocking(), Awaiting()], ids=["blocking", "awaiting"])
def side(request: pytest.FixtureRequest) -> Side:
    """Run a test once for each way of calling the client."""
    chosen: Side = request.param
    return chosen
