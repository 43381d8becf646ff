"""What holds values against JSON Schemas, draft 2020-12."""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs


def compiled(schema: Mapping[str, Any], *, mask: str | None = None) -> jsonschema_rs.Validator:
    """Make what holds values against a schema; nothing is ever fetched for it.

    Args:
        schema: Whole in itself.
        mask: Stands in messages where the value would.

    Raises:
        ValueError: It is not a JSON Schema, or not whole in itself.
    """
    return jsonschema_rs.Draft202012Validator(dict(schema), offline=True, mask=mask)
