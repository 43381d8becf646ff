"""Creating, fetching and deleting models."""

import re
import uuid

import pytest

from tests.server.people import Person
from tests.server.samples import add_model, add_version, new_name, version_params
from wriftai import ConflictError, NotFoundError, UnprocessableEntityError
from wriftai.models import ModelVisibility

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def test_a_new_model_is_private_and_empty_unless_told_otherwise(ada: Person) -> None:
    reply = ada.send("POST", "/models", json={"name": "bare", "hardware_identifier": "cpu"})
    assert reply.status_code == 201
    model = reply.json()
    assert str(uuid.UUID(model.pop("id")))
    assert MOMENT.fullmatch(model.pop("created_at"))
    assert model.pop("hardware").keys() == {"name", "identifier"}
    assert model == {
        "name": "bare",
        "visibility": "private",
        "description": None,
        "updated_at": None,
        "source_url": None,
        "license_url": None,
        "paper_url": None,
        "owner": ada.client.authenticated_user.get(),
        "latest_version": None,
        "predictions_count": 0,
    }


def test_a_new_model_has_what_was_sent(ada: Person) -> None:
    created = ada.client.models.create(
        {
            "name": "Whole.Model_1-b",
            "hardware_identifier": "cpu",
            "visibility": ModelVisibility.public,
            "description": "Reads digits: ① ② ③ 🔢\n\n* on two lines",
            "source_url": "https://example.org/source",
            "license_url": "http://example.org",
            "paper_url": "HTTPS://example.org:8443/a?b=c#d",
        }
    )
    assert created["name"] == "Whole.Model_1-b"
    assert created["hardware"]["identifier"] == "cpu"
    assert created["visibility"] == "public"
    assert created["description"] == "Reads digits: ① ② ③ 🔢\n\n* on two lines"
    assert created["source_url"] == "https://example.org/source"
    assert created["license_url"] == "http://example.org"
    assert created["paper_url"] == "HTTPS://example.org:8443/a?b=c#d"
    assert ada.client.models.get(ada.name, "Whole.Model_1-b") == created


def test_null_stands_for_nothing_in_a_new_model(ada: Person) -> None:
    created = add_model(ada, description=None, source_url=None, license_url=None, paper_url=None)
    assert created["description"] is created["source_url"] is created["paper_url"] is None


@pytest.mark.parametrize("name", ["a", "Z", "0", "a.", "a..b", "resnet50.a1_in1k", "x-" + "y" * 126])
def test_names_of_models(ada: Person, name: str) -> None:
    assert add_model(ada, name)["name"] == name
    assert ada.client.models.get(ada.name, name)["name"] == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "-a", "_a", ".a", "a b", "a/b", "ä", "a\n", "a\0", "\ud55c", "a" * 129, " a", "a%20b"]
)
def test_what_is_no_name_of_a_model(ada: Person, name: str) -> None:
    reply = ada.send("POST", "/models", json={"name": name, "hardware_identifier": "cpu"})
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert fault["loc"] == ["body", "name"]
    assert "1 to 128 letters" in fault["msg"]


@pytest.mark.parametrize("field", ["source_url", "license_url", "paper_url"])
@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "//example.org",
        "/path",
        "ftp://example.org",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://exa mple.org",
        "https://example.org/\n",
        "https://example.org/a b",
        "https://example.org:port/",
        "https://example.org/" + "a" * 2029,
    ],
)
def test_links_are_absolute_http_urls(ada: Person, field: str, url: str) -> None:
    reply = ada.send("POST", "/models", json={"name": "linked", "hardware_identifier": "cpu", field: url})
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert fault["loc"] == ["body", field]
    assert "Absolute http(s) URL" in fault["msg"]


def test_a_description_has_up_to_10_000_characters(ada: Person) -> None:
    longest = "🔢" * 10_000  # Characters, not bytes.
    assert add_model(ada, description=longest)["description"] == longest
    with pytest.raises(UnprocessableEntityError, match=r"description: Expected: At most 10,000 characters"):
        add_model(ada, description="a" * 10_001)


