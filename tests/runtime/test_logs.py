"""What models print: raw where one prediction runs at a time, else as messages of each."""

from collections import defaultdict
from pathlib import Path

import pytest

from tests.runtime.children import model, printed, served

CODE = """
import asyncio, logging, os, sys, threading
logging.basicConfig(level="INFO", format="%(message)s")
print("imported")
barrier = threading.Barrier(2)
class Predictor:
    {prefix}def predict(self, name: str) -> int:
        print(f"{{name}} one")
        {wait}
        print(f"{{name}} two\\n{{name}} ", end="")
        print("three", file=sys.stdout, flush=True)
        logging.info("%s logged", name)
        os.write(sys.stdout.fileno(), b"raw\\n")
        sys.stderr.write(f"{{name}} without an end")
        assert sys.stdout.writable()
        return 1
"""


@pytest.mark.parametrize("prefix", ["", "async "])
def test_lines_of_predictions_side_by_side(tmp_path: Path, prefix: str) -> None:
    code = CODE.format(prefix=prefix, wait="await asyncio.sleep(0.1)" if prefix else "barrier.wait(30)")
    with served(model(tmp_path / "model", code), "--concurrency", "2") as child:
        assert child.receive()["type"] == "ready"
        names = {child.ask(name="a"): "a", child.ask(name="b"): "b"}
        lines = defaultdict(list)
        ended: list[str] = []
        while len(ended) < 2:
            message = child.receive()
            assert message["id"] not in ended
            if message["type"] == "log":
                lines[message["id"]].append(message["line"])
            else:
                assert message["type"] == "succeeded"
                ended.append(message["id"])
        for key, name in names.items():
            assert lines[key] == [
                f"{name} one",
                f"{name} two",
                f"{name} three",
                f"{name} logged",
                f"{name} without an end",
            ]
        assert printed(child) == "imported\nraw\nraw\n"


def test_one_prediction_prints_before_it_ends(tmp_path: Path) -> None:
    code = CODE.format(prefix="", wait="pass")
    with served(model(tmp_path / "model", code)) as child:
        assert child.receive()["type"] == "ready"
        child.predict(name="a")
        assert printed(child) == "imported\na one\na two\na three\na logged\nraw\na without an end"


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    code = (
        "class Predictor:\n    def predict(self) -> None:\n        for _ in range(30): print('x' * 5000, end='')"
    )
    with served(model(tmp_path / "model", code), "--concurrency", "2") as child:
        assert child.receive()["type"] == "ready"
        child.ask()
        pieces = []
        while (message := child.receive())["type"] == "log":
            pieces.append(len(message["line"]))
        assert sum(pieces) == 150_000
        assert max(pieces) <= 70_000


def test_a_thread_that_outlives_its_prediction(tmp_path: Path) -> None:
    code = """
    import contextvars, threading
    class Predictor:
        def predict(self, goes_on: bool) -> None:
            if goes_on:
                self.next = threading.Event()
                run = contextvars.copy_context().run
                self.thread = threading.Thread(target=run, args=(lambda: (self.next.wait(30), print("late")),))
                self.thread.start()
            else:
                self.next.set()
                self.thread.join()
    """
    with served(model(tmp_path / "model", code), "--concurrency", "2") as child:
        assert child.receive()["type"] == "ready"
        assert child.predict(goes_on=True)["type"] == "succeeded"
        child.ask(goes_on=False)
        assert child.receive()["type"] == "succeeded"
        assert printed(child) == "late\n"


def test_output_that_the_model_closed_is_no_fault(tmp_path: Path) -> None:
    code = """
    import sys
    class Predictor:
        def predict(self) -> None:
            sys.stdout.close()
            sys.stderr = None
    """
    with served(model(tmp_path / "model", code)) as child:
        assert child.receive()["type"] == "ready"
        assert child.predict()["type"] == "succeeded"
