"""Packing a project: always the same bytes, and nothing that does not belong to it."""

import hashlib
import io
import os
import random
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.cli.command import fails, written
from wriftai.cli.bundle import Member, members, pack, pack_text
from wriftai.cli.refusals import Refusal

FILES = {
    "predict.py": "class Predictor: ...\n",
    "weights/b.bin": "b" * 5000,
    "weights/a.bin": "",
    "weights/deep/er/c": "c",
    "weights-2": "2",
    "data/grün 模型": "x",
    "data/" + "long/" * 60 + "name": "far down",
}


def made(folder: Path, names: list[str], time: int = 0) -> Path:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(FILES[name])
        os.utime(file, (time, time))
    (folder / "weights-2").chmod(0o700)
    return folder


def packed(folder: Path, *exclude: str) -> bytes:
    target = io.BytesIO()
    digest = pack(members(folder, exclude), "model", target)
    assert digest == f"sha256:{hashlib.sha256(target.getvalue()).hexdigest()}"
    return target.getvalue()


def entries(archive: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return opened.getmembers()


def names(folder: Path, *exclude: str) -> list[str]:
    return [file.name for file in members(folder, exclude)]


@pytest.fixture
def umask() -> Iterator[None]:
    """Put the umask back."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("seed", range(5))
def test_the_same_files_give_the_same_bytes(tmp_path: Path, seed: int) -> None:
    order = list(FILES)
    random.Random(seed).shuffle(order)
    os.umask((0o000, 0o022, 0o077, 0o027, 0o002)[seed])
    other = made(tmp_path / "elsewhere" / str(seed), order, time=seed * 100_000_000)
    (other / "empty").mkdir()
    (other / "__pycache__").mkdir()
    (other / "__pycache__" / "predict.pyc").write_text(str(seed))
    assert packed(other) == packed(made(tmp_path / "here", list(FILES), time=1))


def test_the_bytes_are_those_of_other_machines(tmp_path: Path) -> None:
    (tmp_path / "predict.py").write_text("print()\n")
    (tmp_path / "run.sh").write_text("")
    (tmp_path / "run.sh").chmod(0o755)
    assert hashlib.sha256(packed(tmp_path)).hexdigest() == (
        "98624e8149fe2075db6976426610b9c7d3add0d263f3199aad91128ff9cea32c"
    )


def test_nothing_of_the_machine_is_in_it(tmp_path: Path) -> None:
    archive = packed(made(tmp_path, list(FILES), time=1_700_000_000))
    found = entries(archive)
    assert [entry.name for entry in found][:3] == ["model", "model/data", "model/data/grün 模型"]
    assert [entry.name for entry in found if entry.isfile()] == [f"model/{name}" for name in sorted(FILES)]
    assert len({entry.name for entry in found}) == len(found)
    for entry in found:
        assert (entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0, 0, "", "")
        assert entry.isfile() or entry.isdir()
        assert entry.mode == (0o755 if entry.isdir() or entry.name == "model/weights-2" else 0o644)
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        content = opened.extractfile("model/weights/b.bin")
        assert content
        assert content.read() == b"b" * 5000


def test_a_change_of_a_byte_or_a_name_or_a_right_gives_others(tmp_path: Path) -> None:
    before = packed(made(tmp_path, list(FILES)))
    (tmp_path / "weights-2").write_text("3")
    changed = packed(tmp_path)
    (tmp_path / "weights-2").chmod(0o600)
    rights = packed(tmp_path)
    (tmp_path / "weights-2").rename(tmp_path / "weights-3")
    assert len({before, changed, rights, packed(tmp_path)}) == 4


def test_a_text_is_packed_as_one_file() -> None:
    target = io.BytesIO()
    digest = pack_text("requirements.txt", "rich==15\n", target)
    assert digest == f"sha256:{hashlib.sha256(target.getvalue()).hexdigest()}"
    [entry] = entries(target.getvalue())
    assert (entry.name, entry.size, entry.mode, entry.mtime) == ("requirements.txt", 9, 0o644, 0)


def test_histories_environments_caches_and_secrets_stay_here(tmp_path: Path) -> None:
    for name in (".git", ".venv", "venv", "__pycache__", "a/__pycache__", "a/.mypy_cache", "node_modules", ".hg"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "x").write_text("")
    for name in (".env", ".DS_Store", "old.pyc", "a/.gitignore", "env", "predict.py"):
        (tmp_path / name).write_text("")
    assert names(tmp_path) == ["a/.gitignore", "env", "predict.py"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*.csv", ["data/a.txt", "data/in/b.txt", "predict.py"]),
        ("data", ["predict.py"]),
        ("data/", ["predict.py"]),
        ("data/*", ["predict.py"]),
        ("data/in", ["data/a.csv", "data/a.txt", "predict.py"]),
        ("in", ["data/a.csv", "data/a.txt", "predict.py"]),
        ("data/*.txt", ["data/a.csv", "data/in/b.csv", "predict.py"]),
        ("a.*", ["data/in/b.csv", "data/in/b.txt", "predict.py"]),
        ("DATA", ["data/a.csv", "data/a.txt", "data/in/b.csv", "data/in/b.txt", "predict.py"]),
    ],
)
def test_patterns_leave_out_files_and_folders(tmp_path: Path, pattern: str, left: list[str]) -> None:
    (tmp_path / "data" / "in").mkdir(parents=True)
    for name in ("predict.py", "data/a.csv", "data/a.txt", "data/in/b.csv", "data/in/b.txt"):
        (tmp_path / name).write_text("")
    assert names(tmp_path, pattern) == left


def test_a_link_within_the_project_is_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "weights").write_text("w")
    (tmp_path / "current").symlink_to("v1")
    (tmp_path / "weights").symlink_to(tmp_path / "v1" / "weights")
    assert names(tmp_path) == ["current/weights", "v1/weights", "weights"]
    assert {entry.name for entry in entries(packed(tmp_path)) if entry.isfile()} == {
        "model/current/weights",
        "model/v1/weights",
        "model/weights",
    }


@pytest.mark.parametrize(
    ("link", "target", "fault"),
    [
        ("secret", "/etc/passwd", "a link that leads out of the project"),
        ("up", "..", "a link that leads out of the project"),
        ("gone", "nowhere", "a link that leads nowhere"),
        ("loop", "loop", "a link that leads nowhere"),
        ("inside/self", ".", "a link to a folder that it is in"),
        ("inside/top", "..", "a link to a folder that it is in"),
    ],
)
def test_a_link_that_leads_elsewhere_is_refused_by_name(
    tmp_path: Path, link: str, target: str, fault: str
) -> None:
    folder = written(tmp_path / "model")
    (folder / "inside").mkdir()
    (folder / link).symlink_to(target)
    with pytest.raises(Refusal) as caught:
        members(folder)
    assert str(caught.value).startswith(f"{folder / link} is {fault}: ")
    assert members(folder, [link])


def test_what_is_no_file_is_refused_by_name(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "door"))
        with pytest.raises(Refusal, match=r"door is neither a file nor a folder"):
            members(tmp_path)


@pytest.mark.parametrize("name", ["a\nb", "\udcff"], ids=ascii)
def test_a_name_that_others_cannot_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(Refusal, match="has a name that cannot be packed"):
        members(tmp_path)


def test_too_much_is_refused_and_the_largest_file_named(tmp_path: Path) -> None:
    for name, size in (("a", 600), ("b", 401)):
        (tmp_path / name).write_bytes(b"x" * size)
    assert len(members(tmp_path, limit=1001)) == 2
    with pytest.raises(Refusal) as caught:
        members(tmp_path, limit=1000)
    assert str(caught.value).startswith(
        f"{tmp_path} holds 1,001 bytes, more than the limit of 1,000; 600 of them are in a. Leave files out"
    )


def test_the_limit_of_the_command_is_in_mebibytes(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "weights").write_bytes(b"x" * (1 << 20))
    assert "more than the limit of 1,048,576; " in fails("push", str(folder), "--limit", "1")


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("x")
    with pytest.raises(OSError, match="unexpected end of data"):
        pack([Member("short", tmp_path / "short", 2, False)], "model", io.BytesIO())
