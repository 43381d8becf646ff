"""Serving a model: what goes in and comes out over the pipes."""

from pathlib import Path

from tests.runtime.children import model, served

ECHO = """
class Predictor:
    def setup(self):
        self.times = 2

    def predict(self, text: str) -> str:
        return text * self.times
"""


def test_a_plain_model(tmp_path: Path) -> None:
    with served(model(tmp_path / "model", ECHO)) as child:
        ready = child.receive()
        assert ready["type"] == "ready"
        assert ready["seconds"] > 0
        reply = child.predict(text="ab")
        assert reply.pop("seconds") > 0
        assert reply == {"type": "succeeded", "id": "1", "output": "abab"}
        assert child.stop() == 0
