"""What tests of the worker share."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.worker.workshop import Workshop


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Give a worker with one slot, which the tests of a module share."""
    made = Workshop(tmp_path_factory.mktemp("workshop") / "data")
    yield made
    made.close()


class Dig(Protocol):
    def __call__(self, folder: Path, *, levels: int) -> None: ...


@pytest.fixture
def dig() -> Iterator[Dig]:
    """Give what makes folders in folders, deeper than a path can name; pytest could not remove them itself."""
    dug = []

    def make(folder: Path, *, levels: int) -> None:
        dug.append(folder)
        folder.mkdir(parents=True, exist_ok=True)
        place = os.open(folder, os.O_RDONLY)
        for _ in range(levels):
            os.mkdir("d", dir_fd=place)
            within = os.open("d", os.O_RDONLY, dir_fd=place)
            os.close(place)
            place = within
        os.close(place)

    yield make
    subprocess.run(["rm", "-rf", *dug], check=True)
