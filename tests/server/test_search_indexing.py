"""An index that is kept up with the database, by a process of its own where much has changed."""

import asyncio
import contextlib
import json
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.databases import address_of, open_in
from tests.server.conftest import inside
from tests.server.finding import names_found, until_found
from tests.server.people import People, Person
from tests.server.rows import LONG, on_database
from tests.server.samples import add_model, add_version
from wriftai.models import ModelVisibility
from wriftai_server.database.driver import Database, DatabaseUnavailable, Reader, Row
from wriftai_server.models.loading import load
from wriftai_server.search import batches, indexer, rebuild_process, store
from wriftai_server.search.batches import Batch
from wriftai_server.search.documents import model_document, number_of
from wriftai_server.search.index import Index
from wriftai_server.search.indexer import Indexer
from wriftai_server.search.query import parse
from wriftai_server.search.rebuild_process import PROGRAM
from wriftai_server.search.rebuilding import ExitStatus, Task
from wriftai_server.settings import Settings


def test_what_changed_is_found_at_once_by_words_too(people: People, ada: Person, anyone: Person) -> None:
    name = add_model(ada, "quokka-one", description="Counts wallabies.", visibility="public")["name"]
    assert names_found(anyone, "wallaby counts") == [name]
    ada.client.models.update(ada.name, name, {"description": "Counts numbats."})
    assert names_found(anyone, "wallaby") == []
    assert names_found(anyone, "numbats") == [name]
    add_version(ada, name, release_notes="Bandicoots are counted, too.")
    assert names_found(anyone, "bandicoot counted") == [name]
    ada.client.models.update(ada.name, name, {"visibility": ModelVisibility("private")})
    assert names_found(anyone, "numbats") == []
    assert names_found(ada, "numbats") == [name]
    ada.client.models.update(ada.name, name, {"visibility": ModelVisibility("public"), "name": "echidna-two"})
    assert names_found(anyone, "two echidna numbats") == ["echidna-two"]
    ada.client.models.delete(ada.name, "echidna-two")
    assert names_found(anyone, "numbats") == []


def test_models_are_found_by_the_new_name_of_their_owner(people: People, anyone: Person) -> None:
    owner = people.add("thylacine")
    add_model(owner, "stripes", visibility="public")
    assert names_found(anyone, "thylacin strip") == ["stripes"]
    owner.client.authenticated_user.update({"username": "bilby", "bio": "Long ears."})
    assert names_found(anyone, "bilby strip") == ["stripes"]
    assert names_found(anyone, "thylacin") == []
    assert [user["username"] for user in anyone.client.users.search("ears long")] == ["bilby"]


