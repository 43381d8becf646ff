"""Environments of models, built with uv from the network's packages."""

import hashlib
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.wheels import add_wheel, only_from
from wriftai_runtime.environments import EnvironmentFailed, build, is_complete, remove, resolve
from wriftai_runtime.requirements import check

UV = str(Path(sys.executable).with_name("uv"))
PINNED = f"idna==3.10 --hash=sha256:{'0' * 64}"
PYTHON = "{}.{}".format(*sys.version_info[:2])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give resolved requirements of one small package."""
    file = tmp_path_factory.mktemp("requirements") / "requirements.txt"
    file.write_text(resolve(["idna>=3.10,<4"], PYTHON, uv=UV))
    return file


def test_requirements_are_pinned_with_hashes_and_name_no_index(small: Path) -> None:
    text = small.read_text()
    first, *rest = text.splitlines()
    assert first.startswith("idna==3.")
    assert all(line.strip().startswith("--hash=sha256:") for line in rest)
    assert "://" not in text
    assert resolve(["idna>=3.10,<4"], PYTHON, uv=UV) == text


def test_nothing_resolves_to_nothing(tmp_path: Path) -> None:
    assert resolve([], PYTHON, uv=UV) == ""
    requirements = tmp_path / "requirements.txt"
    requirements.touch()
    python = build(tmp_path / "environment", requirements, PYTHON, uv=UV)
    assert subprocess.run([python, "-c", "print('alive')"], capture_output=True, check=True).stdout == b"alive\n"


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ("idna>3,<2", "you require idna<2 and idna>3"),
        ("no such thing", "no such thing"),
        ("./local", "local"),
        ("--index-url https://example.org", "is not a requirement: write one as in"),
        ("idna\n-r /etc/passwd", "is not a requirement: write one as in"),
    ],
)
def test_what_does_not_resolve(requirement: str, words: str) -> None:
    with pytest.raises(EnvironmentFailed, match=words):
        resolve([requirement], PYTHON, uv=UV)


def test_an_environment_is_built_once(tmp_path: Path, small: Path) -> None:
    folder = tmp_path / "environments" / hashlib.sha256(small.read_bytes()).hexdigest()
    python = build(folder, small, PYTHON, uv=UV)
    assert python == folder / "bin" / "python"
    assert subprocess.run(
        [python, "-c", "import idna; print(idna.__name__)"], check=True, capture_output=True
    ).stdout
    assert is_complete(folder)
    [compiled] = folder.glob("lib/*/site-packages/idna/__pycache__/core.*.pyc")
    assert compiled.stat().st_size > 0
    made = python.lstat()
    assert build(folder, small, PYTHON, uv="no uv is needed") == python
    assert python.lstat() == made
    remove(folder)
    assert not folder.exists()
    remove(folder)
    remove(tmp_path / "never" / "there")


def test_what_a_killed_build_or_removal_left_is_cleared_away(tmp_path: Path, small: Path) -> None:
    folder = tmp_path / "environment"
    left = tmp_path / ".environment.0123"
    for path in (folder, left):
        (path / "bin").mkdir(parents=True)
        (path / "bin" / "python").write_text("half")
    assert not is_complete(folder)
    python = build(folder, small, PYTHON, uv=UV)
    assert subprocess.run([python, "-c", "import idna"], check=True).returncode == 0
    assert not left.exists()


def build_one(folder: Path, requirements: Path) -> Path:
    return build(folder, requirements, PYTHON, uv=UV)


def test_builds_of_the_same_environment_at_once(tmp_path: Path, small: Path) -> None:
    folder = tmp_path / "environment"
    with (
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes,
        ThreadPoolExecutor(2) as threads,
    ):
        building = [pool.submit(build_one, folder, small) for pool in (processes, threads) for _ in range(2)]
        assert {each.result() for each in building} == {folder / "bin" / "python"}
    assert subprocess.run([folder / "bin" / "python", "-c", "import idna"], check=True).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [".environment.lock", "environment"]


@pytest.mark.parametrize(
    ("text", "python", "words"),
    [
        (PINNED, PYTHON, "(?i)hash"),
        ("idna==3.10\n", PYTHON, "'idna==3.10' is not"),
        ("-r /etc/passwd\n", PYTHON, "must be of the form name==version"),
        (f"# \n--index-url https://example.org\n{PINNED}\n", PYTHON, "'--index-url https://example.org' is not"),
        (PINNED.replace("==", " @ file:///etc/passwd#"), PYTHON, "must be of the form"),
        (PINNED + " -r /etc/passwd", PYTHON, "must be of the form"),
        (f"idna==999 --hash=sha256:{'0' * 64}\n", PYTHON, "idna==999"),
        ("", "2.6", "2.6"),
        ("", "/bin/sh", "'/bin/sh' is not a version of Python, as in 3.11"),
        ("", "3.11 --seed", "is not a version of Python, as in 3.11"),
    ],
)
def test_what_cannot_be_built(tmp_path: Path, text: str, python: str, words: str) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(text)
    folder = tmp_path / "environments" / "one"
    with pytest.raises(EnvironmentFailed, match=words):
        build(folder, requirements, python, uv=UV)
    assert [path.name for path in folder.parent.iterdir()] == [".one.lock"]


def test_uv_that_is_not_there_or_does_not_end(tmp_path: Path, small: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="uv cannot be started as /no/uv: No such file or directory"):
        build(tmp_path / "one", small, PYTHON, uv="/no/uv")
    with pytest.raises(EnvironmentFailed, match="uv did not end within 0 seconds"):
        build(tmp_path / "two", small, PYTHON, uv=UV, seconds=0)


def test_nobody_waits_for_long_for_who_builds_the_same(tmp_path: Path) -> None:
    requirements, uv, begun, go = (tmp_path / name for name in ("requirements.txt", "uv", "begun", "go"))
    requirements.touch()
    uv.write_text(f"#!/bin/sh\ntouch {begun}\nuntil test -e {go}; do sleep 0.1; done\necho gone >&2\nexit 1\n")
    uv.chmod(0o700)
    folder = tmp_path / "environment"
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(build, folder, requirements, PYTHON, uv=str(uv))
        try:
            while not begun.exists():
                assert not first.done()
            stop = threading.Timer(20, go.touch)
            stop.start()
            with pytest.raises(EnvironmentFailed, match=r"has been building the same for 0\.3 seconds"):
                build(folder, requirements, PYTHON, uv=str(uv), seconds=0.3)
            remove(folder)
            assert not first.done()
            stop.cancel()
        finally:
            go.touch()
        with pytest.raises(EnvironmentFailed, match="gone"):
            first.result()


@pytest.fixture
def too_deep(tmp_path: Path) -> Iterator[Path]:
    """Give a folder for what pytest cannot remove itself."""
    folder = tmp_path / "too-deep"
    folder.mkdir()
    yield folder
    subprocess.run(["rm", "-r", folder], check=True)


def test_folders_of_a_wheel_however_deep_can_be_removed(too_deep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = too_deep / "requirements.txt"
    requirements.write_text(add_wheel(too_deep, "deep", "d/" * 1500 + "file"))
    only_from(too_deep, monkeypatch)
    folder = too_deep / "environments" / "one"
    build(folder, requirements, PYTHON, uv=UV)

    remove(folder)

    assert [path.name for path in folder.parent.iterdir()] == [".one.lock"]


def test_all_steps_together_have_to_end(tmp_path: Path) -> None:
    requirements, uv = tmp_path / "requirements.txt", tmp_path / "uv"
    requirements.write_text(PINNED)
    uv.write_text("#!/bin/sh\nexec sleep 0.6\n")
    uv.chmod(0o700)
    with pytest.raises(EnvironmentFailed, match="uv did not end within 1 seconds"):
        build(tmp_path / "environment", requirements, PYTHON, uv=str(uv), seconds=1)


def test_uv_sees_no_secrets(tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tell = tmp_path / "uv"
    tell.write_text("#!/bin/sh\nenv >&2\nexit 1\n")
    tell.chmod(0o700)
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    monkeypatch.setenv("https_proxy", "http://proxy.invalid")
    monkeypatch.setenv("UV_CACHE_DIR", "/cache")
    with pytest.raises(EnvironmentFailed) as told:
        build(tmp_path / "one", small, PYTHON, uv=str(tell))
    assert "secret" not in str(told.value)
    assert "https_proxy=http://proxy.invalid" in str(told.value)
    assert "UV_CACHE_DIR=/cache" in str(told.value)
    tell.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(EnvironmentFailed, match="uv ended with 3"):
        build(tmp_path / "one", small, PYTHON, uv=str(tell))


def test_pinned_requirements_of_all_shapes() -> None:
    hashes = f" \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{'a' * 64}\n"
    marker = "python_full_version < '3.12' and (sys_platform == 'linux' or os_name != \"nt\")"
    check(f"# made by hand\n\na.b_c==1.0+cpu{hashes}d[x,y-z]==1!2.0rc1 ; {marker}{hashes}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" " * 1_000_000 + "x", "longer than 65,536 characters"),
        ("a==1 ;" + " " * 60_000 + "x!", "must be of the form"),
        ("a==1 ;" + " " * 60_000 + f"--hash=sha256:{'0' * 63}", "must be of the form"),
        ("a==1 \\\n" + " \\\n" * 300_000, "must be of the form"),
        ("a==1 \\\n" + f"--hash=sha256:{'0' * 64} \\\n" * 1000, "longer than 65,536 characters"),
        ("#" * 1024**2 + "\n", "longer than 1,048,576 bytes"),
        (f"# a comment does not go on \\\n--index-url https://example.org\n{PINNED}", "'--index-url"),
    ],
)
def test_requirements_that_would_take_long_or_hide_something(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check(text)


def test_a_million_spaces_are_no_requirement() -> None:
    check(" " * 1_000_000)
