"""Models as they are shown."""

from collections.abc import Iterable

from sqlalchemy import func, select

from wriftai.common_types import User
from wriftai.models import Model
from wriftai_server.database.driver import Row
from wriftai_server.database.schema import hardware, models, prediction_tallies
from wriftai_server.wire import users, versions

_tallies = (
    select(func.count())
    .select_from(prediction_tallies)
    .where(prediction_tallies.c.model_id == models.c.id)
    .correlate(models)
    .scalar_subquery()
)

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
    (models.c.predictions_count + _tallies).label("predictions_count"),
    hardware.c.name.label("hardware_name"),
    hardware.c.identifier,
)
OWNER_AT = len(_OWN)
_VERSION_AT = OWNER_AT + len(users.COLUMNS)
COLUMNS = (*_OWN, *users.COLUMNS, *versions.COLUMNS)


def shown(row: Row, hub_url: str, owners: dict[str, User] | None = None) -> Model:
    """Show a row as a model.

    Args:
        row: In the order of `COLUMNS`.
        hub_url: Address of the hub.
        owners: Users that were shown with other rows, by id; one that is not among them is added.
    """
    owner = owners.get(row[OWNER_AT]) if owners else None
    if owner is None:
        owner = users.shown(row[OWNER_AT:_VERSION_AT], hub_url)
        if owners is not None:
            owners[owner["id"]] = owner
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
        "owner": owner,
        "latest_version": None if row[_VERSION_AT] is None else versions.shown(row[_VERSION_AT:]),
        "hardware": {"name": row[10], "identifier": row[11]},
        "predictions_count": row[9],
    }


def shown_all(rows: Iterable[Row], hub_url: str) -> list[Model]:
    """Show rows as models; a page often holds many of one owner."""
    owners: dict[str, User] = {}
    return [shown(row, hub_url, owners) for row in rows]
