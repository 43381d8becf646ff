"""Inputs, held against the schemas of versions."""

from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema_rs
import msgspec

from wriftai_server.http.problems import Fault, Malformed
from wriftai_server.versions.schemas import compiled

_MOST_FAULTS = 100
_LONGEST_MESSAGE = 500


def check(schemas: str, value: Any) -> None:
    """Check an input.

    Args:
        schemas: Those of a version, as they are stored.
        value: Decoded JSON.

    Raises:
        Malformed: It does not fit; the first faults, each with its place.
    """
    validator = _validator(schemas)
    if not validator.is_valid(value):
        raise Malformed([_fault(error) for error in islice(validator.iter_errors(value), _MOST_FAULTS)])


@lru_cache(256)
def _validator(schemas: str) -> jsonschema_rs.Validator:
    # By their text, which finds the validator of a version as well as its id, and needs nothing to be looked up.
    return compiled(msgspec.json.decode(schemas)["prediction"]["input"])


def _fault(error: jsonschema_rs.ValidationError) -> Fault:
    # The message quotes the value, which may be long.
    msg = error.message if len(error.message) <= _LONGEST_MESSAGE else f"{error.message[:_LONGEST_MESSAGE]} …"
    return Fault(("body", "input", *error.instance_path), f"{msg}.", "input_invalid")
