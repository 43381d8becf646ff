"""Where backups are made and what they are made of: whose folders, which links, and files with damage."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.server.command import Outcome, invoke
from tests.server.hubs_at_rest import files, hub_rows, rows
from wriftai_server.database.opening import FILE_NAME
from wriftai_server.moving.manifest import read, write

_PAGE_BYTES = 4096
_NOBODY = 65534


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Give the folder of a hub that is not running."""
    folder = tmp_path / "data"
    assert invoke("users", "create", "ada", data_dir=folder).status == 0
    return folder


@pytest.fixture
def backup(data_dir: Path, tmp_path: Path) -> Path:
    """Give a backup of that hub."""
    folder = tmp_path / "backup"
    assert back_up(data_dir, folder).status == 0
    return folder


def back_up(data_dir: Path, to: Path) -> Outcome:
    return invoke("backup", "--to", str(to), data_dir=data_dir)


def restore(backup: Path, data_dir: Path) -> Outcome:
    return invoke("restore", "--from", str(backup), data_dir=data_dir)


def refusal(outcome: Outcome) -> str:
    assert outcome.status == 1, outcome.stderr
    (line,) = [line for line in outcome.stderr.splitlines() if line.startswith("Error: ")]
    return line.removeprefix("Error: ")


@pytest.mark.parametrize("options", [(), ("--database", "postgresql://127.0.0.1/hub")])
def test_no_backup_is_made_of_a_backup(backup: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    before = files(backup)
    outcome = invoke("backup", "--to", str(tmp_path / "to"), *options, data_dir=backup)
    assert refusal(outcome).startswith(f"{backup} is a backup, which has to stay as it is: ")
    assert files(backup) == before
    assert {path.name for path in backup.iterdir()} == {FILE_NAME, "manifest.json"}
    assert not (tmp_path / "to").exists()
    assert restore(backup, tmp_path / "restored").status == 0


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_leads_to_where_the_backup_is_made(data_dir: Path, tmp_path: Path, is_there: bool) -> None:
    place, link = tmp_path / "disk", tmp_path / "link"
    link.symlink_to(place)
    if is_there:
        place.mkdir()
    assert back_up(data_dir, link).status == 0
    assert link.is_symlink()
    assert restore(link, tmp_path / "restored").status == 0
    assert hub_rows(tmp_path / "restored") == rows(place / FILE_NAME)


def test_what_a_link_of_someone_else_leads_to_is_not_emptied(data_dir: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (tmp_path / ".to.unfinished").symlink_to(precious)
    assert refusal(back_up(data_dir, tmp_path / "to")) == f"{tmp_path / 'to'} cannot be written: Not a directory."
    assert [path.name for path in precious.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can make files for someone else.")
def test_what_root_backs_up_stays_with_whoever_runs_the_hub(data_dir: Path, tmp_path: Path) -> None:
    for path in (data_dir, *data_dir.rglob("*")):
        os.chown(path, _NOBODY, _NOBODY)
    assert back_up(data_dir, tmp_path / "to").status == 0
    assert {path.name for path in data_dir.iterdir()} >= {"blobs.lock", "uploads"}
    assert {(path.stat().st_uid, path.stat().st_gid) for path in data_dir.rglob("*")} == {(_NOBODY, _NOBODY)}
    assert {path.stat().st_uid for path in (tmp_path / "to").rglob("*")} == {0}


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can make files for someone else.")
def test_what_links_in_the_hubs_folder_lead_to_stays_with_root(data_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    for path in (data_dir, *data_dir.rglob("*")):
        os.chown(path, _NOBODY, _NOBODY)
    (data_dir / "uploads").symlink_to(folder)
    assert back_up(data_dir, tmp_path / "to").status == 0
    assert (folder.stat().st_uid, folder.stat().st_gid) == (0, 0)


@pytest.mark.parametrize("is_there", [True, False])
def test_no_lock_is_taken_behind_a_link(data_dir: Path, tmp_path: Path, is_there: bool) -> None:
    lock, target = data_dir / "blobs.lock", tmp_path / "target"
    lock.unlink(missing_ok=True)
    lock.symlink_to(target)
    if is_there:
        target.touch()
    reason = refusal(back_up(data_dir, tmp_path / "to"))
    assert reason.startswith(f"{lock} cannot be opened: ")
    assert target.exists() == is_there
    assert not (tmp_path / "to").exists()


def test_a_damaged_database_makes_no_backup(data_dir: Path, tmp_path: Path) -> None:
    file = data_dir / FILE_NAME
    with closing(sqlite3.connect(file)) as connection, connection:
        name = "Q" * 3000
        connection.execute("UPDATE users SET bio = ?", (name,))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = file.read_bytes()
    page = content.index(name.encode()) // _PAGE_BYTES * _PAGE_BYTES
    file.write_bytes(content[:page] + bytes(_PAGE_BYTES) + content[page + _PAGE_BYTES :])
    reason = refusal(back_up(data_dir, tmp_path / "to"))
    assert reason.startswith(f"The database {file} is damaged (")
    assert reason.endswith("and so would be the backup, which is not made: restore an earlier one.")
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


@pytest.mark.parametrize("digest", ["sha256:../../../../../../etc/passwd", "/etc/passwd", "", "sha256:\0"])
def test_a_manifest_names_nothing_outside_of_its_backup(backup: Path, tmp_path: Path, digest: str) -> None:
    changed = Path(shutil.copytree(backup, tmp_path / "changed"))
    manifest = read(changed)
    manifest.blobs.append(digest)
    write(changed, manifest)
    reason = refusal(restore(changed, tmp_path / "restored"))
    assert reason.startswith(f"The backup in {changed} is damaged: manifest.json: ")
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("digest", ["sha256:../../outside/file", "/etc/passwd", "", "sha256:\0", b"sha256:"])
def test_a_database_names_nothing_outside_of_its_backup(
    data_dir: Path, tmp_path: Path, digest: str | bytes
) -> None:
    with closing(sqlite3.connect(data_dir / FILE_NAME)) as connection, connection:
        connection.execute("INSERT INTO blobs (digest, size, created_at) VALUES (?, 1, '')", (digest,))
        connection.execute("INSERT INTO model_blobs (model_id, digest, created_at) VALUES ('', ?, '')", (digest,))
    reason = refusal(back_up(data_dir, tmp_path / "to"))
    assert reason.startswith(f"The database {data_dir / FILE_NAME} is damaged: ")
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_a_manifest_that_is_nested_beyond_reason_is_refused(backup: Path, tmp_path: Path) -> None:
    (backup / "manifest.json").write_text(f'{{"format": 1, "x": {"[" * 10_000}{"]" * 10_000}}}')
    assert "manifest.json" in refusal(restore(backup, tmp_path / "restored"))
