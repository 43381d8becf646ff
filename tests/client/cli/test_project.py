"""What a project says about its model."""

import sys
from pathlib import Path

import pytest

from tests.client.cli.command import PYTHON, fails, written
from wriftai.cli import formats, project

HEAD = f'[project]\nname = "x"\nversion = "1"\nrequires-python = ">={PYTHON}"\n'


def table(*lines: str, head: str = HEAD) -> str:
    return head + "[tool.wriftai]\n" + "".join(f"{line}\n" for line in lines)


def test_a_project_is_read_whole(tmp_path: Path) -> None:
    text = """
        [project]
        name = "digits"
        version = "1"
        requires-python = ">=3.12,<4"
        dependencies = ["numpy>=2", "pillow"]
        [tool.uv]
        override-dependencies = ["torch ; sys_platform == 'never'"]
        [tool.wriftai]
        model = "ada/digits"
        predictor = "code/model.py:Digits"
        hardware = "gpu-small"
        concurrency = 4
        exclude = ["*.ipynb", "data"]
        """
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "model.py").write_text("")
    assert formats.read(written(tmp_path, pyproject=text)) == project.Project(
        folder=tmp_path,
        predictor="code/model.py:Digits",
        python="3.12",
        requirements=("numpy>=2", "pillow"),
        overrides=("torch ; sys_platform == 'never'",),
        model="ada/digits",
        hardware="gpu-small",
        concurrency=4,
        exclude=("*.ipynb", "data"),
    )


def test_most_of_it_need_not_be_said(tmp_path: Path) -> None:
    assert formats.read(written(tmp_path, pyproject=table())) == project.Project(
        folder=tmp_path, predictor="predict.py:Predictor", python=PYTHON, requirements=()
    )


@pytest.mark.parametrize(
    ("wanted", "version"),
    [(">=3.11", "3.11"), ("~=3.10", "3.10"), ("==3.12.*", "3.12"), ("<4, >= 3.13", "3.13"), (">=3.11.4", "3.11")],
)
def test_the_lowest_python_that_it_allows_is_its_own(tmp_path: Path, wanted: str, version: str) -> None:
    text = table(head=f'[project]\nrequires-python = "{wanted}"\n')
    assert formats.read(written(tmp_path, pyproject=text)).python == version


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (table('modle = "x"'), "[tool.wriftai] modle is not known; there are model, predictor,"),
        (table("model = 1"), "[tool.wriftai] model must be text."),
        (table('model = " "'), "[tool.wriftai] model must be text."),
        (
            table('model = "a/b/c"'),
            "[tool.wriftai] model must be owner/name, or name for one of your own, not 'a/b/c'.",
        ),
        (
            table('model = "a b"'),
            "[tool.wriftai] model must be owner/name, or name for one of your own, not 'a b'.",
        ),
        (
            table('predictor = "predict.py"'),
            '[tool.wriftai] predictor must be a file and a class, as "predict.py:',
        ),
        (table('predictor = "predict:Predictor"'), "[tool.wriftai] predictor must be a file and a class"),
        (table('predictor = "other.py:Predictor"'), "[tool.wriftai] predictor names a file that is not there: "),
        (table('predictor = "../out.py:Predictor"'), "[tool.wriftai] predictor leads out of the folder"),
        (table('predictor = "/etc/x.py:Predictor"'), "[tool.wriftai] predictor leads out of the folder"),
        (table("hardware = []"), "[tool.wriftai] hardware must be text."),
        (table('concurrency = "2"'), "[tool.wriftai] concurrency must be a whole number from 1 to 1,000."),
        (table("concurrency = 0"), "[tool.wriftai] concurrency must be a whole number"),
        (table("concurrency = true"), "[tool.wriftai] concurrency must be a whole number"),
        (table('exclude = "*.csv"'), "[tool.wriftai] exclude must be a list of texts."),
        (table("exclude = [1]"), "[tool.wriftai] exclude must be a list of texts."),
        (HEAD + "[tool]\nwriftai = 1", "[tool.wriftai] must be a table of settings."),
        (
            table(head=""),
            '[project] requires-python must name the lowest Python that the model runs on, as ">=3.11".',
        ),
        (table(head='[project]\nrequires-python = "<3.12"\n'), "[project] requires-python must name the lowest"),
        (table(head='[project]\nrequires-python = "any"\n'), "[project] requires-python must name the lowest"),
        (table(head=HEAD + 'dynamic = ["dependencies"]\n'), "[project] dynamic must not name dependencies"),
        (table(head=HEAD + 'dependencies = "numpy"\n'), "[project] dependencies must be a list of texts."),
    ],
)
def test_what_makes_no_sense_is_named_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    written(tmp_path / "model", pyproject=text)
    (tmp_path / "out.py").write_text("")
    assert fails("run", str(tmp_path / "model")).startswith(f"{tmp_path / 'model' / 'pyproject.toml'}: {fault}")


@pytest.mark.parametrize("content", [b"[tool", b"\xff"])
def test_what_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (written(tmp_path) / "pyproject.toml").write_bytes(content)
    assert fails("run", str(tmp_path)).startswith(f"{tmp_path / 'pyproject.toml'} is not TOML in UTF-8: ")


@pytest.mark.parametrize("text", [HEAD, "# Nothing yet.\n"])
def test_a_project_without_the_table_is_told_what_to_add(tmp_path: Path, text: str) -> None:
    written(tmp_path, pyproject=text)
    assert fails("push", str(tmp_path)).startswith(f"{tmp_path / 'pyproject.toml'} has no [tool.wriftai]: add it")


def test_an_empty_folder_is_told_how_to_start(tmp_path: Path) -> None:
    assert "`wriftai init` writes a project" in fails("push", str(tmp_path))


def test_what_is_not_a_folder_is_named(tmp_path: Path) -> None:
    assert fails("push", str(tmp_path / "x")) == f"{tmp_path / 'x'} is not a folder."


def test_the_reader_of_toml_is_another_before_python_3_11(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path)
    monkeypatch.setattr("sys.version_info", (3, 10, 0, "final", 0))
    monkeypatch.setitem(sys.modules, "tomli", None)
    with pytest.raises(ImportError, match="tomli"):
        formats.read(tmp_path)