def test_documents_of_all_that_a_user_has_are_not_made_in_the_event_loop(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, loops, makers = batches.read_changes, set[int](), list[int]()

    async def read_here(*arguments: Any) -> AsyncIterator[Batch]:
        loops.add(threading.get_ident())
        async for batch in read(*arguments):
            yield batch

    def make_here(row: Row) -> dict[str, Any]:
        makers.append(threading.get_ident())
        return model_document(row)

    with inside(home) as people:
        owner = people.add("potoroo")
        for name in ("first-model", "second-model"):
            add_model(owner, name, visibility="public")
        assert len(names_found(people.anyone, "potoroo")) == 2
        monkeypatch.setattr(batches, "read_changes", read_here)
        monkeypatch.setattr(batches, "model_document", make_here)
        owner.client.authenticated_user.update({"username": "bettong"})
        assert len(names_found(people.anyone, "bettong")) == 2
    assert len(makers) == 2
    assert loops.isdisjoint(makers)


def test_all_that_a_user_has_is_read_in_batches_and_takes_effect_together(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_READ_AT_ONCE", 2)
    names = [f"model-{number}" for number in range(5)]
    write, written = Indexer._write, list[tuple[int, set[int]]]()

    def write_here(self: Indexer, index: Index, some: list[Batch]) -> None:
        write(self, index, some)
        found = index.snapshot.find(
            parse("bettong"), users=False, viewer=None, after=None, backward=False, limit=9
        )
        written.append((sum(len(batch.added) for batch in some), {hit.number for hit in found}))

    with inside(home) as people:
        owner = people.add("potoroo")
        numbers = {number_of(add_model(owner, name, visibility="public")["id"]) for name in names}
        assert sorted(names_found(people.anyone, "potoroo")) == names
        monkeypatch.setattr(Indexer, "_write", write_here)
        owner.client.authenticated_user.update({"username": "bettong"})
        assert sorted(names_found(people.anyone, "bettong")) == names
        assert names_found(people.anyone, "potoroo") == []
    assert written == [(2, set()), (2, set()), (1, set()), (1, numbers)]


@pytest.mark.parametrize("failure", [DatabaseUnavailable, RuntimeError])
def test_what_was_read_in_part_does_not_take_effect_later(
    home: Path, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    monkeypatch.setattr(batches, "_READ_AT_ONCE", 1)
    monkeypatch.setattr(indexer, "_PAUSE_SECONDS", 0.001)
    names, read = ["first", "second"], store.sources_of_owner
    is_cut_off, has_failed = True, False

    async def read_when_there(view: Reader, owner_id: str, after: str, *, limit: int) -> list[Row]:
        nonlocal has_failed
        if after and is_cut_off:
            has_failed = True
            raise failure
        return await read(view, owner_id, after, limit=limit)

    with inside(home) as people:
        owner = people.add("potoroo")
        for name in names:
            add_model(owner, name, visibility="public")
        assert sorted(names_found(people.anyone, "potoroo")) == names
        monkeypatch.setattr(store, "sources_of_owner", read_when_there)
        owner.client.authenticated_user.update({"username": "bettong"})
        assert names_found(people.anyone, "bettong") == []
        assert has_failed
        owner.client.authenticated_user.update({"username": "potoroo"})
        add_model(owner, "third", visibility="public")
        is_cut_off = False
        until_found(people.anyone, "potoroo", [*names, "third"])
        assert names_found(people.anyone, "bettong") == []


def test_who_waited_in_vain_for_the_index_spares_others_the_waiting(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, is_free = batches.read_changes, threading.Event()

    async def read_when_free(*arguments: Any) -> AsyncIterator[Batch]:
        await asyncio.to_thread(is_free.wait)
        async for batch in read(*arguments):
            yield batch

    with inside(home) as people:
        owner = people.add()
        add_model(owner, "first-model", description="Sorts lemurs.", visibility="public")
        assert names_found(people.anyone, "lemurs") == ["first-model"]
        monkeypatch.setattr(batches, "read_changes", read_when_free)
        monkeypatch.setattr(indexer, "_PATIENCE_SECONDS", 0.1)
        add_model(owner, "second-model", description="Sorts lemurs.", visibility="public")
        assert names_found(people.anyone, "lemurs") == ["first-model"]
        monkeypatch.setattr(indexer, "_PATIENCE_SECONDS", 3600)
        assert names_found(people.anyone, "lemurs") == ["first-model"]
        is_free.set()
        until_found(people.anyone, "lemurs", ["first-model", "second-model"])


def test_a_user_whose_name_changes_in_its_capitals_alone_is_found_by_the_new_one(home: Path) -> None:
    with inside(home) as people:
        owner = people.add("wombatai")
        add_model(owner, "first-model", visibility="public")
        assert names_found(people.anyone, "ai") == []
        owner.client.authenticated_user.update({"username": "WombatAI"})
        assert names_found(people.anyone, "ai") == ["first-model"]


def test_a_database_that_became_another_one_is_read_anew(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with inside(data) as people:
        add_model(people.add(), "of-the-first", description="Aardvark.", visibility="public")
        assert names_found(people.anyone, "aardvark") == ["of-the-first"]
    with inside(tmp_path / "other") as people:
        add_model(people.add(), "of-the-second", description="Aardvark.", visibility="public")
    for file in data.glob("hub.sqlite3*"):
        file.unlink()
    shutil.copytree(tmp_path / "other", data, dirs_exist_ok=True, ignore=shutil.ignore_patterns("search"))
    with capture_logs() as lines, inside(data) as people:
        until_found(people.anyone, "aardvark", ["of-the-second"])
    said = [(line["event"], line["log_level"]) for line in lines if "index" in line["event"]]
    assert said == [("index built anew", "info"), ("indexed", "info")]
    assert lines[0]["reason"].startswith("The index is that of another database")


def test_much_is_indexed_apart_and_names_are_found_meanwhile(home: Path) -> None:
    with inside(home) as people:
        owner = people.add("collector")
    lines = [
        json.dumps(
            {
                "name": f"beetle-{n}",
                "hardware_identifier": "cpu",
                "visibility": "public",
                "description": "Six legs.",
            }
        )
        for n in range(2500)
    ]
    asyncio.run(_import(home, [line.encode() for line in lines], owner.name))
    with inside(home) as people:
        assert names_found(people.anyone, "beetle-2499") == ["beetle-2499"]
        for _ in range(3000):
            if people.anyone.client.models.search("legs six").items:
                break
            people.anyone.send("GET", "/search/models", params={"q": "beetle-17"})
        pages = list(people.anyone.client.models.search("legs six", {"page_size": 100}).iter_all())
        assert len({model["name"] for model in pages}) == 2500


@pytest.mark.parametrize(
    ("address", "meta", "ended", "event"),
    [
        (None, b"{", ExitStatus.CORRUPT, "index broken"),
        ("postgresql://nobody@127.0.0.1:1/nothing", None, ExitStatus.DATABASE_UNAVAILABLE, "index waits"),
    ],
    ids=["damaged", "no database"],
)
def test_whoever_builds_an_index_says_why_it_ends(
    home: Path, tmp_path: Path, address: str | None, meta: bytes | None, ended: ExitStatus, event: str
) -> None:
    with inside(home):
        pass
    (tmp_path / "index").mkdir()
    if meta is not None:
        (tmp_path / "index" / "meta.json").write_bytes(meta)
    task = Task(str(home), address or address_of(home), str(tmp_path / "index"), "warning")
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as builder:
        assert builder.stdin is not None
        assert builder.stderr is not None
        builder.stdin.write(msgspec.json.encode(task) + b"\n")
        builder.stdin.flush()
        lines = [json.loads(line) for line in builder.stderr]
    assert builder.returncode == ended
    assert [line["event"] for line in lines] == [event]


@pytest.mark.parametrize(
    ("end", "is_damaged"),
    [
        (f"sys.exit({ExitStatus.DATABASE_UNAVAILABLE.value})", False),
        (f"sys.exit({ExitStatus.UNWRITABLE.value})", False),
        ("raise ValueError", False),
        ("os.kill(os.getpid(), 9)", False),
        (f"sys.exit({ExitStatus.CORRUPT.value})", True),
        ("os.abort()", True),
    ],
)
def test_what_is_built_stays_unless_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, *, is_damaged: bool
) -> None:
    """Neither a database that is away nor a mistake of ours is mended by another index."""
    ends = tmp_path / "ends"
    program = f"import os, sys; open({str(ends)!r}, 'a').write('.'); sys.stderr = None; {end}"
    monkeypatch.setattr(rebuild_process, "PROGRAM", (sys.executable, "-c", program))
    monkeypatch.setattr(indexer, "_FEW_CHANGES", 1)
    monkeypatch.setattr(indexer, "_LONGEST_PAUSE", 0.0)
    seen: set[bytes] = set()
    with inside(tmp_path / "data") as people:
        add_model(people.add(), "first-model", visibility="public")
        for _ in range(5_000):
            if ends.exists() and len(ends.read_text()) > 3:
                break
            assert names_found(people.anyone, "first-model") == ["first-model"]
            with contextlib.suppress(FileNotFoundError):
                seen.add((tmp_path / "data" / "search" / "current").read_bytes())
    assert len(ends.read_text()) > 3
    assert (len(seen) > 1) == is_damaged


def test_where_there_is_no_room_to_build_an_index_stays_as_it_was(home: Path) -> None:
    with inside(home) as people:
        owner = people.add()
        add_model(owner, "first-model", description="Lemurs.", visibility="public")
        assert names_found(people.anyone, "lemurs") == ["first-model"]
    (folder,) = [each for each in (home / "search").iterdir() if each.is_dir()]
    before = {file.name for file in folder.iterdir()}
    about = [" ".join(f"{n}x{word}" for word in range(60)) for n in range(500)]
    models = [
        {"name": f"model-{n}", "hardware_identifier": "cpu", "description": text} for n, text in enumerate(about)
    ]
    asyncio.run(_import(home, [json.dumps(model).encode() for model in models], owner.name))
    task = Task(str(home), address_of(home), str(folder), "warning")
    with subprocess.Popen(
        PROGRAM,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (50_000, 50_000)),
    ) as builder:
        assert builder.stdin is not None
        assert builder.stderr is not None
        builder.stdin.write(msgspec.json.encode(task) + b"\n")
        builder.stdin.flush()
        events = [json.loads(line)["event"] for line in builder.stderr]
    assert (builder.returncode, events) == (ExitStatus.UNWRITABLE, ["index waits"])
    assert {file.name for file in folder.iterdir()} <= before
    with inside(home) as people:
        until_found(people.anyone, "lemurs", ["first-model"])
    assert folder.exists()


async def _import(home: Path, lines: list[bytes], owner: str) -> None:
    database = open_in(home)
    async for batch in load(database, lines, owner=owner):
        assert batch.bad == []
    await database.close()


def test_what_cannot_be_built_is_tried_again_ever_more_slowly(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the disk is full."""
    with inside(home):
        pass
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def sleep_shortly(seconds: float) -> None:
        if seconds > 0.1:
            pauses.append(seconds)
        await sleep(0)

    async def work(database: Database) -> None:
        running = Indexer(database, Settings(data_dir=home, database=address_of(home)))
        task = asyncio.create_task(running.run())
        while len(pauses) < 8:
            await sleep(0.01)
        monkeypatch.setattr(rebuild_process, "PROGRAM", PROGRAM)
        while not await running.catch_up():
            await sleep(0.01)
        task.cancel()
        await asyncio.wait([task])

    monkeypatch.setattr(
        rebuild_process, "PROGRAM", (sys.executable, "-c", f"raise SystemExit({ExitStatus.CORRUPT.value})")
    )
    monkeypatch.setattr(indexer, "_FEW_CHANGES", 0)
    monkeypatch.setattr(asyncio, "sleep", sleep_shortly)
    on_database(home, work)
    assert pauses[:8] == [0.5, 1, 2, 4, 8, 15, 15, 15]


def test_what_cannot_be_built_for_hours_is_still_tried_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with inside(home):
        pass
    attempts = 0
    sleep = asyncio.sleep

    async def fail(*_: object, **__: object) -> None:
        nonlocal attempts
        attempts += 1
        raise DatabaseUnavailable

    async def work(database: Database) -> None:
        task = asyncio.create_task(Indexer(database, Settings(data_dir=home)).run())
        async with asyncio.timeout(LONG):
            while attempts < 1_100:
                await sleep(0.01)
        task.cancel()
        await asyncio.wait([task])

    monkeypatch.setattr(rebuild_process, "run", fail)
    monkeypatch.setattr(indexer, "_FEW_CHANGES", 0)
    monkeypatch.setattr(indexer, "_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(asyncio, "sleep", lambda _: sleep(0))
    on_database(home, work)
