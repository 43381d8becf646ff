"""Backups, and what is restored from them."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from tests.images import Image, digest_of, layer
from tests.server.command import Outcome, invoke
from tests.server.conftest import inside
from tests.server.hubs_at_rest import blobs, files, hub_rows, rows
from tests.server.people import Person
from tests.server.registry import Repository, add_repository
from tests.server.runs import Worker, add_runnable, run
from tests.server.samples import add_model
from tests.shortages import no_room
from wriftai_server.database import migrate as migrating
from wriftai_server.database.opening import FILE_NAME, RESTORING
from wriftai_server.moving.files import unfinished

IMAGE = Image(layer(a=b"weights"))
LAYER = digest_of(IMAGE.blobs[1])
READS = ("/models", "/models/ada", "/user", "/user/models", "/users", "/hardware", "/predictions")


class Original:
    """A hub that has everything, and is still running.

    Attributes:
        folder: Of its data.
        ada: Owns all.
        repository: Holds an image.
    """

    def __init__(self, folder: Path, ada: Person) -> None:
        self.folder, self.ada = folder, ada
        self.repository = add_repository(ada)
        self.repository.push_image(IMAGE)
        self.repository.push(b"Of a manifest that is still to come.")
        version = add_runnable(ada, folder, visibility="public")
        for _ in range(3):
            run(
                ada,
                version,
                {"x": "\0"},
                body={"webhook_url": "https://example.org/"},
                headers={"Idempotency-Key": "k"},
            )
        prediction = run(ada, version, 2, body={"webhook_url": "https://example.org/"})
        worker = Worker(folder)
        for _ in range(2):
            worker.claim_next(hardware_id=prediction["hardware_id"], version_id=version["id"])
        with (
            closing(sqlite3.connect(folder / FILE_NAME)) as connection,
            connection,
        ):  # Has no bytes, as tests push none.
            connection.execute("DELETE FROM manifests WHERE media_type = ''")
            connection.execute(
                "DELETE FROM webhook_deliveries WHERE id = (SELECT max(id) FROM webhook_deliveries)"
            )

    def answers(self, person: Person | None = None) -> list[object]:
        return [(person or self.ada).send("GET", path).json() for path in READS]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Original]:
    folder = tmp_path_factory.mktemp("original") / "data"
    with inside(folder) as people:
        yield Original(folder, people.add("ada"))


@pytest.fixture(scope="module")
def backup(original: Original, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a backup that tests only read."""
    folder = tmp_path_factory.mktemp("backups") / "monday"
    assert invoke("backup", "--to", str(folder), data_dir=original.folder).status == 0
    return folder


@pytest.fixture
def copied(backup: Path, tmp_path: Path) -> Path:
    """Give a backup that the test may change."""
    return Path(shutil.copytree(backup, tmp_path / "copied"))


def restore(backup: Path, data_dir: Path, *options: str) -> Outcome:
    outcome = invoke("restore", "--from", str(backup), *options, data_dir=data_dir)
    assert outcome.stdout == ""
    return outcome


def refusal(outcome: Outcome) -> str:
    assert outcome.status == 1, outcome.stderr
    (line,) = [line for line in outcome.stderr.splitlines() if line.startswith("Error: ")]
    return line.removeprefix("Error: ")


