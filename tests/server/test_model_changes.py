"""Changing models."""

from typing import Any, get_args, get_type_hints

import pytest

from tests.server.people import Person
from tests.server.samples import add_model, add_version
from wriftai import ConflictError, NotFoundError, UnprocessableEntityError
from wriftai.models import ModelVisibility, UpdateModelParams

FULL: dict[str, Any] = {
    "description": "Reads digits.",
    "source_url": "https://example.org/source",
    "license_url": "https://example.org/license",
    "paper_url": "https://example.org/paper",
}
NULLABLE = [name for name, kind in get_type_hints(UpdateModelParams).items() if type(None) in get_args(kind)]
FIXED = sorted(UpdateModelParams.__optional_keys__ - set(NULLABLE))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "Reads letters."),
        ("source_url", "https://example.org/2"),
        ("license_url", "https://example.org/2"),
        ("paper_url", "https://example.org/2"),
        ("visibility", "public"),
        ("name", "renamed"),
    ],
)
def test_only_what_was_sent_changes(ada: Person, field: str, value: str) -> None:
    before = add_model(ada, **FULL)
    reply = ada.send("PATCH", f"/models/{ada.name}/{before['name']}", json={field: value})
    assert reply.status_code == 200
    after = reply.json()
    assert after == {**before, field: value, "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["created_at"]
    assert ada.client.models.get(ada.name, after["name"]) == after


def test_everything_can_change_at_once(ada: Person) -> None:
    before = add_model(ada, **FULL)
    after = ada.client.models.update(
        ada.name,
        before["name"],
        {
            "name": "all-new",
            "description": "",
            "visibility": ModelVisibility.public,
            "hardware_identifier": "cpu",
            "source_url": None,
            "license_url": "http://[::1]:80/",
            "paper_url": None,
        },
    )
    assert (after["id"], after["created_at"]) == (before["id"], before["created_at"])
    assert (after["name"], after["description"], after["visibility"]) == ("all-new", "", "public")
    assert (after["source_url"], after["license_url"], after["paper_url"]) == (None, "http://[::1]:80/", None)


def test_nothing_sent_changes_nothing(ada: Person) -> None:
    before = add_model(ada, **FULL)
    assert ada.client.models.update(ada.name, before["name"], {}) == before


def test_the_fields_that_take_null() -> None:
    assert NULLABLE == ["description", "source_url", "license_url", "paper_url"]
    assert FIXED == ["hardware_identifier", "name", "visibility"]


@pytest.mark.parametrize("field", NULLABLE)
def test_null_clears(ada: Person, field: str) -> None:
    before = add_model(ada, **FULL)
    after = ada.send("PATCH", f"/models/{ada.name}/{before['name']}", json={field: None}).json()
    assert after == {**before, field: None, "updated_at": after["updated_at"]}


@pytest.mark.parametrize("field", FIXED)
def test_null_is_refused_where_there_must_be_a_value(ada: Person, field: str) -> None:
    before = add_model(ada)
    reply = ada.send("PATCH", f"/models/{ada.name}/{before['name']}", json={field: None})
    assert reply.status_code == 422
    assert [fault["loc"] for fault in reply.json()["detail"]] == [["body", field]]
    assert ada.client.models.get(ada.name, before["name"]) == before


def test_a_rename_keeps_the_id_and_the_versions(ada: Person) -> None:
    before = add_model(ada, "old-name")
    version = add_version(ada, "old-name")
    after = ada.client.models.update(ada.name, "OLD-name", {"name": "new-name"})
    assert after["id"] == before["id"]
    assert after["latest_version"] == version
    assert ada.client.versions.list(ada.name, "new-name").items == [version]
    with pytest.raises(NotFoundError):
        ada.client.models.get(ada.name, "old-name")
    assert add_model(ada, "old-name")["id"] != before["id"]


def test_a_rename_may_change_the_case_alone(ada: Person) -> None:
    before = add_model(ada, "quiet")
    after = ada.client.models.update(ada.name, "quiet", {"name": "QUIET"})
    assert (after["name"], after["id"]) == ("QUIET", before["id"])


def test_a_rename_to_a_name_that_is_taken_is_refused_as_a_whole(ada: Person) -> None:
    add_model(ada, "first")
    second = add_model(ada, "second")
    with pytest.raises(ConflictError, match="You have a model named 'First' already"):
        ada.client.models.update(ada.name, "second", {"name": "First", "description": "Lost."})
    assert ada.client.models.get(ada.name, "second") == second


def test_a_refused_change_changes_nothing(ada: Person) -> None:
    before = add_model(ada)
    with pytest.raises(UnprocessableEntityError, match="There is no hardware 'h100'"):
        ada.client.models.update(
            ada.name, before["name"], {"description": "Lost.", "hardware_identifier": "h100"}
        )
    assert ada.client.models.get(ada.name, before["name"]) == before


def test_the_same_limits_as_in_a_new_model(ada: Person) -> None:
    name = add_model(ada)["name"]
    body = {"name": "a b", "description": "a\0b", "paper_url": "paper", "visibility": "secret", "id": "x"}
    reply = ada.send("PATCH", f"/models/{ada.name}/{name}", json=body)
    assert reply.status_code == 422
    assert sorted(fault["loc"] for fault in reply.json()["detail"]) == [["body", field] for field in sorted(body)]


def test_no_counter_or_time_can_be_set(ada: Person) -> None:
    before: dict[str, Any] = {**add_model(ada)}
    for field in ("created_at", "updated_at", "predictions_count", "latest_version", "owner", "hardware"):
        reply = ada.send("PATCH", f"/models/{ada.name}/{before['name']}", json={field: before[field]})
        assert reply.json()["detail"][0]["type"] == "field_unknown"
    assert ada.client.models.get(ada.name, before["name"]) == before
