"""The index of search: it follows what changes, and heals whatever becomes of its files."""

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import tantivy
from structlog.testing import capture_logs

from tests.databases import address_of
from tests.full_disk import no_room
from tests.server.conftest import inside
from tests.server.people import People, Person
from tests.server.queues import Planned
from tests.server.samples import add_model, add_version
from wriftai.models import ModelVisibility
from wriftai_server.database.opening import open_database
from wriftai_server.models.loading import load
from wriftai_server.search import following, store, wholeness
from wriftai_server.search.building import Ended, Task
from wriftai_server.search.current import CurrentIndex
from wriftai_server.search.following import PROGRAM
from wriftai_server.search.index import State, View, Writing


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def found(searcher: Person, q: str) -> list[str]:
    return [model["name"] for model in searcher.client.models.search(q, {"page_size": 100})]


def index_files(data: Path) -> list[Path]:
    """Give the files of an index, the largest first."""
    files = [
        file for file in (data / "search").glob("*/*") if file.suffix in {".idx", ".term", ".fast", ".store"}
    ]
    return sorted(files, key=lambda file: file.stat().st_size, reverse=True)


def test_what_changed_is_found_at_once_by_words_too(people: People, ada: Person, anyone: Person) -> None:
    name = add_model(ada, "quokka-one", description="Counts wallabies.", visibility="public")["name"]
    assert found(anyone, "wallaby counts") == [name]
    ada.client.models.update(ada.name, name, {"description": "Counts numbats."})
    assert found(anyone, "wallaby") == []
    assert found(anyone, "numbats") == [name]
    add_version(ada, name, release_notes="Bandicoots are counted, too.")
    assert found(anyone, "bandicoot counted") == [name]
    ada.client.models.update(ada.name, name, {"visibility": ModelVisibility("private")})
    assert found(anyone, "numbats") == []
    assert found(ada, "numbats") == [name]
    ada.client.models.update(ada.name, name, {"visibility": ModelVisibility("public"), "name": "echidna-two"})
    assert found(anyone, "two echidna numbats") == ["echidna-two"]
    ada.client.models.delete(ada.name, "echidna-two")
    assert found(anyone, "numbats") == []


def test_models_are_found_by_the_new_name_of_their_owner(people: People, anyone: Person) -> None:
    owner = people.add("thylacine")
    add_model(owner, "stripes", visibility="public")
    assert found(anyone, "thylacin strip") == ["stripes"]
    owner.client.authenticated_user.update({"username": "bilby", "bio": "Long ears."})
    assert found(anyone, "bilby strip") == ["stripes"]
    assert found(anyone, "thylacin") == []
    assert [user["username"] for user in anyone.client.users.search("ears long")] == ["bilby"]


def _delete_all(data: Path) -> None:
    while (data / "search").exists():  # What the hub writes at the moment may come in between.
        shutil.rmtree(data / "search", ignore_errors=True)


def _delete_one(data: Path) -> None:
    index_files(data)[0].unlink()


