"""Callers' code passes mypy --strict and pyright where it is right, and fails where it is not.

The type checkers are installed only beside the tools of this repository, so this file is left out elsewhere.
"""

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wriftai import Client

SAMPLE = Path(__file__).with_name("typing_sample.py").read_text()

FAULTS = [
    "Client(1)",
    'Client("http://hub.invalid", "token", {}, 3)',
    'Client(client_options={"proxy": "http://127.0.0.1"})',
    'Client(client_options={"timeout": "5"})',
    "client.model",
    'client.models.get("ada")',
    'client.models.get("ada", 1)',
    'client.models.get("ada", "resnet", "extra")',
    'client.models.get(owner="ada", model="resnet")',
    'client.models.get("ada", "resnet")["nme"]',
    'client.models.get("ada", "resnet")["description"].upper()',
    'client.models.list({"sort_by": "name"})',
    'client.models.list({"page": 1})',
    'client.models.list().items.get("name")',
    'client.models.create({"name": "resnet"})',
    'client.models.create({"name": "resnet", "hardware_identifier": "cpu", "visibility": "secret"})',
    'client.models.update("ada", "resnet", {"name": None})',
    'client.users.list({"sort_by": ModelsSortBy.CREATED_AT})',
    "client.users.search(q=1)",
    'client.versions.create("ada", "resnet", {"release_notes": ""})',
    'client.predictions.create({"input": object()}, "ada/resnet")',
    'client.predictions.create({}, "ada/resnet")',
    'client.predictions.wait("p1", AsyncWaitOptions())',
    "WaitOptions(on_poll=async_told)",
    "AsyncWaitOptions(on_poll=told)",
    'client.authenticated_user.update({"username": None})',
    'len(client.models.async_get("ada", "resnet"))',
    "client.models.async_list().items",
    'list(client.predictions.async_stream("p1"))',
    "wriftai.Model",
    "from wriftai import Model",
]

PREAMBLE = """\
import wriftai
from wriftai import Client
from wriftai.models import ModelsSortBy
from wriftai.predictions import AsyncWaitOptions, PredictionWithIO, WaitOptions
def told(prediction: PredictionWithIO) -> None: ...
async def async_told(prediction: PredictionWithIO) -> None: ...
client = Client()
"""

Lines = dict[str, set[int]]


def lines_refused_by_mypy(folder: Path, *options: str) -> Lines:
    # What it knows of the libraries is the same for all tests.
    cache = f"--cache-dir={folder.parent / 'cache'}"
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", cache]
    files = sorted(file.name for file in folder.glob("*.py"))
    done = subprocess.run(
        [*command, *options, *files], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = re.findall(r"^(.+?):(\d+): error: ", done.stdout, re.MULTILINE)
    assert {name for name, _ in found} <= set(files), done.stdout
    assert bool(found) == bool(done.returncode)
    return {file: {int(line) for name, line in found if name == file} for file in files}


def lines_refused_by_pyright(folder: Path, *options: str) -> Lines:
    files = sorted(file.name for file in folder.glob("*.py"))
    settings = {"typeCheckingMode": "strict", "include": files, "reportUnusedExpression": False}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--outputjson", f"--pythonpath={sys.executable}", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(files)
    errors = [fault for fault in report["generalDiagnostics"] if fault["severity"] == "error"]
    found = [(Path(fault["file"]).name, fault["range"]["start"]["line"] + 1) for fault in errors]
    assert {name for name, _ in found} <= set(files)
    return {file: {line for name, line in found if name == file} for file in files}


Checker = Callable[..., Lines]
CHECKERS: list[Checker] = [lines_refused_by_mypy, lines_refused_by_pyright]


@pytest.fixture(scope="module", params=CHECKERS)
def refused(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """Let a checker look at the sample and the faults at once: most of its time goes into the libraries."""
    folder = tmp_path_factory.mktemp("typing")
    (folder / "sample.py").write_text(SAMPLE)
    (folder / "faults.py").write_text(PREAMBLE + "\n".join(FAULTS) + "\n")
    refused_by: Checker = request.param
    return refused_by(folder)


def test_the_sample_is_accepted(refused: Lines) -> None:
    assert refused["sample.py"] == set()


def test_each_fault_is_refused(refused: Lines) -> None:
    first = len(PREAMBLE.splitlines()) + 1
    lines = refused["faults.py"]
    assert [fault for line, fault in enumerate(FAULTS, first) if line not in lines] == []
    assert {line for line in lines if line < first} == set()


@pytest.mark.parametrize(
    ("refused_by", "option"),
    [(lines_refused_by_mypy, "--python-version=3.10"), (lines_refused_by_pyright, "--pythonversion=3.10")],
)
def test_the_sample_is_accepted_on_the_oldest_python(tmp_path: Path, refused_by: Checker, option: str) -> None:
    folder = tmp_path / "oldest"
    folder.mkdir()
    (folder / "sample.py").write_text(SAMPLE)
    assert refused_by(folder, option) == {"sample.py": set()}


def test_every_operation_is_in_the_sample() -> None:
    for name, resource in vars(Client()).items():
        for method, _ in inspect.getmembers(resource, inspect.ismethod):
            if not method.startswith("_") and not name.startswith("_") and name != "api":
                assert f"client.{name}.{method}(" in SAMPLE