def test_a_name_is_taken_without_regard_to_case(ada: Person, bob: Person) -> None:
    add_model(ada, "ResNet")
    with pytest.raises(ConflictError, match="You have a model named 'RESNET' already"):
        add_model(ada, "RESNET")
    assert add_model(bob, "resnet")["name"] == "resnet"
    assert ada.client.models.get(ada.name.upper(), "rEsNeT")["name"] == "ResNet"


def test_a_name_that_is_taken_by_a_private_model_is_taken_for_its_owner_alone(ada: Person, bob: Person) -> None:
    private = add_model(ada)
    assert add_model(bob, private["name"])["id"] != private["id"]


def test_unknown_hardware_is_named(ada: Person) -> None:
    with pytest.raises(UnprocessableEntityError) as caught:
        add_model(ada, hardware_identifier="h100")
    assert caught.value.detail == [
        {
            "loc": ["body", "hardware_identifier"],
            "msg": "There is no hardware 'h100': GET /v1/hardware lists what there is.",
            "type": "hardware_unknown",
        }
    ]


def test_what_was_refused_was_not_created(ada: Person) -> None:
    with pytest.raises(UnprocessableEntityError):
        add_model(ada, "nothing", hardware_identifier="h100")
    assert ada.client.authenticated_user.models().items == []
    assert add_model(ada, "nothing")["name"] == "nothing"


def test_a_deleted_model_is_gone_with_its_versions(ada: Person) -> None:
    model = add_model(ada, visibility="public")
    version = add_version(ada, model["name"])
    reply = ada.send("DELETE", f"/models/{ada.name}/{model['name']}")
    assert (reply.status_code, reply.content) == (200, b"null")
    with pytest.raises(NotFoundError):
        ada.client.models.get(ada.name, model["name"])
    with pytest.raises(NotFoundError):
        ada.client.versions.get(version["id"])
    with pytest.raises(NotFoundError):
        ada.client.models.delete(ada.name, model["name"])


def test_the_name_of_a_deleted_model_is_free(ada: Person) -> None:
    first = add_model(ada, "phoenix")
    add_version(ada, "phoenix")
    ada.client.models.delete(ada.name, "PHOENIX")
    second = add_model(ada, "Phoenix")
    assert second["id"] != first["id"]
    assert second["latest_version"] is None
    assert add_version(ada, "phoenix")["number"] == 1


def test_models_are_created_for_callers_with_a_token(anyone: Person) -> None:
    reply = anyone.send("POST", "/models", json={"name": "mine", "hardware_identifier": "cpu"})
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/models/{}/none", "/models/{}/none/versions", "/models/nobody-has-this/x"])
def test_what_is_absent_is_not_found(ada: Person, path: str) -> None:
    reply = ada.send("GET", path.format(ada.name))
    assert reply.status_code == 404
    assert reply.json() == {"detail": "There is no such model, or you may not see it."}


def test_models_of_an_unknown_owner_are_not_an_empty_page(anyone: Person) -> None:
    reply = anyone.send("GET", "/models/nobody-has-this")
    assert reply.status_code == 404
    assert reply.json()["detail"].startswith("There is no such user")


def test_counts_of_predictions_are_shown(ada: Person) -> None:
    model = add_model(ada)
    add_version(ada, model["name"], "One.")
    shown = ada.client.models.get(ada.name, model["name"])
    assert shown["predictions_count"] == 0
    latest = shown["latest_version"]
    assert latest is not None
    assert latest["release_notes"] == "One."
    assert latest["container_image_digest"] == version_params()["container_image_digest"]


def test_an_owner_lists_private_models_beside_public_ones(ada: Person, anyone: Person) -> None:
    names = [new_name() for _ in range(4)]
    for name, visibility in zip(names, ["private", "public"] * 2, strict=True):
        add_model(ada, name, visibility=visibility)
    for page in (ada.client.models.list(owner=ada.name), ada.client.authenticated_user.models()):
        assert [model["name"] for model in page] == names
    assert [model["name"] for model in anyone.client.models.list(owner=ada.name)] == names[1::2]
