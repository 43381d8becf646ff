"""Environments of models: built with uv from requirements with hashes, from wheels only."""

import contextlib
import fcntl
import os
import re
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from wriftai_runtime.requirements import check

_PASSED = ("PATH", "HOME", "TMPDIR", "LANG")
_PASSED_BEGINNINGS = ("UV_", "SSL_")
_PASSED_ENDINGS = ("_PROXY",)
_MARKER = ".wriftai-complete"
_MOST_WORDS = 20_000
_LOOK_SECONDS = 0.1


class EnvironmentFailed(Exception):
    """An environment cannot be made, in the words of uv."""


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._at - time.monotonic())


def build(folder: Path, requirements: Path, python: str, *, uv: str, seconds: float = 1800) -> Path:
    """Build an environment, unless it is there; give the path of its Python.

    Only wheels are installed, so that no one's code runs. Nothing is in `folder` until all is: it is made under
    another name and renamed, and whoever comes second waits for the first.

    Args:
        folder: Where the environment is to be; best named by the digest of the requirements.
        requirements: File of requirements, each with its hashes.
        python: Version of a Python that is installed, as in "3.11"; none is downloaded.
        uv: Path of uv.
        seconds: How long it may take, with waiting for whoever builds the same.

    Raises:
        EnvironmentFailed: There is no such Python, or the requirements cannot be installed; also those that name
            anything but pinned versions from an index.
    """
    folder, deadline = folder.absolute(), _Deadline(seconds)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _turn(folder, deadline) as is_ours:
        if not is_ours:
            raise EnvironmentFailed(f"Another process has been building the same for {seconds:g} seconds.")
        if not is_complete(folder):
            _clear(folder)
            made = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
            _make(made, requirements.absolute(), python, uv, deadline)
            made.rename(folder)
    return python_in(folder)


def is_complete(folder: Path) -> bool:
    """Tell whether an environment was built to its end."""
    return (folder / _MARKER).exists()


def python_in(folder: Path) -> Path:
    """Give the path of an environment's Python."""
    return folder / "bin" / "python"


def remove(folder: Path) -> None:
    """Remove an environment, unless someone builds it just now; one that is left half removed counts as none.

    Raises:
        OSError: Something of it cannot be removed.
    """
    folder = folder.absolute()
    if folder.parent.exists():
        with _turn(folder, _Deadline(0)) as is_ours:
            if is_ours:
                _clear(folder)


def resolve(
    requirements: Iterable[str], python: str, *, uv: str, overrides: Iterable[str] = (), seconds: float = 600
) -> str:
    """Pin requirements and all that they need, with hashes; give the text of a requirements file.

    It holds for each system, names no index, and has the same bytes as long as the indexes say the same.

    Args:
        requirements: As in `project.dependencies` of a pyproject.toml.
        python: Version that they are for, as in "3.11".
        uv: Path of uv.
        overrides: Requirements that count instead of whatever else is said of the same packages.
        seconds: Given up after so long.

    Raises:
        EnvironmentFailed: They do not go together, something has no wheel, or is not from an index.
    """
    options = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    command = [uv, "pip", "compile", *options, "--universal", "--generate-hashes", "--only-binary", ":all:"]
    with tempfile.NamedTemporaryFile("w", prefix="wriftai-", suffix=".txt", encoding="utf-8") as file:
        file.write(_lines(overrides))
        file.flush()
        command += ["--no-python-downloads", "--python-version", _version(python), "--overrides", file.name, "-"]
        pinned = _run(command, _Deadline(seconds), _lines(requirements))
    _check(pinned)
    return pinned


def _lines(requirements: Iterable[str]) -> str:
    return "".join(f"{_requirement(requirement)}\n" for requirement in requirements)


def _version(python: str) -> str:
    """Let only versions through: what comes with a model does not choose what is run to make its environment."""
    if not re.fullmatch(r"\d+\.\d+(\.\d+)?", python):
        raise EnvironmentFailed(f"{python!r} is not a version of Python, as in 3.11.")
    return python


def _requirement(text: str) -> str:
    if text.startswith("-") or "\n" in text:
        raise EnvironmentFailed(f"{text!r} is not a requirement: write one as in `numpy>=2,<3`.")
    return text


def _check(requirements: str) -> None:
    try:
        check(requirements)
    except ValueError as error:
        raise EnvironmentFailed(str(error)) from None


def _make(folder: Path, requirements: Path, python: str, uv: str, deadline: _Deadline) -> None:
    text = requirements.read_text(encoding="utf-8")
    _check(text)
    try:
        options = ["--quiet", "--no-project", "--no-python-downloads", "--relocatable"]
        _run([uv, "venv", *options, "--python", _version(python), str(folder)], deadline)
        options = ["--quiet", "--require-hashes", "--only-binary", ":all:", "--link-mode", "copy"]
        if text.strip():
            command = [uv, "pip", "sync", *options, "--python", str(python_in(folder)), str(requirements)]
            _run(command, deadline)
            _compile(folder, deadline)
        (folder / _MARKER).touch()
    except BaseException:
        with contextlib.suppress(OSError):
            _remove_tree(folder)
        raise


def _compile(folder: Path, deadline: _Deadline) -> None:
    """Compile all modules now, as those who run models may not write here.

    The Python that the environment was made from does it, without `site`: the environment's own would run what
    packages have in their .pth files.
    """
    python = str(python_in(folder).resolve())
    with contextlib.suppress(EnvironmentFailed):  # Packages may have modules that are for other Pythons.
        _run([python, "-I", "-S", "-m", "compileall", "-qq", "-j", "0", str(folder / "lib")], deadline)


def _run(command: list[str], deadline: _Deadline, text: str = "") -> str:
    try:
        done = subprocess.run(  # noqa: S603  a list, with no shell between
            command,
            cwd="/",  # No project's settings, only those of the person who runs this.
            env=_environment(os.environ),
            input=text,
            capture_output=True,
            text=True,
            timeout=deadline.left,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentFailed(f"uv did not end within {deadline.seconds:g} seconds.") from None
    except OSError as error:
        raise EnvironmentFailed(f"uv cannot be started as {command[0]}: {error.strerror}.") from None
    if done.returncode != 0:
        raise EnvironmentFailed(done.stderr.strip()[-_MOST_WORDS:] or f"uv ended with {done.returncode}.")
    return done.stdout


def _environment(whole: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in whole.items() if _is_passed(name)}


def _is_passed(name: str) -> bool:
    return name in _PASSED or name.startswith(_PASSED_BEGINNINGS) or name.upper().endswith(_PASSED_ENDINGS)


@contextlib.contextmanager
def _turn(folder: Path, deadline: _Deadline) -> Iterator[bool]:
    """Wait until no other process or thread builds this environment, and tell whether that was so in time."""
    lock = os.open(folder.with_name(f".{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not (is_ours := _locked(lock)) and deadline.left:
            time.sleep(_LOOK_SECONDS)
        yield is_ours
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clear(folder: Path) -> None:
    """Remove an environment, and what builds left behind that were killed."""
    (folder / _MARKER).unlink(missing_ok=True)
    left = [path for path in folder.parent.glob(f".{folder.name}.*") if path.suffix != ".lock"]
    for path in (folder, *left):
        if path.exists():
            _remove_tree(path)


def _remove_tree(folder: Path) -> None:
    """Remove a folder without recursion: folders of a wheel may lie deeper than `shutil.rmtree` can go."""
    folders = [str(folder)]
    for each in folders:  # Grows meanwhile.
        with os.scandir(each) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    Path(entry.path).unlink()
    for each in reversed(folders):
        Path(each).rmdir()
