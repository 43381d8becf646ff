"""Workers that stop, are killed, or meet others."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.worker.conftest import Dig
from tests.worker.workshop import Workshop

SLEEPER = """
    import time
    class Predictor:
        def predict(self, seconds: float) -> str:
            print("begun", flush=True)
            time.sleep(seconds)
            return "slept"
"""


@contextmanager
def opened(data_dir: Path, **settings: Any) -> Iterator[Workshop]:
    workshop = Workshop(data_dir, **settings)
    try:
        yield workshop
    finally:
        workshop.close()


def begun(workshop: Workshop, prediction: str) -> None:
    """Wait until a prediction has printed something."""
    workshop.until(prediction, "started")
    while ("log", "begun") not in workshop.events(prediction):
        assert workshop.look(prediction)["status"] == "started"
        workshop.run(0.02)


def test_what_runs_may_end_when_the_worker_is_told_to_stop(tmp_path: Path) -> None:
    with opened(tmp_path / "data", grace_seconds=30) as workshop:
        prediction = workshop.create(workshop.push(SLEEPER), seconds=0.5)
        waiting = workshop.create(workshop.push(SLEEPER), seconds=0)
        begun(workshop, prediction)

        workshop.stop()

        assert workshop.look(prediction)["output"] == "slept"
        assert workshop.look(waiting)["status"] == "pending"


def test_what_does_not_end_is_given_back(tmp_path: Path) -> None:
    with opened(tmp_path / "data", grace_seconds=0.1) as workshop:
        prediction = workshop.create(workshop.push(SLEEPER), seconds=2)
        begun(workshop, prediction)

        workshop.stop()

        assert workshop.look(prediction)["status"] == "pending"
        assert not list((workshop.data_dir / "runtimes" / "cells").iterdir())
        workshop.start()
        assert workshop.ended(prediction)["output"] == "slept"


def test_what_waits_for_its_model_is_given_back_at_once(tmp_path: Path) -> None:
    with opened(tmp_path / "data", grace_seconds=30) as workshop:
        prediction = workshop.create(workshop.push("import time; time.sleep(60)"))
        workshop.until(prediction, "started")

        workshop.stop()

        assert workshop.look(prediction)["status"] == "pending"


def test_an_idle_model_is_unloaded(tmp_path: Path) -> None:
    with opened(tmp_path / "data", idle_seconds=0.2) as workshop:
        version = workshop.push()
        assert workshop.predict(version, text="a")["setup_time"]
        workshop.run(3)
        assert workshop.predict(version, text="b")["setup_time"]


WORKER = """
import sys
from pathlib import Path
from typing import Any
from tests.worker.conftest import Dig
from tests.worker.workshop import Workshop
workshop = Workshop(Path(sys.argv[1]), lease_seconds=1.5)
prediction = workshop.create(workshop.push(sys.argv[2]), seconds=300)
while not workshop.events(prediction):
    workshop.run(0.05)
print(prediction, flush=True)
workshop.run(300)
"""


def told(worker: subprocess.Popen[str]) -> str:
    """Give the first line that a worker prints."""
    assert worker.stdout is not None
    with worker.stdout as stdout:
        return stdout.readline().strip()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_another_worker_takes_over_from_one_that_is_not_heard_of(tmp_path: Path, how: signal.Signals) -> None:
    folder = tmp_path / "data"
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder), SLEEPER], cwd=Path.cwd(), stdout=subprocess.PIPE, text=True
    )
    try:
        prediction = told(worker)
        worker.send_signal(how)
        with opened(folder, lease_seconds=1.5, prediction_seconds=2) as workshop:
            workshop.until(prediction, "pending", "started", "failed")
            ended = workshop.ended(prediction)
            assert ended["error"] is not None
            assert "took longer than 2 s" in ended["error"]["message"]  # The second attempt's limit.
            if how is signal.SIGSTOP:
                worker.send_signal(signal.SIGCONT)
                workshop.run(1)
                assert workshop.look(prediction) == ended
    finally:
        worker.kill()
        worker.wait()


def test_what_a_killed_worker_left_is_removed(tmp_path: Path) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path / "data"), SLEEPER],
        cwd=Path.cwd(),
        stdout=subprocess.PIPE,
        text=True,
    )
    told(worker)
    worker.kill()
    worker.wait()
    sandboxes = tmp_path / "data" / "runtimes" / "cells"
    left = list(sandboxes.iterdir())
    assert len(left) == 1

    with opened(tmp_path / "data"):
        assert left[0] not in list(sandboxes.iterdir())
        assert len(list(sandboxes.iterdir())) == 1
    assert list(sandboxes.iterdir()) == []


DIGGER = """
    import os
    class Predictor:
        def predict(self, exits: bool, levels: int) -> str:
            for place in (os.getcwd(), os.environ["HOME"]):
                try:
                    os.chdir(place)
                    os.mkdir("closed")
                    os.mkdir("closed/within")
                    os.symlink("/etc", "closed/link")
                    os.chmod("closed/within", 0)
                    os.chmod("closed", 0)
                except OSError:
                    os.chdir(os.environ["HOME"])
                for _ in range(levels):
                    os.mkdir("d")
                    os.chdir("d")
            if exits:
                os._exit(1)
            os.chdir(os.environ["HOME"])
            return "dug"
"""


def test_folders_however_deep_and_closed_hold_nobody_up(tmp_path: Path, dig: Dig) -> None:
    with opened(tmp_path / "data") as workshop:
        digger, sleeper = workshop.push(DIGGER), workshop.push(SLEEPER)
        for exits in (True, False):
            workshop.predict(digger, exits=exits, levels=3000)
            assert workshop.predict(sleeper, seconds=0)["output"] == "slept"

        abandoned = tmp_path / "data" / "runtimes" / "cells" / "1-0"
        dig(abandoned, levels=3000)
        (abandoned / "lock").touch()
        workshop.stop()
        workshop.start()

        assert workshop.predict(sleeper, seconds=0)["output"] == "slept"
        assert not abandoned.exists()
        workshop.stop()
        assert list(abandoned.parent.iterdir()) == []
