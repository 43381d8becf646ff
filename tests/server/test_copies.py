"""Copies of a hub from one kind of database to the other."""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from tests.databases import Postgres, kept_in, run_sql
from tests.images import Image, layer
from tests.server.command import Outcome, invoke
from tests.server.conftest import inside
from tests.server.hubs_at_rest import Rows, rows
from tests.server.people import Person
from tests.server.registry import add_repository
from tests.server.runs import Worker, add_runnable, run
from tests.server.samples import add_model
from wriftai_server.database.opening import FILE_NAME
from wriftai_server.moving.progress import Tell
from wriftai_server.moving.rows import TABLES

pytestmark = pytest.mark.postgres
NEW_USER = "INSERT INTO users (id, username, created_at) VALUES ('{0}', '{0}', '')"
READS = (
    "/models",
    "/models/ada",
    "/user/models",
    "/users",
    "/hardware",
    "/predictions",
    "/search/models?q=scorer",
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Person]]:
    """Give the rows of a hub that has everything, and who owns all on it while it runs."""
    folder = tmp_path_factory.mktemp("original") / "data"
    with inside(folder) as people:
        ada = people.add("ada")
        add_repository(ada).push_image(Image(layer(a=b"weights")))
        add_model(ada, "scorer", description="É, 🙂 and 'quotes'")
        version = add_runnable(ada, folder, visibility="public")
        for key in "kl":
            body = {"webhook_url": "https://example.org/"}
            run(ada, version, {"x": "\0"}, body=body, headers={"Idempotency-Key": key})
        worker = Worker(folder)
        hardware_id = run(ada, version, 2)["hardware_id"]
        for _ in range(2):
            worker.claim_next(hardware_id=hardware_id, version_id=version["id"])
        run_sql(folder, "DELETE FROM manifests WHERE media_type = ''")
        run_sql(
            folder,
            "INSERT INTO prediction_events SELECT id, 1, 1, 'log', 'a line' FROM predictions LIMIT 1",
        )
        run_sql(folder, "DELETE FROM webhook_deliveries WHERE id = (SELECT max(id) FROM webhook_deliveries)")
        # Webhooks are tried again and again; what does not change can be compared.
        frozen = folder.with_name("frozen")
        assert invoke("backup", "--to", str(frozen), data_dir=folder).status == 0
        yield frozen / FILE_NAME, ada


@pytest.fixture
def address(postgres: Postgres) -> Iterator[str]:
    with postgres.database(is_empty=True) as address:
        yield address


def copy(source: Path | str, target: Path | str) -> Outcome:
    named = [f"sqlite:{place}" if isinstance(place, Path) else place for place in (source, target)]
    outcome = invoke("copy", "--from", named[0], "--to", named[1])
    assert outcome.stdout == ""
    return outcome


def refusal(outcome: Outcome) -> str:
    assert outcome.status == 1, outcome.stderr
    (line,) = [line for line in outcome.stderr.splitlines() if line.startswith("Error: ")]
    return line.removeprefix("Error: ")


@contextmanager
def looked_at(address: str, folder: Path) -> Iterator[Path]:
    """Let statements be run on a database."""
    with kept_in(address, folder):
        yield folder


def counts(address: str, folder: Path) -> set[int]:
    with looked_at(address, folder):
        return {run_sql(folder, f"SELECT count(*) FROM {table.name}")[0][0] for table in TABLES}  # noqa: S608


def test_there_and_back_nothing_is_lost(original: tuple[Path, Person], address: str, tmp_path: Path) -> None:
    file, _ = original
    before = rows(file)
    assert copy(file, address).status == 0
    with looked_at(address, tmp_path):
        ((latest,),) = run_sql(tmp_path, "SELECT last_value FROM webhook_deliveries_id_seq")
    assert copy(address, tmp_path / "again" / FILE_NAME).status == 0
    after: Rows = rows(tmp_path / "again" / FILE_NAME)
    assert after == before
    assert after["sqlite_sequence"] == [("webhook_deliveries", latest)]
    for name in (
        "users",
        "predictions",
        "prediction_events",
        "webhook_deliveries",
        "blobs",
        "prediction_tallies",
    ):
        assert after[name], name
    assert [path.name for path in (tmp_path / "again").iterdir()] == [FILE_NAME]


def test_a_hub_on_the_copy_answers_as_the_other(
    original: tuple[Path, Person], address: str, tmp_path: Path
) -> None:
    file, ada = original
    assert copy(file, address).status == 0
    with kept_in(address, tmp_path / "data") as data_dir, inside(data_dir) as people:
        other = people.known("ada", ada.token)
        for path in READS:
            assert other.send("GET", path).json() == ada.send("GET", path).json(), path
        add_model(other, "another")


def test_what_a_hub_stores_meanwhile_is_told(
    original: tuple[Path, Person], address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(original[0].parent, tmp_path / "data"))
    file, told = folder / FILE_NAME, "The hub was written to meanwhile"
    run_sql(folder, "PRAGMA journal_mode = WAL")  # As a hub has it.
    assert told not in copy(file, tmp_path / "quiet" / FILE_NAME).stderr

    @contextmanager
    def writing_meanwhile(_: Console) -> Iterator[Tell]:
        def tell(step: str, done: int, _: int) -> None:
            run_sql(folder, NEW_USER.format(f"{step} {done}"))

        yield tell

    monkeypatch.setattr("wriftai_server.cli.copy.steps", writing_meanwhile)
    outcome = copy(file, address)
    assert (outcome.status, told in outcome.stderr) == (0, True)
    with looked_at(address, tmp_path):
        assert run_sql(tmp_path, "SELECT count(*) FROM users") == [(1,)]


