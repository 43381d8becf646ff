"""Versions: the immutable states of a model."""

import uuid
from typing import Any

import pytest

from tests.server.people import Person
from tests.server.samples import SCHEMAS, add_model, add_version, version_params
from wriftai import NotFoundError

DIGEST = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"


@pytest.fixture
def name(ada: Person) -> str:
    """Add a model."""
    return add_model(ada)["name"]


def test_a_new_version_has_what_was_sent(ada: Person, name: str) -> None:
    body = {"release_notes": "Notes.", "schemas": SCHEMAS, "container_image_digest": DIGEST}
    reply = ada.send("POST", f"/models/{ada.name}/{name}/versions", json=body)
    assert reply.status_code == 201
    version = reply.json()
    assert str(uuid.UUID(version.pop("id")))
    assert version.pop("created_at").endswith("Z")
    assert version == {**body, "number": 1}


def test_a_version_is_the_same_by_id_number_list_and_model(ada: Person, name: str) -> None:
    version: Any = add_version(ada, name)
    assert ada.client.versions.get(version["id"]) == version
    assert ada.send("GET", f"/models/{ada.name.upper()}/{name.upper()}/versions/1").json() == version
    assert ada.client.versions.list(ada.name, name).items == [version]
    assert ada.client.models.get(ada.name, name)["latest_version"] == version
    assert ada.client.authenticated_user.models().items[0]["latest_version"] == version
    assert ada.client.models.search(name).items[0]["latest_version"] == version


def test_versions_are_numbered_in_each_model_and_listed_newest_first(ada: Person, name: str) -> None:
    numbers = [add_version(ada, name)["number"] for _ in range(3)]
    assert numbers == [1, 2, 3]
    listed: Any = ada.client.versions.list(ada.name, name).items
    assert [version["number"] for version in listed] == [3, 2, 1]
    assert add_version(ada, add_model(ada)["name"])["number"] == 1


@pytest.mark.parametrize("by", ["id", "number"])
def test_the_latest_version_follows_deletes_and_no_number_comes_again(ada: Person, name: str, by: str) -> None:
    versions = {number: add_version(ada, name, f"Number {number}.") for number in (1, 2, 3)}

    def delete(number: int) -> None:
        by_number = f"/models/{ada.name}/{name}/versions/{number}"
        reply = ada.send("DELETE", by_number if by == "number" else f"/versions/{versions[number]['id']}")
        assert (reply.status_code, reply.content) == (200, b"null")
        assert ada.send("GET", by_number).status_code == 404
        assert ada.send("GET", f"/versions/{versions[number]['id']}").status_code == 404

    def latest() -> Any:
        return ada.client.models.get(ada.name, name)["latest_version"]

    delete(2)
    assert latest() == versions[3]
    delete(3)
    assert latest() == versions[1]
    assert add_version(ada, name)["number"] == 4
    assert latest()["number"] == 4
    delete(1)
    ada.send("DELETE", f"/models/{ada.name}/{name}/versions/4")
    assert latest() is None
    assert ada.client.versions.list(ada.name, name).items == []
    assert add_version(ada, name)["number"] == 5
    assert latest()["number"] == 5


def test_deleting_twice_finds_nothing(ada: Person, name: str) -> None:
    version = add_version(ada, name)
    ada.client.versions.delete(version["id"])
    with pytest.raises(NotFoundError, match="There is no such version"):
        ada.client.versions.delete(version["id"])
    assert ada.send("DELETE", f"/models/{ada.name}/{name}/versions/1").status_code == 404


def test_versions_are_immutable(ada: Person, name: str) -> None:
    version = add_version(ada, name)
    for path in (f"/versions/{version['id']}", f"/models/{ada.name}/{name}/versions/1"):
        for method in ("PATCH", "PUT", "POST"):
            reply = ada.send(method, path, json={"release_notes": "Changed."})
            assert reply.status_code == 405
            assert set(reply.headers["allow"].replace(" ", "").split(",")) >= {"GET", "DELETE"}
    assert ada.client.versions.get(version["id"]) == version


def test_a_new_version_leaves_the_time_of_the_models_change(ada: Person, name: str) -> None:
    add_version(ada, name)
    assert ada.client.models.get(ada.name, name)["updated_at"] is None


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("release_notes", "a" * 256, "At most 255 characters"),
        ("release_notes", "a\0", "At most 255 characters"),
        ("release_notes", None, "Expected `str`, got `null`"),
        ("container_image_digest", "a" * 64, "`sha256:` and 64"),
        ("container_image_digest", DIGEST.upper(), "`sha256:` and 64"),
        ("container_image_digest", DIGEST[:-1], "`sha256:` and 64"),
        ("container_image_digest", DIGEST + "0", "`sha256:` and 64"),
        ("container_image_digest", DIGEST + "\n", "`sha256:` and 64"),
        ("container_image_digest", " " + DIGEST, "`sha256:` and 64"),
        ("container_image_digest", DIGEST.replace("sha256", "sha512"), "`sha256:` and 64"),
    ],
)
def test_limits_of_a_version(ada: Person, name: str, field: str, value: object, words: str) -> None:
    reply = ada.send("POST", f"/models/{ada.name}/{name}/versions", json={**version_params(), field: value})
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert fault["loc"] == ["body", field]
    assert words in fault["msg"]
    assert ada.client.versions.list(ada.name, name).items == []


def test_release_notes_have_up_to_255_characters(ada: Person, name: str) -> None:
    notes = "🔢" * 255
    assert add_version(ada, name, notes)["release_notes"] == notes


def test_what_was_refused_takes_no_number(ada: Person, name: str) -> None:
    bad = {**version_params(), "schemas": {"prediction": {"input": {"type": "objekt"}, "output": {}}}}
    assert ada.send("POST", f"/models/{ada.name}/{name}/versions", json=bad).status_code == 422
    assert add_version(ada, name)["number"] == 1


@pytest.mark.parametrize("number", ["0", "-1", "2147483649", "99999999999999999999"])
def test_numbers_begin_with_one(ada: Person, name: str, number: str) -> None:
    reply = ada.send("GET", f"/models/{ada.name}/{name}/versions/{number}")
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["path", "number"]


@pytest.mark.parametrize("number", ["01", "+1", "%2B1", "1_0", "%201", "%EF%BC%91", "1.0", "1e0"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_numbers_have_one_spelling(ada: Person, name: str, method: str, number: str) -> None:
    add_version(ada, name)
    reply = ada.send(method, f"/models/{ada.name}/{name}/versions/{number}")
    assert reply.status_code == 404
    assert len(ada.client.versions.list(ada.name, name).items) == 1


@pytest.mark.parametrize(
    "path", ["/versions/{}", "/models/{owner}/{name}/versions/2", "/models/{owner}/{name}/versions/latest"]
)
def test_absent_versions(ada: Person, name: str, path: str) -> None:
    add_version(ada, name)
    reply = ada.send("GET", path.format(uuid.uuid4(), owner=ada.name, name=name))
    assert reply.status_code == 404


def test_a_number_belongs_to_its_model(ada: Person, bob: Person, name: str) -> None:
    add_version(ada, name)
    other = add_model(bob, name)["name"]
    assert bob.send("GET", f"/models/{bob.name}/{other}/versions/1").status_code == 404
    assert bob.send("DELETE", f"/models/{bob.name}/{other}/versions/1").status_code == 404
