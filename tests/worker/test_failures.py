"""Models that misbehave: their predictions fail with words, and the next one gets a fresh runtime."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.worker.workshop import Workshop
from wriftai.predictions import PredictionWithIO

MOODY = """
    import os, signal, sys, time
    class Predictor:
        def predict(self, mood: str) -> str:
            print("mood", mood)
            if mood == "wordy":
                raise ValueError("x" * 40_000)
            if mood == "raise":
                raise ValueError("not today")
            if mood == "exit":
                os._exit(3)
            if mood == "segfault":
                os.kill(os.getpid(), signal.SIGSEGV)
            if mood == "unnamed signal":
                os.kill(os.getpid(), signal.SIGRTMIN + 6)
            if mood == "sleep":
                time.sleep(60)
            if mood == "deaf":
                while True:
                    try:
                        time.sleep(60)
                    except BaseException:
                        pass
            if mood == "close":
                os.closerange(3, 100)
                time.sleep(60)
            if mood == "garbage":
                for descriptor in os.listdir("/proc/self/fd"):
                    try:
                        os.write(int(descriptor), b'{"type":"succeeded"\\n')
                    except OSError:
                        pass
                time.sleep(60)
            if mood == "long":
                return "x" * 100_000
            if mood == "chat":
                while True:
                    print("y")
            return str(os.getpid())
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("failures") / "data"
    made = Workshop(folder, setup_seconds=5, prediction_seconds=3, max_output_bytes=50_000)
    yield made
    made.close()


@pytest.fixture(scope="module")
def moody(workshop: Workshop) -> str:
    return workshop.push(MOODY)


def error_of(prediction: PredictionWithIO, source: str = "external") -> dict[str, Any]:
    error = prediction["error"]
    assert prediction["status"] == "failed"
    assert prediction["output"] is None
    assert error is not None
    assert error["source"] == source
    return dict(error)


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        ("exit", "ended by itself, with exit status 3"),
        ("segfault", "ended by SIGSEGV"),
        ("unnamed signal", "ended by signal 40"),
        ("garbage", "sent what is no reply"),
        ("close", "closed the pipe that it replies on"),
        ("deaf", "took longer than 3 s"),
    ],
)
def test_a_runtime_that_breaks_fails_its_prediction_and_is_replaced(
    workshop: Workshop, moody: str, mood: str, words: str
) -> None:
    assert workshop.predict(moody, mood="good")["status"] == "succeeded"

    broken = workshop.predict(moody, mood=mood)

    assert words in error_of(broken)["message"]
    assert (broken["logs"] or [])[0] == f"mood {mood}"
    after = workshop.predict(moody, mood="good")
    assert after["status"] == "succeeded"
    assert after["setup_time"]


@pytest.mark.parametrize(
    ("mood", "words"), [("raise", "not today"), ("long", "50"), ("sleep", "longer than 3 s")]
)
def test_a_runtime_that_is_well_stays_after_a_failure(
    workshop: Workshop, moody: str, mood: str, words: str
) -> None:
    before = workshop.predict(moody, mood="good")

    error = error_of(workshop.predict(moody, mood=mood))

    assert words in error["message"]
    after = workshop.predict(moody, mood="good")
    assert (after["output"], after["setup_time"]) == (before["output"], None)


def test_the_traceback_of_a_model_is_in_the_detail(workshop: Workshop, moody: str) -> None:
    detail = error_of(workshop.predict(moody, mood="raise"))["detail"]
    assert detail["kind"] == "model"
    assert 'raise ValueError("not today")' in detail["traceback"]


def test_a_message_that_is_long_is_cut(workshop: Workshop, moody: str) -> None:
    message = error_of(workshop.predict(moody, mood="wordy"))["message"]
    assert message.startswith("ValueError: xxx")
    assert message.endswith("x …")
    assert len(message) < 5_000


