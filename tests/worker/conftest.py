"""What tests of the worker share."""

from collections.abc import Iterator

import pytest

from tests.worker.workshop import Workshop


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Give a worker with one slot, which the tests of a module share."""
    made = Workshop(tmp_path_factory.mktemp("workshop") / "data")
    yield made
    made.close()
