"""Running async predictions in an event loop."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from wriftai_runtime import logs
from wriftai_runtime.jobs import Job
from wriftai_runtime.predictors import Predictor


class Loop:
    """Async predictions in one event loop."""

    def __init__(self, predictor: Predictor, concurrency: int) -> None:
        self._predictor = predictor
        self._concurrency = concurrency
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop
        self._room: asyncio.Semaphore
        self._is_stopped: asyncio.Event

    def run(self, on_ready: Callable[[], None]) -> None:
        asyncio.run(self._run(on_ready))

    def start(self, job: Job) -> None:
        self._loop.call_soon_threadsafe(self._begin, job)

    def interrupt(self, job: Job) -> None:
        self._loop.call_soon_threadsafe(self._cancel, job)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._is_stopped.set)

    async def _run(self, on_ready: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Semaphore(self._concurrency)
        self._is_stopped = asyncio.Event()
        given = self._predictor.setup()
        if inspect.isawaitable(given):
            await given
        on_ready()
        await self._is_stopped.wait()
        await asyncio.gather(*self._tasks.values())

    def _begin(self, job: Job) -> None:
        task = self._tasks[job.id] = self._loop.create_task(self._predict(job))
        task.add_done_callback(lambda _: self._tasks.pop(job.id))

    def _cancel(self, job: Job) -> None:
        if job.is_begun and (task := self._tasks.get(job.id)):  # One that did not begin looks at `is_cancelled`.
            task.cancel()

    async def _predict(self, job: Job) -> None:
        with logs.attributed(job), job:
            try:
                async with self._room:
                    await self._run_model(job)
            except asyncio.CancelledError:
                job.check()
                raise  # The model itself raised it.

    async def _run_model(self, job: Job) -> None:
        has_files = self._predictor.signature.input.has_files
        arguments = await asyncio.to_thread(job.arguments) if has_files else job.arguments()
        output = self._predictor.predict(**arguments)
        if inspect.isawaitable(output):
            output = await output
        if self._predictor.signature.streams:
            await self._emit(job, aiter(output))
        else:
            job.finish(output)

    async def _emit(self, job: Job, pieces: Any) -> None:
        try:
            async for piece in pieces:
                job.emit(piece)
        finally:
            if close := getattr(pieces, "aclose", None):
                await close()
        job.finish_pieces()
