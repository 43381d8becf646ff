"""Users: their names, what they say of themselves, and their pictures."""

import re
import uuid
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.server.people import People, Person
from tests.server.samples import add_model, add_version
from wriftai import ConflictError, NotFoundError
from wriftai.common_types import User

TOLD: dict[str, Any] = {
    "name": "Ada Lovelace",
    "bio": "First of them all.\nSecond line. ①",
    "urls": ["https://example.org/ada", "http://example.org:8080/?a=b"],
    "company": "Analytical Engines",
    "location": "London",
}


def test_a_new_user_has_said_nothing(ada: Person, anyone: Person) -> None:
    user: dict[str, Any] = {**anyone.client.users.get(ada.name)}
    user_id = user.pop("id")
    assert str(uuid.UUID(user_id)) == user_id
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", user.pop("created_at"))
    assert user == {
        "username": ada.name,
        "avatar_url": f"http://hub.test/avatars/{user_id}.svg",
        "name": None,
        "bio": None,
        "urls": None,
        "location": None,
        "company": None,
        "updated_at": None,
    }


def test_the_caller_is_shown_as_to_everyone(ada: Person, anyone: Person) -> None:
    assert ada.client.authenticated_user.get() == anyone.client.users.get(ada.name)


def test_what_users_say_of_themselves(ada: Person, anyone: Person) -> None:
    before = ada.client.authenticated_user.get()
    after = ada.client.authenticated_user.update(TOLD)  # type: ignore[arg-type]  # all its fields
    assert after == {**before, **TOLD, "updated_at": after["updated_at"]}
    assert after["updated_at"] is not None
    assert anyone.client.users.get(ada.name) == after


@pytest.mark.parametrize("field", sorted(TOLD))
def test_only_what_was_sent_changes_and_null_clears(ada: Person, field: str) -> None:
    before: User = ada.send("PATCH", "/user", json=TOLD).json()
    after = ada.send("PATCH", "/user", json={field: None}).json()
    assert after == {**before, field: None, "updated_at": after["updated_at"]}


def test_nothing_sent_changes_nothing(ada: Person) -> None:
    before = ada.client.authenticated_user.get()
    assert ada.client.authenticated_user.update({}) == before


def test_no_links_are_not_the_same_as_never_any(ada: Person) -> None:
    assert ada.client.authenticated_user.update({"urls": []})["urls"] == []


def test_a_username_must_be(ada: Person) -> None:
    reply = ada.send("PATCH", "/user", json={"username": None})
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["body", "username"]


@pytest.mark.parametrize("username", ["", "-a", "_a", "a b", "a.b", "ä", "a\n", "a\0", "a/b", "a" * 64, ".."])
def test_what_is_no_username(ada: Person, username: str) -> None:
    reply = ada.send("PATCH", "/user", json={"username": username})
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert fault["loc"] == ["body", "username"]
    assert "1 to 63 letters" in fault["msg"]
    assert ada.client.authenticated_user.get()["username"] == ada.name


@pytest.mark.parametrize("letters", ["A", "7", "aB-_9", "x" * 45])
def test_usernames(ada: Person, letters: str) -> None:
    username = letters + uuid.uuid4().hex[:18]
    assert ada.client.authenticated_user.update({"username": username})["username"] == username


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "a" * 256, "At most 255 characters"),
        ("name", "a\0", "none of them U+0000"),
        ("company", "a" * 256, "At most 255 characters"),
        ("location", "\0", "At most 255 characters"),
        ("bio", "a" * 2001, "At most 2,000 characters"),
        ("bio", "a\0b", "none of them U+0000"),
        ("urls", ["example.org"], "absolute http(s) URLs"),
        ("urls", [f"https://example.org/{n}" for n in range(21)], "At most 20"),
        ("urls", "https://example.org", "Expected `array | null`, got `str`"),
        ("urls", [None], "Expected `str`, got `null`"),
        ("name", 5, "Expected `str | null`, got `int`"),
    ],
)
def test_limits_of_what_users_say(ada: Person, field: str, value: object, words: str) -> None:
    reply = ada.send("PATCH", "/user", json={field: value})
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert fault["loc"] == ["body", field]
    assert words in fault["msg"]


