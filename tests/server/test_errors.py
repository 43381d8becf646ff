"""What every refusal looks like."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.databases import run_sql
from tests.server.people import People, Person
from tests.server.samples import add_model


def detail(reply: httpx.Response, status: int) -> str:
    """Give the sentence of a refusal, which is JSON with nothing else in it."""
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"]
    assert list(reply.json()) == ["detail"]
    sentence: str = reply.json()["detail"]
    assert isinstance(sentence, str)
    return sentence


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer wriftai_aaaaaaaaaaaa_" + "a" * 43,
        "Bearer wriftai_aaaaaaaaaaaa_" + "a" * 42,
        "Bearer null",
        "Basic YTpi",
        "nonsense",
        "wriftai_aaaaaaaaaaaa_" + "a" * 43,
        "Bearer é",
        "Bearer " + "a" * 5000,
    ],
)
@pytest.mark.parametrize("path", ["/user", "/models", "/hardware", "/search/models?q=a", "/nothing"])
def test_a_token_that_is_not_valid_is_refused_everywhere(anyone: Person, path: str, authorization: str) -> None:
    reply = anyone.send("GET", path, headers={"Authorization": authorization.encode("latin-1")})
    assert "token is not valid" in detail(reply, 401)
    assert reply.headers["www-authenticate"] == "Bearer"


def test_a_token_with_another_secret_is_refused(people: People, ada: Person, bob: Person) -> None:
    prefix, token_id, own = ada.token.split("_", 2)
    for secret in (bob.token.split("_", 2)[2], own[:-1], own + "a", own.swapcase()):
        reply = people.known("", f"{prefix}_{token_id}_{secret}").send("GET", "/user")
        assert reply.status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_is_taken_without_regard_to_case(ada: Person, anyone: Person, scheme: str) -> None:
    reply = anyone.send("GET", "/user", headers={"Authorization": scheme + ada.token})
    assert reply.json()["username"] == ada.name


def test_a_missing_token_is_asked_for(anyone: Person) -> None:
    reply = anyone.send("GET", "/user")
    assert detail(reply, 401) == "This needs a token: send it as 'Authorization: Bearer <token>'."
    assert reply.headers["www-authenticate"] == "Bearer"


def test_who_asks_comes_before_what_is_asked(anyone: Person) -> None:
    assert anyone.send("POST", "/models", content=b"{").status_code == 401
    assert anyone.send("PATCH", "/models/x/y", content=b"{").status_code == 401


@pytest.mark.parametrize("path", ["/", "/nothing", "/models/a/b/c", "/users/a/b", "/hardware/cpu"])
def test_addresses_that_lead_nowhere(anyone: Person, path: str) -> None:
    assert detail(anyone.send("GET", path), 404).startswith("There is nothing at this address: ")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/models", {"GET", "POST"}),
        ("PUT", "/models/a/b", {"GET", "PATCH", "DELETE"}),
        ("POST", "/user", {"GET", "PATCH"}),
        ("POST", "/users", {"GET"}),
        ("DELETE", "/hardware", {"GET"}),
        ("TRACE", "/models", {"GET", "POST"}),
    ],
)
def test_methods_that_an_address_does_not_take(ada: Person, method: str, path: str, allowed: set[str]) -> None:
    reply = ada.send(method, path)
    taken = sorted(reply.headers["allow"].split(", "))
    assert detail(reply, 405) == f"This address does not take this method, but {', '.join(taken)}."
    assert set(taken) - {"OPTIONS"} == allowed


@pytest.mark.parametrize(
    "part", ["..", ".", "%2e%2e", "%2F", "a%2Fb", "..%2f..%2fhealthz", "%00", "%FF", "a%0Ab", "é", " ", "*"]
)
def test_no_part_of_a_path_leads_to_another_address(ada: Person, part: str) -> None:
    add_model(ada, "a", visibility="public")
    for template in ("/users/{}", "/models/{}/a", f"/models/{ada.name}/{{}}", "/versions/{}"):
        reply = ada.send("GET", httpx.URL(template.format(part.replace(".", "%2E"))))
        assert detail(reply, 404).startswith("There is no such ")


@pytest.mark.parametrize(
    "path", ["//models", "/models//{owner}", "/models/{owner}//a", "/models/{owner}///a", "/users//"]
)
def test_an_empty_part_of_a_path_is_not_left_out(ada: Person, path: str) -> None:
    add_model(ada, "a", visibility="public")
    assert ada.send("GET", f"http://hub.test/v1{path.format(owner=ada.name)}").status_code == 404


def test_the_client_keeps_the_parts_of_a_path_apart(ada: Person) -> None:
    add_model(ada, "a")
    assert ada.client.models.get(ada.name, "a")["name"] == "a"
    for owner, name in (("..", ada.name), (f"{ada.name}/a", "b"), (ada.name, "a/versions"), (ada.name, "a?")):
        with pytest.raises(httpx.HTTPStatusError, match="There is no such model"):
            ada.client.models.get(owner, name)


@pytest.fixture
def doomed(folder: Path) -> Iterator[str]:
    """Make the database fail on models of a certain name, and give the name."""
    with closing(sqlite3.connect(folder / "hub.sqlite3")) as connection:
        connection.execute(
            "CREATE TRIGGER doom BEFORE INSERT ON models WHEN NEW.name = 'doomed' "
            "BEGIN SELECT RAISE(ABORT, 'struck by doom'); END"
        )
        yield "doomed"
        connection.execute("DROP TRIGGER doom")


def test_what_nobody_foresaw_tells_nothing_but_where_to_ask(ada: Person, doomed: str) -> None:
    reply = ada.send("POST", "/models", json={"name": doomed, "hardware_identifier": "cpu"})
    assert detail(reply, 500).startswith("The hub failed on this request.")
    assert "doom" not in reply.text.replace("x-request-id", "")
    assert ada.client.authenticated_user.models().items == []
    assert add_model(ada, "spared")["name"] == "spared"


def test_a_hub_that_cannot_store_anything_says_when_to_come_back(
    ada: Person, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monotonic, began = time.monotonic, time.monotonic()
    with closing(sqlite3.connect(folder / "hub.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(time, "monotonic", lambda: began + (monotonic() - began) * 100)
        reply = ada.send("POST", "/models", json={"name": "late", "hardware_identifier": "cpu"})
        assert ada.client.authenticated_user.models().items == []
    assert detail(reply, 503) == "The hub cannot store anything at the moment; try again later."
    assert int(reply.headers["retry-after"]) > 0
    assert add_model(ada, "late")["name"] == "late"


def test_a_hub_that_cannot_read_says_so(ada: Person, folder: Path) -> None:
    run_sql(folder, "ALTER TABLE predictions RENAME TO elsewhere")
    try:
        reply = ada.send("GET", "/predictions")
    finally:
        run_sql(folder, "ALTER TABLE elsewhere RENAME TO predictions")
    assert detail(reply, 503) == "The hub cannot read this at the moment; try again later."
    assert int(reply.headers["retry-after"]) > 0
    assert ada.send("GET", "/predictions").status_code == 200
