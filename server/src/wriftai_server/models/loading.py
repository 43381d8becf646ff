"""Load a catalogue of models from lines of JSON."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from wriftai_server.database.driver import Database, Reader
from wriftai_server.database.values import fold, timestamp
from wriftai_server.hardware import service as hardware
from wriftai_server.http.bodies import decode, find_faults
from wriftai_server.http.problems import Malformed, malformed
from wriftai_server.models import service, store
from wriftai_server.models.bodies import CreateModel, OwnedModel
from wriftai_server.threads import apart
from wriftai_server.users import service as users
from wriftai_server.users import store as users_store

# It keeps a hub beside it from writing for a fifth of a second.
_BATCH = 2000
# Then the hub may write: on SQLite, who waits for that looks again within 5 ms.
_PAUSE_SECONDS = 0.006
# A batch that is stored meanwhile goes on then.
_YIELD_EVERY = 100
# So many rows more a database should be told of, which takes it half a second.
_MANY = 10_000


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


async def load(
    database: Database, lines: Iterable[bytes], *, owner: str | None, creates_owners: bool = False
) -> AsyncIterator[Batch]:
    """Add the models that their owners do not have yet, batch by batch.

    Each batch is stored whole or not at all. Started again after an interruption it goes on with what is missing.

    Args:
        database: May be in use by a running hub.
        lines: A `CreateModelParams` object each; blank ones do not count.
        owner: Username; None takes each line's own, under `owner`.
        creates_owners: Whether owners that are not there are added, without tokens.

    Raises:
        Problem: 404, there is no such user.
    """
    loading = _Loading(database, owner=owner, creates_owners=creates_owners)
    await loading.begin()
    created = 0
    async with aclosing(loading.batches(lines)) as batches:
        async for batch in batches:
            created += batch.created
            yield batch
    if created >= _MANY:
        await database.survey()


class _Prepared(NamedTuple):
    size: int
    rows: list[dict[str, Any]]
    bad: list[BadLine]


class _Loading:
    """Loads batches of lines; whatever they name is looked up once.

    Args:
        database: Takes the models.
        owner: Username; None takes each line's own.
        creates_owners: Whether owners that are not there are added.
    """

    def __init__(self, database: Database, *, owner: str | None, creates_owners: bool) -> None:
        self._database = database
        self._owner = owner
        self._creates_owners = creates_owners
        self._kind = OwnedModel if owner is None else CreateModel
        self._decoder = msgspec.json.Decoder(self._kind)
        self._hardware: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._new_owners: dict[str, str] = {}

    async def begin(self) -> None:
        """Find the owner of all models, if it is one.

        Raises:
            Problem: 404, there is no such user.
        """
        if self._owner is not None and not self._creates_owners:
            async with self._database.reading() as view:
                self._owners[fold(self._owner)] = await users.require_id(view, username=self._owner)

    async def batches(self, lines: Iterable[bytes]) -> AsyncGenerator[Batch, None]:
        """Store batches of lines, each while the next one is prepared."""
        numbered = enumerate(lines, 1)
        storing: asyncio.Task[Batch] | None = None
        try:
            # Where lines come from another program, that may take long.
            while some := await apart(lambda: list(islice(numbered, _BATCH)), name="lines"):
                prepared = await self._prepare(some)
                if storing is not None:
                    yield await storing
                storing = asyncio.create_task(self._store(prepared))
                await asyncio.sleep(0)  # It begins at once, and comes as far as it can without waiting.
            if storing is not None:
                yield await storing
        finally:
            if storing is not None:
                await asyncio.wait([storing])

    async def _prepare(self, some: list[tuple[int, bytes]]) -> _Prepared:
        checked: list[dict[str, Any]] = []
        bad: list[BadLine] = []
        async with self._database.reading() as view:
            for number, line in some:
                if text := line.removeprefix(b"\xef\xbb\xbf").strip():
                    try:
                        checked.append(await self._model(view, text))
                    except Malformed as error:
                        bad.append(BadLine(number, "; ".join(map(_sentence, error.detail))))
                if not number % _YIELD_EVERY:
                    await asyncio.sleep(0)
        if self._new_owners:
            await self._add_owners()
        moments = _moments()
        rows = [self._row(params, next(moments)) for params in checked]
        return _Prepared(sum(len(line) for _, line in some), rows, bad)

    async def _store(self, prepared: _Prepared) -> Batch:
        size, rows, bad = prepared
        created = await self._add(rows) if rows else 0
        await asyncio.sleep(_PAUSE_SECONDS)
        return Batch(size, created, len(rows) - created, bad)

    async def _model(self, view: Reader, text: bytes) -> dict[str, Any]:
        params = self._checked(text)
        identifier = params["hardware_identifier"]
        if identifier not in self._hardware:
            self._hardware[identifier] = await hardware.id_of(view, identifier)
        username = params.setdefault("owner", self._owner or "")
        if fold(username) not in self._owners:
            await self._find_owner(view, username)
        return params

    def _checked(self, text: bytes) -> dict[str, Any]:
        try:
            return self._decoder.decode(text).given()
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            value = decode(text, what="line")
            if faults := list(find_faults(self._kind, value, ())):
                raise Malformed(faults) from None
            # A field is there twice and only the last is good; that counts, as in a request.
            return msgspec.convert(value, self._kind).given()

    async def _find_owner(self, view: Reader, username: str) -> None:
        row = await users_store.find(view, username=username)
        if row is not None:
            self._owners[fold(username)] = row[0]
        elif self._creates_owners:
            self._new_owners.setdefault(fold(username), username)
        else:
            msg = f"There is no user '{username}': --create-owners adds those that are missing."
            raise malformed("owner", msg=msg, type="owner_unknown")

    async def _add_owners(self) -> None:
        async with self._database.writing() as transaction:
            await transaction.lock("import")
            for username in self._new_owners.values():
                self._owners[fold(username)] = await users.find_or_add(transaction, username=username)
        self._new_owners.clear()

    async def _add(self, rows: list[dict[str, Any]]) -> int:
        async with self._database.writing() as transaction:
            # Two imports with the same names in another order would each wait for the other.
            await transaction.lock("import")
            return await store.add_new(transaction, rows)

    def _row(self, params: dict[str, Any], created_at: str) -> dict[str, Any]:
        owner_id = self._owners[fold(params["owner"])]
        row = service.new_row(params, owner_id=owner_id, created_at=created_at)
        row["hardware_id"] = self._hardware[params["hardware_identifier"]]
        return row


def _sentence(fault: dict[str, Any]) -> str:
    return ": ".join([*(str(part) for part in fault["loc"] if part != "body"), fault["msg"].rstrip(".")])


def _moments() -> Iterator[str]:
    """Count up in microseconds, so that the order of creation is the order of the lines."""
    moment = datetime.now(UTC)
    while True:
        second = timestamp(moment).partition(".")[0]
        for microsecond in range(moment.microsecond, 1_000_000):
            yield f"{second}.{microsecond:06}Z"
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
