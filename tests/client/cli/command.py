"""The `wriftai` command, called in this process, and projects for it."""

import sys
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from wriftai.cli._command import app

PYTHON = ".".join(map(str, sys.version_info[:2]))

PYPROJECT = f"""\
[project]
name = "echo"
version = "1"
requires-python = ">={PYTHON}"

[tool.wriftai]
model = "echo"
"""
ECHO = """\
class Predictor:
    def predict(self, text: str) -> str:
        return text
"""


class Outcome(NamedTuple):
    """How a command ended, and what it wrote."""

    status: int
    stdout: str
    stderr: str


def invoke(*arguments: str, **environment: str) -> Outcome:
    """Call the command, with these variables added."""
    result = CliRunner().invoke(
        app, list(arguments), prog_name="wriftai", env=environment, catch_exceptions=False
    )
    return Outcome(result.exit_code, result.stdout, result.stderr)


def written(folder: Path, predict: str = ECHO, pyproject: str = PYPROJECT, **files: str) -> Path:
    """Write a project; give its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "predict.py").write_text(predict, encoding="utf-8")
    (folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def fails(*arguments: str, **environment: str) -> str:
    """Call the command, which must end with one line of an error; give the line."""
    outcome = invoke(*arguments, **environment)
    assert outcome.status == 1, outcome
    assert outcome.stdout == ""
    assert "Traceback" not in outcome.stderr
    *_, last = outcome.stderr.strip().splitlines()
    assert last.startswith("Error: ")
    return last.removeprefix("Error: ")
