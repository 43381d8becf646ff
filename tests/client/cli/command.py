"""The `wriftai` command, called in this process, and projects for it."""

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
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


def in_terminal(*arguments: str, columns: int = 80, **environment: str) -> Outcome:
    """Call the installed command where its standard output is a terminal so wide."""
    ours, its = pty.openpty()
    variables = {**os.environ, "COLUMNS": str(columns), **environment}
    command = [str(Path(sys.executable).with_name("wriftai")), *arguments]
    with os.fdopen(ours, "rb", buffering=0) as shown, TemporaryFile() as stderr:
        with os.fdopen(its, "wb") as terminal:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=terminal, stderr=stderr, env=variables
            )
        stdout = b""
        with suppress(OSError):  # So Linux says that nobody writes to it any more.
            while piece := shown.read(4096):
                stdout += piece
        status = process.wait(60)
        stderr.seek(0)
        return Outcome(status, stdout.decode().replace("\r\n", "\n"), stderr.read().decode())
