"""What a person reads of the OpenAPI document: operations by tag, with their parameters, bodies and answers."""

from typing import Any, NamedTuple

_JSON = "application/json"


class Value(NamedTuple):
    """A parameter, or a field of a body.

    Attributes:
        name: With the place of a parameter, such as `page_size in query`.
        kind: Its type and limits, in words.
        required: Whether it must be there.
        text: What it means.
    """

    name: str
    kind: str
    required: bool
    text: str


class Operation(NamedTuple):
    """One method of one path."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    needs_token: bool
    parameters: list[Value]
    fields: list[Value]
    answer: str
    problems: list[tuple[str, str]]


class Section(NamedTuple):
    """Operations on one kind of thing."""

    name: str
    operations: list[Operation]


def sections(document: dict[str, Any]) -> list[Section]:
    """Sort the operations of a document by their tags, in the order of the tags."""
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            found[described["tags"][0]].append(_operation(document, path, method, described))
    return [Section(name, operations) for name, operations in found.items()]


def _operation(document: dict[str, Any], path: str, method: str, described: dict[str, Any]) -> Operation:
    answers = described["responses"]
    success = next(status for status in answers if status.startswith("2"))
    body = _json_schema(described.get("requestBody", {}))
    return Operation(
        id=described["operationId"],
        method=method.upper(),
        path=path,
        summary=described["summary"],
        text=described.get("description", ""),
        needs_token={} not in described["security"],
        parameters=[_parameter(each) for each in described.get("parameters", [])],
        fields=_fields(document, body),
        answer=f"{success}: {_answer(answers[success])}",
        problems=[(status, each["description"]) for status, each in answers.items() if status >= "4"],
    )


def _answer(response: dict[str, Any]) -> str:
    kinds = response.get("content", {"nothing": {}})
    return ", ".join(_kind(_json_schema(response)) if kind == _JSON else kind for kind in kinds)


def _parameter(parameter: dict[str, Any]) -> Value:
    name = f"{parameter['name']} in {parameter['in']}"
    return Value(
        name, _kind(parameter["schema"]), parameter.get("required", False), parameter.get("description", "")
    )


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> list[Value]:
    named = _resolved(document, schema)
    required = named.get("required", ())
    return [
        Value(name, _kind(field), name in required, _text(field))
        for name, field in named.get("properties", {}).items()
    ]


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    named: dict[str, Any] = document["components"]["schemas"][_ref_name(schema)]
    return named


def _json_schema(content: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = content.get("content", {}).get(_JSON, {}).get("schema", {})
    return schema


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _ref_name(schema).replace("PageOf", "Page of ", 1)
    if kinds := _kinds(schema):
        return " or ".join(map(_kind, kinds))
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    limits = [
        f"{word} {schema[key]:,g}"
        for key, word in (("minimum", "at least"), ("maximum", "at most"), ("maxLength", "length at most"))
        if key in schema
    ]
    kind = schema.get("type", "any JSON")
    words = " or ".join(kind) if isinstance(kind, list) else kind
    if "items" in schema:
        words = f"{words} of {_kind(schema['items'])}"
    return ", ".join([words, *limits])


def _kinds(schema: dict[str, Any]) -> list[dict[str, Any]]:
    kinds: list[dict[str, Any]] = schema.get("oneOf") or schema.get("anyOf") or []
    return kinds


def _text(schema: dict[str, Any]) -> str:
    """Find what a value means: told of the value, or of what it is when it is not null."""
    return next((each["description"] for each in (schema, *_kinds(schema)) if "description" in each), "")


def _ref_name(schema: dict[str, Any]) -> str:
    name: str = schema["$ref"].rpartition("/")[2]
    return name