def test_a_restored_hub_answers_as_the_other_did(original: Original, backup: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "restored"
    before = original.answers()
    outcome = restore(backup, data_dir)
    assert outcome.status == 0, outcome.stderr
    assert hub_rows(data_dir) == rows(backup / FILE_NAME)
    assert blobs(data_dir) == blobs(original.folder)
    with inside(data_dir) as people:
        ada = people.known("ada", original.ada.token)
        assert original.answers(ada) == before
        pulled = Repository(ada, *original.repository.name.split("/")).pull(LAYER)
        assert pulled.content == IMAGE.blobs[1]
        add_model(ada, "another")


def test_both_are_for_nobody_else_to_read(backup: Path, tmp_path: Path) -> None:
    restore(backup, tmp_path / "restored")
    for folder in (backup, tmp_path / "restored"):
        assert folder.stat().st_mode & 0o077 == 0
        for path in (each for each in folder.rglob("*") if each.is_file()):
            assert path.stat().st_mode & 0o077 == 0, path


def test_what_waits_is_told_of(backup: Path, tmp_path: Path) -> None:
    outcome = restore(backup, tmp_path / "restored")
    assert (
        "Predictions that wait in it: 2; webhooks: 1. If the hub that was backed up is still running"
        in outcome.stderr
    )


def test_ids_of_webhooks_are_not_given_again(original: Original, backup: Path, tmp_path: Path) -> None:
    restore(backup, tmp_path / "restored")
    latest = []
    for folder in (original.folder, tmp_path / "restored"):
        with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
            latest += connection.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = 'webhook_deliveries'"
            ).fetchone()
            assert connection.execute("SELECT max(id) FROM webhook_deliveries").fetchone()[0] < latest[-1]
    assert latest[0] == latest[1]


def test_each_restored_hub_has_a_feed_of_its_own(original: Original, backup: Path, tmp_path: Path) -> None:
    beginnings = set()
    for folder in (tmp_path / "one", tmp_path / "two"):
        assert restore(backup, folder).status == 0
        with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
            ((subject, subject_id),) = connection.execute("SELECT subject, subject_id FROM feed")
        assert subject == "beginning"
        beginnings.add(subject_id)
    with closing(sqlite3.connect(original.folder / FILE_NAME)) as connection:
        beginnings |= {each for (each,) in connection.execute("SELECT subject_id FROM feed")}
    assert len(beginnings) > 3


def test_an_older_backup_is_brought_to_the_current_schema(
    original: Original, copied: Path, tmp_path: Path
) -> None:
    file = copied / FILE_NAME
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    engine.dispose()
    invoke_again = tmp_path / "older"
    (tmp_path / "data").mkdir()
    file.rename(tmp_path / "data" / FILE_NAME)
    shutil.copytree(copied / "blobs", tmp_path / "data" / "blobs")

    assert invoke("backup", "--to", str(invoke_again), data_dir=tmp_path / "data").status == 0
    assert json.loads((invoke_again / "manifest.json").read_bytes())["schema"] == "0002"
    with closing(sqlite3.connect(tmp_path / "data" / FILE_NAME)) as beside:
        assert beside.execute("SELECT version_num FROM alembic_version").fetchall() == [("0002",)]
    assert restore(invoke_again, tmp_path / "restored").status == 0
    restored, expected = hub_rows(tmp_path / "restored"), hub_rows(original.folder)
    for table in ("users", "tokens", "versions", "predictions", "webhook_deliveries", "manifests", "model_blobs"):
        assert restored[table] == expected[table] != []
    assert restored["alembic_version"] == expected["alembic_version"]


@pytest.mark.parametrize("change", ["schema", "format", "damage", "nothing"])
def test_what_this_release_cannot_read_is_refused(copied: Path, tmp_path: Path, change: str) -> None:
    file = copied / "manifest.json"
    told = json.loads(file.read_bytes())
    match change:
        case "schema":
            file.write_text(json.dumps({**told, "schema": "9999", "release": "7.0.0"}))
            expected = "made by a newer release of the hub (7.0.0): restore it with that release."
        case "format":
            file.write_text(json.dumps({"format": 2}))
            expected = "has format 2, and this release reads format 1 only"
        case "damage":
            file.write_bytes(file.read_bytes()[:-20])
            expected = "is damaged: manifest.json: "
        case _:
            file.unlink()
            expected = f"There is no backup in {copied}: manifest.json: No such file or directory."
    assert expected in refusal(restore(copied, tmp_path / "restored"))
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("part", ["rows", "image"])
@pytest.mark.parametrize("change", ["flipped", "cut", "gone"])
def test_a_damaged_backup_is_refused_before_anything_is_written(
    copied: Path, tmp_path: Path, part: str, change: str
) -> None:
    name = LAYER.removeprefix("sha256:")
    file = copied / FILE_NAME if part == "rows" else copied / "blobs" / "sha256" / name[:2] / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    match change:
        case "flipped":
            file.write_bytes(content)
        case "cut":
            file.write_bytes(file.read_bytes()[:-1])
        case _:
            file.unlink()
    assert refusal(restore(copied, tmp_path / "restored")).startswith(f"The backup is damaged: {file}")
    assert not (tmp_path / "restored").exists()