def _truncate(data: Path) -> None:
    for file in index_files(data)[:3]:
        with file.open("r+b") as content:
            content.truncate(file.stat().st_size // 2)


def _scramble(data: Path) -> None:
    file = index_files(data)[0]
    file.write_bytes(b"\xa5" * file.stat().st_size)


def _scramble_the_list(data: Path) -> None:
    for file in (data / "search").glob("*/meta.json"):
        file.write_bytes(b'{"segments": [{"segment_id": 5}]}')


def _scramble_what_is_current(data: Path) -> None:
    (data / "search" / "current").write_bytes(b"\xff\x00")


def _make_older(data: Path) -> None:
    current = data / "search" / "current"
    current.write_text(current.read_text().replace("tantivy ", "tantivy 0."))


DAMAGES = [
    _delete_all,
    _delete_one,
    _truncate,
    _scramble,
    _scramble_the_list,
    _scramble_what_is_current,
    _make_older,
]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("is_running", [False, True], ids=["stopped", "running"])
def test_a_damaged_index_heals(data: Path, damage: Callable[[Path], None], is_running: bool) -> None:
    with inside(data) as people:
        owner = people.add()
        add_model(owner, "first-model", description="Sorts lemurs.", visibility="public")
        assert found(people.anyone, "lemurs") == ["first-model"]
        if is_running:
            damage(data)
            assert found(people.anyone, "first-model") == ["first-model"]
            add_model(owner, "second-model", description="Sorts lemurs.", visibility="public")
            _until_found(people.anyone, "lemurs", ["first-model", "second-model"])
    if not is_running:
        damage(data)
    with inside(data) as people:
        assert found(people.anyone, "first-mod") == ["first-model"]
        _until_found(people.anyone, "sorts lemur", ["first-model", "second-model"][: 1 + is_running])


def _until_found(searcher: Person, q: str, names: list[str]) -> None:
    """Search until all is found: a look that comes upon the damage may find less, and is no failure."""
    for _ in range(100):
        if sorted(found(searcher, q)) == names:
            return
    assert sorted(found(searcher, q)) == names


def test_a_mistake_in_search_is_logged_and_spares_the_index(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with inside(data) as people:
        add_model(people.add(), "first-model", description="Sorts lemurs.", visibility="public")
        assert found(people.anyone, "lemurs") == ["first-model"]
        before = (data / "search" / "current").read_bytes()
        with monkeypatch.context() as patches, capture_logs() as lines:
            patches.setattr(View, "find", lambda *_, **__: [][0])
            assert found(people.anyone, "lemurs") == []
            assert found(people.anyone, "first-model") == ["first-model"]
        assert {line["event"] for line in lines if line["log_level"] == "error"} == {"search failed"}
        assert (data / "search" / "current").read_bytes() == before
        assert found(people.anyone, "lemurs") == ["first-model"]


def test_what_cannot_be_written_is_written_later_and_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, failures = Writing.commit, ["No space left on device"]

    def commit_or_fail(self: Writing, state: State) -> None:
        if failures:
            raise ValueError(failures.pop())
        commit(self, state)

    with inside(data) as people:
        ada = people.add()
        add_model(ada, "first-model", description="Lemurs.", visibility="public")
        assert found(people.anyone, "lemurs") == ["first-model"]
        before = (data / "search" / "current").read_bytes()
        monkeypatch.setattr(Writing, "commit", commit_or_fail)
        with capture_logs() as lines:
            add_model(ada, "second-model", description="Wombats.", visibility="public")
            _until_found(people.anyone, "wombats", ["second-model"])
        assert [line["event"] for line in lines if line["log_level"] != "info"] == ["index waits"]
        assert (data / "search" / "current").read_bytes() == before


def test_an_index_that_does_not_say_how_far_it_has_got_is_built_anew(data: Path) -> None:
    with inside(data) as people:
        add_model(people.add(), "first-model", description="Lemurs.", visibility="public")
        assert found(people.anyone, "lemurs") == ["first-model"]
    (folder,) = [each for each in (data / "search").iterdir() if each.is_dir()]
    index = tantivy.Index.open(str(folder))
    writer = index.writer()
    writer.delete_documents_by_term("about", "state")
    writer.commit()
    with inside(data) as people:
        _until_found(people.anyone, "lemurs", ["first-model"])
    assert not folder.exists()


def test_an_index_that_cannot_be_given_up_now_is_later(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_up, failures = CurrentIndex.give_up, [PermissionError("Not permitted.")] * 3

    def give_up_or_fail(self: CurrentIndex, path: Path | None) -> None:
        if failures:
            raise failures.pop()
        give_up(self, path)

    monkeypatch.setattr(CurrentIndex, "give_up", give_up_or_fail)
    with inside(data) as people:
        add_model(people.add(), "first-model", description="Lemurs.", visibility="public")
        assert found(people.anyone, "lemurs") == ["first-model"]
        _scramble(data)
        _until_found(people.anyone, "first-model", ["first-model"])
        _until_found(people.anyone, "lemurs", ["first-model"])
    assert not failures


def test_who_looks_on_gives_up_what_it_has_and_not_what_came_after_it(tmp_path: Path) -> None:
    keeper, onlooker = CurrentIndex(tmp_path), CurrentIndex(tmp_path)
    assert keeper.keep()
    assert not onlooker.keep()
    keeper.begin()
    onlooker.look_on()
    assert onlooker.path == keeper.path
    keeper.begin()
    onlooker.give_up(onlooker.path)
    assert onlooker.index is None
    onlooker.look_on()
    assert onlooker.path == keeper.path
    onlooker.give_up(onlooker.path)
    keeper.look_on()
    assert keeper.index is None


def test_what_was_checked_is_remembered_by_many_at_once_and_where_there_is_no_room_by_none(
    tmp_path: Path,
) -> None:
    with ThreadPoolExecutor(8) as threads:
        for remembering in [threads.submit(wholeness.remember, tmp_path, {}) for _ in range(500)]:
            remembering.result()
    assert [file.name for file in tmp_path.iterdir()] == ["checked.json"]
    wholeness.remember(tmp_path / "no such folder", {})


def test_a_database_that_became_another_one_is_read_anew(data: Path, tmp_path: Path) -> None:
    with inside(data) as people:
        add_model(people.add(), "of-the-first", description="Aardvark.", visibility="public")
        assert found(people.anyone, "aardvark") == ["of-the-first"]
    with inside(tmp_path / "other") as people:
        add_model(people.add(), "of-the-second", description="Aardvark.", visibility="public")
    for file in data.glob("hub.sqlite3*"):
        file.unlink()
    shutil.copytree(tmp_path / "other", data, dirs_exist_ok=True, ignore=shutil.ignore_patterns("search"))
    with capture_logs() as lines, inside(data) as people:
        _until_found(people.anyone, "aardvark", ["of-the-second"])
    said = [(line["event"], line["log_level"]) for line in lines if "index" in line["event"]]
    assert said == [("index built anew", "info"), ("indexed", "info")]
    assert lines[0]["reason"].startswith("The index is that of another database")


def test_much_is_indexed_apart_and_names_are_found_meanwhile(data: Path) -> None:
    with inside(data) as people:
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
    asyncio.run(_import(data, [line.encode() for line in lines], owner.name))
    with inside(data) as people:
        assert found(people.anyone, "beetle-2499") == ["beetle-2499"]
        for _ in range(3000):
            if people.anyone.client.models.search("legs six").items:
                break
            people.anyone.send("GET", "/search/models", params={"q": "beetle-17"})
        pages = list(people.anyone.client.models.search("legs six", {"page_size": 100}).iter_all())
        assert len({model["name"] for model in pages}) == 2500


@pytest.mark.parametrize("viewer", [None, "ada"])
def test_the_rows_of_what_was_found_are_read_by_their_ids(data: Path, viewer: str | None) -> None:
    with inside(data):
        planned = Planned(data)
        asyncio.run(store.models_by_id(planned, ["some", "ids"], viewer=viewer))
        planned.connection.close()
    # By whether they are public, it would look at all of them.
    assert planned.plans[0] == "SEARCH models USING INDEX sqlite_autoindex_models_1 (id=?)"


@pytest.mark.parametrize(
    ("address", "meta", "ended", "event"),
    [
        (None, b"{", Ended.BROKEN, "index broken"),
        ("postgresql://nobody@127.0.0.1:1/nothing", None, Ended.WAITING, "index waits"),
    ],
    ids=["damaged", "no database"],
)
def test_whoever_builds_an_index_says_why_it_ends(
    data: Path, tmp_path: Path, address: str | None, meta: bytes | None, ended: Ended, event: str
) -> None:
    with inside(data):
        pass
    (tmp_path / "index").mkdir()
    if meta is not None:
        (tmp_path / "index" / "meta.json").write_bytes(meta)
    task = Task(str(data), address or address_of(data), str(tmp_path / "index"), "warning")
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as builder:
        assert builder.stdin is not None
        assert builder.stderr is not None
        builder.stdin.write(msgspec.json.encode(task) + b"\n")
        builder.stdin.flush()
        lines = [json.loads(line) for line in builder.stderr]
    assert builder.returncode == ended
    assert [line["event"] for line in lines] == [event]


@pytest.mark.parametrize("ended", [Ended.WAITING, Ended.BROKEN])
def test_what_is_built_stays_where_the_database_is_away_and_not_where_it_is_damaged(
    data: Path, monkeypatch: pytest.MonkeyPatch, ended: Ended
) -> None:
    monkeypatch.setattr(following, "PROGRAM", (sys.executable, "-c", f"raise SystemExit({ended.value})"))
    monkeypatch.setattr(following, "_LITTLE", 1)
    seen: set[bytes] = set()
    with inside(data) as people:
        add_model(people.add(), "first-model", visibility="public")
        for _ in range(1000):
            assert found(people.anyone, "first-model") == ["first-model"]
            with contextlib.suppress(FileNotFoundError):
                seen.add((data / "search" / "current").read_bytes())
            if len(seen) > 2:
                break
    assert (len(seen) == 1) == (ended == Ended.WAITING)


def test_where_there_is_no_room_for_an_index_none_is_begun_and_nothing_is_left(tmp_path: Path) -> None:
    current = CurrentIndex(tmp_path)
    assert current.keep()
    with no_room(beyond=0), pytest.raises(OSError, match="The index cannot be begun"):
        current.begin()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    current.begin()
    assert current.index is not None
    current.let_go()


def test_a_user_whose_name_changes_in_its_capitals_alone_is_found_by_the_new_one(data: Path) -> None:
    with inside(data) as people:
        owner = people.add("wombatai")
        add_model(owner, "first-model", visibility="public")
        assert found(people.anyone, "ai") == []
        owner.client.authenticated_user.update({"username": "WombatAI"})
        assert found(people.anyone, "ai") == ["first-model"]


async def _import(data: Path, lines: list[bytes], owner: str) -> None:
    database = open_database(data)
    async for batch in load(database, lines, owner=owner):
        assert batch.bad == []
    await database.close()
