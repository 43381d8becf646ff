"""Rules for models."""

from typing import Any

from wriftai.models import Model, ModelsSortBy
from wriftai_server.database.driver import Reader, Row, Transaction, UniqueViolation
from wriftai_server.database.values import new_id, now
from wriftai_server.hardware import service as hardware
from wriftai_server.http.caller import Caller
from wriftai_server.http.paging import Cut, Place, cut
from wriftai_server.http.problems import Problem, forbidden, not_found
from wriftai_server.models import store
from wriftai_server.users import store as users_store
from wriftai_server.wire.models import shown

sort_key_types = store.sort_key_types


async def get(view: Reader, caller: Caller, *, owner: str, name: str) -> Model:
    """Find a model.

    Raises:
        Problem: 404, there is none that the caller may see.
    """
    row = await store.get(view, viewer=caller.id, owner=owner, name=name)
    if row is None:
        raise not_found("model")
    return shown(row, caller.hub_url)


async def owner_id(view: Reader, owner: str) -> str:
    """Find the id of an owner.

    Raises:
        Problem: 404, there is no such user.
    """
    row = await users_store.find(view, username=owner)
    if row is None:
        raise not_found("user")
    user_id: str = row[0]
    return user_id


async def page(
    view: Reader,
    caller: Caller,
    place: Place,
    *,
    owner_id: str | None,
    sort_by: ModelsSortBy,
    descending: bool,
    size: int,
) -> Cut:
    """Cut a page out of the models that the caller may see.

    Args:
        view: Runs the queries.
        caller: Who looks.
        place: Where to start.
        owner_id: Whose models; None is everyone's.
        sort_by: What to order by.
        descending: Largest first.
        size: How many at most.
    """
    rows = await store.page(
        view,
        place,
        viewer=caller.id,
        owner_id=owner_id,
        sort_by=sort_by,
        descending=descending,
        limit=size + 1,
    )
    return cut(rows, place, size, store.key_of(sort_by))


async def create(transaction: Transaction, caller: Caller, params: dict[str, Any]) -> Model:
    """Add a model that the caller owns.

    Args:
        transaction: Changes the rows.
        caller: Becomes the owner.
        params: Checked `CreateModelParams`.

    Raises:
        Malformed: There is no such hardware.
        Problem: 409, the caller has a model of that name.
    """
    row = new_row(params, owner_id=str(caller.id), created_at=now())
    row["hardware_id"] = await hardware.id_of(transaction, params["hardware_identifier"])
    try:
        await store.add(transaction, **row)
    except UniqueViolation:
        raise _taken(params["name"]) from None
    return await _get_by_id(transaction, caller, model_id=row["id"])


def new_row(params: dict[str, Any], *, owner_id: str, created_at: str) -> dict[str, Any]:
    """Make the row of a new model, all but its hardware."""
    return {
        "id": new_id(),
        "owner_id": owner_id,
        "name": params["name"],
        "visibility": str(params.get("visibility", "private")),
        "created_at": created_at,
        "description": params.get("description"),
        "source_url": params.get("source_url"),
        "license_url": params.get("license_url"),
        "paper_url": params.get("paper_url"),
    }


async def change(
    transaction: Transaction, caller: Caller, *, owner: str, name: str, changes: dict[str, Any]
) -> Model:
    """Change a model that the caller owns.

    Args:
        transaction: Changes the rows.
        caller: Must be the owner.
        owner: Username.
        name: Of the model, before a rename.
        changes: Checked `UpdateModelParams`.

    Raises:
        Malformed: There is no such hardware.
        Problem: 404, 403, or 409 for a name that is taken.
    """
    model_id = await lock_owned(transaction, caller, owner=owner, name=name)
    columns = dict(changes)
    if "hardware_identifier" in columns:
        identifier = columns.pop("hardware_identifier")
        kept = (await _get_by_id(transaction, caller, model_id=model_id))["hardware"]["identifier"]
        # A model may stay on hardware that was withdrawn since.
        if identifier != kept:
            columns["hardware_id"] = await hardware.id_of(transaction, identifier)
    if "visibility" in columns:
        columns["visibility"] = str(columns["visibility"])
    if changes:
        try:
            await store.change(transaction, model_id=model_id, updated_at=now(), **columns)
        except UniqueViolation:
            raise _taken(changes["name"]) from None
    return await _get_by_id(transaction, caller, model_id=model_id)


async def remove(transaction: Transaction, caller: Caller, *, owner: str, name: str) -> None:
    """Remove a model that the caller owns, with its versions.

    Raises:
        Problem: 404 or 403.
    """
    model_id = await lock_owned(transaction, caller, owner=owner, name=name)
    await store.remove(transaction, model_id=model_id)


async def find_visible(view: Reader, caller: Caller, *, owner: str, name: str) -> tuple[str, bool]:
    """Find the id of a model, and whether the caller owns it.

    Raises:
        Problem: 404, there is none that the caller may see.
    """
    return _visible(await store.find_identity(view, viewer=caller.id, owner=owner, name=name), caller)


async def find_owned(view: Reader, caller: Caller, *, owner: str, name: str) -> str:
    """Find the id of a model that the caller owns.

    Raises:
        Problem: 404, or 403 when the caller sees it and does not own it.
    """
    return _own(await find_visible(view, caller, owner=owner, name=name))


async def lock_owned(transaction: Transaction, caller: Caller, *, owner: str, name: str) -> str:
    """Find the id of a model that the caller owns, to change it or what belongs to it.

    Whoever does so locks the model before anything else: what is read of it stays true until the transaction
    ends, nobody removes it meanwhile, and two who change it cannot wait for each other.

    Raises:
        Problem: 404, or 403 when the caller sees it and does not own it.
    """
    row = await store.lock_named(transaction, viewer=caller.id, owner=owner, name=name)
    return _own(_visible(row, caller))


def _visible(row: Row | None, caller: Caller) -> tuple[str, bool]:
    if row is None:
        raise not_found("model")
    return row[0], row[1] == caller.id


def _own(found: tuple[str, bool]) -> str:
    model_id, is_owner = found
    if not is_owner:
        raise forbidden("model")
    return model_id


async def _get_by_id(transaction: Transaction, caller: Caller, *, model_id: str) -> Model:
    # By id: the caller may have been renamed while the request waited for its turn.
    row = await store.by_id(transaction, model_id=model_id)
    if row is None:
        raise not_found("model")
    return shown(row, caller.hub_url)


def _taken(name: str) -> Problem:
    return Problem(409, f"You have a model named '{name}' already: choose another name, or update that one.")
