"""What does not fit in an input; by itself a program, which the hub can end where that takes too long.

Whoever writes a schema decides how long it takes to hold an input against it, and a process can do nothing else
meanwhile. What is sure to be quick is done in place, and all else by the program, which reads a JSON array of
schemas and input a line, and answers with the misfits.
"""

import sys
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import jsonschema_rs
import msgspec

from wriftai_server.versions.validators import compiled

_MOST = 20
_LONGEST_WORDS = 500
_LONGEST_PART = 200
# Of schema times input, both as JSON. On one core that takes a tenth of a second at worst.
_QUICK = 3_000_000
_LONG_INPUT = 64 * 1024
_UNBOUNDED = ('"$ref"', '"$dynamicRef"', '"pattern"', '"patternProperties"', '"uniqueItems"', '"unevaluated')


class Misfit(NamedTuple):
    """Something in an input that its schema does not allow.

    Attributes:
        path: Where it is in the input.
        words: What is wrong.
    """

    path: list[str | int]
    words: str


def is_quick(schemas: str, text: str) -> bool:
    """Tell whether an input is sure to be held against its schema quickly."""
    return len(schemas) * len(text) <= _QUICK and not any(word in schemas for word in _UNBOUNDED)


def misfits(schemas: str, text: str) -> list[Misfit]:
    """Find what does not fit, at least the first of it.

    Args:
        schemas: Those of a version, as they are stored.
        text: The input, as JSON.
    """
    # A message quotes the value, and to make it takes as long as the value is.
    validator = _validator(schemas, "This value" if len(text) > _LONG_INPUT else None)
    value = msgspec.json.decode(text)
    if validator.is_valid(value):
        return []
    return [_misfit(error) for error in islice(validator.iter_errors(value), _MOST)]


@lru_cache(256)
def _validator(schemas: str, mask: str | None) -> jsonschema_rs.Validator:
    # By their text, which finds the validator of a version as well as its id, and needs nothing to be looked up.
    return compiled(msgspec.json.decode(schemas)["prediction"]["input"], mask=mask)


def _misfit(error: jsonschema_rs.ValidationError) -> Misfit:
    path = [part[:_LONGEST_PART] if isinstance(part, str) else part for part in error.instance_path]
    words = error.message
    return Misfit(path, words if len(words) <= _LONGEST_WORDS else f"{words[:_LONGEST_WORDS]} …")


def main() -> None:
    """Answer line by line, until there are no more."""
    for line in sys.stdin.buffer:
        schemas, value = msgspec.json.decode(line, type=tuple[str, msgspec.Raw])
        sys.stdout.buffer.write(msgspec.json.encode(misfits(schemas, bytes(value).decode())) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
