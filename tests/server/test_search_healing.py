"""An index that heals, whatever becomes of its files or of what looks into them."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import tantivy
from structlog.testing import capture_logs

from tests.server.conftest import inside
from tests.server.finding import names_found, until_found
from tests.server.samples import add_model
from tests.shortages import no_more_files, no_room
from wriftai_server.database.feed import Note
from wriftai_server.search import checksums
from wriftai_server.search.current import CurrentIndex
from wriftai_server.search.errors import IndexUnwritable
from wriftai_server.search.index import Index, IndexWriter, Snapshot, State


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def index_files(data: Path) -> list[Path]:
    """Give the files of an index, the largest first."""
    files = [
        file for file in (data / "search").glob("*/*") if file.suffix in {".idx", ".term", ".fast", ".store"}
    ]
    return sorted(files, key=lambda file: file.stat().st_size, reverse=True)


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
        assert names_found(people.anyone, "lemurs") == ["first-model"]
        if is_running:
            damage(data)
            assert names_found(people.anyone, "first-model") == ["first-model"]
            add_model(owner, "second-model", description="Sorts lemurs.", visibility="public")
            until_found(people.anyone, "lemurs", ["first-model", "second-model"])
    if not is_running:
        damage(data)
    with inside(data) as people:
        assert names_found(people.anyone, "first-mod") == ["first-model"]
        until_found(people.anyone, "sorts lemur", ["first-model", "second-model"][: 1 + is_running])


def test_a_mistake_in_search_is_logged_and_spares_the_index(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with inside(data) as people:
        add_model(people.add(), "first-model", description="Sorts lemurs.", visibility="public")
        assert names_found(people.anyone, "lemurs") == ["first-model"]
        before = (data / "search" / "current").read_bytes()
        with monkeypatch.context() as patches, capture_logs() as lines:
            patches.setattr(Snapshot, "find", lambda *_, **__: int("of ours"))
            assert names_found(people.anyone, "lemurs") == []
            assert names_found(people.anyone, "first-model") == ["first-model"]
        assert {line["event"] for line in lines if line["log_level"] == "error"} == {"search failed"}
        assert (data / "search" / "current").read_bytes() == before
        assert names_found(people.anyone, "lemurs") == ["first-model"]


def test_what_cannot_be_written_is_written_later_and_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, failures = IndexWriter.commit, ["No space left on device"]

    def commit_or_fail(self: IndexWriter, state: State) -> None:
        if failures:
            raise IndexUnwritable(failures.pop())
        commit(self, state)

    with inside(data) as people:
        ada = people.add()
        add_model(ada, "first-model", description="Lemurs.", visibility="public")
        assert names_found(people.anyone, "lemurs") == ["first-model"]
        before = (data / "search" / "current").read_bytes()
        monkeypatch.setattr(IndexWriter, "commit", commit_or_fail)
        with capture_logs() as lines:
            add_model(ada, "second-model", description="Wombats.", visibility="public")
            until_found(people.anyone, "wombats", ["second-model"])
        assert [line["event"] for line in lines if line["log_level"] != "info"] == ["index waits"]
        assert (data / "search" / "current").read_bytes() == before


def test_an_index_that_does_not_say_how_far_it_has_got_is_built_anew(data: Path) -> None:
    with inside(data) as people:
        add_model(people.add(), "first-model", description="Lemurs.", visibility="public")
        assert names_found(people.anyone, "lemurs") == ["first-model"]
    (folder,) = [each for each in (data / "search").iterdir() if each.is_dir()]
    index = tantivy.Index.open(str(folder))
    writer = index.writer()
    writer.delete_documents_by_term("about", "state")
    writer.commit()
    with inside(data) as people:
        until_found(people.anyone, "lemurs", ["first-model"])
    assert not folder.exists()


def test_an_index_that_cannot_be_given_up_now_is_later(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    discard, failures = CurrentIndex.discard, [PermissionError("Not permitted.")] * 3

    def discard_or_fail(self: CurrentIndex, path: Path | None) -> None:
        if failures:
            raise failures.pop()
        discard(self, path)

    monkeypatch.setattr(CurrentIndex, "discard", discard_or_fail)
    with inside(data) as people:
        add_model(people.add(), "first-model", description="Lemurs.", visibility="public")
        assert names_found(people.anyone, "lemurs") == ["first-model"]
        _scramble(data)
        until_found(people.anyone, "first-model", ["first-model"])
        until_found(people.anyone, "lemurs", ["first-model"])
    assert not failures


def test_who_looks_on_gives_up_what_it_has_and_not_what_came_after_it(tmp_path: Path) -> None:
    keeper, onlooker = CurrentIndex(tmp_path), CurrentIndex(tmp_path)
    assert keeper.try_lock()
    assert not onlooker.try_lock()
    keeper.create()
    onlooker.open_current()
    assert onlooker.path == keeper.path
    keeper.create()
    onlooker.discard(onlooker.path)
    assert onlooker.index is None
    onlooker.open_current()
    assert onlooker.path == keeper.path
    onlooker.discard(onlooker.path)
    keeper.open_current()
    assert keeper.index is None


def test_what_was_checked_is_remembered_by_many_at_once_and_where_there_is_no_room_by_none(
    tmp_path: Path,
) -> None:
    with ThreadPoolExecutor(8) as threads:
        for remembering in [threads.submit(checksums.remember, tmp_path, {}) for _ in range(500)]:
            remembering.result()
    assert [file.name for file in tmp_path.iterdir()] == ["checked.json"]
    checksums.remember(tmp_path / "no such folder", {})


def test_where_there_is_no_room_for_an_index_none_is_begun_and_nothing_is_left(tmp_path: Path) -> None:
    current = CurrentIndex(tmp_path)
    assert current.try_lock()
    with no_room(beyond=0), pytest.raises(OSError, match="The index cannot be begun"):
        current.create()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    current.create()
    assert current.index is not None
    current.release()


def test_where_no_more_files_can_be_opened_an_index_is_not_taken_for_damaged(tmp_path: Path) -> None:
    current = CurrentIndex(tmp_path)
    assert current.try_lock()
    current.create()
    index, path = current.index, current.path
    assert index is not None
    assert path is not None
    state = State(Note(0, 1, "beginning", "", ""))
    writer = index.writer()
    writer.commit(state)
    writer.close()
    with no_more_files():
        for look in (current.open_current, current.reload, partial(Index, path), partial(checksums.check, path)):
            with pytest.raises(OSError, match="Too many open files"):
                look()
    current.open_current()
    assert current.path == path
    assert index.snapshot.state == state
    current.release()
