"""Versions as they are shown."""

from typing import Any

import msgspec

from wriftai.common_types import Version
from wriftai_server.database.driver import Row
from wriftai_server.database.schema import versions


class NumberedVersion(Version):
    """A version with its number in the model, from 1 on."""

    number: int


COLUMNS = (
    versions.c.id,
    versions.c.number,
    versions.c.release_notes,
    versions.c.schemas,
    versions.c.container_image_digest,
    versions.c.created_at,
)


def shown(row: Row) -> NumberedVersion:
    """Show a row as a version.

    Args:
        row: In the order of `COLUMNS`; what follows them does not matter.
    """
    stored: Any = msgspec.Raw(row[3].encode())  # Goes out as it was stored, without being taken apart.
    return {
        "id": row[0],
        "number": row[1],
        "release_notes": row[2],
        "schemas": stored,
        "container_image_digest": row[4],
        "created_at": row[5],
    }
