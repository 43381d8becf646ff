"""The real client against the real hub, blocking and async, for every method that the hub serves."""

import asyncio
import inspect
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.client.sides import Awaiting, Blocking, Side
from tests.hubs import Hub, running
from tests.system.folders import add_user
from tests.system.payloads import VERSION, model
from wriftai import Client, NotFoundError
from wriftai.authenticated_user import UpdateUserParams
from wriftai.common_types import SortDirection
from wriftai.models import ModelPaginationOptions, ModelsSortBy
from wriftai.pagination import PaginatedResponse

SERVED = ("models", "versions", "hardware", "users", "authenticated_user")
READS: dict[str, tuple[Any, ...]] = {
    "models.get": ("tina", "shown"),
    "models.list": ({"page_size": 2}, "tina"),
    "models.search": ("tina/shown",),
    "versions.get": ("{version}",),
    "versions.list": ("tina", "shown", {"page_size": 1}),
    "hardware.list": ({"page_size": 1},),
    "users.get": ("TINA",),
    "users.list": ({"page_size": 2},),
    "users.search": ("tina",),
    "authenticated_user.get": (),
    "authenticated_user.models": ({"page_size": 2},),
}
WRITES = {
    "models.create",
    "models.update",
    "models.delete",
    "versions.create",
    "versions.delete",
    "authenticated_user.update",
}

_numbers = itertools.count()


@pytest.fixture(scope="module")
def token(hub: Hub) -> str:
    return add_user(hub.data_dir, "tina")


@pytest.fixture(scope="module")
def client(hub: Hub, token: str) -> Iterator[Client]:
    with Client(hub.url, token) as client:
        client.models.create({"name": "shown", "hardware_identifier": "cpu"})
        for _ in range(3):
            client.versions.create("tina", "shown", VERSION)
        yield client


@pytest.fixture
def name() -> str:
    return f"twin-{next(_numbers)}"


def method(client: Client, path: str) -> Callable[..., Any]:
    resource, _, name = path.partition(".")
    found: Callable[..., Any] = getattr(getattr(client, resource), name)
    return found


def test_every_method_that_the_hub_serves_is_tested_here(client: Client) -> None:
    methods = {
        f"{resource}.{name}"
        for resource in SERVED
        for name, _ in inspect.getmembers(getattr(client, resource), inspect.isroutine)
        if not name.startswith(("_", "async_"))
    }

    assert methods == READS.keys() | WRITES


@pytest.mark.parametrize("path", READS)
def test_both_twins_read_the_same(client: Client, path: str) -> None:
    version = client.versions.list("tina", "shown").items[0]
    arguments = [version["id"] if argument == "{version}" else argument for argument in READS[path]]

    answers = [side.call(method(client, path), *arguments) for side in (Blocking(), Awaiting(), Awaiting())]

    assert answers[0] == answers[1] == answers[2]
    assert answers[0]


def test_a_model_is_created_changed_found_and_removed(client: Client, side: Side, name: str) -> None:
    created = side.call(client.models.create, model(name, visibility="public", description="Sees cats."))
    assert side.call(client.models.get, "Tina", name.upper()) == created
    assert created in side.call(client.models.list, {"sort_direction": SortDirection.DESC}).items
    assert side.call(client.models.search, f"tina/{name}").items[0] == created

    renamed = f"{name}-renamed"
    changed = side.call(client.models.update, "tina", name, {"name": renamed, "description": None})
    assert (changed["id"], changed["name"], changed["description"]) == (created["id"], renamed, None)
    assert changed["visibility"] == "public"
    assert side.call(client.models.get, "tina", renamed) == changed

    assert side.call(client.models.delete, "tina", renamed) is None
    for gone in (name, renamed):
        with pytest.raises(NotFoundError):
            side.call(client.models.get, "tina", gone)


def test_versions_are_created_listed_and_removed(client: Client, side: Side, name: str) -> None:
    side.call(client.models.create, model(name))
    made = [
        side.call(client.versions.create, "tina", name, VERSION | {"release_notes": f"Number {number}."})
        for number in (1, 2, 3)
    ]

    assert side.call(client.versions.list, "tina", name).items == made[::-1]
    assert side.call(client.models.get, "tina", name)["latest_version"] == made[2]
    assert side.call(client.versions.delete, made[2]["id"]) is None
    assert side.call(client.models.get, "tina", name)["latest_version"] == made[1]
    assert side.call(client.versions.get, made[0]["id"]) == made[0]
    with pytest.raises(NotFoundError):
        side.call(client.versions.get, made[2]["id"])


