"""PostgreSQL as a database: its transactions, what processes say to one another, and what is refused."""

import asyncio
import contextlib
import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]  # the library has no types
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from tests.databases import GUARDED, Postgres, address_of, kept_in, open_in, run_sql
from tests.hubs import COMMAND
from tests.server.command import invoke
from tests.server.conftest import inside
from tests.server.people import People
from tests.server.rows import ADD, LONG, add, count, on_database
from tests.server.samples import add_model
from wriftai_server.database import feed, notices
from wriftai_server.database.changes import Changes
from wriftai_server.database.connections import UnusableServer, shown
from wriftai_server.database.driver import Database, DatabaseUnavailable, UniqueViolation
from wriftai_server.database.migrate import SchemaTooNew
from wriftai_server.database.opening import open_database
from wriftai_server.database.preparing import prepare
from wriftai_server.database.schema import metadata

END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def test_a_failure_that_is_passed_over_stores_nothing_and_says_so(home: Path) -> None:
    async def pass_over(database: Database) -> None:
        async with database.writing() as transaction:
            await transaction.execute(ADD, id="b", identifier="b", name="")
            with contextlib.suppress(UniqueViolation):
                await transaction.execute(ADD, id="a", identifier="a", name="")

    async def work(database: Database) -> None:
        await add(database, "a")
        with pytest.raises(RuntimeError, match="nothing of it was stored"):
            await pass_over(database)
        assert await count(database) == 1

    on_database(home, work)


def test_more_work_than_connections(home: Path) -> None:
    async def work(database: Database) -> None:
        await asyncio.gather(*(add(database, str(n)) for n in range(50)))
        assert await count(database) == 50

    on_database(home, work)


def test_whoever_locks_a_name_waits_for_others_who_do(home: Path) -> None:
    async def work(database: Database) -> None:
        order: list[str] = []

        async def lock(*names: str) -> None:
            async with database.writing() as transaction:
                await transaction.lock(*names)
                order.append(names[0])

        async with database.writing() as transaction:
            await transaction.lock("a", "b")
            waiting = asyncio.create_task(lock("b", "c"))
            await lock("d")
            order.append("end")
        await waiting
        assert order == ["d", "end", "b"]
        async with database.locking("a"):
            waiting = asyncio.create_task(lock("a"))
            await lock("e")
            order.append("end")
        await waiting
        assert order[3:] == ["e", "end", "a"]

    on_database(home, work)


def test_connections_that_are_lost_are_made_anew(home: Path) -> None:
    async def lose(database: Database) -> None:
        async with database.writing() as transaction:
            run_sql(home, END_OTHERS)
            await transaction.execute(ADD, id="b", identifier="b", name="")

    async def work(database: Database) -> None:
        await add(database, "a")
        with pytest.raises(DatabaseUnavailable):
            await lose(database)
        async with asyncio.timeout(LONG):
            while True:
                with contextlib.suppress(DatabaseUnavailable):
                    assert await count(database) == 1
                    return

    on_database(home, work)


def test_another_process_hears_just_what_was_said(home: Path) -> None:
    async def work(database: Database) -> None:
        other = open_in(home)
        changes, others = Changes(database), Changes(other)
        assert await changes.wait("anything", LONG)  # By now it listens, and has been told to look.
        with changes.watch("a") as watch, changes.watch("b") as unconcerned:
            for _ in range(3):
                others.tell("a", "c")
                assert await watch.changed(LONG)
            assert not await unconcerned.changed(0)
        others.tell("a")
        await other.close()
        async with asyncio.timeout(LONG):
            while not await changes.wait("a", 0.5):  # It was said when nobody waited.
                pass

    on_database(home, work)


def test_what_is_said_at_the_very_end_is_heard(home: Path) -> None:
    async def work(database: Database) -> None:
        changes = Changes(database)
        assert await changes.wait("anything", LONG)
        with changes.watch("a") as watch, changes.watch("b") as unconcerned:
            other = open_in(home)
            Changes(other).tell("a")
            await other.close()  # It has no connection yet on which to say it.
            assert await watch.changed(LONG)
            # It was not just the look that all take now and then.
            assert not await unconcerned.changed(0)

    on_database(home, work)


