"""Rules for versions."""

from typing import Any

import msgspec

from wriftai_server.database.driver import Reader, Transaction
from wriftai_server.database.values import new_id, now
from wriftai_server.http.caller import Caller
from wriftai_server.http.paging import Cut, Place, cut
from wriftai_server.http.problems import forbidden, not_found
from wriftai_server.models import service as models
from wriftai_server.models import store as models_store
from wriftai_server.versions import store
from wriftai_server.versions.schemas import check
from wriftai_server.wire.versions import NumberedVersion, shown


async def get(view: Reader, caller: Caller, *, version_id: str) -> NumberedVersion:
    """Find a version by id.

    Raises:
        Problem: 404, there is none that the caller may see.
    """
    row = await store.get(view, viewer=caller.id, version_id=version_id)
    if row is None:
        raise not_found("version")
    return shown(row)


async def get_numbered(view: Reader, caller: Caller, *, owner: str, name: str, number: int) -> NumberedVersion:
    """Find a version of a model by its number.

    Raises:
        Problem: 404, there is none that the caller may see.
    """
    model_id, _ = await models.find_visible(view, caller, owner=owner, name=name)
    row = await store.by_number(view, model_id=model_id, number=number)
    if row is None:
        raise not_found("version")
    return shown(row)


async def page(view: Reader, place: Place, *, model_id: str, size: int) -> Cut:
    """Cut a page out of a model's versions."""
    rows = await store.page(view, place, model_id=model_id, limit=size + 1)
    return cut(rows, place, size, store.key_of)


async def create(
    transaction: Transaction, caller: Caller, *, owner: str, name: str, params: dict[str, Any], is_checked: bool
) -> NumberedVersion:
    """Add a version to a model that the caller owns; it becomes the latest.

    Args:
        transaction: Changes the rows.
        caller: Must own the model.
        owner: Username.
        name: Of the model.
        params: Checked `CreateVersionParams`.
        is_checked: Whether the schemas are compiled to see that they can be.

    Raises:
        Problem: 404 or 403.
        Malformed: A schema is not a JSON Schema, or not whole in itself, or too large.
        NeedsInspection: Whether one is that is not to be found out here.
    """
    model_id = await models.lock_owned(transaction, caller, owner=owner, name=name)
    schemas = msgspec.to_builtins(params["schemas"])
    if is_checked:
        check(schemas["prediction"], "body", "schemas", "prediction")
    version_id = new_id()
    await store.add(
        transaction,
        id=version_id,
        model_id=model_id,
        number=await models_store.next_version_number(transaction, model_id=model_id),
        release_notes=params["release_notes"],
        schemas=msgspec.json.encode(schemas).decode(),
        container_image_digest=params["container_image_digest"],
        created_at=now(),
    )
    return await get(transaction, caller, version_id=version_id)


async def remove(transaction: Transaction, caller: Caller, *, version_id: str) -> None:
    """Remove a version of a model that the caller owns; the newest that is left becomes the latest.

    Raises:
        Problem: 404 or 403.
    """
    row = await store.get(transaction, viewer=caller.id, version_id=version_id)
    if row is None:
        raise not_found("version")
    *_, model_id, owner_id = row
    if owner_id != caller.id:
        raise forbidden("version")
    # Of two who remove the newest versions, the second has to see what the first has left.
    is_there = await models_store.lock(transaction, model_id=model_id)
    if not is_there or not await store.remove(transaction, version_id=version_id):
        raise not_found("version")
    await models_store.find_latest_version(transaction, model_id=model_id)
