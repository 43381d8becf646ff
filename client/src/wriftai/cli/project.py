"""Projects: what a model's folder says about it, in `pyproject.toml` or in the `cog.yaml` of a Cog model."""

import importlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wriftai.cli.refusals import Refusal

PYPROJECT = "pyproject.toml"
COG = "cog.yaml"

_KEYS = ("model", "predictor", "hardware", "concurrency", "exclude")
_PREDICTOR = re.compile(r"(?P<file>[^:]+\.py):(?P<name>[^\W\d]\w*)")
_MODEL = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_-]{0,62}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LOWEST = re.compile(r"(?:>=|~=|===?)\s*(3\.\d+)")
_MOST_CONCURRENCY = 1000


@dataclass(frozen=True)
class Project:
    """A model's folder, and what it says about the model.

    Attributes:
        folder: Where it is.
        predictor: File and class, as `predict.py:Predictor`.
        python: Version that it runs on, as `3.11`.
        requirements: What it needs, one requirement each (PEP 508).
        overrides: Requirements that count instead of those of other packages on the same package.
        model: Where it is pushed to, `owner/name` or `name`; None where it does not say.
        hardware: Identifier of what it runs on.
        concurrency: How many predictions it runs at the same time.
        exclude: Patterns of what is not pushed.
    """

    folder: Path
    predictor: str
    python: str
    requirements: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    model: str | None = None
    hardware: str = "cpu"
    concurrency: int = 1
    exclude: tuple[str, ...] = ()


def read(folder: Path) -> Project:
    """Read a project.

    Raises:
        Refusal: The folder is none, or says something that makes no sense.
    """
    if not folder.is_dir():
        raise Refusal(f"{folder} is not a folder.")
    document = _document(folder / PYPROJECT)
    table = document.get("tool", {}).get("wriftai")
    if table is not None:
        return _from_pyproject(folder, document, table)
    if (folder / COG).is_file():
        from wriftai.cli import cog

        return cog.read(folder)
    if not document:
        raise Refusal(f"{folder} has no {PYPROJECT}: `wriftai init` writes a project to start from.")
    raise Refusal(f'{folder / PYPROJECT} has no [tool.wriftai]: add it, with predictor = "predict.py:Predictor".')


def _document(file: Path) -> Mapping[str, Any]:
    if not file.is_file():
        return {}
    tomllib: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        document: Mapping[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Refusal(f"{file} is not TOML in UTF-8: {error}") from None
    return document


def _from_pyproject(folder: Path, document: Mapping[str, Any], table: Any) -> Project:
    settings = Settings(folder / PYPROJECT, "[tool.wriftai]", table)
    settings.only(_KEYS)
    project = Settings(folder / PYPROJECT, "[project]", document.get("project", {}))
    uv = Settings(folder / PYPROJECT, "[tool.uv]", document.get("tool", {}).get("uv", {}))
    if "dependencies" in project.texts("dynamic"):
        raise project.wrong("dynamic", "must not name dependencies: list them in dependencies")
    return Project(
        folder=folder,
        predictor=predictor(settings, "predictor", "predict.py:Predictor", folder),
        python=_python(project),
        requirements=project.texts("dependencies"),
        overrides=uv.texts("override-dependencies"),
        model=model(settings, "model"),
        hardware=settings.text("hardware", "cpu"),
        concurrency=settings.count("concurrency", 1),
        exclude=settings.texts("exclude"),
    )


def _python(project: "Settings") -> str:
    wanted = project.text("requires-python", "")
    lowest = _LOWEST.search(wanted)
    if lowest is None:
        raise project.wrong("requires-python", 'must name the lowest Python that the model runs on, as ">=3.11"')
    return lowest[1]


def predictor(settings: "Settings", key: str, default: str, folder: Path) -> str:
    """Check where the class of a model is.

    Raises:
        Refusal: It is not of the form `file.py:Class`, or there is no such file in the folder.
    """
    wanted = settings.text(key, default)
    parts = _PREDICTOR.fullmatch(wanted)
    if parts is None:
        raise settings.wrong(key, f'must be a file and a class, as "predict.py:Predictor", not {wanted!r}')
    file = folder / parts["file"]
    if not file.resolve().is_relative_to(folder.resolve()):
        raise settings.wrong(key, f"leads out of the folder: {wanted}")
    if not file.is_file():
        raise settings.wrong(key, f"names a file that is not there: {file}")
    return wanted


def model(settings: "Settings", key: str) -> str | None:
    """Check the name of a model, with or without its owner; None when there is none.

    Raises:
        Refusal: It is no such name.
    """
    wanted = settings.text(key, "")
    if wanted and not is_model_name(wanted):
        raise settings.wrong(key, f"must be owner/name, or name for one of your own, not {wanted!r}")
    return wanted or None


def is_model_name(text: str) -> bool:
    """Tell whether a text is `owner/name` or `name`, as a hub takes them."""
    return _MODEL.fullmatch(text) is not None


class Settings:
    """A table of settings in a file, whose values are checked as they are read.

    Args:
        file: For people.
        place: Of the table, for people; empty for the file as a whole.
        table: The table.

    Raises:
        Refusal: It is not a table.
    """

    def __init__(self, file: Path, place: str, table: Any) -> None:
        self._place = f"{file}: {place}" if place else f"{file}:"
        if not isinstance(table, dict):
            raise Refusal(f"{self._place} must be a table of settings.")
        self._table = table

    def wrong(self, key: str, fault: str) -> Refusal:
        """Make the error that says what is wrong with a setting."""
        return Refusal(f"{self._place} {key} {fault}.")

    def only(self, known: tuple[str, ...]) -> None:
        """Refuse settings that are not known."""
        for key in self._table:
            if key not in known:
                raise self.wrong(key, f"is not known; there are {', '.join(known)}")

    def get(self, key: str) -> Any:
        """Give a setting as it is; None where it is not there."""
        return self._table.get(key)

    def text(self, key: str, default: str) -> str:
        """Give a setting that is text, and not empty."""
        value = self._table.get(key, default)
        if not isinstance(value, str) or (key in self._table and not value.strip()):
            raise self.wrong(key, "must be text")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a setting that is a list of texts; empty where it is not there."""
        value = self._table.get(key) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "must be a list of texts")
        return tuple(value)

    def count(self, key: str, default: int) -> int:
        """Give a setting that is a whole number from 1 on."""
        value = self._table.get(key, default)
        if type(value) is not int or not 1 <= value <= _MOST_CONCURRENCY:
            raise self.wrong(key, f"must be a whole number from 1 to {_MOST_CONCURRENCY:,}")
        return value
