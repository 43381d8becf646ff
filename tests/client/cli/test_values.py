"""Inputs as they are typed, for the types that a schema names."""

from pathlib import Path
from typing import Any

import pytest
import typer

from wriftai.cli.refusals import Refusal
from wriftai.cli.values import pairs, parsed

FILE = {"type": "string", "format": "uri"}
BYTES = {"type": "string", "contentEncoding": "base64"}


def read(text: str, kind: dict[str, Any] | bool, **definitions: Any) -> Any:
    schema = {"type": "object", "properties": {"x": kind}, "$defs": definitions}
    return parsed({"x": text}, schema)["x"]


def any_of(*kinds: dict[str, Any] | bool) -> dict[str, Any]:
    return {"anyOf": list(kinds)}


TEXT, WHOLE, NUMBER, TRUTH, NOTHING = ({"type": t} for t in ("string", "integer", "number", "boolean", "null"))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("5", TEXT, "5"),
        ("", TEXT, ""),
        ("true", TEXT, "true"),
        ("a=b=c", TEXT, "a=b=c"),
        ("@file", TEXT, "@file"),
        ("@here", {"type": "string", "format": "date"}, "@here"),
        ("5", WHOLE, 5),
        ("-5", WHOLE, -5),
        ("5", NUMBER, 5),
        ("5.5", NUMBER, 5.5),
        ("1e3", NUMBER, 1000.0),
        ("true", TRUTH, True),
        ("False", TRUTH, False),
        ("null", NOTHING, None),
        ("[1, \"a\"]", {"type": "array"}, [1, "a"]),
        ('{"a": 1}', {"type": "object"}, {"a": 1}),
        ("5", {}, 5),
        ("words", {}, "words"),
        ("5", True, 5),
        ("words", any_of(WHOLE, True), "words"),
        ("5", {"enum": ["5", 5]}, "5"),
        ("5", {"enum": [1, 5]}, 5),
        ("1", {"enum": [True, 1]}, 1),
        ("fast", {"type": "string", "enum": ["slow", "fast"]}, "fast"),
        ("null", {"enum": ["a", None]}, None),
        ("on", {"const": "on"}, "on"),
        ("5", any_of(WHOLE, TEXT), 5),
        ("five", any_of(WHOLE, TEXT), "five"),
        ("5", any_of(TEXT, WHOLE), "5"),
        ("null", any_of(WHOLE, NOTHING), None),
        ("null", any_of(TEXT, NOTHING), "null"),
        ("5", {"oneOf": [TRUTH, WHOLE]}, 5),
        ("5", {"allOf": [WHOLE]}, 5),
        ("5", {"type": ["integer", "null"]}, 5),
        ("null", {"type": ["integer", "null"]}, None),
        ("https://a.example/x.png", FILE, "https://a.example/x.png"),
        ("aGk=", BYTES, "aGk="),
    ],
)  # fmt: skip
def test_a_text_becomes_what_the_schema_asks_for(text: str, kind: dict[str, Any] | bool, value: Any) -> None:
    assert read(text, kind) == value
    assert type(read(text, kind)) is type(value)


def test_references_are_followed() -> None:
    assert read("5", {"$ref": "#/$defs/Count"}, Count=WHOLE) == 5
    assert read("b", any_of({"$ref": "#/$defs/a~1b~0c"}), **{"a/b~c": {"enum": ["a", "b"]}}) == "b"


@pytest.mark.parametrize("reference", ["#/$defs/Gone", "https://a.example/schema", "#/type/x", "#/required"])
def test_a_reference_that_leads_nowhere_asks_for_nothing(reference: str) -> None:
    schema = {"type": "object", "required": [], "properties": {"x": {"$ref": reference}}}
    assert parsed({"x": "5"}, schema) == {"x": 5}


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("five", WHOLE, "a whole number"),
        ("5.5", WHOLE, "a whole number"),
        ("true", WHOLE, "a whole number"),
        ("NaN", NUMBER, "a number"),
        ("Infinity", NUMBER, "a number"),
        ("true", NUMBER, "a number"),
        ("1", TRUTH, "true or false"),
        ("a,b", {"type": "array"}, "a list in JSON"),
        ("{}", {"type": "array"}, "a list in JSON"),
        ("[" * 100_000, {"type": "array"}, "a list in JSON"),
        ("[]", {"type": "object"}, "an object in JSON"),
        ("0", NOTHING, "null"),
        ("x", {"type": "unheard-of"}, "JSON"),
        ("c", {"enum": ["a", "ü"]}, 'one of "a", "ü"'),
        ("1", {"enum": [True]}, "one of true"),
        ("off", {"const": "on"}, 'one of "on"'),
        ("x", any_of(WHOLE, NOTHING), "a whole number, or null"),
        ("x", any_of(WHOLE, WHOLE), "a whole number"),
    ],
    ids=range(18),
)
def test_what_does_not_fit_is_named(text: str, kind: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal) as caught:
        read(text, kind)
    assert str(caught.value) == f"Input x must be {words}, not {text!r}."


def test_a_file_becomes_a_data_url_or_base64(tmp_path: Path) -> None:
    file = tmp_path / "p=1.png"
    file.write_bytes(b"\x89PNG")
    assert read(f"@{file}", FILE) == "data:image/png;base64,iVBORw=="
    assert read(f"@{file}", any_of(FILE, NOTHING)) == "data:image/png;base64,iVBORw=="
    assert read(f"@{file}", BYTES) == "iVBORw=="
    assert read(f"@{file.rename(tmp_path / 'sample')}", FILE) == "data:application/octet-stream;base64,iVBORw=="


@pytest.mark.parametrize("name", ["gone.png", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refusal) as caught:
        read(f"@{tmp_path / name}", FILE)
    assert str(caught.value).startswith(f"Input x: {tmp_path / name} cannot be read: ")


def test_a_reference_that_leads_to_itself_asks_for_nothing() -> None:
    assert read("5", {"$ref": "#/$defs/A"}, A={"anyOf": [NOTHING, {"$ref": "#/$defs/A"}]}) == 5


CLOSED = {"properties": {"a": TEXT, "b": WHOLE}, "required": ["a"], "additionalProperties": False}


def test_an_input_that_the_model_does_not_take_is_named() -> None:
    with pytest.raises(Refusal, match=r"^There is no input c; the model takes a, b\.$"):
        parsed({"a": "1", "c": "2"}, CLOSED)
    with pytest.raises(Refusal, match=r"^There is no input a; the model takes none\.$"):
        parsed({"a": "1"}, {"additionalProperties": False})


def test_an_open_schema_takes_others_too() -> None:
    assert parsed({"c": "2"}, {"type": "object"}) == {"c": 2}


def test_an_input_that_is_missing_is_named() -> None:
    with pytest.raises(Refusal, match=r"^Input a is missing: give it with -i a=…; the model takes a, b\.$"):
        parsed({"b": "1"}, CLOSED)


def test_pairs_are_taken_apart() -> None:
    assert pairs(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (["a"], "as key=value, not as 'a'"),
        (["=1"], "as key=value, not as '=1'"),
        (["a=1", "a=2"], "a is given twice"),
    ],
)
def test_what_is_no_pair_is_a_wrong_use(given: list[str], fault: str) -> None:
    with pytest.raises(typer.BadParameter, match=fault):
        pairs(given)
