"""Projects: what a model's folder says about it, whichever format it says that in."""

import re
from dataclasses import dataclass
from pathlib import Path

from wriftai.cli.tables import Table

_PREDICTOR = re.compile(r"(?P<file>[^:]+\.py):(?P<name>[^\W\d]\w*)")
_MODEL = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_-]{0,62}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Project:
    """A model's folder, and what it says about the model.

    Attributes:
        folder: Path of it.
        predictor: File in it and class, as `predict.py:Predictor`.
        python: Version that it runs on, as `3.11`.
        requirements: What it needs, one requirement each (PEP 508).
        overrides: Requirements that count instead of those of other packages on the same package.
        model: Where it is pushed to, `owner/name` or `name`; None where it does not say.
        hardware: Identifier of what it runs on.
        concurrency: How many predictions it runs at the same time, 1 to 1,000.
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


def predictor(table: Table, key: str, default: str, folder: Path) -> str:
    """Give where the class of a model is, as `predict.py:Predictor`.

    Args:
        table: Says so.
        key: What it is called there.
        default: Counts where it does not say so.
        folder: Of the project.

    Raises:
        Refusal: It is not of that form, leads out of the folder, or there is no such file.
    """
    wanted = table.text(key, default)
    parts = _PREDICTOR.fullmatch(wanted)
    if parts is None:
        raise table.wrong(key, f'must be a file and a class, as "predict.py:Predictor", not {wanted!r}')
    file = folder / parts["file"]
    if not file.resolve().is_relative_to(folder.resolve()):
        raise table.wrong(key, f"leads out of the folder: {wanted}")
    if not file.is_file():
        raise table.wrong(key, f"names a file that is not there: {file}")
    return wanted


def is_model_name(text: str) -> bool:
    """Tell whether a text is `owner/name` or `name`, as a hub takes them."""
    return _MODEL.fullmatch(text) is not None
