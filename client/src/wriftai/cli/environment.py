"""Environments: what a model needs, resolved and installed in the caller's cache, and what it says of itself."""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer
from uv import find_uv_bin

import wriftai_runtime
from wriftai.cli.project import Project
from wriftai.cli.refusals import Refusal
from wriftai.common_types import Schemas
from wriftai_runtime import environments

_FLAG_OF_UV = re.compile(r"(?:the )?`--system-certs` command-line flag")


@dataclass(frozen=True)
class Environment:
    """Where a model can run.

    Attributes:
        python: Path of its Python.
        variables: Of the processes that run there.
    """

    python: Path
    variables: Mapping[str, str]

    def command(self, verb: str, *options: str) -> list[str]:
        """Give a command of the runtime."""
        return [str(self.python), "-m", "wriftai_runtime", verb, *options]


def resolve(project: Project) -> str:
    """Pin what a project needs, with hashes, and keep it for `resolved`.

    Raises:
        Refusal: The requirements do not go together.
    """
    try:
        text = environments.resolve(
            project.requirements, project.python, uv=find_uv_bin(), overrides=project.overrides
        )
    except environments.EnvironmentFailed as failure:
        raise Refusal(f"The requirements of {project.folder} cannot be resolved.\n{_said(failure)}") from None
    known = _known(project)
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(text, encoding="utf-8")
    return text


def resolved(project: Project) -> str:
    """Give what `resolve` found for the same requirements before, so that a model runs without a network.

    Raises:
        Refusal: The requirements do not go together.
    """
    known = _known(project)
    return known.read_text(encoding="utf-8") if known.is_file() else resolve(project)


def build(project: Project, requirements: str) -> Path:
    """Install what a model needs, unless it is there; give the path of its Python.

    Args:
        project: Names the version of Python.
        requirements: As `resolve` gives them.

    Raises:
        Refusal: They cannot be installed, or there is no such Python.
    """
    folder = _cache() / "environments" / _digest(project.python, requirements)
    with TemporaryDirectory(prefix="wriftai-") as temporary:
        listed = Path(temporary) / "requirements.txt"
        listed.write_text(requirements, encoding="utf-8")
        try:
            return environments.build(folder, listed, project.python, uv=find_uv_bin())
        except environments.EnvironmentFailed as failure:
            raise Refusal(f"The environment of {project.folder} cannot be made.\n{_said(failure)}") from None


@contextmanager
def opened(python: Path) -> Generator[Environment, None, None]:
    """Give where models run with this Python."""
    with TemporaryDirectory(prefix="wriftai-") as runtime:
        # Only the runtime is on the path: beside it are the packages of this command, which no model is to see.
        folder = Path(wriftai_runtime.__file__).parent
        Path(runtime, folder.name).symlink_to(folder)
        yield Environment(python, _variables(runtime))


def describe(place: Environment, project: Project, folder: Path) -> Schemas:
    """Ask a model what it takes and gives.

    Args:
        place: Environment that it can run in.
        project: Names its class.
        folder: Holds its files, which need not be the project's own.

    Raises:
        Refusal: It cannot be imported, or has something that has no schema. What it printed was passed on before.
    """
    command = place.command("describe", "--predictor", project.predictor, str(folder))
    done = subprocess.run(  # noqa: S603  The caller's own model.
        command, env=place.variables, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode == 0:
        typer.echo(done.stderr, err=True, nl=False)
        said: dict[str, Any] = json.loads(done.stdout)
        return {"prediction": {"input": said["input"], "output": said["output"]}}
    *logs, reason = done.stderr.strip().splitlines() or [f"The model's process ended with {done.returncode}."]
    for line in logs:
        typer.echo(line, err=True)
    raise Refusal(reason)


def _said(failure: environments.EnvironmentFailed) -> str:
    """Give the words of uv, with variables in the place of flags, which this command does not have."""
    return _FLAG_OF_UV.sub("UV_SYSTEM_CERTS=true in the environment", str(failure))


def _known(project: Project) -> Path:
    digest = _digest(project.python, *project.requirements, "", *project.overrides)
    return _cache() / "requirements" / f"{digest}.txt"


def _cache() -> Path:
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (chosen if chosen.is_absolute() else Path.home() / ".cache") / "wriftai"


def _variables(runtime: str) -> dict[str, str]:
    """Give the caller's environment without the token, which is not the model's, and what leads Python astray."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "WRIFTAI_", "VIRTUAL"))
    }
    return {**kept, "PYTHONPATH": runtime, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}


def _digest(*texts: str) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:32]
