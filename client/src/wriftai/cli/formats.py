"""Formats in which a folder may say what its model is: `pyproject.toml`, and the `cog.yaml` of a Cog model."""

from pathlib import Path

from wriftai.cli import cog, pyproject
from wriftai.cli.project import Project
from wriftai.cli.refusals import Refusal


def read(folder: Path) -> Project:
    """Read a project; where both files describe one, `pyproject.toml` counts.

    Raises:
        Refusal: The folder is none, says nothing of a model, or something that makes no sense.
    """
    if not folder.is_dir():
        raise Refusal(f"{folder} is not a folder.")
    found = pyproject.read(folder)
    if found is not None:
        return found
    if (folder / cog.FILE).is_file():
        return cog.read(folder)
    file = folder / pyproject.FILE
    if not file.is_file():
        raise Refusal(f"{folder} has no {pyproject.FILE}: `wriftai init` writes a project to start from.")
    raise Refusal(f'{file} has no [tool.wriftai]: add it, with predictor = "predict.py:Predictor".')
