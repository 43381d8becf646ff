"""Models as they are shown."""

from wriftai.models import Model
from wriftai_server.database.driver import Row
from wriftai_server.database.schema import hardware, models
from wriftai_server.wire import users, versions

_OWN = (
    models.c.id,
    models.c.name,
    models.c.created_at,
    models.c.visibility,
    models.c.description,
    models.c.updated_at,
    models.c.source_url,
    models.c.license_url,
    models.c.paper_url,
    models.c.predictions_count,
    hardware.c.name.label("hardware_name"),
    hardware.c.identifier,
)
_OWNER_AT = len(_OWN)
_VERSION_AT = _OWNER_AT + len(users.COLUMNS)
COLUMNS = (*_OWN, *users.COLUMNS, *versions.COLUMNS)


def shown(row: Row, hub_url: str) -> Model:
    """Show a row as a model.

    Args:
        row: In the order of `COLUMNS`.
        hub_url: Address of the hub.
    """
    version = row[_VERSION_AT:]
    return {
        "id": row[0],
        "name": row[1],
        "created_at": row[2],
        "visibility": row[3],
        "description": row[4],
        "updated_at": row[5],
        "source_url": row[6],
        "license_url": row[7],
        "paper_url": row[8],
        "owner": users.shown(row[_OWNER_AT:_VERSION_AT], hub_url),
        "latest_version": None if version[0] is None else versions.shown(version),
        "hardware": {"name": row[10], "identifier": row[11]},
        "predictions_count": row[9],
    }