def test_a_rename_moves_the_models(ada: Person, anyone: Person) -> None:
    model = add_model(ada, "moving", visibility="public")
    version = add_version(ada, "moving")
    username = f"Renamed-{uuid.uuid4().hex[:8]}"
    after = ada.client.authenticated_user.update({"username": username})
    assert after["id"] == model["owner"]["id"]
    moved = anyone.client.models.get(username, "moving")
    assert moved == {**model, "owner": after, "latest_version": version}
    assert anyone.client.models.list(owner=username.lower()).items == [moved]
    assert anyone.client.versions.list(username, "moving").items == [version]
    for gone in (lambda: anyone.client.users.get(ada.name), lambda: anyone.client.models.get(ada.name, "moving")):
        with pytest.raises(NotFoundError):
            gone()


def test_usernames_are_unique_without_regard_to_case(people: People, ada: Person, bob: Person) -> None:
    taken = bob.name.upper()
    with pytest.raises(ConflictError, match=f"The username '{taken}' is taken: choose another."):
        ada.client.authenticated_user.update({"username": taken, "bio": "Lost."})
    assert ada.client.authenticated_user.get()["bio"] is None
    assert ada.client.authenticated_user.update({"username": ada.name.upper()})["username"] == ada.name.upper()
    assert people.anyone.client.users.get(ada.name)["username"] == ada.name.upper()


def test_a_username_that_was_given_up_is_free(ada: Person, bob: Person) -> None:
    ada.client.authenticated_user.update({"username": f"{ada.name}-2"})
    assert bob.client.authenticated_user.update({"username": ada.name})["username"] == ada.name


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_the_caller_needs_a_token(anyone: Person, method: str) -> None:
    assert anyone.send(method, "/user", json={}).status_code == 401


@pytest.mark.parametrize(
    "username", ["nobody-has-this", "a%00b", "%20", "a%2Fb", "..%2F..%2Fhealthz", "%E2%84%AA"]
)
def test_unknown_users(anyone: Person, username: str) -> None:
    reply = anyone.send("GET", f"/users/{username}")
    assert reply.status_code == 404
    assert reply.json() == {"detail": "There is no such user, or you may not see it."}


def test_letters_that_only_look_like_others_in_lower_case_are_others(people: People) -> None:
    people.add("kelvin")
    assert people.anyone.client.users.get("KELVIN")["username"] == "kelvin"
    with pytest.raises(NotFoundError):
        people.anyone.client.users.get("\u212aelvin")  # The sign for the unit, whose lower case is a k.


def test_a_picture_has_the_initial_and_a_colour_of_its_own(ada: Person, bob: Person) -> None:
    address = ada.client.authenticated_user.get()["avatar_url"]
    reply = ada.send("GET", address)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/svg+xml"
    assert reply.headers["content-security-policy"] == "default-src 'none'"
    assert "max-age" in reply.headers["cache-control"]
    picture = ET.fromstring(reply.content)  # noqa: S314  made by the hub under test
    assert [part.text for part in picture if part.tag.endswith("text")] == [ada.name[0].upper()]
    assert reply.text != bob.send("GET", bob.client.authenticated_user.get()["avatar_url"]).text
    ada.client.authenticated_user.update({"username": f"z{uuid.uuid4().hex[:8]}"})
    renamed = ada.send("GET", address).text
    assert ">Z<" in renamed
    assert re.findall(r"hsl\(.*?\)", renamed) == re.findall(r"hsl\(.*?\)", reply.text)


@pytest.mark.parametrize("name", ["none.svg", "a" * 65, "..%2Fstyle.css"])
def test_there_is_no_picture_of_nobody(anyone: Person, name: str) -> None:
    reply = anyone.send("GET", f"http://hub.test/avatars/{name}")
    assert reply.status_code in (404, 422)
    assert "detail" in reply.json()
