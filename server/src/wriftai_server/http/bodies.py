"""What bodies of requests are made of: the client's payloads, with the limits that the hub sets."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

__all__ = ["UNSET", "URL", "Body", "LongText", "ModelName", "Text", "UnsetType", "Username"]

# "$" also matches before a final line feed; the look-ahead keeps that out, in the dialects
# of Python and of ECMAScript.
_END = r"$(?!\n)"
_NO_CONTROL = r"[^\s\u0000-\u001f\u007f]"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s\u0000-\u001f\u007f/?#@:\\\[\]]+)"

Username = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9][A-Za-z0-9_-]{{0,62}}{_END}")]
ModelName = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,127}}{_END}")]
URL = Annotated[
    str,
    Meta(
        pattern=rf"^[Hh][Tt][Tt][Pp][Ss]?://{_HOST}(?::[0-9]{{1,5}})?(?:[/?#]{_NO_CONTROL}*)?{_END}",
        max_length=2048,
        description="Absolute http(s) URL.",
    ),
]
Text = Annotated[str, Meta(pattern=r"^[^\u0000]*$", max_length=255)]
LongText = Annotated[str, Meta(pattern=r"^[^\u0000]*$", max_length=10_000)]


class Body(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A JSON object with known fields and no others; those that may be left out are `UNSET` then."""

    def given(self) -> dict[str, Any]:
        """Give the fields that were sent, by name."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not UNSET}
