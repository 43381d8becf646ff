"""What the guide for models says of schemas is what the runtime makes of them, and its models work."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "models.md").read_text(encoding="utf-8")
ROWS = [
    (annotation.replace("\\|", "|"), json.loads(schema))
    for annotation, schema in re.findall(r"^\| `(.+?)` \| `(\{.*?\})` \|", GUIDE, flags=re.MULTILINE)
]
MODELS = [
    block
    for block in re.findall(r"^```python\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)
    if "class Predictor" in block
]


def described(folder: Path, source: str) -> Any:
    (folder / "predict.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-m", "wriftai_runtime", "describe", "--predictor", "predict.py:Predictor", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("annotation", "schema"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_of_the_table_is_true(annotation: str, schema: object, tmp_path: Path) -> None:
    source = (
        "import pathlib\nfrom typing import Any, Literal\n\n\n"
        f"class Predictor:\n    def predict(self, value: {annotation}) -> {annotation}:\n        return value\n"
    )
    found = described(tmp_path, source)
    assert found["output"] == schema
    found["input"]["properties"]["value"].pop("x-order")
    assert found["input"]["properties"]["value"] == schema


def test_the_table_is_found() -> None:
    assert len(ROWS) == 12


@pytest.mark.parametrize("source", MODELS)
def test_a_model_of_the_guide_can_be_described(source: str, tmp_path: Path) -> None:
    found = described(tmp_path, source)
    assert found["input"]["required"] == ["text"]
    assert found["streams"] == ("Iterator" in source)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", GUIDE))
def test_each_link_leads_somewhere(link: str) -> None:
    assert link.startswith("https://") or (Path(__file__).parents[2] / "docs" / "guides" / link).exists()
