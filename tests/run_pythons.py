"""Runs the client's tests on each Python that it supports and that is installed: `make test-pythons`.

Each Python gets an environment of its own beside `.venv`, with the pinned packages and the client as callers
install it: from its wheel.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

VERSIONS = ("3.10", "3.11", "3.12", "3.13")
ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
NEEDS_TYPE_CHECKERS = "tests/client/test_typing.py"


def main() -> int:
    """Test on all that is found; give the exit code."""
    found = {version: python for version in VERSIONS if (python := find(version))}
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(folder)
        results = [check(version, python, wheel) for version, python in found.items()]
    missing = [version for version in VERSIONS if version not in found]
    if missing:
        say(f"Not found: Python {', '.join(missing)}.")
    return 0 if results and all(results) else 1


def find(version: str) -> str | None:
    """Find the interpreter of a version on the path, or among those of pyenv."""
    return next((python for python in candidates(version) if is_version(python, version)), None)


def candidates(version: str) -> Iterator[str]:
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield on_path
    pyenv = shutil.which("pyenv")
    for root in (os.environ.get("PYENV_ROOT"), pyenv and output(pyenv, "root"), Path.home() / ".pyenv"):
        if root:
            installed = Path(root, "versions").glob(f"{version}.*/bin/python")
            yield from map(str, sorted(installed, reverse=True))


def is_version(python: str, version: str) -> bool:
    """Ask it: what is on the path may be a stand-in for an interpreter that is not there."""
    return output(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])") == version


def output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def build(folder: str) -> str:
    """Build the wheel of the client with the pinned builder; give its path."""
    command = [str(BIN / "python"), "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(command, cwd=ROOT / "client", check=True, capture_output=True)
    [wheel] = Path(folder).iterdir()
    return str(wheel)


def check(version: str, python: str, wheel: str) -> bool:
    """Test on one Python, and say how it went."""
    environment = str(ROOT / f".venv-{version}")
    own_python = f"{environment}/bin/python"
    uv = str(BIN / "uv")
    steps = [
        [uv, "venv", "--quiet", "--allow-existing", "--python", python, environment],
        [uv, "pip", "sync", "--quiet", "--python", own_python, "--require-hashes", "requirements-client.lock"],
        [uv, "pip", "install", "--quiet", "--python", own_python, "--no-index", "--no-deps", wheel],
        [own_python, "-m", "pytest", "-p", "no:cacheprovider", "tests/client", f"--ignore={NEEDS_TYPE_CHECKERS}"],
    ]
    said = ""
    for step in steps:
        done = subprocess.run(
            step, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        said = done.stdout.strip()
        if done.returncode != 0:
            say(f"Python {version}: failed.\n{said}")
            return False
    say(f"Python {version}: {said.splitlines()[-1]}")
    return True


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
