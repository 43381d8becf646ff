"""What bodies of requests are made of: the client's payloads, with the limits that the hub sets.

A body that does not fit is refused with its faults, each with its place.
"""

from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Annotated, Any, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wriftai_server.http.patterns import DIGEST, MODEL_NAME, USERNAME, WITHOUT_NUL, anchor
from wriftai_server.http.problems import Fault, malformed

__all__ = [
    "UNSET",
    "URL",
    "Body",
    "Digest",
    "LongText",
    "ModelName",
    "Text",
    "UnsetType",
    "Username",
]

_NO_CONTROL = r"[^\s\u0000-\u001f\u007f]"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s\u0000-\u001f\u007f/?#@:\\\[\]]+)"

Username = Annotated[
    str,
    Meta(
        pattern=anchor(USERNAME),
        description="1 to 63 letters, digits, underscores and dashes, the first a letter or digit.",
    ),
]
ModelName = Annotated[
    str,
    Meta(
        pattern=anchor(MODEL_NAME),
        description="1 to 128 letters, digits, dots, underscores and dashes, the first a letter or digit.",
    ),
]
Digest = Annotated[
    str,
    Meta(pattern=anchor(DIGEST), description="`sha256:` and 64 lowercase hexadecimal digits."),
]
URL = Annotated[
    str,
    Meta(
        pattern=anchor(rf"[Hh][Tt][Tt][Pp][Ss]?://{_HOST}(?::[0-9]{{1,5}})?(?:[/?#]{_NO_CONTROL}*)?"),
        max_length=2048,
        description="Absolute http(s) URL of at most 2,048 characters.",
    ),
]
_LONGEST_NAME, _LONGEST_WORDS = 200, 500
Text = Annotated[
    str,
    Meta(pattern=WITHOUT_NUL, max_length=255, description="At most 255 characters, none of them U+0000."),
]
LongText = Annotated[
    str,
    Meta(
        pattern=WITHOUT_NUL,
        max_length=10_000,
        description="At most 10,000 characters, none of them U+0000.",
    ),
]


class Body(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A JSON object with known fields and no others; those that may be left out are `UNSET` then."""

    def given(self) -> dict[str, Any]:
        """Give the fields that were sent, by name."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}


def decode(text: bytes, *, what: str = "body") -> Any:
    """Decode JSON.

    Args:
        text: To be decoded.
        what: That is, for people.

    Raises:
        Malformed: It is not JSON in UTF-8, or nested too deeply.
    """
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise malformed("body", msg=f"The {what} is nested too deeply.", type="json_invalid") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed("body", msg=f"The {what} is not JSON in UTF-8: {error}", type="json_invalid") from None


def find_faults(kind: Any, value: Any, loc: tuple[str | int, ...]) -> Iterator[Fault]:
    """Find what is wrong with a value, one after the other.

    Args:
        kind: What it should be: a `Body`, or any type that msgspec checks.
        value: Decoded JSON.
        loc: Where it is.
    """
    if not (isinstance(kind, type) and issubclass(kind, Body) and isinstance(value, dict)):
        yield from _fault_of(kind, value, loc)
        return
    fields = _fields(kind)
    for name in (name for name in value if name not in fields):
        msg = f"There is no such field here; there are: {', '.join(fields)}."
        yield Fault((*loc, name[:_LONGEST_NAME]), msg, "field_unknown")
    for name, field in fields.items():
        if name in value:
            yield from find_faults(field.type, value[name], (*loc, name))
        elif field.required:
            yield Fault((*loc, name), "This field is missing.", "field_missing")


@cache
def _fields(kind: type[Body]) -> dict[str, msgspec.structs.FieldInfo]:
    # Finding them takes longer than all else that is done to a small body.
    return {field.name: field for field in msgspec.structs.fields(kind)}


def _fault_of(kind: Any, value: Any, loc: tuple[str | int, ...]) -> Iterator[Fault]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        reason, _, place = str(error)[:_LONGEST_WORDS].partition(" - at ")
        described = _description(kind) if "regex" in reason or "length" in reason else None
        choices = _choices(kind) if "enum" in reason else ""
        msg = f"Expected: {described}" if described else f"{reason}{f' (at {place})' if place else ''}{choices}."
        yield Fault(loc, msg, "value_invalid")


def _choices(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f": choose one of {', '.join(str(each.value) for each in kind)}"
    return next((found for part in get_args(kind) if (found := _choices(part))), "")


def _description(kind: Any) -> str | None:
    if isinstance(kind, Meta):
        return kind.description
    parts = (*getattr(kind, "__metadata__", ()), *get_args(kind))
    return next((found for part in parts if (found := _description(part))), None)
