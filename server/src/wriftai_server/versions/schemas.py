"""JSON Schemas of versions: draft 2020-12, and whole in themselves."""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from wriftai_server.http.problems import Fault, Malformed
from wriftai_server.versions.validators import compiled

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
# A few characters of a pattern can take the compiler 50 ms, in which the hub answers nobody.
_MOST_PATTERNS = 50


def check(schemas: Mapping[str, Mapping[str, Any]], *loc: str) -> None:
    """Check that values can be held against schemas.

    Args:
        schemas: By the last part of their places.
        loc: The parts before it.

    Raises:
        Malformed: One fault for each schema that cannot be used.
    """
    faults = [fault for name, schema in schemas.items() if (fault := _fault((*loc, name), schema))]
    if faults:
        raise Malformed(faults)


def _fault(loc: tuple[str | int, ...], schema: Mapping[str, Any]) -> Fault | None:
    if schema.get("$schema", _DRAFT) not in (_DRAFT, f"{_DRAFT}#"):
        return Fault(loc, f"The schema must be of the draft {_DRAFT}.", "schema_draft")
    if _patterns(schema) > _MOST_PATTERNS:
        return Fault(loc, f"A schema may have {_MOST_PATTERNS} patterns at most.", "schema_too_large")
    try:
        compiled(schema)
    except jsonschema_rs.ValidationError as error:
        if error.kind.name == "$ref":
            msg = f"A reference must lead to a place in the schema itself, nothing is fetched: {error.message}."
            return Fault(loc, msg, "schema_reference")
        return Fault(
            (*loc, *error.instance_path), f"This is not a JSON Schema: {error.message}", "schema_invalid"
        )
    except ValueError as error:
        return Fault(loc, f"This is not a JSON Schema: {error}", "schema_invalid")
    return None


def _patterns(schema: Mapping[str, Any]) -> int:
    """Count what is compiled as regular expressions, and what merely has the name of it."""
    count, left = 0, [schema]
    while left:
        for keyword, value in left.pop().items():
            if keyword == "patternProperties" and isinstance(value, dict):
                count += len(value)
            count += keyword == "pattern" and isinstance(value, str)
            left += [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
    return count