def test_others_are_heard_again_when_a_database_was_closed_for_a_while(
    home: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "_AGAIN_SECONDS", 0.05)
    name = urlsplit(address_of(home) or "").path[1:]

    async def work(database: Database) -> None:
        other = open_in(home)
        changes, others = Changes(database), Changes(other)
        with changes.watch("a") as watch, changes.watch("b") as unconcerned:
            assert await watch.changed(LONG)
            postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608
            await asyncio.sleep(0.5)
            postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            for _ in range(9):
                others.tell("a")
                # Everyone is woken by a new connection, and now and then.
                if await watch.changed(1) and not await unconcerned.changed(0):
                    break
            else:
                pytest.fail("Nothing was heard.")
        await other.close()

    on_database(home, work)


def test_whoever_listens_is_woken_when_the_connection_was_lost(home: Path) -> None:
    async def work(database: Database) -> None:
        changes = Changes(database)
        assert await changes.wait("anything", LONG)
        with changes.watch("a") as watch:
            run_sql(home, END_OTHERS)
            assert await watch.changed(LONG)

    on_database(home, work)


def test_the_migrations_make_what_is_declared(postgres: Postgres, home: Path, tmp_path: Path) -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # so is SQLAlchemy's
    with postgres.database(is_empty=True) as address, kept_in(address, tmp_path):
        for table in metadata.sorted_tables:
            run_sql(tmp_path, str(CreateTable(table).compile(dialect=dialect)))
            for index in table.indexes:
                run_sql(tmp_path, str(CreateIndex(index).compile(dialect=dialect)))
        for sql in (
            "SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default"
            " FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
            " ORDER BY table_name, ordinal_position",
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            " ORDER BY indexdef",
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'alembic%' ORDER BY conname",
        ):
            assert run_sql(home, sql) == run_sql(tmp_path, sql) != []


def test_processes_that_migrate_at_once_wait_for_one_another(postgres: Postgres, tmp_path: Path) -> None:
    with postgres.database(is_empty=True) as address:
        command = [*COMMAND, "users", "list", "--data-dir", str(tmp_path), "--database", address]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
        assert [(process.communicate(), process.returncode) for process in processes] == [((b"", b""), 0)] * 3


