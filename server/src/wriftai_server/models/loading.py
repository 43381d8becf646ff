"""Load a catalogue of models from lines of JSON."""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from wriftai_server.database.driver import Database, UniqueViolation
from wriftai_server.database.values import timestamp
from wriftai_server.hardware import service as hardware
from wriftai_server.http.bodies import decoded, faults_of
from wriftai_server.http.problems import Malformed
from wriftai_server.models import service, store
from wriftai_server.models.bodies import CreateModel
from wriftai_server.users import service as users

_BATCH = 1000

_decoder = msgspec.json.Decoder(CreateModel)


class BadLine(NamedTuple):
    """A line that is not a model.

    Attributes:
        number: From 1 on.
        reason: What is wrong with it.
    """

    number: int
    reason: str


class Batch(NamedTuple):
    """What became of some lines.

    Attributes:
        size: Their length in bytes.
        created: Models that are new.
        present: Models whose names the owner has already; they stay as they are.
        bad: Lines that are not models.
    """

    size: int
    created: int
    present: int
    bad: list[BadLine]


async def load(database: Database, lines: Iterable[bytes], *, owner: str) -> AsyncIterator[Batch]:
    """Add the models that an owner does not have yet, batch by batch.

    Each batch is stored whole or not at all. Started again after an interruption it goes on with what is missing.

    Args:
        database: May be in use by a running hub.
        lines: A `CreateModelParams` object each; blank ones do not count.
        owner: Username.

    Raises:
        Problem: 404, there is no such user.
    """
    async with database.reading() as view:
        owner_id = await users.known(view, username=owner)
    known: dict[str, str] = {}
    numbered = enumerate(lines, 1)
    while some := list(islice(numbered, _BATCH)):
        bad: list[BadLine] = []
        async with database.reading() as view:
            rows = [row async for row in _rows(view, some, owner_id, known, bad)]
        created = await _add(database, rows, owner_id) if rows else 0
        yield Batch(sum(len(line) for _, line in some), created, len(rows) - created, bad)


async def _add(database: Database, rows: list[dict[str, Any]], owner_id: str) -> int:
    while True:
        try:
            async with database.writing() as transaction:
                await transaction.lock(f"import of {owner_id}")
                return await store.add_new(transaction, rows)
        except UniqueViolation:
            # The owner has just created one of them otherwise. Its name is looked for again, and found now.
            continue


async def _rows(
    view: Any, some: list[tuple[int, bytes]], owner_id: str, known: dict[str, str], bad: list[BadLine]
) -> AsyncIterator[dict[str, Any]]:
    moments = _moments()
    for number, line in some:
        text = line.removeprefix(b"\xef\xbb\xbf").strip()
        if not text:
            continue
        try:
            params = _checked(text)
            identifier = params["hardware_identifier"]
            if identifier not in known:
                known[identifier] = await hardware.id_of(view, identifier)
        except Malformed as error:
            bad.append(BadLine(number, "; ".join(map(_sentence, error.detail))))
        else:
            row = service.new_row(params, owner_id=owner_id, created_at=next(moments))
            yield {**row, "hardware_id": known[identifier]}


def _checked(text: bytes) -> dict[str, Any]:
    try:
        return _decoder.decode(text).given()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        value = decoded(text)
        if faults := list(faults_of(CreateModel, value, ())):
            raise Malformed(faults) from None
        # A field is there twice and only the last is good; that counts, as in a request.
        return msgspec.convert(value, CreateModel).given()


def _sentence(fault: dict[str, Any]) -> str:
    return ": ".join([*(str(part) for part in fault["loc"] if part != "body"), fault["msg"].rstrip(".")])


def _moments() -> Iterator[str]:
    """Count up in microseconds, so that the order of creation is the order of the lines."""
    moment = datetime.now(UTC)
    while True:
        yield timestamp(moment)
        moment += timedelta(microseconds=1)
