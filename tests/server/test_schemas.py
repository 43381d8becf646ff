"""What versions say of their interfaces: JSON Schemas, draft 2020-12."""

from typing import Any

import pytest

from tests.server.people import Person
from tests.server.samples import add_model, version_params

DRAFT = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture
def path(ada: Person) -> str:
    """Add a model, and give the path to its versions."""
    return f"/models/{ada.name}/{add_model(ada)['name']}/versions"


def body(prediction: object) -> dict[str, Any]:
    return {**version_params(), "schemas": {"prediction": prediction}}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$schema": DRAFT, "type": "object", "properties": {"image": {"type": "string"}}},
        {"$schema": f"{DRAFT}#"},
        {"$defs": {"node": {"items": {"$ref": "#/$defs/node"}}}, "$ref": "#/$defs/node"},
        {"x-order": 1, "title": "Unknown keywords stay", "examples": [None, 1.5, -0.0, 1e-7, "\u0000", "\u2028"]},
        {"maximum": 9007199254740993, "minimum": -(2**63), "const": 2**70},
        {"prefixItems": [{}, False], "unevaluatedItems": False},
    ],
)
def test_schemas_come_back_as_they_were_sent(ada: Person, path: str, schema: dict[str, Any]) -> None:
    sent = {"input": schema, "output": {"type": "array", "items": schema}}
    reply = ada.send("POST", path, json=body(sent))
    assert reply.status_code == 201
    assert reply.json()["schemas"]["prediction"] == sent
    fetched = ada.send("GET", f"/versions/{reply.json()['id']}").json()["schemas"]["prediction"]
    assert fetched == sent
    assert list(fetched["input"]) == list(schema)  # In the order of the author.


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "objekt"}, "schema_invalid"),
        ({"properties": {"a": {"minimum": "1"}}}, "schema_invalid"),
        ({"required": "a"}, "schema_invalid"),
        ({"$ref": 5}, "schema_invalid"),
        ({"items": [{}]}, "schema_invalid"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "schema_draft"),
        ({"$schema": ""}, "schema_draft"),
        ({"$schema": 5}, "schema_draft"),
        ({"$schema": None}, "schema_draft"),
        ({"$schema": [DRAFT]}, "schema_draft"),
    ],
)
def test_what_is_no_schema(ada: Person, path: str, schema: dict[str, Any], kind: str) -> None:
    reply = ada.send("POST", path, json=body({"input": {}, "output": schema}))
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert fault["loc"] == ["body", "schemas", "prediction", "output"]
    assert fault["type"] == kind
    assert ("This is not a JSON Schema: " if kind == "schema_invalid" else DRAFT) in fault["msg"]


def test_both_schemas_are_judged(ada: Person, path: str) -> None:
    reply = ada.send("POST", path, json=body({"input": {"type": 1}, "output": {"$schema": "other"}}))
    assert [fault["loc"][-1] for fault in reply.json()["detail"]] == ["input", "output"]


@pytest.mark.parametrize(
    ("schemas", "loc"),
    [
        (None, []),
        ([], []),
        ({}, ["prediction"]),
        ({"prediction": None}, ["prediction"]),
        ({"prediction": {"input": {}}}, ["prediction", "output"]),
        ({"prediction": {"input": {}, "output": None}}, ["prediction", "output"]),
        ({"prediction": {"input": True, "output": {}}}, ["prediction", "input"]),
        ({"prediction": {"input": {}, "output": {}, "setup": {}}}, ["prediction", "setup"]),
        ({"prediction": {"input": {}, "output": {}}, "training": {}}, ["training"]),
    ],
)
def test_places_of_faults_in_schemas(ada: Person, path: str, schemas: object, loc: list[str]) -> None:
    reply = ada.send("POST", path, json={**version_params(), "schemas": schemas})
    assert reply.status_code == 422
    (fault,) = reply.json()["detail"]
    assert fault["loc"] == ["body", "schemas", *loc]


@pytest.mark.parametrize("depth", [100, 400])
def test_deep_schemas_are_stored(ada: Person, path: str, depth: int) -> None:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"items": schema}
    reply = ada.send("POST", path, json=body({"input": schema, "output": {}}))
    assert reply.status_code == 201
    assert ada.send("GET", path).json()["items"] == [reply.json()]
