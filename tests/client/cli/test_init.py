"""Starting a project."""

from pathlib import Path

import pytest

from tests.client.cli.command import fails, invoke
from wriftai.cli import formats


def test_a_new_project_works_as_it_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "some" / "greeter"
    made = invoke("init", str(folder))
    assert made.status == 0
    assert made.stdout.splitlines()[-1].endswith(f"wriftai run {folder} -i name=Ada")
    assert sorted(path.name for path in folder.iterdir()) == ["predict.py", "pyproject.toml"]
    ran = invoke("run", str(folder), "-i", "name=Ada", "-i", "times=2")
    assert (ran.status, ran.stdout) == (0, "Hello, Ada! Hello, Ada!\n")


def test_the_folder_is_the_present_one_unless_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "greeter"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert invoke("init").status == 0
    assert formats.read(folder).model == "greeter"


def test_the_class_fits_on_a_page(tmp_path: Path) -> None:
    invoke("init", str(tmp_path / "greeter"))
    assert len((tmp_path / "greeter" / "predict.py").read_text().splitlines()) <= 10


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("greeter", "greeter"),
        ("My Model (2)", "My-Model-2"),
        ("_.x._", "x"),
        ("模型", "my-model"),
        ("a" * 200, "a" * 128),
    ],
)
def test_the_model_is_named_after_the_folder(tmp_path: Path, folder: str, name: str) -> None:
    assert invoke("init", str(tmp_path / folder)).status == 0
    assert formats.read(tmp_path / folder).model == name


@pytest.mark.parametrize("there", ["predict.py", "pyproject.toml"])
def test_nothing_is_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    assert fails("init", str(tmp_path)).startswith(f"{tmp_path / there} is there already")
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file" / "x") in fails("init", str(tmp_path / "file" / "x"))
