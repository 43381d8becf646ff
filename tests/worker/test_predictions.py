"""Predictions of models that behave, from the queue to their ends."""

from typing import Any

import pytest

from tests.worker.workshop import Workshop
from wriftai.predictions import PredictionWithIO


def output_of(prediction: PredictionWithIO) -> Any:
    assert prediction["status"] == "succeeded", prediction["error"]
    return prediction["output"]


def test_a_prediction_runs_and_says_how_long_that_took(workshop: Workshop) -> None:
    version = workshop.push()

    first, second = workshop.predict(version, text="a"), workshop.predict(version, text="ä\n\u2028")

    assert output_of(first) == "a"
    assert output_of(second) == "ä\n\u2028"
    assert first["setup_time"]
    assert second["setup_time"] is None
    assert first["execution_time"]
    assert second["execution_time"]
    assert first["error"] is None


def test_what_is_printed_is_kept_apart_by_setup_and_prediction(workshop: Workshop) -> None:
    version = workshop.push(
        """
        import sys
        print("imported")
        class Predictor:
            def setup(self):
                print("set up", file=sys.stderr)
            def predict(self, text: str) -> str:
                print("got", text)
                print(20 * "progress\\r" + "done\\r")
                print("nul \\0 \\udce4".encode("utf-8", "surrogateescape").decode("latin-1"))
                sys.stdout.buffer.write(b"no \\xff text\\n")
                sys.stdout.write("no end")
                return text
        """
    )
    first, second = workshop.predict(version, text="a"), workshop.predict(version, text="b")

    assert {"imported", "set up"} <= set(first["setup_logs"] or [])
    assert second["setup_logs"] is None
    assert first["logs"] == [
        "got a",
        "done",
        "nul \N{REPLACEMENT CHARACTER} ä",
        "no \N{REPLACEMENT CHARACTER} text",
        "no end",
    ]
    assert (second["logs"] or [])[0] == "got b"


def test_pieces_of_an_output_are_events(workshop: Workshop) -> None:
    version = workshop.push(
        """
        from collections.abc import Iterator
        class Predictor:
            def predict(self, count: int) -> Iterator[str]:
                for number in range(count):
                    print("line", number)
                    yield str(number)
        """
    )
    prediction = workshop.predict(version, count=3)

    assert output_of(prediction) == ["0", "1", "2"]
    events = workshop.events(prediction["id"])
    assert [data for kind, data in events if kind == "output"] == ['"0"', '"1"', '"2"']
    assert [data for kind, data in events if kind == "log"] == ["line 0", "line 1", "line 2"]


def test_a_prediction_has_a_folder_of_its_own_that_goes_with_it(workshop: Workshop) -> None:
    version = workshop.push(
        """
        import os, tempfile
        from pathlib import Path
        class Predictor:
            def predict(self, text: str) -> str:
                folder = Path(tempfile.mkdtemp())
                (folder / "deep" / "er").mkdir(parents=True)
                (folder / "deep" / "er" / "file").write_text(text)
                return (folder / "deep" / "er" / "file").read_text()
        """
    )
    assert output_of(workshop.predict(version, text="kept")) == "kept"


def test_an_input_and_an_output_of_some_megabytes(workshop: Workshop) -> None:
    version = workshop.push()
    text = "0123456789abcdef" * (5 * 1024 * 1024 // 16)
    assert output_of(workshop.predict(version, text=text)) == text


def test_many_predictions_run_side_by_side_where_the_model_says_so(workshop: Workshop) -> None:
    """All of them wait for the last to arrive."""
    version = workshop.push(
        """
        import asyncio
        class Predictor:
            def __init__(self):
                self.arrived = 0
            async def predict(self, text: str) -> str:
                print("here is", text)
                self.arrived += 1
                while self.arrived < 4:
                    await asyncio.sleep(0.01)
                return text
        """,
        concurrency=4,
    )
    ids = [workshop.create(version, text=str(number)) for number in range(4)]

    predictions = [workshop.ended(id_) for id_ in ids]

    assert [output_of(prediction) for prediction in predictions] == ["0", "1", "2", "3"]
    assert [prediction["logs"] for prediction in predictions] == [[f"here is {number}"] for number in range(4)]


def test_two_models_share_a_slot(workshop: Workshop) -> None:
    code = """
        class Predictor:
            def setup(self):
                print("loaded")
            def predict(self, text: str) -> str:
                return text
    """
    versions = [workshop.push(code), workshop.push(code)]
    ids = [workshop.create(version, text=f"{number}") for number in range(5) for version in versions]

    ended = [workshop.ended(id_) for id_ in ids]

    assert [output_of(prediction) for prediction in ended] == [
        f"{number}" for number in range(5) for _ in versions
    ]
    assert sum("loaded" in (prediction["setup_logs"] or []) for prediction in ended) == 2


@pytest.mark.parametrize("concurrency", [1, 2])
def test_what_nobody_printed_belongs_to_nobody(workshop: Workshop, concurrency: int) -> None:
    version = workshop.push(
        """
        import os, threading, time
        class Predictor:
            def setup(self):
                threading.Thread(target=self.chat, daemon=True).start()
            def chat(self):
                while True:
                    os.write(1, b"chatter\\n")
                    time.sleep(0.01)
            def predict(self, text: str) -> str:
                return text
        """,
        concurrency=concurrency,
    )
    workshop.predict(version, text="a")
    workshop.run(0.1)
    # What was printed between two predictions is in neither.
    assert len(workshop.predict(version, text="b")["logs"] or []) < 5
