"""`wriftai init`."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

_PYPROJECT = """\
[project]
name = "{name}"
version = "0.1.0"
requires-python = ">={python}"
dependencies = []

[tool.wriftai]
model = "{name}"  # "owner/name"; without an owner it is yours
predictor = "predict.py:Predictor"
hardware = "cpu"
concurrency = 1
"""
_PREDICT = '''\
class Predictor:
    def setup(self) -> None:
        """Load what takes time, once."""
        self.greeting = "Hello"

    def predict(self, name: str, times: int = 1) -> str:
        """Greet someone."""
        return " ".join([f"{self.greeting}, {name}!"] * times)
'''
_FALLBACK = "my-model"


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of the project; made if need be.")
    ] = Path(),
) -> None:
    """Write a starter project that works as it is; what is there already is never overwritten."""
    from wriftai.cli.refusals import Refusal, refusals

    python = f"3.{sys.version_info[1]}"
    contents = {
        "pyproject.toml": _PYPROJECT.format(name=_name(folder), python=python),
        "predict.py": _PREDICT,
    }
    with refusals():
        for name in contents:
            if (folder / name).exists():
                raise Refusal(f"{folder / name} is there already: name another folder, or move it away.")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            with (folder / name).open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    where = folder.as_posix()
    typer.echo(
        f"Wrote {folder / 'pyproject.toml'} and {folder / 'predict.py'}. Try: wriftai run {where} -i name=Ada"
    )


def _name(folder: Path) -> str:
    """Make the name of a model out of the name of a folder."""
    return re.sub("[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("._-")[:128] or _FALLBACK
