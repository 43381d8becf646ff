"""What versions say of their interfaces: JSON Schemas, draft 2020-12."""

import json
import socket
from typing import Any

import pytest

from tests.server.people import People, Person
from tests.server.samples import add_model, doubled, version_params

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
        {"pattern": r"^(?!no)\p{L}{1,64}$", "patternProperties": {r"^\d{1,255}$": {}}},
        {"$id": "https://hub.example/a", "$defs": {"b": {"$id": "b", "$anchor": "c"}}, "$ref": "b#c"},
        {"$ref": DRAFT},
    ],
)
def test_schemas_come_back_as_they_were_sent(ada: Person, path: str, schema: dict[str, Any]) -> None:
    sent = {"input": schema, "output": schema}
    reply = ada.send("POST", path, json=body(sent))
    assert reply.status_code == 201
    assert reply.json()["schemas"]["prediction"] == sent
    fetched = ada.send("GET", f"/versions/{reply.json()['id']}").json()["schemas"]["prediction"]
    assert fetched == sent
    assert list(fetched["input"]) == list(schema)  # In the order of the author.


def fault_of(ada: Person, path: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Send a schema that must be refused; give the fault, its place seen from the schema."""
    reply = ada.send("POST", path, json=body({"input": {}, "output": schema}))
    assert reply.status_code == 422
    fault: dict[str, Any]
    (fault,) = reply.json()["detail"]
    assert fault["loc"][:4] == ["body", "schemas", "prediction", "output"]
    return {**fault, "loc": fault["loc"][4:]}


@pytest.mark.parametrize(
    ("schema", "loc"),
    [
        ({"type": "objekt"}, ["type"]),
        ({"properties": {"a": {"minimum": "1"}}}, ["properties", "a", "minimum"]),
        ({"required": "a"}, ["required"]),
        ({"$ref": 5}, ["$ref"]),
        ({"items": [{}]}, ["items"]),
        ({"allOf": [{}, {"pattern": "("}]}, ["allOf", 1, "pattern"]),
        ({"patternProperties": {"[": {}}}, ["patternProperties", "["]),
    ],
)
def test_what_is_no_schema(ada: Person, path: str, schema: dict[str, Any], loc: list[str | int]) -> None:
    fault = fault_of(ada, path, schema)
    assert (fault["loc"], fault["type"]) == (loc, "schema_invalid")
    assert "This is not a JSON Schema: " in fault["msg"]


@pytest.mark.parametrize("draft", ["http://json-schema.org/draft-07/schema#", "", 5, None, [DRAFT]])
def test_schemas_of_other_drafts(ada: Person, path: str, draft: object) -> None:
    fault = fault_of(ada, path, {"$schema": draft})
    assert (fault["loc"], fault["type"]) == ([], "schema_draft")
    assert DRAFT in fault["msg"]


@pytest.mark.parametrize(
    "reference", ["#/$defs/a", "#a", "other.json", "https://192.0.2.1/a", "file:///etc/passwd"]
)
@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
def test_references_lead_nowhere_else(ada: Person, path: str, keyword: str, reference: str) -> None:
    fault = fault_of(ada, path, {"properties": {"a": {keyword: reference}}})
    assert (fault["loc"], fault["type"]) == ([], "schema_reference")
    assert reference.removeprefix("#") in fault["msg"]


def test_no_reference_is_followed_out_of_the_hub(ada: Person, path: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        fault_of(ada, path, {"$ref": f"http://127.0.0.1:{listening.getsockname()[1]}/schema.json"})
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_both_schemas_are_judged(ada: Person, path: str) -> None:
    reply = ada.send("POST", path, json=body({"input": {"type": 1}, "output": {"$schema": "other"}}))
    assert [fault["loc"][3] for fault in reply.json()["detail"]] == ["input", "output"]


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


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"items": schema}
    return schema


def test_deep_schemas_are_stored(ada: Person, path: str) -> None:
    reply = ada.send("POST", path, json=body({"input": nested(250), "output": {}}))
    assert reply.status_code == 201
    assert ada.send("GET", path).json()["items"] == [reply.json()]


def test_schemas_deeper_than_values_can_be_held_against_are_refused(ada: Person, path: str) -> None:
    assert fault_of(ada, path, nested(400))["type"] == "schema_invalid"


EVALUATED = {"allOf": [{"properties": {f"a{n}": True}} for n in range(1000)]}


@pytest.mark.parametrize(
    "schema",
    [
        doubled(24),
        {"$defs": {"x": EVALUATED}, "allOf": [{"unevaluatedProperties": False, "$ref": "#/$defs/x"}] * 600},
        {"allOf": [{"pattern": rf"[\p{{L}}\p{{N}}]{{200}}x{n}"} for n in range(1500)]},
    ],
    ids=["references", "unevaluated", "patterns"],
)
def test_schemas_that_take_too_much_to_compile_are_refused(
    ada: Person, path: str, schema: dict[str, Any]
) -> None:
    fault = fault_of(ada, path, schema)
    assert (fault["loc"], fault["type"]) == ([], "schema_too_large")
    assert "To compile this schema takes longer than 2 s, or more than 1 GiB of memory" in fault["msg"]
    assert ada.send("GET", path).json()["items"] == []


def test_a_schema_has_64_kib_at_most(ada: Person, path: str) -> None:
    room = 64 * 1024 - len(json.dumps({"title": ""}, separators=(",", ":")))
    longest = {"title": "a" * room}
    assert ada.send("POST", path, json=body({"input": longest, "output": longest})).status_code == 201
    # In bytes, as they are sent.
    for title in ("a" * (room + 1), "é" * (room // 2 + 1)):
        fault = fault_of(ada, path, {"title": title})
        assert (fault["loc"], fault["type"]) == ([], "schema_too_large")
        assert "64 KiB" in fault["msg"]


def test_every_schema_is_judged_however_it_is_compiled(ada: Person, path: str) -> None:
    for keywords in (("pattern", "type"), ("type", "pattern")):
        sent = {name: {keyword: "("} for name, keyword in zip(("input", "output"), keywords, strict=True)}
        faults = ada.send("POST", path, json=body(sent)).json()["detail"]
        assert sorted(fault["loc"][3:] for fault in faults) == [["input", keywords[0]], ["output", keywords[1]]]


def test_what_takes_long_is_not_compiled_for_who_may_not_add_a_version(
    bob: Person, people: People, path: str
) -> None:
    sent = body({"input": doubled(24), "output": {}})
    assert people.anyone.send("POST", path, json=sent).status_code == 401
    assert bob.send("POST", path, json=sent).status_code == 404


def test_a_version_whose_schemas_take_long_to_compile_is_made_once_for_one_key(ada: Person, path: str) -> None:
    sent = body({"input": {"$defs": {"a": {"pattern": "^a$"}}, "$ref": "#/$defs/a"}, "output": {}})
    first, again = (ada.send("POST", path, json=sent, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert ada.send("GET", path).json()["items"] == [first.json()]


def test_schemas_with_many_patterns_are_stored(ada: Person, path: str) -> None:
    schema = {"properties": {f"text_{n}": {"pattern": "^[a-z]+$"} for n in range(200)}}
    assert ada.send("POST", path, json=body({"input": schema, "output": {}})).status_code == 201
