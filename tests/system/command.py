"""The `wriftai` command, called in this process against a hub, and projects for it."""

import sys
from pathlib import Path
from typing import NamedTuple

from tests.client.cli.command import Outcome, invoke
from tests.hubs import Hub

PYTHON = ".".join(map(str, sys.version_info[:2]))


class Caller(NamedTuple):
    """Someone who uses the command.

    Attributes:
        name: Username.
        token: That of the user.
        hub: Is called.
    """

    name: str
    token: str
    hub: Hub

    def run(self, *arguments: str) -> Outcome:
        """Call the command."""
        return invoke(*arguments, WRIFTAI_API_BASE_URL=self.hub.url, WRIFTAI_ACCESS_TOKEN=self.token)

    def fails(self, *arguments: str) -> str:
        """Call the command, which must end with one line of an error; give the line."""
        outcome = self.run(*arguments)
        assert (outcome.status, outcome.stdout) == (1, ""), outcome
        return outcome.stderr.strip().splitlines()[-1].removeprefix("Error: ")


def named(folder: Path, model: str, predict: str, *lines: str) -> Path:
    """Write a project; give its folder.

    Args:
        folder: Made if need be.
        model: As the project names it.
        predict: Code of its predictor.
        lines: More of its table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = "\n".join(["[tool.wriftai]", f'model = "{model}"', *lines])
    (folder / "pyproject.toml").write_text(f'[project]\nname = "x"\nrequires-python = ">={PYTHON}"\n{table}\n')
    (folder / "predict.py").write_text(predict)
    return folder
