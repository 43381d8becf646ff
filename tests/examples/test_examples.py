"""The examples do what their pages say, through all that the pages say to type."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hubs import Hub, running

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
LARGE = pytest.mark.large

Type = Callable[[str], str]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with running(tmp_path_factory.mktemp("examples") / "data") as hub:
        yield hub


@pytest.fixture(scope="module")
def typed(hub: Hub) -> Type:
    """Give what a shell answers to a person who is signed in as ada."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "WRIFTAI_API_BASE_URL": hub.url,
        "WRIFTAI_ACCESS_TOKEN": hub.create_user("ada"),
    }

    def answer(command: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return answer


class Example:
    """A folder with its page."""

    def __init__(self, name: str) -> None:
        self.page = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
        self.output = json.loads((EXAMPLES / name / "output.json").read_text(encoding="utf-8"))

    def block(self, start: str, language: str = "sh") -> str:
        """Give the block of the page that has a line beginning so."""
        blocks = re.findall(rf"^```{language}\n(.*?)^```", self.page, flags=re.MULTILINE | re.DOTALL)
        found = [block for block in blocks if re.search(rf"^{re.escape(start)}", block, flags=re.MULTILINE)]
        assert len(found) == 1, start
        return str(found[0])


@pytest.fixture(
    scope="module",
    params=[
        "file-type",
        "cog-wonderland",
        pytest.param("read-text", marks=LARGE),
        pytest.param("voice-activity", marks=LARGE),
    ],
)
def example(request: pytest.FixtureRequest) -> Example:
    return Example(request.param)


@pytest.fixture(scope="module")
def pushed(example: Example, typed: Type) -> Example:
    typed(example.block("wriftai push"))
    return example


def agrees(found: Any, expected: Any) -> bool:
    """Tell whether two outputs are the same but for what another processor computes a little differently."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(agrees(found[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(agrees, found, expected))
    if isinstance(expected, float):
        return bool(found == pytest.approx(expected, abs=0.02))
    return bool(found == expected)


def is_printed(output: Any, text: str) -> bool:
    """Tell whether the command printed an output: one that comes word by word as a text, any other as JSON."""
    if isinstance(output, list) and isinstance(output[0], str):
        return text == "".join(output) + "\n"
    return agrees(json.loads(text), output)


def test_it_runs_without_a_hub(example: Example, typed: Type) -> None:
    assert is_printed(example.output, typed(example.block("wriftai run")))


def test_it_answers_the_client(pushed: Example, typed: Type, tmp_path: Path) -> None:
    program = tmp_path / "call.py"
    program.write_text(pushed.block("print(prediction", "python"))
    assert agrees(ast.literal_eval(typed(f"python -W error {program}")), pushed.output)


def test_it_answers_the_command(pushed: Example, typed: Type) -> None:
    assert is_printed(pushed.output, typed(pushed.block("wriftai predict")))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_it_answers_curl(pushed: Example, typed: Type) -> None:
    prediction = json.loads(typed(pushed.block("curl")))
    assert prediction["status"] == "succeeded", prediction
    assert agrees(prediction["output"], pushed.output)


def test_the_story_streams(typed: Type, tmp_path: Path) -> None:
    story = Example("cog-wonderland")
    typed(story.block("wriftai push"))
    program = tmp_path / "stream.py"
    program.write_text(story.block("for event", "python"))
    assert typed(f"python -W error {program}") == "".join(story.output) + "\n"


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in EXAMPLES.glob("*/predict.py")))
def test_each_example_is_on_the_page_of_all(folder: str) -> None:
    assert f"]({folder})" in (EXAMPLES / "README.md").read_text(encoding="utf-8")
