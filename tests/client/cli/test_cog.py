"""Cog models as projects."""

from pathlib import Path
from typing import Any

import pytest

from tests.client.cli.command import fails
from wriftai.cli import formats, project

PREDICT = 'predict: "predict.py:Predictor"\n'


def cog(folder: Path, text: str, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cog.yaml").write_text(text)
    (folder / "predict.py").write_text("")
    for name, content in files.items():
        (folder / name.replace("_txt", ".txt")).write_text(content)
    return folder


def test_a_cog_model_is_a_project(tmp_path: Path) -> None:
    text = """
        image: "r8.im/ada/wonderland"
        build:
          python_version: "3.12"
          python_packages: ["numpy==2.3.0"]
          python_requirements: needs.txt
        predict: "predict.py:Predictor"
        concurrency:
          max: 8
        """
    needs = "# What it needs.\npillow>=11  # pictures\n\n--hash-free==1\n".replace(
        "--hash-free==1\n", "rich\\\n>=15\n"
    )
    assert formats.read(cog(tmp_path, text, needs_txt=needs)) == project.Project(
        folder=tmp_path,
        predictor="predict.py:Predictor",
        python="3.12",
        requirements=("cog", "numpy==2.3.0", "pillow>=11", "rich >=15"),
        model="ada/wonderland",
        concurrency=8,
    )


def test_most_of_it_need_not_be_said(tmp_path: Path) -> None:
    assert formats.read(cog(tmp_path, PREDICT)) == project.Project(
        folder=tmp_path, predictor="predict.py:Predictor", python="3.11", requirements=("cog",)
    )


def test_the_newer_key_counts_too(tmp_path: Path) -> None:
    assert formats.read(cog(tmp_path, 'run: "predict.py:Runner"\n')).predictor == "predict.py:Runner"


def test_a_table_in_pyproject_counts_first(tmp_path: Path) -> None:
    cog(tmp_path, PREDICT)
    (tmp_path / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.11"\n[tool.wriftai]\n')
    assert formats.read(tmp_path).requirements == ()


def test_a_pyproject_without_the_table_does_not_hide_it(tmp_path: Path) -> None:
    cog(tmp_path, PREDICT)
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    assert formats.read(tmp_path).requirements == ("cog",)


@pytest.mark.parametrize(
    ("wanted", "requirements"),
    [
        ("cog==0.16.0", ("cog==0.16.0",)),
        ("cog", ("cog",)),
        ("cogent", ("cog", "cogent")),
        ("cog-extra>=1", ("cog", "cog-extra>=1")),
    ],
)
def test_cog_itself_is_needed(tmp_path: Path, wanted: str, requirements: tuple[str, ...]) -> None:
    text = f'build:\n  python_packages: ["{wanted}"]\n{PREDICT}'
    assert formats.read(cog(tmp_path, text)).requirements == requirements


@pytest.mark.parametrize(
    ("written", "version"), [('"3.11"', "3.11"), ("3.12", "3.12"), ("3.10", "3.10"), ('"3.11.4"', "3.11")]
)
def test_the_version_of_python_may_be_written_in_several_ways(tmp_path: Path, written: str, version: str) -> None:
    text = f"build:\n  python_version: {written}\n{PREDICT}"
    assert formats.read(cog(tmp_path, text)).python == version


@pytest.mark.parametrize(
    ("image", "model"),
    [
        ("r8.im/ada/hello", "ada/hello"),
        ("ada/hello:v1", "ada/hello"),
        ("localhost:5000/hello", "hello"),
        ("registry.example/team/ada/hello@sha256:0123", "ada/hello"),
        ("hello", "hello"),
        ("_hello", None),
    ],
)
def test_the_model_is_named_by_the_end_of_the_image(tmp_path: Path, image: str, model: str | None) -> None:
    assert formats.read(cog(tmp_path, f'{PREDICT}image: "{image}"\n')).model == model


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "build:\n  system_packages: [ffmpeg]\n",
            "build.system_packages is left out: the hub installs no system",
        ),
        ("build:\n  run: [make]\n", "build.run is left out: the hub runs no commands"),
        ("build:\n  gpu: true\n", "build.gpu is left out: choose the hardware on the hub"),
        ('build:\n  cuda: "12.1"\n', "build.cuda is left out: "),
        ('train: "train.py:train"\n', "train is left out: the hub only runs predictions."),
        ("environment: [A=b]\n", "environment is left out: "),
    ],
)
def test_what_the_hub_does_not_do_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, warning: str
) -> None:
    formats.read(cog(tmp_path, text + PREDICT))
    said = capsys.readouterr().err
    assert said.startswith(f"Warning: {tmp_path / 'cog.yaml'}: {warning}")
    assert len(said.splitlines()) == 1


def test_what_is_not_wanted_needs_no_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    formats.read(cog(tmp_path, f"build:\n  gpu: false\n  system_packages: []\n{PREDICT}"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("predict: [", " is not YAML in UTF-8: "),
        ("just text", ": must be a table of settings."),
        ("", ': predict is missing: name the file and the class, as "predict.py:Predictor".'),
        ("predicts: x\n", ": predicts is not known; there are build, predict, run,"),
        ('predict: "predict.py"\n', ": predict must be a file and a class"),
        ('predict: "gone.py:Predictor"\n', ": predict names a file that is not there: "),
        (f"build: []x\n{PREDICT}", " is not YAML in UTF-8: "),
        (f"build: x\n{PREDICT}", ": build: must be a table of settings."),
        (
            f"build:\n  python_version: three\n{PREDICT}",
            ': build: python_version must be a version in quotes, as "3.11',
        ),
        (f"build:\n  python_version: 3\n{PREDICT}", ": build: python_version must be a version in quotes"),
        (f"build:\n  python_version: [3]\n{PREDICT}", ": build: python_version must be a version in quotes"),
        (f"build:\n  python_packages: numpy\n{PREDICT}", ": build: python_packages must be a list of texts."),
        (
            f"build:\n  python_requirements: x.txt\n{PREDICT}",
            ": build: python_requirements names a file that is not",
        ),
        (f"concurrency:\n  max: many\n{PREDICT}", ": concurrency: max must be a whole number"),
        (f"image: 5\n{PREDICT}", ": image must be text."),
    ],
)
def test_what_makes_no_sense_is_named_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    assert fails("run", str(cog(tmp_path, text))).startswith(f"{tmp_path / 'cog.yaml'}{fault}")


def test_options_among_the_requirements_are_refused(tmp_path: Path) -> None:
    text = f"build:\n  python_requirements: needs.txt\n{PREDICT}"
    cog(tmp_path, text, needs_txt="rich\n--pre\n")
    assert fails("run", str(tmp_path)) == (
        f"{tmp_path / 'needs.txt'}: `--pre` is an option; only requirements are taken here."
    )


def test_a_document_may_be_empty(tmp_path: Path) -> None:
    documents: list[Any] = ["", "# Nothing.\n", "{}"]
    for number, text in enumerate(documents):
        assert "predict is missing" in fails("run", str(cog(tmp_path / str(number), text)))