def test_many_small_pieces_are_a_long_output(workshop: Workshop) -> None:
    version = workshop.push("""
        from collections.abc import Iterator
        class Predictor:
            def predict(self) -> Iterator[int]:
                yield from [1] * 2_000
    """)
    assert "longer than 50,000 bytes" in error_of(workshop.predict(version))["message"]


def test_endless_chatter_is_cut_and_says_so(workshop: Workshop, moody: str) -> None:
    chat = workshop.predict(moody, mood="chat")

    assert "took longer than" in error_of(chat)["message"]
    # What is said while the model is loaded counts too, where this is the first prediction of it.
    logs = [*(chat["setup_logs"] or []), *(chat["logs"] or [])]
    assert len(logs) == 10_001
    assert "cut here" in logs[-1]


def test_a_prediction_is_cancelled(workshop: Workshop, moody: str) -> None:
    running, waiting = workshop.create(moody, mood="sleep"), workshop.create(moody, mood="good")
    workshop.until(running, "started")

    workshop.cancel(waiting)
    workshop.cancel(running)

    assert workshop.ended(running)["status"] == "cancelled"
    assert workshop.look(waiting)["status"] == "cancelled"
    assert workshop.look(running)["error"] is None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise RuntimeError('no import')", "no import"),
        ("class Other: ...", "Predictor"),
        ("import os; os._exit(4)", "exit status 4"),
        ("import time; time.sleep(60)", "not ready within 5 s"),
    ],
)
def test_a_model_that_cannot_be_loaded(workshop: Workshop, code: str, words: str) -> None:
    prediction = workshop.predict(workshop.push(f"print('loading', flush=True)\n{code}\n"))

    assert words in error_of(prediction)["message"]
    assert "loading" in (prediction["setup_logs"] or [])
    assert prediction["setup_time"]
    assert prediction["execution_time"] is None


def test_a_prediction_is_cancelled_while_its_model_is_loaded(workshop: Workshop) -> None:
    version = workshop.push(
        "import time; time.sleep(3)\nclass Predictor:\n    def predict(self) -> str: return ''\n"
    )
    prediction = workshop.create(version)
    workshop.until(prediction, "started")
    workshop.cancel(prediction)
    assert workshop.ended(prediction)["status"] == "cancelled"
    assert workshop.predict(version)["status"] == "succeeded"


def test_one_that_has_to_be_forced_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path / "data")
    try:
        version = workshop.push(
            """
            import asyncio, time
            class Predictor:
                async def predict(self, mood: str) -> str:
                    if mood == "deaf":
                        while True:
                            try:
                                await asyncio.sleep(60)
                            except BaseException:
                                pass
                    await asyncio.sleep(6)
                    return mood
            """,
            concurrency=2,
        )
        deaf, good = workshop.create(version, mood="deaf"), workshop.create(version, mood="good")
        workshop.until(good, "started")
        workshop.until(deaf, "started")
        workshop.cancel(deaf)
        assert workshop.ended(deaf)["status"] == "cancelled"
        assert workshop.ended(good)["output"] == "good"
    finally:
        workshop.close()


def test_a_version_that_is_gone(workshop: Workshop) -> None:
    error = error_of(workshop.predict("00000000-0000-4000-8000-000000000000"), "internal")
    assert "deleted" in error["message"]


def test_requirements_that_cannot_be_installed(workshop: Workshop) -> None:
    requirements = "no-such-thing-for-wriftai==1.0 --hash=sha256:" + "0" * 64
    prediction = workshop.predict(workshop.push("", requirements=requirements))
    error = error_of(prediction, "internal")
    assert "environment could not be built" in error["message"]
    assert "no-such-thing-for-wriftai" in error["detail"]["uv"]
    assert "Building the environment, with Python 3.11." in (prediction["setup_logs"] or [])

    again = workshop.predict(prediction["version_id"])

    assert error_of(again, "internal") == error
    assert again["setup_logs"] is None
