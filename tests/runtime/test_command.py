"""The command itself explains what it is for."""

import subprocess

import pytest

from tests.runtime.children import COMMAND, PATIENCE


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_no_arguments_explain_the_command() -> None:
    done = run()
    assert done.returncode == 2
    for words in ("describe", "serve", "wriftai run", "usage: python -m wriftai_runtime"):
        assert words in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["unknown"], "invalid choice: 'unknown'"),
        (["describe", "."], "the following arguments are required: --predictor"),
        (
            ["serve", "--predictor", "predict.py:Predictor", "."],
            "the following arguments are required: --replies",
        ),
        (
            ["serve", "--predictor", "p.py:P", "--replies", "1", "--concurrency", "0", "."],
            "argument --concurrency: 0 is not 1 or more",
        ),
        (["serve", "--predictor", "p.py:P", "--replies", "77", "."], "file descriptor 77 is not open"),
    ],
)
def test_arguments_that_are_wrong(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version() -> None:
    from wriftai_runtime import __version__

    assert run("--version").stdout.strip() == __version__