def test_what_is_there_is_left_alone(original: tuple[Path, Person], address: str, tmp_path: Path) -> None:
    file, _ = original
    assert copy(file, address).status == 0
    assert "already: make another database" in refusal(copy(file, address))
    (tmp_path / FILE_NAME).touch()
    assert "already: name a file" in refusal(copy(address, tmp_path / FILE_NAME))
    assert (tmp_path / FILE_NAME).read_bytes() == b""


def test_text_that_postgresql_cannot_hold(original: tuple[Path, Person], address: str, tmp_path: Path) -> None:
    file, _ = original
    assert copy(file, address).status == 0
    changed = tmp_path / FILE_NAME
    assert copy(address, changed).status == 0
    ((id_,),) = run_sql(
        tmp_path, "UPDATE models SET description = 'a' || char(0) WHERE name = 'scorer' RETURNING id"
    )
    with looked_at(address, tmp_path / "clear") as clear:
        run_sql(clear, "TRUNCATE users, hardware, blobs CASCADE")
        run_sql(clear, "TRUNCATE prediction_tallies")
    reason = refusal(copy(changed, address))
    assert reason.startswith("A text in the table models holds U+0000")
    assert id_ in reason
    assert counts(address, tmp_path / "clear") == {0}


@pytest.mark.parametrize(
    ("address_", "reason"),
    [("hub.sqlite3", "A database is named as sqlite:PATH"), ("sqlite:nothing", "There is no database nothing")],
)
def test_what_is_no_database(address_: str, reason: str, tmp_path: Path) -> None:
    outcome = invoke("copy", "--from", address_, "--to", f"sqlite:{tmp_path / 'to'}")
    assert refusal(outcome).startswith(reason)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("tables", ["others (id)", "alembic_version (version_num)"])
def test_a_file_that_is_not_of_a_hub(tables: str, tmp_path: Path) -> None:
    run_sql(tmp_path, f"CREATE TABLE {tables}")
    outcome = copy(tmp_path / FILE_NAME, tmp_path / "to")
    assert refusal(outcome).startswith(
        f"{tmp_path / FILE_NAME} is not the database of a hub: name the file of one"
    )
    assert [*tmp_path.iterdir()] == [tmp_path / FILE_NAME]


@pytest.mark.parametrize("name", ["x" * 300, "/".join(["x" * 200] * 3)])
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, name: str) -> None:
    """The system takes no name that is so long, and SQLite no path."""
    file = tmp_path / name
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert refusal(copy(file, tmp_path / "to")).startswith(f"The database {file} cannot be read: ")
    assert not (tmp_path / "to").exists()


def test_a_link_leads_to_where_the_copy_is_made(original: tuple[Path, Person], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "disk" / FILE_NAME)
    assert copy(original[0], tmp_path / "link").status == 0
    assert (tmp_path / "link").is_symlink()
    assert rows(tmp_path / "disk" / FILE_NAME) == rows(original[0])


@pytest.mark.parametrize(
    ("schema", "reason"), [("0003", "is of an older release"), ("0099", "is of a newer release")]
)
def test_the_source_has_the_schema_of_this_release(
    original: tuple[Path, Person], address: str, tmp_path: Path, schema: str, reason: str
) -> None:
    assert copy(original[0], address).status == 0
    file = Path(shutil.copy(original[0], tmp_path))
    with looked_at(address, tmp_path / "server") as server:
        for folder in (server, tmp_path):
            run_sql(folder, "UPDATE alembic_version SET version_num = ?", schema)
    for source in (address, file):
        assert reason in refusal(copy(source, tmp_path / "to"))
    assert [*tmp_path.iterdir()] == [file]


KILLED = """
import asyncio, os, signal, sys
from wriftai_server.moving import copies

def tell(step, done, total):
    if step == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

source, target = (copies.place_of(each) for each in sys.argv[1:3])
asyncio.run(copies.copy(source, target, tell=tell))
"""


def test_a_copy_that_was_killed_left_nothing(original: tuple[Path, Person], address: str, tmp_path: Path) -> None:
    source = f"sqlite:{original[0]}"
    file = tmp_path / FILE_NAME
    for target in (address, f"sqlite:{file}"):
        command = [sys.executable, "-c", KILLED, source, target, "Checking the copy"]
        assert subprocess.run(command, check=False).returncode == -9
    assert counts(address, tmp_path) == {0}
    assert not file.exists()
    assert copy(original[0], address).status == 0
    assert copy(address, file).status == 0
    assert rows(file) == rows(original[0])


def test_a_backup_from_and_into_postgresql(original: tuple[Path, Person], address: str, tmp_path: Path) -> None:
    file, _ = original
    images, backup = file.parent, tmp_path / "backup"
    assert invoke("restore", "--from", str(images), "--database", address, data_dir=tmp_path / "data").status == 0
    assert not (tmp_path / "data" / FILE_NAME).exists()
    assert invoke("backup", "--to", str(backup), data_dir=tmp_path / "data", WRIFTAI_DATABASE=address).status == 0
    assert rows(backup / FILE_NAME) == rows(file)
    again = invoke("restore", "--from", str(backup), "--database", address, data_dir=tmp_path / "again")
    assert "already: make another database" in refusal(again)
    assert not (tmp_path / "again").exists()
    assert invoke("restore", "--from", str(backup), data_dir=tmp_path / "again").status == 0
    assert rows(tmp_path / "again" / FILE_NAME) == rows(file)