def test_nothing_is_overwritten(original: Original, backup: Path, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "letter").write_text("Dear")
    for outcome in (
        restore(backup, tmp_path / "used"),
        invoke("backup", "--to", str(tmp_path / "used"), data_dir=original.folder),
        invoke("backup", "--to", str(tmp_path / "used" / "letter"), data_dir=original.folder),
    ):
        assert "already: name a" in refusal(outcome)
    assert refusal(restore(backup, tmp_path / "used" / "letter")).endswith("cannot be written: Not a directory.")
    assert files(tmp_path) == {"used/letter": b"Dear"}


def test_an_empty_folder_is_taken(original: Original, tmp_path: Path) -> None:
    for name in ("backup", "restored"):
        (tmp_path / name).mkdir()
    assert invoke("backup", "--to", str(tmp_path / "backup"), data_dir=original.folder).status == 0
    assert restore(tmp_path / "backup", tmp_path / "restored").status == 0
    assert hub_rows(tmp_path / "restored") == rows(tmp_path / "backup" / FILE_NAME)


def test_a_folder_without_a_hub_has_no_backup(tmp_path: Path) -> None:
    outcome = invoke("backup", "--to", str(tmp_path / "to"), data_dir=tmp_path / "typo")
    assert (
        refusal(outcome) == f"There is no hub in {tmp_path / 'typo'}: correct --data-dir, or name its --database."
    )
    assert list(tmp_path.iterdir()) == []


def test_images_that_the_hub_has_lost_are_reported(backup: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    restore(backup, data_dir)
    names = [digest.removeprefix("sha256:") for digest in (LAYER, IMAGE.digest)]
    lost, damaged = (data_dir / "blobs" / "sha256" / name[:2] / name for name in names)
    lost.unlink()
    damaged.write_bytes(b"Something else.")
    outcome = invoke("backup", "--to", str(tmp_path / "to"), data_dir=data_dir)
    assert refusal(outcome).startswith("2 parts of images are missing or damaged in the hub")
    assert f"The hub has lost the image part {LAYER}." in outcome.stderr
    outcome = restore(tmp_path / "to", tmp_path / "restored")
    assert outcome.status == 0
    assert "2 parts of images were not in the backup" in outcome.stderr
    assert len(blobs(tmp_path / "restored")) == len(blobs(backup)) - 2
    assert hub_rows(tmp_path / "restored") == hub_rows(data_dir)


def test_images_may_be_in_a_bucket(original: Original, backup: Path, tmp_path: Path) -> None:
    for bucket in ("first", "second"):
        (tmp_path / bucket).mkdir()
    first, second = ((tmp_path / bucket).as_uri() for bucket in ("first", "second"))
    assert restore(backup, tmp_path / "one", "--object-store", first).status == 0
    made = invoke("backup", "--to", str(tmp_path / "to"), "--object-store", first, data_dir=tmp_path / "one")
    assert made.status == 0, made.stderr
    assert restore(tmp_path / "to", tmp_path / "two", "--object-store", second).status == 0
    assert files(tmp_path / "second") == files(tmp_path / "first") == blobs(original.folder) != {}
    assert blobs(tmp_path / "two") == {}
    assert restore(tmp_path / "to", tmp_path / "three", "--object-store", "shelf://x").status == 1


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from wriftai_server.images.blobs import Blobs
from wriftai_server.moving.backups import back_up
from wriftai_server.moving.restores import restore

hub, backup, folder = map(Path, sys.argv[1:4])

def killed(work, step):
    def tell(current, done, total):
        if current == step:
            os.kill(os.getpid(), signal.SIGKILL)
    child = os.fork()
    if not child:
        asyncio.run(work(folder / step, tell))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL, step

async def make(to, tell):
    await back_up(hub / "hub.sqlite3", Blobs(hub), to, tell=tell)

async def bring(to, tell):
    await restore(backup, to, None, tell=tell)

for step in ("Copying the database", "Copying images"):
    killed(make, step)
for step in ("Checking images", "Restoring the database", "Restoring images"):
    killed(bring, step)
"""


@pytest.fixture(scope="module")
def killed(original: Original, backup: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with what is left of processes that were killed, by the step that they were at."""
    folder = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, "-c", KILLED, original.folder, backup, folder], check=True, timeout=120)
    return folder


