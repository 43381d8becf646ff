"""Files of inputs: how large they may be, and where they may be fetched from."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.runtime.pages import serving
from tests.worker.workshop import Workshop

READ = """
    from pathlib import Path
    class Predictor:
        def predict(self, file: Path) -> str:
            return file.read_text()
"""


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    with serving() as address:
        yield f"{address}/page"


def test_files_are_fetched_from_public_addresses_only(tmp_path: Path, page: str) -> None:
    with closing(Workshop(tmp_path / "data")) as workshop:
        error = workshop.predict(workshop.push(READ), file=page)["error"]
    assert error is not None
    assert error["message"] == f"The file {page} cannot be fetched: its address is not a public one."


def test_the_operator_sets_how_large_files_may_be_and_whether_addresses_may_be_private(
    tmp_path: Path, page: str
) -> None:
    settings = {"max_file_bytes": 8, "allow_private_addresses": True}
    with closing(Workshop(tmp_path / "data", **settings)) as workshop:
        version = workshop.push(READ)
        assert workshop.predict(version, file=page)["output"] == "at /page"
        for url, excess in ((f"{page}s", "more than 8 bytes"), ("data:,123456789", "at most 8 are taken")):
            error = workshop.predict(version, file=url)["error"]
            assert error is not None
            assert error["source"] == "external"
            assert excess in error["message"]
