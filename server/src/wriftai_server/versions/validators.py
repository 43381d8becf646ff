"""Validators, which hold values against JSON Schemas of draft 2020-12.

Whoever writes a schema decides how long it takes to compile it, and how much memory: each level of references can
double both, and a pattern of a few characters takes 100 ms.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jsonschema_rs
import msgspec

# Of a schema as JSON. Without these words it is compiled in 50 ms at worst, and takes 15 MiB.
_SHORT = 16 * 1024
_UNBOUNDED = (
    '"$ref"',
    '"$dynamicRef"',
    '"$recursiveRef"',
    '"pattern"',
    '"patternProperties"',
    '"unevaluated',
    '"not"',
)


class SchemaError(NamedTuple):
    """Why a schema cannot be compiled.

    Attributes:
        path: Where that is in the schema.
        words: What is wrong.
        is_reference: Whether a reference leads out of it, or nowhere.
    """

    path: list[str | int]
    words: str
    is_reference: bool


def compile_schema(schema: Mapping[str, Any], *, mask: str | None = None) -> jsonschema_rs.Validator:
    """Make the validator of a schema; nothing is ever fetched for it.

    Args:
        schema: Whole in itself.
        mask: Stands in messages where the value would.

    Raises:
        ValueError: It is not a JSON Schema, or not whole in itself.
    """
    return jsonschema_rs.Draft202012Validator(dict(schema), offline=True, mask=mask)


def is_quick(text: str) -> bool:
    """Tell whether a schema, or each of several in one text, is sure to be compiled quickly."""
    return len(text) <= _SHORT and not any(word in text for word in _UNBOUNDED)


def find_error(text: str) -> SchemaError | None:
    """Find why a schema, as JSON, cannot be compiled; None where it can be."""
    try:
        compile_schema(msgspec.json.decode(text))
    except jsonschema_rs.ValidationError as error:
        return SchemaError(list(error.instance_path), error.message, error.kind.name == "$ref")
    except ValueError as error:
        return SchemaError([], str(error), False)
    return None
