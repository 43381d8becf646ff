"""The slots of one kind of hardware: who is in them, and what they run."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from wriftai.predictions import TaskError
from wriftai_server.database.driver import DatabaseUnavailable
from wriftai_server.logs import Outage
from wriftai_server.predictions.claims import Claim, Outcome
from wriftai_server.settings import WorkerSettings
from wriftai_server.worker.claims import Claims
from wriftai_server.worker.engines.local import Broken, Runtime, internal
from wriftai_server.worker.loading import Loader
from wriftai_server.worker.runs import Run, Stop
from wriftai_server.worker.schedule import Demand, Load, Phase, Rules, Serve, Slot, Unload, Yield, decide
from wriftai_server.worker.scribe import Scribe
from wriftai_server.worker.versions import Versions

_LOADING, _RUNNING = "loading", "running"
_RETRY_SECONDS = 1.0
_END_SECONDS = 10.0
_MOST_REMEMBERED = 10_000

_log = structlog.get_logger()


class Seat:
    """A slot, with what goes on in it.

    Attributes:
        runs: What its runtime runs, or is loaded for, by the ids of attempts.
        reserved: How many predictions are being claimed for it.
        is_yielding: Whether it is to run empty.
    """

    def __init__(self) -> None:
        self.phase = Phase.FREE
        self.version = ""
        self.runtime: Runtime | None = None
        self.runs: dict[str, Run] = {}
        self.reserved = 0
        self.is_yielding = False
        self.ready_at = self.used_at = self.load_seconds = 0.0

    @property
    def room(self) -> int:
        """How many more predictions it takes."""
        if self.phase is not Phase.READY or self.runtime is None or not self.runtime.is_alive:
            return 0
        return max(0, self.runtime.program.concurrency - len(self.runs) - self.reserved)

    def shown(self) -> Slot:
        """Show it to the schedule."""
        running = len(self.runs) + self.reserved
        return Slot(self.phase, self.version, running, self.room, self.ready_at, self.used_at, self.load_seconds)


class Pool:
    """Runs the predictions that wait for one kind of hardware.

    Args:
        hardware_id: UUID of the hardware.
        capacity: How many runtimes there are at most.
        claims: Takes predictions, and brings them back.
        versions: Tells what a version is.
        loader: Starts runtimes.
        scribe: Stores what they say.
        settings: Bound them.
        wake: Called when it is time for a turn.
    """

    def __init__(
        self,
        hardware_id: str,
        capacity: int,
        *,
        claims: Claims,
        versions: Versions,
        loader: Loader,
        scribe: Scribe,
        settings: WorkerSettings,
        wake: Callable[[], None],
    ) -> None:
        self._hardware_id = hardware_id
        self._seats = [Seat() for _ in range(capacity)]
        self._claims = claims
        self._versions = versions
        self._loader = loader
        self._scribe = scribe
        self._settings = settings
        self._wake = wake
        self._rules = Rules(idle_seconds=settings.idle_seconds)
        self._served: dict[str, float] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closing = False
        # Whether the last turn left versions without a place, so that they wait for the first one that is free.
        self._is_short = False

    @property
    def runs(self) -> dict[str, Run]:
        """All that runs, or waits for its runtime to be loaded, by the ids of attempts."""
        return {attempt_id: run for seat in self._seats for attempt_id, run in seat.runs.items()}

    @property
    def kept(self) -> list[Path]:
        """The folders that runtimes have open."""
        return [path for seat in self._seats if seat.runtime is not None for path in seat.runtime.program.kept]

    async def turn(self) -> None:
        """Do what is to be done now.

        Raises:
            DatabaseUnavailable: Nothing can be claimed now.
        """
        for seat in self._seats:
            if seat.phase is Phase.READY and seat.runtime is not None and not seat.runtime.is_alive:
                self._vacate(seat)
        demands = await self._demands()
        now = time.time()
        steps = decide(now, [seat.shown() for seat in self._seats], demands, self._served, self._rules)
        for seat in self._seats:
            seat.is_yielding = False
        helped = {step.version for step in steps if isinstance(step, Load)} | {
            self._seats[step.slot].version for step in steps if isinstance(step, Serve)
        }
        self._is_short = any(demand.version not in helped for demand in demands)
        for step in steps:
            seat = self._seats[step.slot]
            match step:
                case Serve():
                    await self._serve(seat)
                case Load(version=version):
                    await self._load(seat, version)
                case Yield():
                    seat.is_yielding = True
                case Unload():
                    self._vacate(seat)

    async def close(self, grace_seconds: float) -> None:
        """Claim nothing more, let what runs end for a while, and give back what does not."""
        self._is_closing = True
        for task in self._named(_LOADING):
            task.cancel()
        if running := self._named(_RUNNING):
            await asyncio.wait(running, timeout=grace_seconds)
        for seat in self._seats:
            if seat.phase is Phase.READY:
                self._vacate(seat)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_END_SECONDS)
            for task in late:
                task.cancel()

    def stop(self, run: Run, why: Stop) -> None:
        """Have a run stop, if it is one of this pool."""
        for seat in self._seats:
            if seat.runs.get(run.claim.attempt_id) is run and run.stop is None:
                run.end(why)
                if seat.phase is Phase.LOADING:
                    del seat.runs[run.claim.attempt_id]
                    self._begin(self._settle(run, run.cut()))

    async def _demands(self) -> list[Demand]:
        if self._is_closing:
            return []
        waiting = await self._claims.waiting(self._hardware_id)
        return [
            Demand(
                version_id, await self._versions.model_of(version_id), datetime.fromisoformat(since).timestamp()
            )
            for version_id, since in waiting
        ]

    async def _serve(self, seat: Seat) -> None:
        runtime = seat.runtime
        self._run_all(seat, runtime, await self._take(seat, seat.version, seat.room))

    async def _load(self, seat: Seat, version: str) -> None:
        before = (seat.phase, seat.version)
        if seat.phase not in (Phase.FREE, Phase.READY) or seat.runs or seat.reserved:
            return  # It was given something to do since the decision.
        seat.phase, seat.version = Phase.LOADING, version
        claims: list[Claim] = []
        try:
            claims = await self._take(seat, version, 1)
        finally:
            if not claims:
                seat.phase, seat.version = before
        for claim in claims:
            seat.runs[claim.attempt_id] = Run(claim, self._settings)
            self._begin(self._loading(seat), name=_LOADING)

    async def _take(self, seat: Seat, version: str, room: int) -> list[Claim]:
        if not room:
            return []
        seat.reserved += room
        try:
            claims = await self._claims.take(self._hardware_id, version, room)
        finally:
            seat.reserved -= room
        self._note_served(claims)
        return claims

    def _note_served(self, claims: list[Claim]) -> None:
        if len(self._served) > _MOST_REMEMBERED:
            self._served.clear()
        for claim in claims:
            self._served[claim.model_id] = time.time()

    async def _loading(self, seat: Seat) -> None:
        began = time.monotonic()
        error: TaskError | None = None
        loaded: Runtime | None = None
        try:
            await self._end_runtime(seat)
            loaded = await self._start(seat)
        except Broken as broken:
            error = broken.error
        except DatabaseUnavailable as unavailable:
            _log.warning("a runtime waits to be started", version=seat.version, reason=str(unavailable))
        except asyncio.CancelledError:
            self._is_closing = True  # Nothing else cancels it.
        except Exception:
            _log.exception("a runtime could not be started", version=seat.version)
            error = internal("The hub failed to start the model; its log says why.")
        for run in seat.runs.values():
            run.setup_seconds = time.monotonic() - began
        try:
            if loaded is not None and not self._is_closing:
                self._occupy(seat, loaded)
            else:
                await self._abandon(seat, error)
        finally:
            self._wake()

    def _occupy(self, seat: Seat, runtime: Runtime) -> None:
        seat.phase = Phase.READY
        seat.ready_at = seat.used_at = time.time()
        for run in [*seat.runs.values()]:
            self._run(seat, runtime, run)

    async def _abandon(self, seat: Seat, error: TaskError | None) -> None:
        seat.phase = Phase.ENDING
        try:
            await self._end_runtime(seat)
        finally:
            try:
                while seat.runs:
                    _, run = seat.runs.popitem()
                    await self._settle(run, None if error is None else run.failed(error))
            finally:
                self._free(seat)

    async def _start(self, seat: Seat) -> Runtime:
        version = await self._versions.find(seat.version)
        if version is None:
            raise Broken(internal("The version is gone: it was deleted while this waited."))
        journals = [run.journal for run in seat.runs.values()]
        runtime = seat.runtime = await self._loader.start(version, journals, self._scribe.note)
        seat.load_seconds = await runtime.load(journals)
        return runtime

    def _run_all(self, seat: Seat, runtime: Runtime | None, claims: Iterable[Claim]) -> None:
        """Run what was claimed for a runtime; give it back where that has gone since."""
        for run in (Run(claim, self._settings) for claim in claims):
            if runtime is not None and seat.runtime is runtime and not self._is_closing:
                self._run(seat, runtime, run)
            else:
                self._begin(self._settle(run, None))

    def _run(self, seat: Seat, runtime: Runtime, run: Run) -> None:
        seat.runs[run.claim.attempt_id] = run
        seat.used_at = time.time()
        self._begin(self._running(seat, runtime, run), name=_RUNNING)

    async def _running(self, seat: Seat, runtime: Runtime, run: Run) -> None:
        try:
            outcome = await run.in_runtime(runtime)
        except Exception:
            _log.exception("a prediction could not be run", prediction=run.claim.id)
            outcome = run.failed(internal("The hub failed to run it; its log says why."))
        finally:
            seat.runs.pop(run.claim.attempt_id, None)
        seat.used_at = time.time()
        goes_on = seat.runtime is runtime and not seat.is_yielding and not self._is_closing
        room = seat.room if goes_on else 0
        seat.reserved += room
        try:
            claims = await self._settle(run, outcome, room)
        finally:
            seat.reserved -= room
        self._note_served(claims)
        self._run_all(seat, runtime, claims)
        is_wanted = self._is_short and not claims
        if is_wanted or seat.is_yielding or not runtime.is_alive:
            self._wake()

    async def _settle(self, run: Run, outcome: Outcome | None, room: int = 0) -> list[Claim]:
        """Store how a run ended, however long the database cannot be written to; claim what comes next."""
        outage = Outage("an outcome waits to be stored", "an outcome is stored", prediction=run.claim.id)
        claims: list[Claim] = []
        while True:
            try:
                if outcome is None:
                    await self._claims.release([run.claim])
                else:
                    claims = await self._claims.finish(run.journal, outcome, self._hardware_id, room)
                outage.end()
                return claims
            except DatabaseUnavailable as error:
                outage.begin(error)
                await asyncio.sleep(_RETRY_SECONDS)

    def _vacate(self, seat: Seat) -> None:
        seat.phase = Phase.ENDING

        async def vacate() -> None:
            try:
                await self._end_runtime(seat)
            finally:
                self._free(seat)
                self._wake()

        self._begin(vacate())

    def _free(self, seat: Seat) -> None:
        seat.runs = {}  # Those that ran are being told.
        seat.phase, seat.version = Phase.FREE, ""

    async def _end_runtime(self, seat: Seat) -> None:
        runtime, seat.runtime = seat.runtime, None

        async def end(ending: Runtime) -> None:
            await ending.end()
            await self._loader.cells.remove(ending.cell)

        if runtime is not None:
            # Whoever stops waiting for that does not stop it.
            await asyncio.shield(self._begin(end(runtime)))

    def _named(self, name: str) -> list["asyncio.Task[Any]"]:
        return [task for task in self._tasks if task.get_name() == name]

    def _begin(self, work: Coroutine[Any, Any, Any], *, name: str = "") -> "asyncio.Task[Any]":
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a run failed in the worker itself", exc_info=error)
