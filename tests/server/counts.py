"""Models on a database that several hubs have open, and what is shown of their counts of predictions."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy import func, select

from wriftai.models import ModelsSortBy
from wriftai_server.database import feed
from wriftai_server.database.driver import Database, Reader, Transaction
from wriftai_server.database.schema import prediction_tallies
from wriftai_server.database.statements import Statement
from wriftai_server.database.values import new_id, now
from wriftai_server.hardware import store as hardware
from wriftai_server.http.paging import Place
from wriftai_server.models import service, store, tallies
from wriftai_server.users import store as users

T = TypeVar("T")

_WAITING = Statement(select(func.count()).select_from(prediction_tallies))
_PAGE_SIZE = 2


class Counts:
    """Steps on a database, of any of the hubs that have it open.

    Args:
        runner: Runs the steps.
        hubs: All on the same database, which has nothing yet.
    """

    def __init__(self, runner: asyncio.Runner, hubs: Sequence[Database]) -> None:
        self._runner = runner
        self._hubs = hubs
        self._hardware = new_id()
        machine = {"gpus": 0, "cpus": 1, "ram_per_gpu_gb": 0, "ram_gb": 1}
        self._write(
            lambda transaction: hardware.offer(
                transaction, id=self._hardware, created_at=now(), identifier="cpu", name="CPU", **machine
            )
        )

    def add_user(self, username: str) -> str:
        """Add a user; give the id."""
        row = dict.fromkeys(("name", "bio", "urls", "location", "company", "updated_at"))
        user_id = new_id()
        self._write(
            lambda transaction: users.add(
                transaction, **row, id=user_id, username=username, is_admin=0, created_at=now()
            )
        )
        return user_id

    def add_model(self, owner_id: str, *, visibility: str = "public") -> str:
        """Add a model; give the id."""
        params = {"name": f"model-{new_id()}", "visibility": visibility}
        row = service.new_row(params, owner_id=owner_id, created_at=now())
        self._write(lambda transaction: store.add(transaction, **row, hardware_id=self._hardware))
        return str(row["id"])

    def remove_model(self, model_id: str) -> None:
        self._write(lambda transaction: store.remove(transaction, model_id=model_id))

    def count(self, *model_ids: str, hub: int = 0, fails: bool = False) -> None:
        """Count a prediction of each, in a transaction that comes to nothing if it fails."""

        async def step(transaction: Transaction) -> None:
            for model_id in model_ids:
                await tallies.add(transaction, model_id=model_id)
            if fails:
                raise InterruptedError

        with contextlib.suppress(InterruptedError):
            self._write(step, hub=hub)

    def settle(self, *, hub: int = 0) -> None:
        self._runner.run(tallies.settle(self._hubs[hub]))

    def settle_at_once(self) -> None:
        """Let all hubs settle together."""

        async def together() -> None:
            await asyncio.gather(*map(tallies.settle, self._hubs))

        self._runner.run(together())

    def shown(self, model_id: str) -> int | None:
        """Give the count of a model; None when it is gone."""
        row = self._read(lambda view: store.by_id(view, model_id=model_id))
        return None if row is None else int(row[9])

    def walk(
        self, *, viewer: str | None, owner_id: str | None, descending: bool, backward: bool
    ) -> list[tuple[int, str]]:
        """Read a list by its counts, page by page; give the counts and ids in its order."""

        async def step(view: Reader) -> list[tuple[int, str]]:
            place, met = Place(backward=backward), list[tuple[int, str]]()
            key_of = store.key_of(ModelsSortBy.PREDICTION_COUNT)
            while rows := await store.page(
                view,
                place,
                viewer=viewer,
                owner_id=owner_id,
                sort_by=ModelsSortBy.PREDICTION_COUNT,
                descending=descending,
                limit=_PAGE_SIZE,
            ):
                met += map(key_of, rows)
                assert len(met) == len(set(met))
                place = Place(met[-1], backward)
            return met[::-1] if backward else met

        return self._read(step)

    def waiting(self) -> int:
        """Give how many tallies are not settled."""
        row = self._read(lambda view: view.one(_WAITING))
        assert row is not None
        return int(row[0])

    def last_note(self) -> feed.Note:
        """Give the place in the feed where it is now."""
        return self._read(feed.last)

    def notes(self, since: feed.Note) -> Counter[str]:
        """Count the notes on each model since then."""
        found = self._read(lambda view: feed.after(view, since, limit=10_000))
        assert found is not None
        return Counter(note.subject_id for note in found)

    def _read(self, step: Callable[[Reader], Awaitable[T]], *, hub: int = 0) -> T:
        async def whole() -> T:
            async with self._hubs[hub].reading() as view:
                return await step(view)

        return self._runner.run(whole())

    def _write(self, step: Callable[[Transaction], Awaitable[T]], *, hub: int = 0) -> T:
        async def whole() -> T:
            async with self._hubs[hub].writing() as transaction:
                return await step(transaction)

        return self._runner.run(whole())
