"""The `wriftai-server` command, called in this process."""

from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from tests.databases import address_of
from wriftai_server.cli import app


class Outcome(NamedTuple):
    """How a command ended, and what it wrote."""

    status: int
    stdout: str
    stderr: str


def invoke(*arguments: str, data_dir: Path | None = None, **environment: str) -> Outcome:
    """Call the command.

    Args:
        arguments: Behind the name of the command.
        data_dir: Given as an option; None leaves it out.
        environment: Variables for this call.
    """
    options = [] if data_dir is None else ["--data-dir", str(data_dir)]
    if data_dir is not None and (address := address_of(data_dir)) is not None:
        options += ["--database", address]
    result = CliRunner().invoke(
        app, [*arguments, *options], prog_name="wriftai-server", env=environment, catch_exceptions=False
    )
    return Outcome(result.exit_code, result.stdout, result.stderr)
