"""Runs tests of the client and the runtime on each other Python that they support and that is installed.

`make test` runs them on the Python of `.venv`; `make test-pythons` on the others. Each gets an environment of
its own beside it, with the pinned packages, and with the client and the runtime as others install them: from
their wheels.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

AT_ONCE = 3
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
OTHERS = [version for version in VERSIONS if version != f"{sys.version_info[0]}.{sys.version_info[1]}"]
ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
# Of the runtime, what other releases of Python may do in another way.
TESTS = ("tests/client", *(f"tests/runtime/test_{each}.py" for each in ("signatures", "cancelling", "addresses")))
NEEDS_TYPE_CHECKERS = "tests/client/test_typing.py"


def main() -> int:
    """Test on all that is found; give the exit code."""
    found = {version: python for version in OTHERS if (python := find(version))}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as threads:
        wheels = build(folder)
        results = list(threads.map(lambda version: check(version, found[version], wheels), found))
    missing = [version for version in OTHERS if version not in found]
    if missing:
        say(f"Not found: Python {', '.join(missing)}.")
    return 0 if all(results) else 1


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


def build(folder: str) -> list[str]:
    """Build the wheels of both packages with the pinned builder; give their paths."""
    command = [str(BIN / "python"), "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    for package in ("client", "runtime"):
        subprocess.run(command, cwd=ROOT / package, check=True, capture_output=True)
    return [str(wheel) for wheel in Path(folder).iterdir()]


def check(version: str, python: str, wheels: list[str]) -> bool:
    """Test on one Python, and say how it went."""
    environment = str(ROOT / f".venv-{version}")
    own_python = f"{environment}/bin/python"
    uv = str(BIN / "uv")
    steps = [
        [uv, "venv", "--quiet", "--allow-existing", "--python", python, environment],
        [uv, "pip", "sync", "--quiet", "--python", own_python, "--require-hashes", "requirements-client.lock"],
        [uv, "pip", "install", "--quiet", "--python", own_python, "--no-index", "--no-deps", *wheels],
        [own_python, "-m", "pytest", "-p", "no:cacheprovider", *TESTS, f"--ignore={NEEDS_TYPE_CHECKERS}"],
    ]
    # Models that tests run want the same Python, and it is looked for on the path.
    variables = {**os.environ, "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"}
    said = ""
    for step in steps:
        done = subprocess.run(
            step,
            cwd=ROOT,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
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
