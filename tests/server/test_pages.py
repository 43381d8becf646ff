"""Pages: what is on them, and how they lead to one another."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.server.conftest import inside
from tests.server.library import COUNT, LISTS
from tests.server.people import Person
from tests.server.samples import add_model

KEYS = ["items", "next_cursor", "previous_cursor", "next_url", "previous_url"]


def fetch(reader: Person, path: str, **params: Any) -> dict[str, Any]:
    parts = urlsplit(path)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    reply = reader.send("GET", parts.path, params={**query, **params})
    assert reply.status_code == 200, reply.text
    page: dict[str, Any] = reply.json()
    assert list(page) == KEYS
    assert (page["next_cursor"] is None) == (page["next_url"] is None)
    assert (page["previous_cursor"] is None) == (page["previous_url"] is None)
    return page


def walk(reader: Person, path: str, *, towards: str = "next", **params: Any) -> list[dict[str, Any]]:
    """Fetch a page and all that follow."""
    pages = [fetch(reader, path, **params)]
    while (cursor := pages[-1][f"{towards}_cursor"]) is not None:
        pages.append(fetch(reader, path, **{**params, "cursor": cursor}))
        assert len(pages) <= COUNT, "This walk does not end."
    return pages


@pytest.mark.parametrize("path", LISTS)
def test_a_page_has_25_entries_unless_told_otherwise(reader: Person, path: str) -> None:
    first, second = walk(reader, path)
    assert (len(first["items"]), len(second["items"])) == (25, COUNT - 25)
    assert first["previous_cursor"] is None
    assert second["previous_cursor"] is not None


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("size", [1, 7, 14, 27, 28, 29, 100])
def test_a_walk_meets_every_entry_once_in_both_directions(reader: Person, path: str, size: int) -> None:
    whole = fetch(reader, path, page_size=100)["items"]
    assert len(whole) == COUNT
    forward = walk(reader, path, page_size=size)
    assert [item for page in forward for item in page["items"]] == whole
    assert [len(page["items"]) for page in forward[:-1]] == [size] * (len(forward) - 1)
    assert forward[-1]["items"]
    if len(forward) > 1:
        cursor = forward[-1]["previous_cursor"]
        backward = walk(reader, path, towards="previous", page_size=size, cursor=cursor)
        assert [page["items"] for page in reversed(backward)] == [page["items"] for page in forward[:-1]]
        assert backward[0]["next_cursor"] is not None


@pytest.mark.parametrize("path", LISTS)
def test_the_addresses_of_the_neighbours_work_and_keep_the_query(reader: Person, path: str) -> None:
    first = fetch(reader, path, page_size=10, extra="ä & /")
    parts = urlsplit(first["next_url"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"http://hub.test/v1{urlsplit(path).path}"
    expected = {"page_size": ["10"], "extra": ["ä & /"], "cursor": [first["next_cursor"]]}
    assert parse_qs(parts.query) == expected | parse_qs(urlsplit(path).query)
    second = reader.send("GET", first["next_url"]).json()
    assert second == fetch(reader, path, page_size=10, extra="ä & /", cursor=first["next_cursor"])
    again = reader.send("GET", second["previous_url"]).json()
    assert again["items"] == first["items"]
    assert again["previous_cursor"] is None


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("size", ["0", "-1", "101", "1000000000000", "x", "", "1.5", "null"])
def test_a_page_has_1_to_100_entries(reader: Person, path: str, size: str) -> None:
    parts = urlsplit(path)
    reply = reader.send("GET", f"{parts.path}?{parts.query}&page_size={size}")
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert fault["loc"] == ["query", "page_size"]


def test_the_size_may_change_on_the_way(reader: Person) -> None:
    first = fetch(reader, "/models", page_size=3)
    rest = fetch(reader, "/models", page_size=100, cursor=first["next_cursor"])
    assert len(first["items"]) + len(rest["items"]) == COUNT


@pytest.mark.parametrize("path", ["/models", "/models/ada", "/user/models", "/users"])
def test_lists_are_in_order_of_creation_oldest_first_unless_told_otherwise(reader: Person, path: str) -> None:
    times = [item["created_at"] for item in fetch(reader, path, page_size=100)["items"]]
    assert times == sorted(times)
    assert len(set(times)) == COUNT
    same = fetch(reader, path, page_size=100, sort_by="created_at", sort_direction="asc")["items"]
    assert [item["created_at"] for item in same] == times
    falling = walk(reader, path, page_size=9, sort_direction="desc")
    assert [item["created_at"] for page in falling for item in page["items"]] == times[::-1]


def test_private_models_are_in_their_place_among_public_ones(reader: Person) -> None:
    names = [model["name"] for page in walk(reader, "/models", page_size=4) for model in page["items"]]
    assert names == [f"model-{n:02}" for n in range(COUNT)]


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/models", {"sort_by": "name"}),
        ("/models", {"sort_by": "predictions_count"}),
        ("/models/ada", {"sort_direction": "ASC"}),
        ("/user/models", {"sort_direction": ""}),
        ("/users", {"sort_by": "prediction_count"}),
    ],
)
def test_unknown_orders_are_refused(reader: Person, path: str, params: dict[str, str]) -> None:
    reply = reader.send("GET", path, params=params)
    assert reply.status_code == 422
    assert [fault["loc"] for fault in reply.json()["detail"]] == [["query", *params]]


def test_an_empty_list_is_one_empty_page(reader: Person) -> None:
    add_model(reader, "unversioned", visibility="private")
    page = fetch(reader, "/models/ada/unversioned/versions")
    reader.client.models.delete("ada", "unversioned")
    assert page == {"items": [], **dict.fromkeys(KEYS[1:])}


def test_addresses_are_those_that_callers_use_where_a_proxy_stands_before_the_hub(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("proxied") / "data"
    with inside(folder, public_url="https://hub.example.org/api/") as people:
        people.add("ada")
        people.add("bob")
        page = people.anyone.client.users.list({"page_size": 1})
        assert page.next_url is not None
        assert page.next_url.startswith("https://hub.example.org/api/v1/users?page_size=1&cursor=")
        (user,) = page
        assert user["avatar_url"] == f"https://hub.example.org/api/avatars/{user['id']}.svg"


def test_addresses_follow_the_name_that_the_hub_was_called_by(reader: Person) -> None:
    reply = reader.send("GET", "/users", params={"page_size": 1}, headers={"host": "other.test:8443"})
    assert reply.json()["next_url"].startswith("http://other.test:8443/v1/users?page_size=1&cursor=")
    assert reply.json()["items"][0]["avatar_url"].startswith("http://other.test:8443/avatars/")
