"""Running a model without a hub."""

import json
from pathlib import Path

import pytest

from tests.client.cli.command import PYPROJECT, PYTHON, Outcome, fails, invoke, written
from tests.client.servers import SocketServer
from tests.client.test_tls import over_tls
from wriftai.cli import formats, runner
from wriftai.cli.environment import Environment
from wriftai.cli.refusals import Refusal

MODEL = """
import os
import sys
from collections.abc import Iterator
from pathlib import Path


class Predictor:
    def setup(self) -> None:
        print("loading")
        self.count = 0

    def predict(self, text: str, file: Path | None = None, end: str = "") -> str:
        print("predicting", file=sys.stderr)
        if end == "raise":
            raise LookupError("no such word")
        if end == "exit":
            os._exit(7)
        if end == "kill":
            os.kill(os.getpid(), 9)
        if end == "real-time":
            os.kill(os.getpid(), 40)
        return text if file is None else f"{text} {file.read_text()}"
"""
STREAM = """
from collections.abc import Iterator

class Predictor:
    def predict(self, text: str) -> Iterator[str]:
        yield from text.split()
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project that does as its input says."""
    return written(tmp_path_factory.mktemp("model"), MODEL)


def run(folder: Path, *options: str) -> Outcome:
    return invoke("run", str(folder), *options)


def test_the_output_goes_to_standard_output_and_prints_to_standard_error(
    model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done = run(model, "-i", "text=hello")
    assert (done.status, done.stdout) == (0, "hello\n")
    assert capfd.readouterr().err.splitlines() == ["loading", "predicting"]


def test_files_go_in_and_the_output_into_a_file(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("from a file")
    out = tmp_path / "out.txt"
    done = run(model, "-i", "text=read", "--input", f"file=@{tmp_path / 'in.txt'}", "-o", str(out))
    assert (done.status, done.stdout, done.stderr) == (0, "", f"Wrote {out}.\n")
    assert out.read_text() == "read from a file\n"


def test_an_output_in_pieces_is_shown_in_pieces(tmp_path: Path) -> None:
    folder = written(tmp_path, STREAM)
    assert run(folder, "-i", "text=a b c").stdout == "a\nb\nc\n"
    assert json.loads(run(folder, "-i", "text=a b c", "--json").stdout) == ["a", "b", "c"]


def test_a_cog_model_runs(tmp_path: Path) -> None:
    cog = f'build:\n  python_version: "{PYTHON}"\npredict: "predict.py:Predictor"\n'
    (tmp_path / "cog.yaml").write_text(cog)
    (tmp_path / "predict.py").write_text(
        "from cog import BasePredictor, Input\n\n\n"
        "class Predictor(BasePredictor):\n"
        "    def predict(self, n: int = Input(description='How many.', ge=1, default=2)) -> str:\n"
        "        return 'x' * n\n"
    )
    assert run(tmp_path).stdout == "xx\n"
    assert run(tmp_path, "-i", "n=3").stdout == "xxx\n"


def test_the_fault_of_a_prediction_is_shown_with_where_it_is(model: Path) -> None:
    done = run(model, "-i", "text=x", "-i", "end=raise")
    assert (done.status, done.stdout) == (1, "")
    *logs, last = done.stderr.splitlines()
    assert "LookupError: no such word" in logs
    assert any("predict.py" in line for line in logs)
    assert last.startswith("Error: ")
    assert "no such word" in last


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("exit", "ended with 7"),
        ("kill", "was ended by SIGKILL"),
        ("real-time", "was ended by signal 40"),
    ],
)
def test_a_process_that_ends_is_said(model: Path, end: str, words: str) -> None:
    said = fails("run", str(model), "-i", "text=x", "-i", f"end={end}")
    assert said == f"The model's process {words} before the prediction did."


