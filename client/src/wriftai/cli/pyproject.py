"""Projects that say in `pyproject.toml`, under [tool.wriftai], what their model is."""

import importlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wriftai.cli.project import Project, is_model_name, predictor
from wriftai.cli.refusals import Refusal
from wriftai.cli.tables import Table

FILE = "pyproject.toml"
_KEYS = ("model", "predictor", "hardware", "concurrency", "exclude")
_LOWEST = re.compile(r"(?:>=|~=|===?)\s*(3\.\d+)")


def read(folder: Path) -> Project | None:
    """Read the project that `pyproject.toml` describes; None where it does not, or is not there.

    Raises:
        Refusal: It is not TOML in UTF-8, or says something that makes no sense.
    """
    document = _document(folder / FILE)
    values = document.get("tool", {}).get("wriftai")
    if values is None:
        return None
    table = Table(folder / FILE, "[tool.wriftai]", values)
    table.only(_KEYS)
    project = Table(folder / FILE, "[project]", document.get("project", {}))
    uv = Table(folder / FILE, "[tool.uv]", document.get("tool", {}).get("uv", {}))
    if "dependencies" in project.texts("dynamic"):
        raise project.wrong("dynamic", "must not name dependencies: list them in dependencies")
    return Project(
        folder=folder,
        predictor=predictor(table, "predictor", "predict.py:Predictor", folder),
        python=_python(project),
        requirements=project.texts("dependencies"),
        overrides=uv.texts("override-dependencies"),
        model=_model(table),
        hardware=table.text("hardware", "cpu"),
        concurrency=table.count("concurrency", 1),
        exclude=table.texts("exclude"),
    )


def _document(file: Path) -> Mapping[str, Any]:
    if not file.is_file():
        return {}
    tomllib: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        document: Mapping[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Refusal(f"{file} is not TOML in UTF-8: {error}") from None
    return document


def _python(project: Table) -> str:
    wanted = project.text("requires-python", "")
    lowest = _LOWEST.search(wanted)
    if lowest is None:
        raise project.wrong("requires-python", 'must name the lowest Python that the model runs on, as ">=3.11"')
    return lowest[1]


def _model(table: Table) -> str | None:
    wanted = table.text("model", "")
    if wanted and not is_model_name(wanted):
        raise table.wrong("model", f"must be owner/name, or name for one of your own, not {wanted!r}")
    return wanted or None
