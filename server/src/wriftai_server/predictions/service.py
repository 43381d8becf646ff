"""Rules for predictions."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from wriftai.predictions import PredictionWithIO, Status
from wriftai_server.database.driver import Reader, Row, Transaction
from wriftai_server.database.values import new_id, now
from wriftai_server.http.caller import Caller
from wriftai_server.http.paging import Cut, Place, cut
from wriftai_server.http.problems import Problem, not_found
from wriftai_server.images import service as images
from wriftai_server.models import tallies
from wriftai_server.predictions import inputs, queue, store

KEY_TYPES = store.KEY_TYPES
UNFINISHED = frozenset({Status.pending, Status.started})


class Reference(NamedTuple):
    """Names a version by its model.

    Attributes:
        owner: Username.
        name: Of the model.
        number: Of the version; None is the latest.
    """

    owner: str
    name: str
    number: int | None = None


class Created(NamedTuple):
    """A new prediction.

    Attributes:
        prediction_id: UUID.
        hardware_id: UUID of what it waits for.
        version_id: UUID of what it runs.
    """

    prediction_id: str
    hardware_id: str
    version_id: str


def reference(text: str) -> Reference:
    """Take `owner/name` or `owner/name:number` apart."""
    owner, _, rest = text.partition("/")
    name, _, number = rest.partition(":")
    return Reference(owner, name, int(number) if number else None)


async def create(
    transaction: Transaction,
    caller: Caller,
    of: Reference | str,
    params: dict[str, Any],
    *,
    is_checked: bool,
    inspected: str | None = None,
) -> Created:
    """Put a prediction into the queue and count it.

    Args:
        transaction: Changes the rows.
        caller: Becomes its creator.
        of: The version to run, by its model or by its id.
        params: Checked `CreatePredictionParams`.
        is_checked: Whether the input is held against the version's schema.
        inspected: Schemas that it was held against before; None are none.

    Raises:
        Malformed: The input does not fit the schema.
        NeedsInspection: Whether it does is not to be found out here.
        Problem: 404, there is no such version that the caller may see; 409, it cannot run.
    """
    target = await _target(transaction, caller, of)
    if not await images.holds(transaction, model_id=target.model_id, digest=target.digest):
        raise Problem(
            409,
            f"The hub does not hold the image {target.digest} of this version, so it cannot run: push it with "
            "`wriftai push`.",
        )
    text = msgspec.json.encode(params["input"]).decode()
    if is_checked and target.schemas != inspected:
        inputs.check(target.schemas, text)
    created = Created(new_id(), target.hardware_id, str(target.version_id))
    webhook_url = params.get("webhook_url")
    await store.add(
        transaction,
        id=created.prediction_id,
        user_id=caller.id,
        model_id=target.model_id,
        version_id=created.version_id,
        hardware_id=created.hardware_id,
        input=text,
        webhook_url=webhook_url,
        hub_url=caller.hub_url if webhook_url else None,
        now=now(),
    )
    await tallies.add(transaction, model_id=target.model_id)
    return created


async def is_first(view: Reader, created: Created) -> bool:
    """Tell whether workers do not know yet that there is something to run; to be asked after the commit."""
    return await queue.is_first(view, **created._asdict())


async def get(view: Reader, caller: Caller, *, prediction_id: str) -> PredictionWithIO:
    """Find a prediction of the caller.

    Raises:
        Problem: 404, the caller has no such prediction.
    """
    viewer, hub_url = str(caller.id), caller.hub_url
    prediction = await store.get(view, viewer=viewer, prediction_id=prediction_id, hub_url=hub_url)
    if prediction is None:
        raise not_found("prediction")
    return prediction


async def has_ended(view: Reader, caller: Caller, *, prediction_id: str) -> bool:
    """Tell whether a prediction of the caller has ended; that costs little, however long it is.

    Raises:
        Problem: 404, the caller has no such prediction.
    """
    row = await state(view, caller, prediction_id=prediction_id)
    return row[3] not in UNFINISHED


async def state(view: Reader, caller: Caller, *, prediction_id: str) -> Row:
    """Find how a prediction of the caller stands: its columns, then its attempt.

    Raises:
        Problem: 404, the caller has no such prediction.
    """
    row = await store.state(view, viewer=str(caller.id), prediction_id=prediction_id)
    if row is None:
        raise not_found("prediction")
    return row


async def page(view: Reader, caller: Caller, place: Place, *, statuses: Sequence[str], size: int) -> Cut:
    """Cut a page out of the caller's predictions; no statuses are all of them."""
    rows = await store.page(view, place, viewer=str(caller.id), statuses=statuses or [*Status], limit=size + 1)
    return cut(rows, place, size, store.key_of)


async def cancel(transaction: Transaction, caller: Caller, *, prediction_id: str) -> None:
    """Cancel a prediction of the caller, or ask for it to be stopped; one that is cancelled stays so.

    Raises:
        Problem: 404, the caller has no such prediction; 409, it has ended otherwise.
    """
    row = await store.lock(transaction, viewer=str(caller.id), prediction_id=prediction_id)
    if row is None:
        raise not_found("prediction")
    status = Status(row[3])
    if status not in {*UNFINISHED, Status.cancelled}:
        raise Problem(409, f"This prediction has {status} already, so there is nothing to cancel.")
    await queue.cancel(transaction, prediction_id=prediction_id)


async def _target(view: Reader, caller: Caller, of: Reference | str) -> store.Target:
    viewer = str(caller.id)
    if isinstance(of, str):
        target = await store.version(view, viewer=viewer, version_id=of)
        if target is None:
            raise not_found("version")
        return target
    found = await store.named(view, viewer=viewer, **of._asdict())
    if found is None:
        raise not_found("model")
    if found.version_id is None and of.number is None:
        raise Problem(409, "This model has no version, so there is nothing to run: push one with `wriftai push`.")
    if found.version_id is None:
        raise not_found("version")
    return found
