"""Cog models: what a `cog.yaml` says, as a project like any other."""

import re
from pathlib import Path
from typing import Any

from wriftai.cli.project import Project, is_model_name, predictor
from wriftai.cli.refusals import Refusal, warn
from wriftai.cli.tables import Table

FILE = "cog.yaml"
_DEFAULT_PYTHON = "3.11"
_KEYS = ("build", "predict", "run", "train", "image", "concurrency", "environment", "tests")
_IGNORED = {
    "build.system_packages": "the hub installs no system packages",
    "build.run": "the hub runs no commands when it installs a model",
    "build.gpu": "choose the hardware on the hub instead",
    "build.cuda": "what the model needs of CUDA has to come with its packages",
    "build.cudnn": "what the model needs of CUDA has to come with its packages",
    "train": "the hub only runs predictions",
    "environment": "set what the model needs in its setup()",
}


def read(folder: Path) -> Project:
    """Read the project that `cog.yaml` describes; each thing in it that the hub leaves out is warned of.

    Raises:
        Refusal: It is not YAML in UTF-8, or says something that makes no sense.
        OSError: It cannot be read.
    """
    document = _document(folder / FILE)
    top = Table(folder / FILE, "", document)
    top.only(_KEYS)
    build = Table(folder / FILE, "build:", document.get("build") or {})
    for key, reason in _IGNORED.items():
        section, _, name = key.rpartition(".")
        if (build if section else top).get(name):
            warn(f"{folder / FILE}: {key} is left out: {reason}.")
    named = "run" if top.get("run") else "predict"
    if not top.get(named):
        raise top.wrong("predict", 'is missing: name the file and the class, as "predict.py:Predictor"')
    return Project(
        folder=folder,
        predictor=predictor(top, named, "", folder),
        python=_python(build),
        requirements=_requirements(build, folder),
        model=_model(top),
        concurrency=Table(folder / FILE, "concurrency:", document.get("concurrency") or {}).count("max", 1),
    )


def _document(file: Path) -> dict[str, Any]:
    import yaml  # Most projects have no such file.

    try:
        document: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise Refusal(f"{file} is not YAML in UTF-8: {' '.join(str(error).split())}") from None
    return document or {}


def _python(build: Table) -> str:
    wanted = build.get("python_version")
    if wanted is None:
        return _DEFAULT_PYTHON
    text = "3.10" if wanted == 3.1 else str(wanted)  # Without quotes 3.10 is the number 3.1.
    version = re.match(r"3\.\d+(?=\.|$)", text)
    if version is None:
        raise build.wrong("python_version", f'must be a version in quotes, as "3.11", not {text}')
    return version[0]


def _requirements(build: Table, folder: Path) -> tuple[str, ...]:
    wanted = [*build.texts("python_packages"), *_listed(build, folder)]
    is_there = any(re.match(r"cog(?![A-Za-z0-9._-])", each) for each in wanted)
    return tuple(wanted if is_there else ["cog", *wanted])


def _listed(build: Table, folder: Path) -> list[str]:
    name = build.text("python_requirements", "")
    if not name:
        return []
    file = folder / name
    if not file.is_file():
        raise build.wrong("python_requirements", f"names a file that is not there: {file}")
    found = []
    text = file.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in (re.sub(r"(^|\s)#.*", "", each).strip() for each in text.splitlines()):
        if line.startswith("-"):
            raise Refusal(f"{file}: `{line}` is an option; only requirements are taken here.")
        if line:
            found.append(line)
    return found


def _model(top: Table) -> str | None:
    parts = top.text("image", "").partition("@")[0].split("/")[-2:]
    if len(parts) == 2 and re.search("[.:]", parts[0]):
        parts = parts[1:]  # What looks like a host is one.
    name = "/".join([*parts[:-1], parts[-1].partition(":")[0]])
    return name if is_model_name(name) else None