def test_a_migration_takes_as_long_as_it_takes(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    reach = asyncpg.connect

    async def hurried(*where: str, command_timeout: float, **options: Any) -> Any:
        return await reach(*where, command_timeout=command_timeout / 30, **options)

    async def work(address: str) -> None:
        other, looking = await reach(address), await reach(address)
        await other.execute("BEGIN")
        await other.execute("CREATE TABLE users (id text)")
        # The first waits for the table, and the second for the first.
        migrating = [asyncio.create_task(prepare(address)) for _ in range(2)]
        async with asyncio.timeout(LONG):
            while await looking.fetchval(WAITING) < len(migrating):  # noqa: ASYNC110  a server sets no event
                await asyncio.sleep(0.01)
        await asyncio.sleep(3)  # Longer than other statements may take now.
        await other.execute("ROLLBACK")
        await asyncio.gather(*migrating)
        assert await looking.fetchval("SELECT count(*) FROM users") == 0
        await asyncio.gather(other.close(), looking.close())

    with postgres.database(is_empty=True) as address:
        monkeypatch.setattr(asyncpg, "connect", hurried)
        asyncio.run(work(address))


def test_an_import_of_many_models_lets_the_server_know_of_them(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "models.jsonl"
    file.write_text(
        "".join(json.dumps({"name": f"m{n}", "hardware_identifier": "cpu"}) + "\n" for n in range(10_000))
    )
    counted = "SELECT reltuples FROM pg_class WHERE relname = 'models'"
    assert run_sql(home, counted) != [(10_000.0,)]
    assert invoke("import", str(file), "--owner", "ada", "--create-owners", data_dir=home).status == 0
    assert run_sql(home, counted) == [(10_000.0,)]


def test_notes_of_a_server_that_had_come_further_are_forgotten(home: Path) -> None:
    with inside(home) as people:
        add_model(people.add("ada"), "before", description="Wombats.", visibility="public")
        assert [model["name"] for model in people.anyone.client.models.search("wombats")] == ["before"]
    run_sql(home, "UPDATE feed SET transaction_id = transaction_id + 1000000000")
    with inside(home) as people:
        assert run_sql(home, "SELECT transaction_id, subject FROM feed") == [(0, "beginning")]
        add_model(people.add("bob"), "after", description="Wombats.", visibility="public")
        names: list[str] = []
        for _ in range(500):
            names = sorted(model["name"] for model in people.anyone.client.models.search("wombats"))
            if len(names) == 2:
                break
        assert names == ["after", "before"]


@pytest.mark.parametrize("usual", [timedelta(0), timedelta(minutes=5)], ids=["for long", "since just now"])
def test_names_are_found_by_their_beginnings_though_a_transaction_stays_open(
    home: Path, monkeypatch: pytest.MonkeyPatch, usual: timedelta
) -> None:
    monkeypatch.setattr(feed, "_USUAL", usual)
    is_open, is_over = threading.Event(), threading.Event()

    async def stay_open(database: Database) -> None:
        async with database.writing() as transaction:
            await feed.note(transaction, "model", "any")
            is_open.set()
            await asyncio.to_thread(is_over.wait)

    def names(people: People, q: str) -> list[str]:
        return [model["name"] for model in people.anyone.client.models.search(q)]

    with inside(home) as people, ThreadPoolExecutor(1) as threads:
        ada = people.add("ada")
        add_model(ada, "before-one", visibility="public")
        assert names(people, "befo") == ["before-one"]
        staying = threads.submit(on_database, home, stay_open)
        try:
            assert is_open.wait(30)
            ada.client.models.update("ada", "before-one", {"name": "renamed-two"})
            assert names(people, "rena") == ["renamed-two"]
        finally:
            is_over.set()
        staying.result()


def test_a_newer_schema_is_left_alone(home: Path) -> None:
    run_sql(home, "UPDATE alembic_version SET version_num = 'from the future'")
    with pytest.raises(SchemaTooNew, match=r"^postgres.* by a newer release .* knows schema \d{4}"):
        open_in(home)
    assert run_sql(home, "SELECT version_num FROM alembic_version") == [("from the future",)]


def test_commands_work_on_the_database_that_is_named(home: Path) -> None:
    created = invoke("users", "create", "ada", data_dir=home)
    assert created.stdout.startswith("wriftai_")
    assert invoke("users", "list", data_dir=home).stdout.startswith("ada\tuser\t")
    assert not (home / "hub.sqlite3").exists()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://ada:secret@127.0.0.1:1/hub", "cannot be reached"),
        ("postgresql://ada:secret@host.invalid/hub", "cannot be reached"),
        ("mysql://ada:secret@127.0.0.1/hub", "is no address of a PostgreSQL database"),
        ("postgresql://ada:secret@127.0.0.1/hub?sslmode=foo", "sslmode is disable, allow,"),
        ("postgresql://ada:secret@127.0.0.1:1/hub?sslmode=require", "cannot be reached"),
        ("postgresql://ada:secret@127.0.0.1:1/hub?sslmode=require", "from require on the server needs TLS"),
        ("postgresql://ada:secret@[::1/hub", "is no address of a PostgreSQL database"),
        ("postgresql://ada:secret@127.0.0.1:99999/hub", "is no address of a PostgreSQL database"),
    ],
)
def test_addresses_that_lead_nowhere(tmp_path: Path, address: str, reason: str) -> None:
    outcome = invoke("users", "list", "--database", address, data_dir=tmp_path)
    assert outcome.status == 1
    assert reason in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1
    assert "secret" not in outcome.stderr


def test_users_whom_the_server_does_not_let_in(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run(f"CREATE ROLE {GUARDED} LOGIN PASSWORD 'right'")
    try:
        for user in (GUARDED, "nobody"):
            address = postgres.address_for(user, "secret")
            outcome = invoke("users", "list", "--database", address, data_dir=tmp_path)
            assert outcome.status == 1
            assert "lets nobody in with this user and password: correct them" in outcome.stderr
            assert len(outcome.stderr.splitlines()) == 1
            assert "secret" not in outcome.stderr
    finally:
        postgres.run(f"DROP ROLE {GUARDED}")


def test_a_database_that_does_not_exist_is_named(postgres: Postgres, tmp_path: Path) -> None:
    outcome = invoke("users", "list", "--database", postgres.address_of("nowhere"), data_dir=tmp_path)
    assert outcome.status == 1
    assert outcome.stderr.endswith("/nowhere does not exist: create the database with `createdb`.\n")
    assert len(outcome.stderr.splitlines()) == 1


def test_a_database_that_cannot_hold_all_text_is_refused(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        with pytest.raises(UnusableServer, match=r"holds text in LATIN1: create .* the encoding UTF8"):
            open_database(tmp_path, postgres.address_of("latin"))
    finally:
        postgres.run("DROP DATABASE latin")


def test_passwords_and_options_are_not_shown() -> None:
    assert shown("postgresql://ada:s@cret@[::1]:5432/hub?password=secret") == "postgresql://ada@[::1]:5432/hub"
    assert shown("postgresql:///hub?host=/run/postgresql&password=secret") == "postgresql:///hub"
