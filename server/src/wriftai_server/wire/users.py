"""Users as they are shown."""

import msgspec

from wriftai.common_types import User
from wriftai_server.database.driver import Row
from wriftai_server.database.schema import users

COLUMNS = (
    users.c.id,
    users.c.username,
    users.c.name,
    users.c.bio,
    users.c.urls,
    users.c.location,
    users.c.company,
    users.c.created_at,
    users.c.updated_at,
)


def shown(row: Row, hub_url: str) -> User:
    """Show a row as a user.

    Args:
        row: In the order of `COLUMNS`.
        hub_url: Address of the hub, for the picture.
    """
    return {
        "id": row[0],
        "username": row[1],
        "avatar_url": f"{hub_url}/avatars/{row[0]}.svg",
        "name": row[2],
        "bio": row[3],
        "urls": None if row[4] is None else msgspec.json.decode(row[4]),
        "location": row[5],
        "company": row[6],
        "created_at": row[7],
        "updated_at": row[8],
    }