def test_a_model_that_cannot_be_loaded_shows_why(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = written(
        tmp_path, "class Predictor:\n    def setup(self): 1 / 0\n    def predict(self) -> int: return 1\n"
    )
    done = run(folder)
    assert done.status == 1
    *logs, last = done.stderr.splitlines()
    assert "ZeroDivisionError: division by zero" in logs
    assert last.startswith("Error: ")


def test_a_process_that_ends_before_it_reads_is_said(tmp_path: Path) -> None:
    code = "import os\n\n\nclass Predictor:\n    def setup(self):\n        os._exit(3)\n\n"
    folder = written(tmp_path, code + "    def predict(self) -> int: return 1\n")
    assert fails("run", str(folder)) == "The model's process ended with 3 before the prediction did."


def test_a_process_that_never_reads_is_said(tmp_path: Path) -> None:
    nobody = Environment(Path("/bin/false"), {})
    model = formats.read(written(tmp_path))
    with (
        runner.runner(nobody, model) as started,
        pytest.raises(Refusal, match="The model's process ended with 1 before the prediction did"),
    ):
        started.predict({"text": "x" * 1_000_000}, print)


@pytest.mark.parametrize(
    ("code", "log", "reason"),
    [
        ("print('importing')\nimport no_such_module\n", "ModuleNotFoundError", "no_such_module"),
        ("class Predictor:\n    def predict(self, x: set) -> str: return ''\n", "", "parameter `x`"),
        ("class Other: ...\n", "", "Predictor"),
        ("import os\nos._exit(9)\n", "", "The model's process ended with 9."),
    ],
    ids=["import", "annotation", "class", "exit"],
)
def test_a_predictor_that_is_none_is_explained(tmp_path: Path, code: str, log: str, reason: str) -> None:
    done = run(written(tmp_path, code))
    assert (done.status, done.stdout) == (1, "")
    *logs, last = done.stderr.splitlines()
    assert log in "\n".join(logs)
    assert last.startswith("Error: ")
    assert reason in last


def test_what_is_printed_while_it_is_imported_is_shown(tmp_path: Path) -> None:
    folder = written(
        tmp_path, "print('importing')\n\n\nclass Predictor:\n    def predict(self) -> int: return 1\n"
    )
    assert "importing\n" in run(folder).stderr


def test_requirements_that_cannot_be_had_are_explained_by_uv(tmp_path: Path) -> None:
    text = PYPROJECT.replace("[tool.wriftai]", 'dependencies = ["rich<1,>2"]\n[tool.wriftai]')
    done = run(written(tmp_path, pyproject=text))
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: The requirements of {tmp_path} cannot be resolved.\n")
    assert "rich" in done.stderr


def test_behind_a_proxy_with_its_own_certificate_the_variable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UV_SYSTEM_CERTS", "UV_NATIVE_TLS", "SSL_CERT_FILE", "SSL_CERT_DIR", "UV_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    text = PYPROJECT.replace("[tool.wriftai]", 'dependencies = ["no-such-package"]\n[tool.wriftai]')
    with SocketServer(over_tls) as proxy:
        address = proxy.address.replace("http", "https")
        for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"):
            monkeypatch.setenv(name, f"{address}/simple")
        done = run(written(tmp_path, pyproject=text))
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.endswith("TLS certificates with UV_SYSTEM_CERTS=true in the environment\n")
    assert "--system-certs" not in done.stderr


def test_a_python_that_is_not_there_is_explained_by_uv(tmp_path: Path) -> None:
    done = run(written(tmp_path, pyproject=PYPROJECT.replace(f">={PYTHON}", ">=3.99")))
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: The ")
    assert "3.99" in done.stderr


def test_what_was_resolved_before_needs_no_network(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(model, "-i", "text=first").status == 0
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_OFFLINE", "1")
    assert run(model, "-i", "text=again").stdout == "again\n"


def test_the_cache_is_in_the_home_unless_it_is_named(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert run(model, "-i", "text=x").status == 0
    assert {path.name for path in (tmp_path / ".cache" / "wriftai").iterdir()} == {"environments", "requirements"}


def test_a_model_gets_no_secrets_and_none_of_our_packages(tmp_path: Path) -> None:
    code = (
        "import importlib.util\nimport os\n\n\nclass Predictor:\n"
        "    def predict(self) -> dict[str, bool]:\n"
        "        return {'token': 'WRIFTAI_ACCESS_TOKEN' in os.environ, 'mine': 'MINE' in os.environ,\n"
        "                'typer': importlib.util.find_spec('typer') is not None}\n"
    )
    done = invoke("run", str(written(tmp_path, code)), "--json", WRIFTAI_ACCESS_TOKEN="secret", MINE="1")
    assert json.loads(done.stdout) == {"token": False, "mine": True, "typer": False}


def test_nothing_is_written_into_the_project(model: Path) -> None:
    run(model, "-i", "text=x")
    assert sorted(path.name for path in model.iterdir()) == ["predict.py", "pyproject.toml"]


def test_a_wrong_use_has_a_status_of_its_own(model: Path) -> None:
    for arguments in (
        ["run"],
        ["run", str(model), "-i", "text"],
        ["run", str(model), "--no-such-option"],
        ["walk"],
    ):
        done = invoke(*arguments)
        assert (done.status, done.stdout) == (2, "")
        assert "Error" in done.stderr
