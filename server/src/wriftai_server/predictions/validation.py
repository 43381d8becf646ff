"""Inputs, held against the schemas of versions.

Whoever writes a schema decides how long it takes to hold an input against it, and a process can do nothing else
meanwhile. What is sure to be quick is done in place, and all else where it can be ended.
"""

from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import jsonschema_rs
import msgspec

from wriftai_server.versions import validators

_MOST = 20
_LONGEST_WORDS = 500
_LONGEST_PART = 200
# Of schemas times input, both as JSON. On one core it takes 30 ms at worst to tell whether an input fits, and a
# tenth of a second to find what does not: all of that is made before the first is given, and anew on each level.
_QUICK_TO_TELL = 3_000_000
_QUICK_TO_FIND = 50_000
_LONG_INPUT = 64 * 1024
# Besides what makes it long to compile them.
_UNBOUNDED = ('"uniqueItems"', '"multipleOf"')


class Violation(NamedTuple):
    """Something in an input that its schema does not allow.

    Attributes:
        path: Where it is in the input.
        words: What is wrong.
    """

    path: list[str | int]
    words: str


def find_violations_quickly(schemas: str, text: str) -> list[Violation] | None:
    """Find how an input violates its schema, where that is sure to be quick; None where it is not.

    Args:
        schemas: Those of a version, as they are stored.
        text: The input, as JSON.
    """
    size = len(schemas) * len(text)
    is_quick = size <= _QUICK_TO_TELL and not any(word in schemas for word in _UNBOUNDED)
    if not is_quick or not validators.is_quick(schemas):
        return None
    if size > _QUICK_TO_FIND:
        return [] if _validator(schemas, None).is_valid(msgspec.json.decode(text)) else None
    return find_violations(schemas, text)


def find_violations(schemas: str, text: str) -> list[Violation]:
    """Find how an input violates its schema, of many violations the first 20.

    Args:
        schemas: Those of a version, as they are stored.
        text: The input, as JSON.
    """
    # A message quotes the value, and to make it takes as long as the value is.
    validator = _validator(schemas, "This value" if len(text) > _LONG_INPUT else None)
    value = msgspec.json.decode(text)
    if validator.is_valid(value):
        return []
    return [_violation(error) for error in islice(validator.iter_errors(value), _MOST)]


# One can take 15 MiB, and to compile the usual one again takes a tenth of a millisecond.
@lru_cache(64)
def _validator(schemas: str, mask: str | None) -> jsonschema_rs.Validator:
    # By their text, which finds the validator of a version as well as its id, and needs nothing to be looked up.
    return validators.compile_schema(msgspec.json.decode(schemas)["prediction"]["input"], mask=mask)


def _violation(error: jsonschema_rs.ValidationError) -> Violation:
    path = [part[:_LONGEST_PART] if isinstance(part, str) else part for part in error.instance_path]
    words = error.message
    return Violation(path, words if len(words) <= _LONGEST_WORDS else f"{words[:_LONGEST_WORDS]} …")
