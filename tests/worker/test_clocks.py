"""What a worker does when the clock of its machine is set."""

import time
from pathlib import Path

import pytest

from tests.worker.test_stopping import SLEEPER, opened


def test_a_model_gets_its_turn_though_the_clock_was_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path / "data", grace_seconds=0.1) as workshop:
        busy, other = workshop.push(SLEEPER), workshop.push(SLEEPER)
        workshop.predict(busy, seconds=0)
        clock = time.time
        monkeypatch.setattr(time, "time", lambda: clock() - 3600)
        many = [workshop.create(busy, seconds=0.3) for _ in range(60)]

        assert workshop.predict(other, seconds=0)["output"] == "slept"

        assert workshop.look(many[-1])["status"] == "pending"
