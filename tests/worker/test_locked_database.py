"""A database that someone else keeps locked: what runs goes on, and what ended is stored when it can be."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.worker.test_stopping import SLEEPER, begun, opened
from tests.worker.workshop import Workshop
from wriftai_server.database.opening import FILE_NAME

# The process ends a moment after its prediction did.
LEAVER = """
    import os, threading, time
    class Predictor:
        def predict(self, seconds: float) -> str:
            print("begun", flush=True)
            time.sleep(seconds)
            threading.Timer(0.3, os._exit, [1]).start()
            return "slept"
"""


@contextmanager
def locked(workshop: Workshop) -> Iterator[None]:
    """Keep everyone else from writing."""
    with closing(sqlite3.connect(workshop.data_dir / FILE_NAME, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def attempts(workshop: Workshop, prediction: str) -> tuple[int, int]:
    """Give how often a prediction was started, and lost."""
    with closing(sqlite3.connect(workshop.data_dir / FILE_NAME)) as connection:
        found: tuple[int, int] = connection.execute(
            "SELECT attempt, lost FROM predictions WHERE id = ?", (prediction,)
        ).fetchone()
        return found


def test_a_worker_that_could_not_renew_its_leases_keeps_what_nobody_took(tmp_path: Path) -> None:
    with opened(tmp_path / "data", lease_seconds=1) as workshop:
        prediction = workshop.create(workshop.push(SLEEPER), seconds=4)
        begun(workshop, prediction)

        with locked(workshop):
            workshop.run(2.5)

        assert workshop.ended(prediction)["output"] == "slept"
        assert attempts(workshop, prediction) == (1, 0)


def test_what_is_claimed_for_a_model_that_has_gone_meanwhile_runs_in_the_next(tmp_path: Path) -> None:
    with opened(tmp_path / "data") as workshop:
        version = workshop.push(LEAVER)
        first, second = workshop.create(version, seconds=1), workshop.create(version, seconds=0)
        begun(workshop, first)

        with locked(workshop):
            workshop.run(4)  # The first ends, and its process; neither can be stored.

        assert workshop.ended(first)["output"] == "slept"
        assert workshop.ended(second)["output"] == "slept"
