"""A model of which no two runs are alike: it takes some time, says something in pieces, and may fail."""

import textwrap
from pathlib import Path

MODEL = "ada/chance"
_PROJECT = """
    [project]
    name = "chance"
    version = "1"
    requires-python = ">=3.11"

    [tool.wriftai]
    model = "ada/chance"
    predictor = "predict.py:Predictor"
    hardware = "cpu"
    """
_PREDICTOR = """
    import random
    import time
    import uuid
    from collections.abc import Iterator


    class Predictor:
        def predict(self, key: str) -> Iterator[str]:
            marker = f"marker-{uuid.uuid4().hex}"
            print(marker, flush=True)
            slowness = random.choice((0.02, 0.1, 1.5))
            for _ in range(random.randint(1, 5)):
                time.sleep(random.uniform(0, slowness))
                yield marker
            if random.random() < 0.1:
                raise ValueError("Bad luck.")
    """


def write_project(folder: Path) -> None:
    """Write the project of the model."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text(textwrap.dedent(_PROJECT))
    (folder / "predict.py").write_text(textwrap.dedent(_PREDICTOR))
