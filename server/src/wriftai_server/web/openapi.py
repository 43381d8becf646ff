"""The OpenAPI 3.1 document of the hub, made from its routes."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Tag

from wriftai_server._version import __version__
from wriftai_server.http.rules import signed_in

_DESCRIPTION = """
A hub for machine-learning models. Times are RFC 3339 in UTC, ids are UUIDs. Lists come in pages; a page tells
the cursors of its neighbours. An error holds one key, detail: a sentence, or for malformed input a list of
faults. What is absent and what the caller may not see get the same 404.
""".strip()

_SCHEME = "token"
# Litestar writes down where the type of the items is: Page_wriftai.models.Model_.
_PAGE = re.compile(rb"\bPage_(?:\w+\.)*(\w+)_(?=\")")


class ProblemEntry(msgspec.Struct):
    """One thing that is wrong with the input: where, in words, and for programs."""

    loc: list[str | int]
    msg: str
    type: str


class Problem(msgspec.Struct):
    """Why the request was refused, and what to do."""

    detail: str


class Malformed(msgspec.Struct):
    """What is wrong with the input."""

    detail: list[ProblemEntry]


_PROBLEMS = {
    "401": "The token is missing, or not valid.",
    "403": "The caller may see it and not do this.",
    "404": "There is no such thing, or the caller may not see it.",
    "409": "The name is taken, or the state of things does not allow it.",
    "413": "The body is too large.",
    "422": "The input is malformed.",
    "429": "Too many requests; `Retry-After` says when to come back.",
    "503": "The hub cannot do this at the moment; `Retry-After` says when to try again.",
}


def _header(kind: str, text: str, *, required: bool) -> dict[str, Any]:
    return {"description": text, "required": required, "schema": {"type": kind}}


_HEADERS = {
    "x-request-id": _header("string", "Names the request in the hub's log.", required=True),
    "x-ratelimit-limit": _header("integer", "Requests in a minute, where there is a limit.", required=False),
    "x-ratelimit-remaining": _header("integer", "How many are left in this one.", required=False),
    "x-ratelimit-reset": _header("integer", "When the next one begins, in Unix seconds.", required=False),
}
_RETRY_AFTER = {"Retry-After": _header("integer", "When to try again, in seconds from now.", required=True)}
_APPLIED = _header("string", "`wait`, when the hub went by the preference.", required=False)
_LOCATION = _header("string", "Absolute address of the prediction.", required=True)
_HEADERS_OF = {
    "401": {"WWW-Authenticate": _header("string", "The scheme of tokens: `Bearer`.", required=True)},
    "429": _RETRY_AFTER,
    "503": _RETRY_AFTER,
}


def document(handlers: Iterable[HTTPRouteHandler], prefix: str) -> dict[str, Any]:
    """Describe routes.

    Args:
        handlers: All under one prefix.
        prefix: Of their paths.
    """
    known = list(handlers)
    described = Litestar([Router(prefix, route_handlers=known)], openapi_config=_config(), logging_config=None)
    text = _PAGE.sub(rb"PageOf\1", msgspec.json.encode(described.openapi_schema.to_schema()))
    schema: dict[str, Any] = msgspec.json.decode(text)
    bodies = [handler.parsed_data_field.annotation for handler in known if handler.parsed_data_field is not None]
    # What checks bodies also describes them: Litestar leaves out that other fields are refused, and inner limits.
    _, components = msgspec.json.schema_components(
        (Problem, Malformed, *bodies), ref_template="#/components/schemas/{name}"
    )
    schema["components"]["schemas"] |= components
    rules = {handler.handler_name: handler.before_request for handler in known}
    schema["components"]["schemas"] = _with_any_json(schema["components"]["schemas"])
    for method, operation in (each for path in schema["paths"].values() for each in path.items()):
        needs_token = rules[operation["operationId"]] is signed_in
        operation["security"] = [{_SCHEME: []}] if needs_token else [{}, {_SCHEME: []}]
        operation["responses"].pop("400", None)  # Litestar's own; malformed input is a 422 here.
        _describe_waiting(operation)
        may_conflict = _names(operation, components) or (method, *operation["tags"]) == ("post", "predictions")
        refusals = _refusals(operation, needs_token=needs_token, may_conflict=may_conflict)
        operation["responses"] |= {status: _refusal(status) for status in refusals}
        for status, response in operation["responses"].items():
            response["headers"] = _HEADERS | _HEADERS_OF.get(status, {}) | response.get("headers", {})
    return schema


def _describe_waiting(operation: dict[str, Any]) -> None:
    """Describe what the `Prefer` header does to the answers of an operation, if it takes one."""
    responses = operation["responses"]
    if not any(parameter["name"] == "Prefer" for parameter in operation.get("parameters", ())):
        return
    headers = {"Preference-Applied": _APPLIED}
    if "202" in responses:
        headers["Location"] = _LOCATION
        responses["202"]["description"] = "The prediction is stored, and will run."
        responses["200"] = responses["202"] | {"description": "The prediction has ended already."}
    for response in responses.values():
        response["headers"] = headers


def _with_any_json(schema: Any) -> Any:
    """Write `JsonValue` as what it is: Litestar spells it out, down to where it would have to name itself."""
    match schema:
        case {"oneOf": [{"type": "boolean"}, {"type": "integer"}, {"type": "number"}, *_]}:
            return {"description": "Any JSON."}
        case dict():
            return {name: _with_any_json(value) for name, value in schema.items()}
    return schema


def _names(operation: dict[str, Any], components: dict[str, Any]) -> bool:
    """Tell whether the body of an operation names what must have a name of its own."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return bool({"name", "username"} & components.get(body, {}).get("properties", {}).keys())


def _refusals(operation: dict[str, Any], *, needs_token: bool, may_conflict: bool) -> list[str]:
    parameters = operation.get("parameters", ())
    statuses = {"401", "429", "503"}
    if any(parameter["in"] == "path" for parameter in parameters):
        statuses |= {"403", "404"} if needs_token else {"404"}
    if "requestBody" in operation:
        statuses |= {"413", "422"}
    if may_conflict:
        statuses.add("409")
    # Any text will do as a name in a path: what no one is called is not found.
    if any(parameter["in"] != "path" or parameter["schema"]["type"] != "string" for parameter in parameters):
        statuses.add("422")
    return sorted(statuses)


def _refusal(status: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{'Malformed' if status == '422' else 'Problem'}"}
    return {"description": _PROBLEMS[status], "content": {"application/json": {"schema": schema}}}


def _config() -> OpenAPIConfig:
    scheme = SecurityScheme(
        type="http", scheme="bearer", description="A token of `wriftai-server tokens create`."
    )
    return OpenAPIConfig(
        title="WriftAI hub",
        version=__version__,
        description=_DESCRIPTION,
        use_handler_docstrings=True,
        operation_id_creator=lambda handler, _method, _path: handler.handler_name,
        components=Components(security_schemes={_SCHEME: scheme}),
        tags=[Tag(name) for name in ("models", "versions", "predictions", "hardware", "users", "search")],
    )
