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

Lines = set[int]


def lines_refused_by_mypy(file: Path, *options: str) -> Lines:
    # What it knows of the libraries is the same for all tests.
    cache = f"--cache-dir={file.parents[1] / 'cache'}"
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", cache]
    done = subprocess.run(
        [*command, *options, file.name], cwd=file.parent, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = re.findall(r"^(.+?):(\d+): error: ", done.stdout, re.MULTILINE)
    assert {name for name, _ in found} <= {file.name}, done.stdout
    assert bool(found) == bool(done.returncode)
    return {int(line) for _, line in found}


def lines_refused_by_pyright(file: Path, *options: str) -> Lines:
    settings = {"typeCheckingMode": "strict", "include": [file.name], "reportUnusedExpression": False}
    (file.parent / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--outputjson", f"--pythonpath={sys.executable}", *options]
    done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == 1
    errors = [fault for fault in report["generalDiagnostics"] if fault["severity"] == "error"]
    assert {Path(fault["file"]).name for fault in errors} <= {file.name}
    return {fault["range"]["start"]["line"] + 1 for fault in errors}


each_checker = pytest.mark.parametrize("refused_by", [lines_refused_by_mypy, lines_refused_by_pyright])
Checker = Callable[..., Lines]


def written(folder: Path, code: str) -> Path:
    file = folder / "caller.py"
    file.write_text(code)
    return file


@each_checker
def test_the_sample_is_accepted(refused_by: Checker, tmp_path: Path) -> None:
    assert refused_by(written(tmp_path, SAMPLE)) == set()


def test_the_sample_is_accepted_on_the_oldest_python(tmp_path: Path) -> None:
    file = written(tmp_path, SAMPLE)
    assert lines_refused_by_mypy(file, "--python-version=3.10") == set()
    assert lines_refused_by_pyright(file, "--pythonversion=3.10") == set()


@each_checker
def test_each_fault_is_refused(refused_by: Checker, tmp_path: Path) -> None:
    first = len(PREAMBLE.splitlines()) + 1
    refused = refused_by(written(tmp_path, PREAMBLE + "\n".join(FAULTS) + "\n"))
    assert [fault for line, fault in enumerate(FAULTS, first) if line not in refused] == []
    assert {line for line in refused if line < first} == set()


def test_every_operation_is_in_the_sample() -> None:
    for name, resource in vars(Client()).items():
        for method, _ in inspect.getmembers(resource, inspect.ismethod):
            if not method.startswith("_") and not name.startswith("_") and name != "api":
                assert f"client.{name}.{method}(" in SAMPLE
