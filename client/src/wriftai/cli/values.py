"""Inputs as they are typed, turned into what the schema of a model asks for."""

import base64
import json
import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from wriftai.cli.refusals import Refusal
from wriftai.common_types import JsonValue

Schema = Mapping[str, Any]

_NO_VALUE = object()
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list in JSON",
    "object": "an object in JSON",
    "null": "null",
}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def pairs(given: Iterable[str]) -> dict[str, str]:
    """Take `key=value` texts apart.

    Raises:
        typer.BadParameter: One has no `=`, or two have the same key.
    """
    found: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"An input is given as key=value, not as {text!r}.")
        if key in found:
            raise typer.BadParameter(f"Input {key} is given twice.")
        found[key] = value
    return found


def parsed(given: Mapping[str, str], schema: Schema) -> dict[str, JsonValue]:
    """Turn texts into the values of an input.

    Args:
        given: Texts by name.
        schema: JSON Schema of the input.

    Raises:
        Refusal: There is no input of a name, one is missing, a text is not of its type, or a file cannot be read.
    """
    properties = schema.get("properties", {})
    names = ", ".join(properties) or "none"
    for key in given:
        if key not in properties and schema.get("additionalProperties") is False:
            raise Refusal(f"There is no input {key}; the model takes {names}.")
    for key in schema.get("required", ()):
        if key not in given:
            raise Refusal(f"Input {key} is missing: give it with -i {key}=…; the model takes {names}.")
    return {key: _value(key, text, properties.get(key, {}), schema) for key, text in given.items()}


def _value(key: str, text: str, schema: Schema | bool, root: Schema) -> JsonValue:
    wanted = []
    for kind in _alternatives(schema, root):
        value: Any = _read(text, kind, key)
        if value is not _NO_VALUE:
            return value  # type: ignore[no-any-return]  # Decoded JSON.
        wanted.append(_described(kind))
    raise Refusal(f"Input {key} must be {', or '.join(dict.fromkeys(wanted))}, not {text!r}.")


def _alternatives(schema: Schema | bool, root: Schema, seen: frozenset[str] = frozenset()) -> Iterator[Schema]:
    """Go through the kinds of value that a schema allows, in its order, each with one type at most.

    Args:
        schema: Of the value; one that is only true or false asks for nothing.
        root: Holds what it refers to.
        seen: References that led here; one that leads to itself allows anything.
    """
    if isinstance(schema, bool):
        schema = {}
    reference = schema.get("$ref")
    parts = next((schema[key] for key in ("anyOf", "oneOf", "allOf") if schema.get(key)), None)
    types = schema.get("type")
    if isinstance(reference, str) and reference not in seen:
        yield from _alternatives(_target(reference, root), root, seen | {reference})
    elif parts is not None:
        for part in parts:
            yield from _alternatives(part, root, seen)
    else:
        yield from ({**schema, "type": each} for each in (types if isinstance(types, list) else [types]))


def _target(reference: str, root: Schema) -> Schema:
    """Find what a reference within a schema leads to; a schema of anything where it leads elsewhere."""
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def _read(text: str, kind: Schema, key: str) -> Any:
    if "enum" in kind or "const" in kind:
        return _chosen(text, kind.get("enum", [kind.get("const")]))
    if kind["type"] == "string":
        return _text(text, kind, key)
    if kind["type"] is None:
        value = _decoded(text)
        return text if value is _NO_VALUE else value
    if kind["type"] == "boolean":
        return {"true": True, "false": False}.get(text.lower(), _NO_VALUE)
    value = _decoded(text)
    fits = isinstance(value, _TYPES.get(kind["type"], ())) and not isinstance(value, bool)
    return value if fits else _NO_VALUE


def _chosen(text: str, choices: list[Any]) -> Any:
    if text in choices:
        return text
    value = _decoded(text)
    # A number is not a truth, though Python takes 1 for True.
    return next((each for each in choices if each == value and type(each) is type(value)), _NO_VALUE)


def _text(text: str, kind: Schema, key: str) -> str:
    if not text.startswith("@"):
        return text
    if kind.get("contentEncoding") == "base64":
        return _encoded(_content(text[1:], key))
    if kind.get("format") == "uri":
        media_type = mimetypes.guess_type(text[1:])[0] or "application/octet-stream"
        return f"data:{media_type};base64,{_encoded(_content(text[1:], key))}"
    return text


def _content(name: str, key: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Refusal(f"Input {key}: {name} cannot be read: {error.strerror}.") from None


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _decoded(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return _NO_VALUE


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _described(kind: Schema) -> str:
    if "enum" in kind or "const" in kind:
        choices = kind.get("enum", [kind.get("const")])
        return f"one of {', '.join(json.dumps(choice, ensure_ascii=False) for choice in choices)}"
    return _WORDS.get(kind["type"], "JSON")
