"""A disk that is full: predictions that need room fail with words, and the worker goes on."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.packed import of_layers, tar
from tests.worker.workshop import Workshop

MIB = 1024 * 1024


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 24 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_prediction_that_finds_the_disk_full_says_so(small: Path) -> None:
    workshop = Workshop(small / "data")
    try:
        echo = workshop.push()
        assert workshop.predict(echo, text="before")["status"] == "succeeded"
        model = tar({"model/predict.py": b"class Predictor:\n    def predict(self) -> str: return 'large'\n"})
        weights = tar({"model/weights": bytes(4 * MIB), "requirements.txt": b""})
        large = workshop.push(of_layers(model, weights))
        filler = small / "filler"
        with filler.open("wb") as file:
            file.truncate(0)
            free = int(subprocess.check_output(["stat", "-f", "-c", "%a", str(small)])) * 4096
            file.write(bytes(free - 2 * MIB))

        error = workshop.predict(large)["error"]

        assert error is not None
        assert error["source"] == "internal"
        assert error["message"] == "The hub's disk is full: its operator has to make room."
        assert workshop.predict(echo, text="meanwhile")["status"] == "succeeded"
        filler.unlink()
        assert workshop.predict(large)["output"] == "large"
    finally:
        workshop.close()


def test_an_outcome_that_cannot_be_stored_waits_until_there_is_room(small: Path) -> None:
    workshop = Workshop(small / "data")
    try:
        version = workshop.push(
            """
            import time
            class Predictor:
                def predict(self, seconds: float) -> str:
                    print("begun", flush=True)
                    time.sleep(seconds)
                    print("x" * 10_000, flush=True)
                    time.sleep(seconds)
                    return "done"
            """
        )
        prediction = workshop.create(version, seconds=0.7)
        while ("log", "begun") not in workshop.events(prediction):
            workshop.run(0.02)
        filler = small / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

        workshop.run(3)
        assert workshop.look(prediction)["status"] == "started"
        filler.unlink()

        ended = workshop.ended(prediction)
        assert ended["output"] == "done"
        assert ended["logs"] == ["begun", "x" * 10_000]
    finally:
        workshop.close()
