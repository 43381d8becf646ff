"""What tests of a running hub share."""

from collections.abc import Iterator

import pytest

from tests.hubs import Hub, running


@pytest.fixture(scope="session")
def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Give a hub that many tests use; each makes users of its own. Predictions stay as they are made."""
    with running(tmp_path_factory.mktemp("shared") / "data", "--no-worker") as hub:
        yield hub
