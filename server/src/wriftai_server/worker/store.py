"""Rows that a worker asks for, beside those of the queue."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Integer, bindparam, delete, null, select, update

from wriftai_server.database.driver import Reader, Transaction
from wriftai_server.database.schema import hardware, models, prediction_events, predictions, versions
from wriftai_server.database.statements import Statement


class Version(NamedTuple):
    """What a worker has to know of a version to run it.

    Attributes:
        model_id: UUID of the model that it is a version of.
        owner_id: UUID of the user whose model that is.
        digest: Of the manifest of its image, as `sha256:…`.
    """

    model_id: str
    owner_id: str
    digest: str


_VERSION = Statement(
    select(versions.c.model_id, models.c.owner_id, versions.c.container_image_digest)
    .join(models, models.c.id == versions.c.model_id)
    .where(versions.c.id == bindparam("version_id"))
)
_HARDWARE = Statement(select(hardware.c.identifier, hardware.c.id))
_DIGESTS = Statement(select(versions.c.container_image_digest).distinct())
_KEPT = (predictions.c.input.is_not(None), predictions.c.finished_at < bindparam("before"))
_OLD = Statement(
    select(predictions.c.id)
    .where(*_KEPT)
    .order_by(predictions.c.finished_at)
    .limit(bindparam("most", type_=Integer()))
    .with_for_update(key_share=True, skip_locked=True)  # Several may tidy up at once.
)
_FORGET = Statement(
    update(predictions).where(predictions.c.id == bindparam("prediction_id")).values(input=null(), output=null())
)
_FORGET_EVENTS = Statement(
    delete(prediction_events).where(prediction_events.c.prediction_id == bindparam("prediction_id"))
)


async def version(view: Reader, version_id: str) -> Version | None:
    """Find a version; None when it is gone."""
    row = await view.one(_VERSION, version_id=version_id)
    return None if row is None else Version(*row)


async def hardware_ids(view: Reader) -> dict[str, str]:
    """Give the UUIDs of all hardware that the hub offers, by identifier."""
    return {row[0]: row[1] for row in await view.all(_HARDWARE)}


async def digests(view: Reader) -> set[str]:
    """Give the digests of the images of all versions that there are."""
    return {row[0] for row in await view.all(_DIGESTS)}


async def forget(transaction: Transaction, *, before: str, limit: int) -> int:
    """Remove input, output and events of predictions that ended before a time; give how many these are.

    Args:
        transaction: Changes the rows; those that others change just now are left for later.
        before: In ISO 8601, in UTC; what ended later stays whole.
        limit: How many predictions at most; those that ended first come first.
    """
    old: Sequence[dict[str, Any]] = [
        {"prediction_id": row[0]} for row in await transaction.all(_OLD, before=before, most=limit)
    ]
    await transaction.execute_many(_FORGET_EVENTS, old)
    await transaction.execute_many(_FORGET, old)
    return len(old)
