"""The OpenAPI document, and the page that people read of it."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from tests.server.people import Person
from wriftai_server.app import V1

PATHS = {
    "/v1/models": {"get", "post"},
    "/v1/models/{owner}": {"get"},
    "/v1/models/{owner}/{name}": {"get", "patch", "delete"},
    "/v1/models/{owner}/{name}/versions": {"get", "post"},
    "/v1/models/{owner}/{name}/versions/{number}": {"get", "delete"},
    "/v1/versions/{version_id}": {"get", "delete"},
    "/v1/predictions": {"get", "post"},
    "/v1/predictions/{prediction_id}": {"get"},
    "/v1/predictions/{prediction_id}/cancel": {"post"},
    "/v1/predictions/{prediction_id}/stream": {"get"},
    "/v1/models/{owner}/{name}/predictions": {"post"},
    "/v1/versions/{version_id}/predictions": {"post"},
    "/v1/hardware": {"get"},
    "/v1/users": {"get"},
    "/v1/users/{username}": {"get"},
    "/v1/user": {"get", "patch"},
    "/v1/user/models": {"get"},
    "/v1/search/models": {"get"},
    "/v1/search/users": {"get"},
}
WITHOUT_TOKEN = {
    "list_models",
    "list_models_of",
    "get_model",
    "list_versions",
    "get_version",
    "get_numbered_version",
    "list_hardware",
    "list_users",
    "get_user",
    "search_models",
    "search_users",
}


@pytest.fixture(scope="module")
def document(reader: Person) -> dict[str, Any]:
    """Fetch the document."""
    reply = reader.send("GET", "/openapi.json")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    found: dict[str, Any] = reply.json()
    return found


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_it_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(document).validate()


def test_every_address_of_the_contract_is_in_it_and_no_other(document: dict[str, Any]) -> None:
    assert {path: set(methods) for path, methods in document["paths"].items()} == PATHS
    assert len(V1) == sum(map(len, PATHS.values()))


def test_its_schemas_are_json_schemas_and_its_references_lead_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        jsonschema_rs.Draft202012Validator({"components": document["components"], "allOf": [schema]})
    names = set(re.findall(r'"\$ref": "#/components/schemas/([^"]*)"', repr(document).replace("'", '"')))
    assert names <= set(schemas)
    assert {"CreateModel", "UpdateModel", "UpdateUser", "CreateVersion", "Model", "User"} <= names


def test_its_schemas_have_plain_names(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if not name.isalpha()] == []
    for item in ("HardwareWithDetails", "Model", "NumberedVersion", "Prediction", "User"):
        assert schemas[f"PageOf{item}"]["properties"]["items"]["items"]["$ref"].endswith(f"/{item}")


def test_searches_say_what_they_are_for(document: dict[str, Any]) -> None:
    for what, beginning in (("models", "A name, `owner/name`,"), ("users", "A username,")):
        parameters = document["paths"][f"/v1/search/{what}"]["get"]["parameters"]
        (query,) = [parameter for parameter in parameters if parameter["name"] == "q"]
        assert query["description"].startswith(beginning)


def test_it_says_where_a_token_is_needed(operations: list[dict[str, Any]]) -> None:
    for operation in operations:
        optional = {} in operation["security"]
        assert optional == (operation["operationId"] in WITHOUT_TOKEN)
        assert {"token": []} in operation["security"]


def test_every_operation_is_described(operations: list[dict[str, Any]]) -> None:
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        assert operation["description"].endswith(".")
        assert len(operation["tags"]) == 1
        assert {"401", "429", "503"} <= set(operation["responses"])
        success = [status for status in operation["responses"] if status < "400"]
        assert success == _successes(operation["operationId"])


def _successes(operation: str) -> list[str]:
    if not operation.startswith("create_"):
        return ["200"]
    return ["202", "200"] if operation.endswith("_prediction") else ["201"]


def test_it_says_what_tells_of_waiting(document: dict[str, Any]) -> None:
    creating = document["paths"]["/v1/versions/{version_id}/predictions"]["post"]
    names = {parameter["name"] for parameter in creating["parameters"] if parameter["in"] == "header"}
    assert names == {"Prefer", "Validate-Input", "Idempotency-Key"}
    for status in ("200", "202"):
        assert {"Location", "Preference-Applied"} <= set(creating["responses"][status]["headers"])
    getting = document["paths"]["/v1/predictions/{prediction_id}"]["get"]["responses"]["200"]
    assert "Preference-Applied" in getting["headers"]


def test_it_lets_json_be_any_json(document: dict[str, Any]) -> None:
    for value in (1, 1.5, "text", [{"deep": [None]}]):
        for name, field in (
            ("PredictionWithIO", "output"),
            ("TaskError", "detail"),
            ("CreatePrediction", "input"),
        ):
            jsonschema_rs.validate(document["components"]["schemas"][name]["properties"][field], value)


def test_replies_are_as_it_says(document: dict[str, Any], reader: Person) -> None:
    for path in (
        "/models",
        "/users",
        "/hardware",
        "/models/ada/model-00/versions",
        "/models/ada/model-00",
        "/user",
    ):
        described = re.sub(r"/ada/model-00", "/{owner}/{name}", f"/v1{path}")
        answer = document["paths"][described]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema_rs.validate({"components": document["components"], **answer}, reader.send("GET", path).json())


class Page(HTMLParser):
    """Takes note of what is on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        found = dict(attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for value in (found.get("href"), found.get("src")) if value]


def test_the_page_shows_every_operation(anyone: Person, operations: list[dict[str, Any]]) -> None:
    reply = anyone.send("GET", "/docs")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(reply.text)
    assert [name for name in page.ids if name in {operation["operationId"] for operation in operations}] == [
        operation["operationId"]
        for tag in ("models", "versions", "predictions", "hardware", "users", "search")
        for operation in operations
        if operation["tags"] == [tag]
    ]
    for operation in operations:
        assert operation["summary"] in unescape(reply.text)
        for parameter in operation.get("parameters", []):
            assert f"{parameter['name']} in {parameter['in']}" in reply.text
    for field in ("release_notes", "hardware_identifier", "paper_url"):
        assert f"<code>{field}</code>" in reply.text


def test_the_page_needs_nothing_from_elsewhere_and_its_links_work(anyone: Person) -> None:
    page = Page(anyone.send("GET", "/docs").text)
    assert "script" not in page.tags
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            assert link.startswith("/")
            assert anyone.send("GET", f"http://hub.test{link}").status_code == 200


def test_the_page_is_kept_from_being_misused(anyone: Person) -> None:
    headers = anyone.send("GET", "/docs").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
