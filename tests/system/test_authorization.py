"""Who may do what: every route under /v1, for every kind of caller, on public and on private models."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.routes import HTTPRoute

from tests.hubs import Hub
from tests.server.runs import hold_image
from tests.system.folders import add_user, bearer
from tests.system.payloads import VERSION, model
from wriftai_server.app import compose
from wriftai_server.database.opening import open_database
from wriftai_server.settings import Settings

CALLERS = ("anonymous", "bad token", "stranger", "owner", "admin")
VISIBILITIES = ("public", "private")

Rows = dict[str, tuple[int, ...]]

# The status that each of the callers gets, in their order.
ANYONE = (200, 401, 200, 200, 200)
USERS = (401, 401, 200, 200, 200)
READ: Rows = {"public": ANYONE, "private": (404, 401, 404, 200, 404)}
# Administrators have no more rights over HTTP than strangers.
CHANGE: Rows = {"public": (401, 401, 403, 200, 403), "private": (401, 401, 404, 200, 404)}

RUN: Rows = {"public": USERS, "private": (401, 401, 404, 200, 404)}
# Predictions are seen by whoever created them, here the owner of the model.
OWN = (401, 401, 404, 200, 404)


def _both(row: tuple[int, ...]) -> Rows:
    return dict.fromkeys(VISIBILITIES, row)


def _created(rows: Rows, created: int = 201) -> Rows:
    return {kind: tuple(created if status == 200 else status for status in row) for kind, row in rows.items()}


TABLE: dict[tuple[str, str], Rows] = {
    ("GET", "/v1/models"): _both(ANYONE),
    ("POST", "/v1/models"): _created(_both(USERS)),
    ("GET", "/v1/models/{owner}"): _both(ANYONE),
    ("GET", "/v1/models/{owner}/{name}"): READ,
    ("PATCH", "/v1/models/{owner}/{name}"): CHANGE,
    ("DELETE", "/v1/models/{owner}/{name}"): CHANGE,
    ("GET", "/v1/models/{owner}/{name}/versions"): READ,
    ("POST", "/v1/models/{owner}/{name}/versions"): _created(CHANGE),
    ("GET", "/v1/models/{owner}/{name}/versions/{number}"): READ,
    ("DELETE", "/v1/models/{owner}/{name}/versions/{number}"): CHANGE,
    ("GET", "/v1/versions/{version_id}"): READ,
    ("DELETE", "/v1/versions/{version_id}"): CHANGE,
    ("POST", "/v1/models/{owner}/{name}/predictions"): _created(RUN, 202),
    ("POST", "/v1/versions/{version_id}/predictions"): _created(RUN, 202),
    ("POST", "/v1/predictions"): _created(RUN, 202),
    ("GET", "/v1/predictions"): _both(USERS),
    ("GET", "/v1/predictions/{prediction_id}"): _both(OWN),
    ("POST", "/v1/predictions/{prediction_id}/cancel"): _both(OWN),
    ("GET", "/v1/predictions/{prediction_id}/stream"): _both(OWN),
    ("GET", "/v1/hardware"): _both(ANYONE),
    ("GET", "/v1/users"): _both(ANYONE),
    ("GET", "/v1/users/{username}"): _both(ANYONE),
    ("GET", "/v1/user"): _both(USERS),
    ("PATCH", "/v1/user"): _both(USERS),
    ("GET", "/v1/user/models"): _both(USERS),
    ("GET", "/v1/search/models"): _both(ANYONE),
    ("GET", "/v1/search/users"): _both(ANYONE),
    ("GET", "/v1/openapi.json"): _both(ANYONE),
    ("GET", "/v1/docs"): _both(ANYONE),
}
LISTS = ("/v1/models", "/v1/models/{owner}", "/v1/search/models")
BODIES = {
    ("PATCH", "/v1/models/{owner}/{name}"): {"description": "Changed."},
    ("POST", "/v1/models/{owner}/{name}/versions"): VERSION,
    ("POST", "/v1/models/{owner}/{name}/predictions"): {"input": "text"},
    ("POST", "/v1/versions/{version_id}/predictions"): {"input": "text"},
    ("PATCH", "/v1/user"): {"bio": "Changed."},
}
WRITES = [route for route in TABLE if route[0] != "GET"]
ON_MODELS = [route for route, rows in TABLE.items() if 404 in rows["private"]]

ABSENT = "00000000-0000-4000-8000-000000000000"

_numbers = itertools.count()


@dataclass
class People:
    """Callers of one hub, and what one of them owns."""

    hub: Hub
    tokens: dict[str, str]
    http: httpx.Client = field(default_factory=httpx.Client)

    def publish(self, visibility: str) -> dict[str, str]:
        """Create a model with a version and a cancelled prediction; give all that a path can hold of them."""
        name = f"model-{next(_numbers)}"
        published = self._post("/models", model(name, visibility=visibility))
        version = self._post(f"/models/owner/{name}/versions", VERSION)
        hold_image(self.hub.data_dir, published["id"], VERSION["container_image_digest"])
        prediction = self._post(f"/versions/{version['id']}/predictions", {"input": "text"})
        self._post(f"/predictions/{prediction['id']}/cancel", None)
        return self.places("owner", name, version["id"], prediction["id"])

    def places(self, owner: str, name: str, version_id: str, prediction_id: str) -> dict[str, str]:
        return {
            "owner": owner,
            "username": owner,
            "name": name,
            "number": "1",
            "version_id": version_id,
            "prediction_id": prediction_id,
        }

    def send(self, route: tuple[str, str], caller: str, places: dict[str, str], **options: Any) -> httpx.Response:
        method, path = route
        bodies = {
            ("POST", "/v1/models"): model(f"model-{next(_numbers)}"),
            ("POST", "/v1/predictions"): {"input": "text", "model": "{owner}/{name}".format(**places)},
        }
        body = bodies.get(route) or BODIES.get(route)
        if body is not None and "content" not in options:
            options["json"] = body
        if path.startswith("/v1/search/"):
            options["params"] = {"q": places["name"]}
        headers = {} if caller == "anonymous" else bearer(self.tokens[caller])
        url = f"{self.hub.address}{path.format(**places)}"
        return self.http.request(method, url, headers=headers, **options)

    def _post(self, path: str, body: Any) -> Any:
        answer = self.http.post(f"{self.hub.url}{path}", json=body, headers=bearer(self.tokens["owner"]))
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def people(hub: Hub) -> Iterator[People]:
    tokens = {
        "stranger": add_user(hub.data_dir, "stranger"),
        "owner": add_user(hub.data_dir, "owner"),
        "admin": add_user(hub.data_dir, "admin", "--admin"),
    }
    known = People(hub, {**tokens, "bad token": tokens["owner"][:-1] + "_"})
    with known.http:
        yield known


def _name(route: tuple[str, str]) -> str:
    return " ".join(route)


def test_the_table_covers_every_route(tmp_path: Path) -> None:
    routes = compose(Settings(data_dir=tmp_path), open_database(tmp_path)).routes

    found = {
        (method, route.path_format)
        for route in routes
        if isinstance(route, HTTPRoute) and route.path_format.startswith("/v1")
        for method in route.methods
        if method != "OPTIONS"  # Litestar's own: tells the methods, and touches no data.
    }

    assert found == set(TABLE)


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("route", TABLE, ids=_name)
def test_every_caller_gets_what_the_table_says(
    people: People, route: tuple[str, str], caller: str, visibility: str
) -> None:
    answer = people.send(route, caller, people.publish(visibility))

    assert answer.status_code == TABLE[route][visibility][CALLERS.index(caller)], answer.text


@pytest.mark.parametrize("route", ON_MODELS, ids=_name)
def test_what_is_invisible_is_answered_like_what_is_absent(people: People, route: tuple[str, str]) -> None:
    private = people.publish("private")
    absent = people.places("owner", "no-such-model", ABSENT, ABSENT)
    callers = [name for name, status in zip(CALLERS, TABLE[route]["private"], strict=True) if status == 404]
    for caller in callers:
        hidden, missing = people.send(route, caller, private), people.send(route, caller, absent)

        assert (hidden.status_code, hidden.content) == (404, missing.content)
        assert hidden.headers.keys() == missing.headers.keys()


@pytest.mark.parametrize("content", [b"{", b'{"name": 1}', b"x" * 2_000_000], ids=["broken", "bad", "too large"])
@pytest.mark.parametrize("route", WRITES, ids=_name)
def test_anonymous_writes_are_refused_before_anything_is_looked_at(
    people: People, route: tuple[str, str], content: bytes
) -> None:
    for places in (
        people.publish("public"),
        people.places("nobody", "nothing", "none", "none") | {"number": "0"},
    ):
        answer = people.send(route, "anonymous", places, content=content)

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("caller", ["anonymous", "stranger", "owner", "admin"])
def test_lists_hold_private_models_for_their_owner_alone(people: People, path: str, caller: str) -> None:
    public, private = people.publish("public"), people.publish("private")

    shown = _listed(people, caller, path, public, private)

    assert public["name"] in shown
    assert (private["name"] in shown) == (caller == "owner")


@pytest.mark.parametrize("caller", ["stranger", "owner", "admin"])
def test_the_list_of_own_models_holds_no_others(people: People, caller: str) -> None:
    public, private = people.publish("public"), people.publish("private")

    shown = _listed(people, caller, "/v1/user/models", public, private)

    assert shown & {public["name"], private["name"]} == (
        {public["name"], private["name"]} if caller == "owner" else set()
    )


def _listed(people: People, caller: str, path: str, *places: dict[str, str]) -> set[str]:
    newest = {"sort_direction": "desc", "page_size": 100}
    answers = [people.send(("GET", path), caller, each, params=newest) for each in places]
    return {item["name"] for answer in answers for item in answer.json()["items"]}


def test_tokens_that_are_not_whole_stand_for_nobody(people: People) -> None:
    owner, stranger = people.tokens["owner"], people.tokens["stranger"]
    for header in (
        "",
        "Bearer",
        f"Basic {owner}",
        owner,
        f"Bearer {owner.upper()}",
        f"Bearer {owner}x",
        f"Bearer {owner} {owner}",
        f"Bearer {owner.rpartition('_')[0]}_",
        f"Bearer {owner[:20]}{stranger[20:]}",
    ):
        answer = people.http.get(f"{people.hub.url}/user", headers={"Authorization": header})

        assert answer.status_code == 401, header
