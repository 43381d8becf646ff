"""What all tests of the client share."""

import os
from collections.abc import Iterator

import pytest

from tests.client.clock import Clock
from tests.client.sides import Awaiting, Blocking, Side


@pytest.fixture(scope="session", params=[Blocking(), Awaiting()], ids=["blocking", "awaiting"])
def side(request: pytest.FixtureRequest) -> Side:
    """Run a test once for each way of calling the client."""
    chosen: Side = request.param
    return chosen


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Let sleeps pass at once."""
    with Clock() as clock:
        yield clock


@pytest.fixture(scope="session", autouse=True)
def _bare_environment() -> Iterator[None]:
    """Hide the settings and proxies of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("WRIFTAI_") or name.lower().endswith("_proxy"):
                patch.delenv(name)
        yield