def test_the_user_behind_the_token_is_changed(client: Client, side: Side) -> None:
    changes: UpdateUserParams = {
        "name": "Tina",
        "bio": None,
        "urls": ["https://tina.example/"],
        "location": f"Room {next(_numbers)}",
    }

    changed = side.call(client.authenticated_user.update, changes)

    assert changed.items() >= changes.items()
    assert side.call(client.authenticated_user.get) == changed
    assert side.call(client.users.get, "tina") == changed
    assert changed in side.call(client.users.search, "tina").items


@pytest.fixture(scope="module")
def many(hub: Hub) -> tuple[str, list[str]]:
    """Add a user with seven models; give the token and their names, oldest first."""
    token = add_user(hub.data_dir, "paige")
    names = [f"page-{number}" for number in range(7)]
    with Client(hub.url, token) as client:
        for name in names:
            client.models.create({"name": name, "hardware_identifier": "cpu"})
    return token, names


@pytest.mark.parametrize("direction", SortDirection)
@pytest.mark.parametrize("sort_by", ModelsSortBy)
def test_pages_lead_there_and_back(
    hub: Hub, many: tuple[str, list[str]], side: Side, sort_by: ModelsSortBy, direction: SortDirection
) -> None:
    token, names = many

    with Client(hub.url, token) as client:

        def fetch(cursor: str | None = None) -> PaginatedResponse[Any]:
            options: ModelPaginationOptions = {"page_size": 3, "sort_by": sort_by, "sort_direction": direction}
            if cursor is not None:
                options["cursor"] = cursor
            page: PaginatedResponse[Any] = side.call(client.models.list, options, "paige")
            return page

        pages = [fetch()]
        while pages[-1].next_cursor:
            pages.append(fetch(pages[-1].next_cursor))
        back = [fetch(page.previous_cursor) for page in pages[1:]]
        walked = side.collect(pages[0].iter_all)

    shown = [item["name"] for page in pages for item in page]
    assert [len(page.items) for page in pages] == [3, 3, 1]
    assert sorted(shown) == names
    if sort_by is ModelsSortBy.CREATED_AT:
        assert shown == names[:: 1 if direction is SortDirection.ASC else -1]
    assert [page.items for page in back] == [page.items for page in pages[:-1]]
    assert [item["name"] for item in walked] == shown


def test_the_next_address_of_a_page_is_the_next_page(hub: Hub, many: tuple[str, list[str]], side: Side) -> None:
    token, names = many
    with Client(hub.url, token) as client:
        page: PaginatedResponse[Any] = side.call(client.authenticated_user.models, {"page_size": 4})
    assert page.next_url

    following = httpx.get(page.next_url, headers={"Authorization": f"Bearer {token}"}).json()

    assert [item["name"] for item in following["items"]] == names[4:]


def test_one_client_serves_several_event_loops_one_after_the_other(client: Client) -> None:
    async def several() -> Any:
        return await asyncio.gather(*(client.models.async_get("tina", "shown") for _ in range(20)))

    shown = client.models.get("tina", "shown")
    assert asyncio.run(several()) == [shown] * 20
    assert client.models.get("tina", "shown") == shown
    assert asyncio.run(several()) == [shown] * 20


def test_calls_that_are_made_while_the_hub_restarts_succeed(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    token = add_user(data_dir, "ada")
    with running(data_dir) as hub:
        client = Client(hub.url, token, {"timeout": httpx.Timeout(60)}, max_retries=8)
        assert client.authenticated_user.get() == asyncio.run(client.authenticated_user.async_get())
        hub.kill()

    with client, ThreadPoolExecutor() as threads:
        calls = [
            threads.submit(client.models.create, model("blocking")),
            threads.submit(asyncio.run, client.models.async_create(model("awaiting"))),
        ]
        with running(data_dir, "--port", str(urlsplit(hub.url).port)):
            created = [call.result(60) for call in calls]
            stored = client.authenticated_user.models().items

    assert sorted(model["id"] for model in created) == sorted(model["id"] for model in stored)
