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
from wriftai_server.worker.event_writer import EventWriter
from wriftai_server.worker.loading import Loader
from wriftai_server.worker.runs import Run, Stop
from wriftai_server.worker.schedule import Demand, Load, Phase, Rules, Serve, SlotState, Unload, Yield, decide
from wriftai_server.worker.versions import Versions

_LOADING, _RUNNING = "loading", "running"
_RETRY_SECONDS = 1.0
_END_SECONDS = 10.0
_MOST_REMEMBERED = 10_000

_log = structlog.get_logger()


class Slot:
    """Room for one runtime on this machine, and what goes on in it.

    Attributes:
        phase: What goes on in it.
        version: Id of the version that is loaded or being loaded in it; empty when it is free.
        runtime: None while there is none.
        runs: What its runtime runs, or is loaded for, by the ids of attempts.
        reserved: How many predictions are being claimed for it.
        is_yielding: Whether it is given nothing more for now, as others wait for it.
        ready_at: When its version was loaded, in seconds of `time.monotonic`; the next too.
        used_at: When its runtime was last given a prediction, or finished one.
        load_seconds: How long loading took.
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
        """How many more predictions its runtime takes now."""
        if self.phase is not Phase.READY or self.runtime is None or not self.runtime.is_alive:
            return 0
        return max(0, self.runtime.program.concurrency - len(self.runs) - self.reserved)

    @property
    def state(self) -> SlotState:
        """What the schedule sees of it; predictions that are being claimed for it count as running."""
        running = len(self.runs) + self.reserved
        return SlotState(
            self.phase, self.version, running, self.room, self.ready_at, self.used_at, self.load_seconds
        )


class Pool:
    """Runs the predictions that wait for one kind of hardware, in slots.

    Args:
        hardware_id: UUID of the hardware.
        capacity: How many slots there are, and so how many runtimes at most.
        claims: Takes predictions from the queue, and brings them back.
        versions: Tells what a version is.
        loader: Starts runtimes.
        writer: Stores what predictions say on their way.
        settings: Limits and times of runtimes and predictions.
        wake: Called when there is something for a turn to decide.
    """

    def __init__(
        self,
        hardware_id: str,
        capacity: int,
        *,
        claims: Claims,
        versions: Versions,
        loader: Loader,
        writer: EventWriter,
        settings: WorkerSettings,
        wake: Callable[[], None],
    ) -> None:
        self._hardware_id = hardware_id
        self._slots = [Slot() for _ in range(capacity)]
        self._claims = claims
        self._versions = versions
        self._loader = loader
        self._writer = writer
        self._settings = settings
        self._wake = wake
        self._rules = Rules(idle_seconds=settings.idle_seconds)
        self._served: dict[str, float] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closing = False
        # Whether the last turn left versions without a slot, so that they wait for the first one that is free.
        self._is_short = False

    @property
    def runs(self) -> dict[str, Run]:
        """All that runs, or waits for its version to be loaded, by the ids of attempts."""
        return {attempt_id: run for slot in self._slots for attempt_id, run in slot.runs.items()}

    @property
    def kept(self) -> list[Path]:
        """The folders of images and environments that runtimes have open, which must stay."""
        return [path for slot in self._slots if slot.runtime is not None for path in slot.runtime.program.kept]

    async def turn(self) -> None:
        """Look at what waits, decide what each slot does, and begin that; what takes long goes on by itself.

        Raises:
            DatabaseUnavailable: The queue cannot be read, or nothing can be claimed, now.
        """
        for slot in self._slots:
            if slot.phase is Phase.READY and slot.runtime is not None and not slot.runtime.is_alive:
                self._vacate(slot)
        demands = await self._demands()
        now = time.monotonic()
        steps = decide(now, [slot.state for slot in self._slots], demands, self._served, self._rules)
        for slot in self._slots:
            slot.is_yielding = False
        helped = {step.version for step in steps if isinstance(step, Load)} | {
            self._slots[step.slot_index].version for step in steps if isinstance(step, Serve)
        }
        self._is_short = any(demand.version not in helped for demand in demands)
        for step in steps:
            slot = self._slots[step.slot_index]
            match step:
                case Serve():
                    await self._serve(slot)
                case Load(version=version):
                    await self._load(slot, version)
                case Yield():
                    slot.is_yielding = True
                case Unload():
                    self._vacate(slot)

    async def close(self, grace_seconds: float) -> None:
        """Claim nothing more, let what runs end for a while, and end all runtimes.

        Args:
            grace_seconds: What has not ended by then is cut off and given back, so that another worker runs it.
        """
        self._is_closing = True
        for task in self._named(_LOADING):
            task.cancel()
        if running := self._named(_RUNNING):
            await asyncio.wait(running, timeout=grace_seconds)
        for slot in self._slots:
            if slot.phase is Phase.READY:
                self._vacate(slot)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_END_SECONDS)
            for task in late:
                task.cancel()

    def stop(self, run: Run, why: Stop) -> None:
        """Have a run end, for the first reason that is given; nothing when it is not one of this pool.

        One that waits for its runtime to be loaded ends at once, and the loading goes on.
        """
        for slot in self._slots:
            if slot.runs.get(run.claim.attempt_id) is run and run.stop is None:
                run.end(why)
                if slot.phase is Phase.LOADING:
                    del slot.runs[run.claim.attempt_id]
                    self._begin(self._settle(run, run.cut()))

    async def _demands(self) -> list[Demand]:
        if self._is_closing:
            return []
        waiting = await self._claims.waiting(self._hardware_id)
        # Turns are measured by the clock that nobody sets: one that is put back would let none of them end.
        ahead = time.time() - time.monotonic()
        return [
            Demand(
                version_id,
                await self._versions.model_of(version_id),
                datetime.fromisoformat(since).timestamp() - ahead,
            )
            for version_id, since in waiting
        ]

    async def _serve(self, slot: Slot) -> None:
        runtime = slot.runtime
        self._run_all(slot, runtime, await self._take(slot, slot.version, slot.room))

    async def _load(self, slot: Slot, version: str) -> None:
        before = (slot.phase, slot.version)
        if slot.phase not in (Phase.FREE, Phase.READY) or slot.runs or slot.reserved:
            return  # It was given something to do since the decision.
        slot.phase, slot.version = Phase.LOADING, version
        claims: list[Claim] = []
        try:
            claims = await self._take(slot, version, 1)
        finally:
            if not claims:
                slot.phase, slot.version = before
        for claim in claims:
            slot.runs[claim.attempt_id] = Run(claim, self._settings)
            self._begin(self._loading(slot), name=_LOADING)

    async def _take(self, slot: Slot, version: str, room: int) -> list[Claim]:
        if not room:
            return []
        slot.reserved += room
        try:
            claims = await self._claims.take(self._hardware_id, version, room)
        finally:
            slot.reserved -= room
        self._note_served(claims)
        return claims

    def _note_served(self, claims: list[Claim]) -> None:
        if len(self._served) > _MOST_REMEMBERED:
            self._served.clear()
        for claim in claims:
            self._served[claim.model_id] = time.monotonic()

    async def _loading(self, slot: Slot) -> None:
        began = time.monotonic()
        error: TaskError | None = None
        loaded: Runtime | None = None
        try:
            await self._end_runtime(slot)
            loaded = await self._start(slot)
        except Broken as broken:
            error = broken.error
        except DatabaseUnavailable as unavailable:
            _log.warning("a runtime waits to be started", version=slot.version, reason=str(unavailable))
        except asyncio.CancelledError:
            self._is_closing = True  # Nothing else cancels it.
        except Exception:
            _log.exception("a runtime could not be started", version=slot.version)
            error = internal("The hub failed to start the model; its log says why.")
        for run in slot.runs.values():
            run.setup_seconds = time.monotonic() - began
        try:
            if loaded is not None and not self._is_closing:
                self._occupy(slot, loaded)
            else:
                await self._abandon(slot, error)
        finally:
            self._wake()

    def _occupy(self, slot: Slot, runtime: Runtime) -> None:
        slot.phase = Phase.READY
        slot.ready_at = slot.used_at = time.monotonic()
        for run in [*slot.runs.values()]:
            self._run(slot, runtime, run)

    async def _abandon(self, slot: Slot, error: TaskError | None) -> None:
        slot.phase = Phase.ENDING
        try:
            await self._end_runtime(slot)
        finally:
            try:
                while slot.runs:
                    _, run = slot.runs.popitem()
                    await self._settle(run, None if error is None else run.failed(error))
            finally:
                self._free(slot)

    async def _start(self, slot: Slot) -> Runtime:
        version = await self._versions.find(slot.version)
        if version is None:
            raise Broken(internal("The version is gone: it was deleted while this waited."))
        buffers = [run.buffer for run in slot.runs.values()]
        runtime = slot.runtime = await self._loader.start(version, buffers, self._writer.note)
        slot.load_seconds = await runtime.load(buffers)
        return runtime

    def _run_all(self, slot: Slot, runtime: Runtime | None, claims: Iterable[Claim]) -> None:
        """Run what was claimed for a runtime; give it back where that has gone since."""
        for run in (Run(claim, self._settings) for claim in claims):
            if runtime is not None and slot.runtime is runtime and not self._is_closing:
                self._run(slot, runtime, run)
            else:
                self._begin(self._settle(run, None))

    def _run(self, slot: Slot, runtime: Runtime, run: Run) -> None:
        slot.runs[run.claim.attempt_id] = run
        slot.used_at = time.monotonic()
        self._begin(self._running(slot, runtime, run), name=_RUNNING)

    async def _running(self, slot: Slot, runtime: Runtime, run: Run) -> None:
        try:
            outcome = await run.in_runtime(runtime)
        except Exception:
            _log.exception("a prediction could not be run", prediction=run.claim.id)
            outcome = run.failed(internal("The hub failed to run it; its log says why."))
        finally:
            slot.runs.pop(run.claim.attempt_id, None)
        slot.used_at = time.monotonic()
        goes_on = slot.runtime is runtime and not slot.is_yielding and not self._is_closing
        room = slot.room if goes_on else 0
        slot.reserved += room
        try:
            claims = await self._settle(run, outcome, room)
        finally:
            slot.reserved -= room
        self._note_served(claims)
        self._run_all(slot, runtime, claims)
        is_wanted = self._is_short and not claims
        if is_wanted or slot.is_yielding or not runtime.is_alive:
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
                    claims = await self._claims.finish(run.buffer, outcome, self._hardware_id, room)
                outage.end()
                return claims
            except DatabaseUnavailable as error:
                outage.begin(error)
                await asyncio.sleep(_RETRY_SECONDS)

    def _vacate(self, slot: Slot) -> None:
        slot.phase = Phase.ENDING

        async def vacate() -> None:
            try:
                await self._end_runtime(slot)
            finally:
                self._free(slot)
                self._wake()

        self._begin(vacate())

    def _free(self, slot: Slot) -> None:
        slot.runs = {}  # Those that ran are being told.
        slot.phase, slot.version = Phase.FREE, ""

    async def _end_runtime(self, slot: Slot) -> None:
        runtime, slot.runtime = slot.runtime, None

        async def end(ending: Runtime) -> None:
            await ending.end()
            await self._loader.sandboxes.remove(ending.sandbox)

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
