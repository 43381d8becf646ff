"""Types that several modules share."""

import sys
from typing import Any, TypeAlias, Union

if sys.version_info >= (3, 11):
    from enum import StrEnum
    from typing import NotRequired
    from typing import TypedDict as TypedDict
else:
    from enum import Enum

    from typing_extensions import NotRequired
    from typing_extensions import TypedDict as TypedDict

    class StrEnum(str, Enum):
        """String enumeration whose members format as their values, as in Python 3.11."""

        def __str__(self) -> str:
            return str(self.value)


__all__ = [
    "Hardware",
    "JsonValue",
    "NotRequired",
    "SchemaIO",
    "Schemas",
    "SortDirection",
    "StrEnum",
    "User",
    "Version",
]

JsonValue: TypeAlias = Union[  # noqa: UP007  "X | Y" cannot name itself before Python 3.12
    bool, int, float, str, list["JsonValue"], dict[str, "JsonValue"], None
]
"""Whatever JSON (RFC 8259) can hold."""


class SortDirection(StrEnum):
    """Which end of an ordered list comes first."""

    ASC = "asc"
    DESC = "desc"


class User(TypedDict):
    """Someone with an account on the hub.

    Attributes:
        id: UUID; stays when the user is renamed.
        username: Handle, unique without regard to case.
        avatar_url: Where the picture is.
        name: Display name.
        bio: A few words in the user's own voice.
        urls: Links that the user chose to show.
        location: Free text.
        company: Free text.
        created_at: RFC 3339, UTC.
        updated_at: RFC 3339, UTC; None until the first change.
    """

    id: str
    username: str
    avatar_url: str
    name: str | None
    bio: str | None
    urls: list[str] | None
    location: str | None
    company: str | None
    created_at: str
    updated_at: str | None


class SchemaIO(TypedDict):
    """What goes into a prediction and what comes out.

    Attributes:
        input: JSON Schema, draft 2020-12.
        output: JSON Schema, draft 2020-12.
    """

    input: dict[str, Any]
    output: dict[str, Any]


class Schemas(TypedDict):
    """The interfaces of a version.

    Attributes:
        prediction: Input and output of a prediction.
    """

    prediction: SchemaIO


class Version(TypedDict):
    """An immutable state of a model.

    Attributes:
        id: UUID.
        release_notes: What is new, at most 255 characters.
        created_at: RFC 3339, UTC.
        schemas: JSON Schemas of its interfaces.
        container_image_digest: `sha256:` and 64 lowercase hexadecimal digits.
    """

    id: str
    release_notes: str
    created_at: str
    schemas: Schemas
    container_image_digest: str


class Hardware(TypedDict):
    """A kind of machine that models run on.

    Attributes:
        name: For people to read.
        identifier: For requests, such as `cpu`.
    """

    name: str
    identifier: str
