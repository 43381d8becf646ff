"""What is kept for long enough is removed."""

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.worker.conftest import Dig
from tests.worker.workshop import PATIENCE, Workshop
from wriftai_server.database.opening import FILE_NAME
from wriftai_server.worker.environments import Environments
from wriftai_server.worker.images import Images
from wriftai_server.worker.retention import Retention

PRINTING = """
    class Predictor:
        def predict(self, text: str) -> str:
            print(text)
            return text
"""


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(tmp_path / "data", retention_days=2)
    yield made
    made.close()


def change(workshop: Workshop, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(workshop.data_dir / FILE_NAME, timeout=30)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(statement, values)


def tidied(workshop: Workshop) -> None:
    """Let another worker begin, which tidies up first."""
    workshop.stop()
    workshop.start()
    workshop.run(1)


def aged(folder: Path, days: float) -> None:
    moment = time.time() - days * 24 * 3600
    os.utime(folder, (moment, moment))


def test_inputs_outputs_and_logs_go_after_their_time(workshop: Workshop) -> None:
    version = workshop.push(PRINTING)
    old = [workshop.predict(version, text=f"{number}")["id"] for number in range(3)]
    late = workshop.predict(version, text="late")
    long_ago = "2020-01-01T00:00:00.000000Z"
    for prediction in old:
        change(workshop, "UPDATE predictions SET finished_at = ? WHERE id = ?", long_ago, prediction)

    tidied(workshop)

    for prediction in old:
        found = workshop.look(prediction)
        assert (found["input"], found["output"], found["logs"]) == (None, None, None)
        assert found["status"] == "succeeded"
    assert workshop.look(late["id"]) == late


def test_unpacked_images_of_versions_that_are_gone_go(workshop: Workshop) -> None:
    gone, kept = workshop.push(PRINTING), workshop.push(PRINTING.replace("print(text)", "print(text, 2)"))
    for version in (gone, kept):
        assert workshop.predict(version, text="a")["status"] == "succeeded"
    workshop.stop()
    images = workshop.data_dir / "runtimes" / "images"
    for folder in images.iterdir():
        aged(folder, 1.5)
    change(workshop, "DELETE FROM versions WHERE id = ?", gone)

    tidied(workshop)

    assert len(list(images.iterdir())) == 1
    assert workshop.predict(kept, text="b")["status"] == "succeeded"


def test_an_unpacked_image_goes_however_deep_it_is(workshop: Workshop, dig: Dig) -> None:
    images = workshop.data_dir / "runtimes" / "images"
    deep = images / ("a" * 64)
    dig(deep / "model", levels=3000)
    aged(deep, 1.5)

    tidied(workshop)

    assert not deep.exists()
    end = time.monotonic() + PATIENCE
    while list(images.iterdir()):
        assert time.monotonic() < end
        workshop.run(0.1)


def test_an_image_that_is_only_half_removed_is_unpacked_anew(workshop: Workshop) -> None:
    version = workshop.push(PRINTING)
    assert workshop.predict(version, text="a")["status"] == "succeeded"
    workshop.stop()
    [image] = (workshop.data_dir / "runtimes" / "images").iterdir()
    held = image / "held"
    held.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(held)], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here, so that everything can be removed")
    aged(image, 3)
    try:
        tidied(workshop)

        assert not image.exists()
        assert workshop.predict(version, text="b")["status"] == "succeeded"
    finally:
        [held] = image.parent.glob("*/held")
        subprocess.run(["umount", str(held)], check=True)


def test_what_killed_unpacking_left_goes_after_a_day(workshop: Workshop) -> None:
    images = workshop.data_dir / "runtimes" / "images"
    left, under_way = (images / f".{letter * 64}-0123456789abcdef" for letter in "ab")
    for folder, days in ((left, 1.5), (under_way, 0.5)):
        (folder / "files").mkdir(parents=True)
        aged(folder, days)

    tidied(workshop)

    assert list(images.iterdir()) == [under_way]


def test_what_nobody_used_for_long_goes_and_comes_again(workshop: Workshop) -> None:
    version = workshop.push(PRINTING)
    assert workshop.predict(version, text="a")["status"] == "succeeded"
    workshop.stop()
    runtimes = workshop.data_dir / "runtimes"
    folders = [*(runtimes / "images").iterdir(), *(runtimes / "environments").iterdir()]
    for folder in folders:
        aged(folder, 3)

    tidied(workshop)

    assert not any(folder.is_dir() for folder in folders)
    assert workshop.predict(version, text="b")["status"] == "succeeded"


def test_what_is_in_use_stays(workshop: Workshop) -> None:
    """Even where it was loaded so long ago that nobody seems to have used it since."""
    assert workshop.predict(workshop.push(PRINTING), text="a")["status"] == "succeeded"
    runtimes = workshop.data_dir / "runtimes"
    images, environments = runtimes / "images", runtimes / "environments"
    folders = [folder for folder in (*images.iterdir(), *environments.iterdir()) if folder.is_dir()]
    for folder in folders:
        aged(folder, 3)
    retention = Retention(
        workshop.database,
        workshop.blobs,
        Images(images, workshop.blobs),
        Environments(environments),
        in_use=lambda: folders,
        days=2,
    )

    workshop.do(retention.tidy())

    assert all(folder.is_dir() for folder in folders)


def test_folders_go_while_no_blob_can_be_removed(workshop: Workshop) -> None:
    workshop.stop()
    digest, long_ago = f"sha256:{'a' * 64}", "2020-01-01T00:00:00.000000Z"
    change(workshop, "INSERT INTO blobs VALUES (?, 1, ?, ?)", digest, long_ago, long_ago)
    # What is no file cannot be removed as one: to the worker it is as if a bucket were out of reach.
    (workshop.data_dir / "blobs" / "sha256" / "aa" / ("a" * 64) / "held").mkdir(parents=True)
    image = workshop.data_dir / "runtimes" / "images" / ("b" * 64)
    image.mkdir(parents=True)
    aged(image, 3)

    tidied(workshop)

    assert not image.exists()
