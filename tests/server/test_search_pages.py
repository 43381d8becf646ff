"""Pages of what search finds: whole, in order, and each model once, whatever changes in between."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.databases import run_sql
from tests.server.conftest import Home, inside
from tests.server.finding import few_models, found, person, walked
from tests.server.people import People, Person
from tests.server.queues import Planned
from tests.server.samples import add_model
from wriftai import UnprocessableEntityError
from wriftai_server.database.driver import Row
from wriftai_server.http.paging import Place
from wriftai_server.search import service, stages, store
from wriftai_server.search.indexer import Indexer


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, database: Home) -> Iterator[People]:
    """Give people on a hub of their own, whose models are few."""
    with database(tmp_path_factory.mktemp("search") / "data") as folder, few_models(folder) as people:
        yield people


@pytest.fixture
def anyone(people: People) -> Person:
    return people.anyone


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("is_current_at_first", [True, False])
def test_a_walk_loses_and_repeats_nothing_when_the_index_falls_behind_or_catches_up(
    people: People, anyone: Person, monkeypatch: pytest.MonkeyPatch, size: int, is_current_at_first: bool
) -> None:
    whole = found(anyone, "resnet")
    for last in range(1, len(whole)):
        answers = iter([is_current_at_first] * last)

        async def catch_up(_: object, answers: Iterator[bool] = answers) -> bool:
            return next(answers, not is_current_at_first)

        monkeypatch.setattr(Indexer, "catch_up", catch_up)
        pages = walked(anyone, "resnet", size)
        names = [f"{model['owner']['username']}/{model['name']}" for page in pages for model in page]
        assert sorted(names) == sorted(whole)


def test_pages_of_matches_keep_their_order_in_both_directions(anyone: Person) -> None:
    whole = found(anyone, "resnet")
    pages = walked(anyone, "resnet", 2)
    assert [len(page.items) for page in pages] == [2, 2, 2]
    forward = [f"{model['owner']['username']}/{model['name']}" for page in pages for model in page]
    assert forward == whole
    back: Any = anyone.client.models.search("resnet", {"page_size": 9, "cursor": pages[2].previous_cursor or ""})
    assert [f"{model['owner']['username']}/{model['name']}" for model in back] == whole[:4]


def test_a_cursor_from_before_the_order_changed_is_refused(
    anyone: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = walked(anyone, "resnet", 2)[0].next_cursor
    monkeypatch.setattr(service, "ORDER_VERSION", service.ORDER_VERSION + 1)
    with pytest.raises(UnprocessableEntityError, match="belongs to another order or filter"):
        anyone.client.models.search("resnet", {"cursor": cursor or ""})
    assert anyone.client.models.search("resnet").items


def test_a_page_without_matches_leads_back_to_those_before_it(
    anyone: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(anyone, "resnet")  # There is an index by now.

    async def catch_up(_: object) -> bool:
        return False

    monkeypatch.setattr(Indexer, "catch_up", catch_up)
    monkeypatch.setattr(stages, "_MOST_HITS_AT_ONCE", 1)
    monkeypatch.setattr(stages, "_MOST_HITS", 0)
    pages = walked(anyone, "resnet", 2)
    sizes = [len(page.items) for page in pages]
    before = sizes.index(0) - 1
    back = pages[before + 1]
    while not back.items:
        back = anyone.client.models.search("resnet", {"page_size": 2, "cursor": back.previous_cursor or ""})
    assert list(back) == list(pages[before])


def test_what_a_walk_of_the_fallback_lacks_by_now_is_not_made_up_for(people: People, anyone: Person) -> None:
    bob = person(people, "Bob")
    for name in ("wombat-one", "wombat-two"):
        add_model(bob, name, description="Counts nightly.", visibility="public")
    first = anyone.client.models.search("wombat counts night", {"page_size": 1})
    (shown,) = [model["name"] for model in first]
    bob.client.models.delete("Bob", "wombat-two" if shown == "wombat-one" else "wombat-one")
    rest = anyone.client.models.search("wombat counts night", {"page_size": 1, "cursor": first.next_cursor or ""})
    assert rest.items == []
    bob.client.models.delete("Bob", shown)


def test_a_page_is_full_whatever_goes_while_it_is_put_together(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = store.models_named

    async def find_and_change(*arguments: Any, **options: Any) -> list[Row]:
        gone, hidden, renamed, *_ = found = await find(*arguments, **options)
        run_sql(home, "DELETE FROM models WHERE id = ?", gone[0])
        run_sql(home, "UPDATE models SET visibility = 'private' WHERE id = ?", hidden[0])
        run_sql(home, "UPDATE models SET name = 'other' WHERE id = ?", renamed[0])
        monkeypatch.undo()
        return found

    with inside(home) as people:
        for _ in range(6):
            add_model(people.add(), "same", visibility="public")
        add_model(people.add(), "same-again", visibility="public")
        monkeypatch.setattr(store, "models_named", find_and_change)
        pages = walked(people.anyone, "same", 2)
    names = [[model["name"] for model in page] for page in pages]
    # Nothing told the index of the other name.
    assert names == [["same", "same"], ["same", "other"], ["same-again"]]


@pytest.mark.parametrize("viewer", [None, "ada"])
@pytest.mark.parametrize("key", [None, ("v", "")])
@pytest.mark.parametrize("is_backward", [False, True])
def test_prefixes_and_names_are_found_in_the_order_of_names(
    tmp_path: Path, viewer: str | None, key: tuple[str, str] | None, is_backward: bool
) -> None:
    place, data = Place(key, is_backward), tmp_path / "data"
    with inside(data):
        planned = Planned(data)
        asyncio.run(store.models_with_prefix(planned, "v", place, owner=None, viewer=viewer, limit=2))
        asyncio.run(store.models_named(planned, "v", Place(), viewer=viewer, limit=2))
        planned.connection.close()
    looks = [plan for plan in planned.plans if "models" in plan]
    indexes = ["public", "private"][: 1 + (viewer is not None)] * 2
    # By whether they are public, it would look at all of them.
    assert [look.split(" (")[0] for look in looks] == [
        f"SEARCH models USING INDEX ix_models_{each}_name" for each in indexes
    ]


@pytest.mark.parametrize("q", ["", "r", "timm/"])
def test_names_are_walked_through_in_both_directions(
    people: People, anyone: Person, monkeypatch: pytest.MonkeyPatch, q: str
) -> None:
    async def catch_up(_: object) -> bool:
        return False

    monkeypatch.setattr(Indexer, "catch_up", catch_up)
    whole = found(anyone, q)
    pages = walked(anyone, q, 1)
    assert [f"{model['owner']['username']}/{model['name']}" for page in pages for model in page] == whole
    assert len(whole) > 2
    back = [pages[-1]]
    while (cursor := back[-1].previous_cursor) is not None:
        back.append(anyone.client.models.search(q, {"page_size": 1, "cursor": cursor}))
    assert [list(page) for page in reversed(back)] == [list(page) for page in pages]


@pytest.mark.parametrize("viewer", [None, "ada"])
def test_the_rows_of_what_was_found_are_read_by_their_ids(tmp_path: Path, viewer: str | None) -> None:
    data = tmp_path / "data"
    with inside(data):
        planned = Planned(data)
        asyncio.run(store.models_by_id(planned, ["some", "ids"], viewer=viewer))
        planned.connection.close()
    # By whether they are public, it would look at all of them.
    assert planned.plans[0] == "SEARCH models USING INDEX sqlite_autoindex_models_1 (id=?)"


_SIGNS = "-.09_az"


@given(
    st.text(_SIGNS, max_size=2),
    st.text(_SIGNS, min_size=1, max_size=4),
    st.text(max_size=3) | st.text(_SIGNS + " ~\x01\x7f\xe9", max_size=5),
    st.booleans(),
)
def test_names_that_lie_before_a_place_are_not_looked_at(
    prefix: str, name: str, place: str, backward: bool
) -> None:
    bounds = store.bounds_of(prefix, Place((place, ""), backward))
    is_left = name <= place if backward else name >= place
    is_wanted = name.startswith(prefix) and name != prefix and is_left
    assert (bounds["least"] < name < bounds["most"]) == is_wanted