@pytest.mark.parametrize("step", ["Copying the database", "Copying images"])
def test_a_backup_that_is_killed_leaves_none(original: Original, killed: Path, tmp_path: Path, step: str) -> None:
    to = killed / step
    assert not to.exists()
    assert (killed / f".{step}.unfinished").exists()
    assert invoke("backup", "--to", str(to), data_dir=original.folder).status == 0
    assert not (killed / f".{step}.unfinished").exists()
    assert restore(to, tmp_path / "restored").status == 0
    assert hub_rows(tmp_path / "restored") == rows(to / FILE_NAME)


@pytest.mark.parametrize("command", [["users", "create", "ada"], ["tokens", "create", "ada"]])
def test_no_hub_starts_on_a_backup(backup: Path, command: list[str]) -> None:
    before = files(backup)
    assert refusal(invoke(*command, data_dir=backup)) == (
        f"{backup} is a backup, which has to stay as it is: restore it to another folder with "
        "`wriftai-server restore`."
    )
    assert files(backup) == before


@pytest.mark.parametrize("step", ["Checking images", "Restoring the database", "Restoring images"])
def test_no_hub_starts_on_what_was_half_restored(
    original: Original, backup: Path, killed: Path, step: str
) -> None:
    data_dir = killed / step
    if step == "Checking images":
        assert not data_dir.exists()
    else:
        reason = (
            f"The backup in {data_dir} is not restored yet: let `wriftai-server restore` end, or run it again."
        )
        assert refusal(invoke("users", "create", "eve", data_dir=data_dir)) == reason
    assert restore(backup, data_dir).status == 0
    assert {path.name for path in data_dir.iterdir()} == {FILE_NAME, "blobs", "uploads"}
    assert hub_rows(data_dir) == rows(backup / FILE_NAME)
    assert blobs(data_dir) == blobs(original.folder)


def test_a_full_disk(original: Original, backup: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with no_room(beyond=100_000):
        made = invoke("backup", "--to", str(folder), data_dir=original.folder)
    assert refusal(made).startswith(f"The database {original.folder / FILE_NAME} cannot be copied to ")
    assert [*tmp_path.iterdir()] == []
    with no_room(beyond=100_000):
        restored = restore(backup, folder)
    assert refusal(restored) == f"{folder} cannot be written: File too large."
    assert [*tmp_path.rglob("*")] == [folder]


def test_two_at_once(original: Original, backup: Path, tmp_path: Path) -> None:
    to, data_dir = tmp_path / "to", tmp_path / "data"
    with unfinished(tmp_path / ".to.unfinished"):
        made = invoke("backup", "--to", str(to), data_dir=original.folder)
    data_dir.mkdir()
    with unfinished(data_dir / RESTORING):
        restored = restore(backup, data_dir)
        assert [path.name for path in data_dir.iterdir()] == [RESTORING]
    for outcome in (made, restored):
        assert refusal(outcome).startswith("Another process is at work in ")
