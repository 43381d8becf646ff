"""Rules for hardware."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from wriftai_server.database.driver import Reader, Transaction
from wriftai_server.database.values import new_id, timestamp
from wriftai_server.hardware import store
from wriftai_server.hardware.catalogue import Entry
from wriftai_server.http.paging import Cut, Place, cut
from wriftai_server.http.problems import malformed


async def page(view: Reader, place: Place, *, size: int) -> Cut:
    """Cut a page out of what the hub offers."""
    return cut(await store.page(view, place, limit=size + 1), place, size, store.key_of)


async def id_of(view: Reader, identifier: str) -> str:
    """Find the id of what is offered under an identifier.

    Raises:
        Malformed: Nothing is.
    """
    row = await store.find(view, identifier=identifier)
    if row is None:
        msg = f"There is no hardware '{identifier}': GET /v1/hardware lists what there is."
        raise malformed("body", "hardware_identifier", msg=msg, type="hardware_unknown")
    hardware_id: str = row[0]
    return hardware_id


async def offer_if_none(transaction: Transaction, catalogue: Callable[[], list[Entry]]) -> None:
    """Offer what a catalogue lists, unless something is offered already."""
    await _wait_turn(transaction)
    if not await store.page(transaction, Place(), limit=1):
        await _offer(transaction, catalogue())


async def offer(transaction: Transaction, catalogue: list[Entry]) -> None:
    """Offer just what a catalogue lists, in its order."""
    await _wait_turn(transaction)
    await _offer(transaction, catalogue)


async def _wait_turn(transaction: Transaction) -> None:
    # Several hubs start at once, and each finds that the others' entries are missing.
    await transaction.lock("what hardware is offered")


async def _offer(transaction: Transaction, catalogue: list[Entry]) -> None:
    moment = datetime.now(UTC)
    await store.withdraw_all(transaction)
    for entry in catalogue:
        moment += timedelta(microseconds=1)
        values = msgspec.structs.asdict(entry)
        del values["slots"]  # A matter between the operator and the workers.
        await store.offer(transaction, id=new_id(), created_at=timestamp(moment), **values)
