"""What all commands have in common, and those for users."""

import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.hubs import COMMAND, run
from tests.server.command import invoke
from tests.server.people import People
from tests.shortages import no_room
from wriftai_server.database.opening import FILE_NAME

TOKEN = re.compile(r"wriftai_[a-z0-9]{12}_[A-Za-z0-9_-]{43}\n")


def test_the_release_is_told() -> None:
    outcome = invoke("--version")
    assert (outcome.status, outcome.stderr) == (0, "")
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", outcome.stdout)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["users", "--help"], ["serve", "--help"]])
def test_what_needs_no_hub_does_not_load_one(arguments: list[str]) -> None:
    told = subprocess.run(
        [sys.executable, "-X", "importtime", *COMMAND[1:], *arguments], capture_output=True, text=True, check=True
    )
    loaded = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert "typer" in loaded
    assert not loaded & {"alembic", "litestar", "rich.progress", "sqlalchemy", "structlog", "uvicorn"}


@pytest.mark.parametrize("arguments", [[], ["users"], ["tokens"]])
def test_without_a_command_there_is_help(arguments: list[str]) -> None:
    outcome = invoke(*arguments)
    assert outcome.status == 2
    assert "Usage: wriftai-server" in outcome.stdout + outcome.stderr


def test_a_new_folder_is_made_by_whoever_comes_first(tmp_path: Path) -> None:
    data_dir = tmp_path / "of" / "a hub? 100% #1"
    names = ["ada", "bob"]
    with ThreadPoolExecutor() as both:
        tokens = list(both.map(lambda name: run("users", "create", name, data_dir=data_dir), names))
    assert all(TOKEN.fullmatch(process.stdout) and not process.stderr for process in tokens)
    listed = invoke("users", "list", data_dir=data_dir).stdout.splitlines()
    assert sorted(line.split("\t")[0] for line in listed) == names
    assert [path.name for path in tmp_path.rglob(FILE_NAME)] == [FILE_NAME]
    assert data_dir.stat().st_mode & 0o077 == 0  # For nobody else to read.


def test_a_new_user_gets_a_token_and_nothing_else(people: People, folder: Path) -> None:
    outcome = invoke("users", "create", "grace", data_dir=folder)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert TOKEN.fullmatch(outcome.stdout)
    grace = people.known("grace", outcome.stdout.strip())
    assert grace.client.authenticated_user.get()["username"] == "grace"


def test_users_are_listed_in_order_with_their_rights(tmp_path: Path) -> None:
    for arguments in (["zoe"], ["Adam", "--admin"]):
        assert invoke("users", "create", *arguments, data_dir=tmp_path).status == 0
    rows = [line.split("\t") for line in invoke("users", "list", data_dir=tmp_path).stdout.splitlines()]
    assert [row[:2] for row in rows] == [["zoe", "user"], ["Adam", "admin"]]
    assert all(row[2].endswith("Z") for row in rows)


def test_a_username_that_is_taken(people: People, folder: Path) -> None:
    name = people.add().name
    outcome = invoke("users", "create", name.upper(), data_dir=folder)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr == f"Error: The username '{name.upper()}' is taken: choose another.\n"


@pytest.mark.parametrize("name", ["", "a b", "ä", "-a", "a" * 64, "a\n", "\udcff"])
def test_what_is_no_username(tmp_path: Path, name: str) -> None:
    outcome = invoke("users", "create", "--data-dir", str(tmp_path / "data"), "--", name)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("Error: '")
    assert "is not a username: it takes 1 to 63 letters" in outcome.stderr
    assert not (tmp_path / "data").exists()


def test_the_folder_can_come_from_the_environment(tmp_path: Path) -> None:
    assert invoke("users", "create", "ada", WRIFTAI_DATA_DIR=str(tmp_path / "data")).status == 0
    assert invoke("users", "list", data_dir=tmp_path / "data").stdout.startswith("ada\t")


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for data_dir, reason in ((tmp_path / "file", "File exists"), (tmp_path / "file" / "in", "Not a directory")):
        outcome = invoke("users", "create", "ada", data_dir=data_dir)
        assert (outcome.status, outcome.stdout) == (1, "")
        assert outcome.stderr == f"Error: The data folder {data_dir} cannot be used: {reason}.\n"


def test_no_file_is_made_behind_a_link_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".writable").symlink_to(tmp_path / "elsewhere")
    assert invoke("users", "create", "ada", data_dir=tmp_path).status == 0
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_without_a_hub_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "models.jsonl").touch()
    data_dir = tmp_path / "typo"
    for arguments in (
        ["users", "list"],
        ["tokens", "list", "ada"],
        ["tokens", "create", "ada"],
        ["tokens", "revoke", "a"],
        ["import", str(tmp_path / "models.jsonl"), "--owner", "ada"],
    ):
        outcome = invoke(*arguments, data_dir=data_dir)
        assert (outcome.status, outcome.stdout) == (1, "")
        assert (
            outcome.stderr
            == f"Error: There is no hub in {data_dir}: correct --data-dir, or name its --database.\n"
        )
    assert not data_dir.exists()


@pytest.mark.parametrize("beside", ["blobs", "search"])
def test_a_folder_whose_database_is_elsewhere_gets_none(tmp_path: Path, beside: str) -> None:
    (tmp_path / beside).mkdir()
    outcome = invoke("users", "create", "ada", data_dir=tmp_path)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr == (
        f"Error: {tmp_path} has files of a hub, but not its database {FILE_NAME}: name that with --database, or "
        "another folder with --data-dir.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == [beside]


def test_a_database_of_a_newer_release(tmp_path: Path) -> None:
    invoke("users", "create", "ada", data_dir=tmp_path)
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    outcome = invoke("users", "create", "bob", data_dir=tmp_path)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"Error: {tmp_path / FILE_NAME} was last used by a newer release of the hub")
    assert outcome.stderr.endswith("run that release, or restore a copy.\n")
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"This is a letter, and no database. " * 200)
    outcome = invoke("users", "list", data_dir=tmp_path)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"Error: The database {tmp_path / FILE_NAME} cannot be used: ")


def test_a_database_whose_release_is_no_text(tmp_path: Path) -> None:
    invoke("users", "create", "ada", data_dir=tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = CAST(x'ff' AS TEXT)")
    outcome = invoke("users", "list", data_dir=tmp_path)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"Error: The database {tmp_path / FILE_NAME} cannot be used: ")


def test_a_full_disk_is_told_of(tmp_path: Path) -> None:
    with no_room(beyond=10_000):
        outcome = invoke("users", "create", "ada", data_dir=tmp_path)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"Error: The database {tmp_path / FILE_NAME} cannot be used: ")
    assert re.search(r", with [\d,]+ bytes free on its disk\.\n$", outcome.stderr)
