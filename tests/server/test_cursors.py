"""Cursors: places in an order, which stay when rows come and go."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.databases import run_sql
from tests.server.library import LISTS
from tests.server.people import People, Person
from tests.server.samples import add_model


def cursor_of(reader: Person, path: str) -> str:
    cursor: str = reader.send("GET", path).json()["next_cursor"]
    return cursor


def with_cursor(path: str, cursor: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}cursor={cursor}"


def forged(reader: Person, path: str, key: Any, *, backward: bool = False) -> str:
    tag, *_ = json.loads(base64.urlsafe_b64decode(cursor_of(reader, path) + "=="))
    return base64.urlsafe_b64encode(json.dumps([tag, backward, key]).encode()).decode().rstrip("=")


def refused(reader: Person, path: str) -> str:
    """Send a request that must be refused for its cursor; give the reason."""
    reply = reader.send("GET", path)
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert (fault["loc"], fault["type"]) == (["query", "cursor"], "cursor_invalid")
    return str(fault["msg"])


@pytest.mark.parametrize(
    ("made_for", "used_for"),
    [
        ("/models", "/models?sort_direction=desc"),
        ("/models?sort_direction=desc", "/models"),
        ("/models", "/models?sort_by=prediction_count"),
        ("/models?sort_by=prediction_count", "/models"),
        ("/models", "/models/ada"),
        ("/models/ada", "/models/reader-00"),
        ("/user/models", "/models"),
        ("/users", "/users?sort_direction=desc"),
        ("/models", "/users"),
        ("/users", "/hardware"),
        ("/search/models?q=model", "/search/models?q=models"),
        ("/search/models?q=model", "/search/users?q=model"),
        ("/search/users?q=reader", "/search/users?q=ada"),
        ("/models/ada/model-00/versions", "/models/ada/model-01/versions"),
    ],
)
def test_a_cursor_belongs_to_its_order_and_filter(reader: Person, made_for: str, used_for: str) -> None:
    cursor = cursor_of(reader, made_for)
    assert "belongs to another order or filter" in refused(reader, with_cursor(used_for, cursor))
    assert reader.send("GET", with_cursor(made_for, cursor)).status_code == 200


def test_a_cursor_leads_its_owner_on_by_either_path(reader: Person) -> None:
    cursor = cursor_of(reader, "/user/models")
    pages = [reader.send("GET", with_cursor(path, cursor)).json() for path in ("/user/models", "/models/ADA")]
    assert pages[0]["items"] == pages[1]["items"] != []


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "cursor", ["", "x", "page-2", "%C3%A9", "%00", "%FF", "W10", "bnVsbA==", "e30", "%20", "====", "A" * 2000]
)
def test_what_is_no_cursor(reader: Person, path: str, cursor: str) -> None:
    assert "This is not a cursor" in refused(reader, with_cursor(path, cursor))


def test_a_cursor_of_any_length_is_refused(reader: Person) -> None:
    reply = reader.send("GET", with_cursor("/models", "A" * 2001))
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["query", "cursor"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "key",
    [
        [],
        ["a"],
        ["a", "b", "c", "d"],
        [1.5, "a"],
        [True, "a"],
        [{}, []],
        [2**63],
        [2**80, "a", "b"],
        [3, -1, "", ""],
        [5, 1, "", "no UUID"],
        "ab",
        5,
        {"a": 1},
    ],
)
def test_a_cursor_with_another_place_in_it_is_refused(reader: Person, path: str, key: Any) -> None:
    assert "This is not a cursor" in refused(reader, with_cursor(path, forged(reader, path, key)))


@pytest.mark.parametrize("path", ["/search/models?q=", "/search/users?q="])
@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("stage", [-1, 0, 1, 3, 10**6])
def test_a_cursor_of_a_stage_that_a_search_does_not_have_is_refused(
    reader: Person, path: str, backward: bool, stage: int
) -> None:
    """Whoever seeks all models in such a stage looks at each of them, and finds none."""
    cursor = forged(reader, path, [stage, 0, "", "01a21d1e-a59c-701d-90b7-b64c993cf3b0"], backward=backward)
    assert "This is not a cursor" in refused(reader, with_cursor(path, cursor))


def test_a_cursor_nested_beyond_reason_is_refused(reader: Person) -> None:
    nested = base64.urlsafe_b64encode(b"[" * 1490).decode()
    assert "This is not a cursor" in refused(reader, with_cursor("/models", nested))


@pytest.fixture
def shelf(people: People) -> Person:
    """Add a user with ten models."""
    owner = people.add()
    for n in range(10):
        add_model(owner, f"m{n}", visibility="private" if n in (2, 3, 7) else "public")
    return owner


def names(page: Any) -> list[str]:
    return [model["name"] for model in page]


def test_rows_that_stay_are_neither_skipped_nor_repeated(shelf: Person) -> None:
    listing = shelf.client.authenticated_user.models
    first = listing({"page_size": 4})
    assert names(first) == ["m0", "m1", "m2", "m3"]
    for name in ("m1", "m3", "m4"):  # The last of them that were shown is among them.
        shelf.client.models.delete(shelf.name, name)
    add_model(shelf, "late")
    second = listing({"page_size": 4, "cursor": first.next_cursor or ""})
    assert names(second) == ["m5", "m6", "m7", "m8"]
    third = listing({"page_size": 4, "cursor": second.next_cursor or ""})
    assert names(third) == ["m9", "late"]
    back = listing({"page_size": 4, "cursor": second.previous_cursor or ""})
    assert names(back) == ["m0", "m2"]
    assert back.previous_cursor is None
    onward = listing({"page_size": 4, "cursor": back.next_cursor or ""})
    assert names(onward) == names(second)


def test_a_place_behind_which_nothing_is_left_leads_back(shelf: Person) -> None:
    listing = shelf.client.authenticated_user.models
    first = listing({"page_size": 8})
    for name in ("m8", "m9"):
        shelf.client.models.delete(shelf.name, name)
    empty = listing({"page_size": 8, "cursor": first.next_cursor or ""})
    assert (names(empty), empty.next_cursor) == ([], None)
    back = listing({"page_size": 3, "cursor": empty.previous_cursor or ""})
    assert names(back) == ["m5", "m6", "m7"]
    before = listing({"page_size": 100, "cursor": back.previous_cursor or ""})
    assert names(before) == ["m0", "m1", "m2", "m3", "m4"]


def test_a_place_before_which_nothing_is_left_leads_on(shelf: Person) -> None:
    listing = shelf.client.authenticated_user.models
    first = listing({"page_size": 2})
    second = listing({"page_size": 2, "cursor": first.next_cursor or ""})
    for name in ("m0", "m1"):
        shelf.client.models.delete(shelf.name, name)
    empty = listing({"page_size": 2, "cursor": second.previous_cursor or ""})
    assert (names(empty), empty.previous_cursor) == ([], None)
    assert names(listing({"page_size": 2, "cursor": empty.next_cursor or ""})) == ["m2", "m3"]


def test_a_private_model_does_not_move_the_pages_of_others(shelf: Person, bob: Person) -> None:
    first = bob.client.models.list({"page_size": 4}, owner=shelf.name)
    assert names(first) == ["m0", "m1", "m4", "m5"]
    assert names(first.iter_all()) == ["m0", "m1", "m4", "m5", "m6", "m8", "m9"]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_models_in_order_of_their_predictions(shelf: Person, folder: Path, direction: str) -> None:
    counts = {"m0": 5, "m1": 2, "m2": 5, "m3": 0, "m4": 9, "m5": 5, "m6": 2, "m7": 7, "m8": 1, "m9": 2**40}
    for name, count in counts.items():
        run_sql(
            folder,
            "UPDATE models SET predictions_count = ? WHERE name = ? AND owner_id ="
            " (SELECT id FROM users WHERE username = ?)",
            *(count, name, shelf.name),
        )
    options: Any = {"page_size": 3, "sort_by": "prediction_count", "sort_direction": direction}
    pages = [shelf.client.models.list(options, owner=shelf.name)]
    while (cursor := pages[-1].next_cursor) is not None:
        options["cursor"] = cursor
        pages.append(shelf.client.models.list(options, owner=shelf.name))
        assert len(pages) <= len(counts), "This walk does not end."
    met = [(model["predictions_count"], model["id"]) for page in pages for model in page]
    assert met == sorted(met, reverse=direction == "desc")
    assert [count for count, _ in met] == sorted(counts.values(), reverse=direction == "desc")
    options["cursor"] = pages[2].previous_cursor
    back = shelf.client.models.list(options, owner=shelf.name)
    assert names(back) == names(pages[1])
