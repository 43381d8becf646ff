"""Three ways to run predictions: one by one in the main thread, in threads, in an event loop."""

import asyncio
import inspect
import queue
import signal
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import FrameType
from typing import Any, Protocol

from wriftai_runtime import logs
from wriftai_runtime.faults import Cancelled
from wriftai_runtime.jobs import Job
from wriftai_runtime.predictors import Predictor

_END: Any = object()


class Server(Protocol):
    """Runs predictions. All but `run` is called by the thread that listens to the parent, after `on_ready`."""

    def run(self, on_ready: Callable[[], None]) -> None:
        """Set the predictor up, call `on_ready`, and run predictions in the main thread until the stop."""

    def start(self, job: Job) -> None:
        """Begin a prediction, or let it wait for its turn."""

    def interrupt(self, job: Job) -> None:
        """End a prediction that was marked as cancelled, as soon as its code allows."""

    def stop(self) -> None:
        """Let `run` return when all that began has ended."""


def server_for(predictor: Predictor, concurrency: int) -> Server:
    """Choose how a predictor runs its predictions.

    Args:
        predictor: Not set up yet.
        concurrency: How many predictions run side by side at most.
    """
    if predictor.signature.is_async:
        return Loop(predictor, concurrency)
    return Threads(predictor, concurrency) if concurrency > 1 else Serial(predictor)


class Serial:
    """One prediction at a time in the main thread, where a signal can end even a call that waits."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._inside: Job | None = None  # The prediction whose code runs now.
        signal.signal(signal.SIGUSR1, self._on_signal)

    def run(self, on_ready: Callable[[], None]) -> None:
        _set_up(self._predictor)
        on_ready()
        while job := self._waiting.get():
            self._predict(job)

    def start(self, job: Job) -> None:
        self._waiting.put(job)

    def interrupt(self, job: Job) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def stop(self) -> None:
        self._waiting.put(None)

    def _predict(self, job: Job) -> None:
        with job:
            arguments = self._step(job, job.arguments)
            output = self._step(job, partial(self._predictor.predict, **arguments))
            if self._predictor.signature.streams:
                self._emit(job, iter(output))
            else:
                job.finish(output)

    def _emit(self, job: Job, pieces: Any) -> None:
        try:
            while (piece := self._step(job, next, pieces, _END)) is not _END:
                job.emit(piece)
        finally:
            _close(pieces)
        job.finish_pieces()

    def _step(self, job: Job, call: Callable[..., Any], *args: Any) -> Any:
        """Run the model's code. Only here may the signal raise, so that replies are never cut in two."""
        self._inside = job
        try:
            job.check()
            return call(*args)
        finally:
            self._inside = None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        job = self._inside
        if job is not None and job.is_cancelled:
            self._inside = None
            raise Cancelled


class Threads:
    """Plain predictions side by side; threads cannot be interrupted, they end between pieces or by themselves."""

    def __init__(self, predictor: Predictor, concurrency: int) -> None:
        self._predictor = predictor
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="prediction")
        self._is_stopped = threading.Event()

    def run(self, on_ready: Callable[[], None]) -> None:
        _set_up(self._predictor)
        on_ready()
        self._is_stopped.wait()
        self._pool.shutdown()

    def start(self, job: Job) -> None:
        self._pool.submit(self._predict, job)

    def interrupt(self, job: Job) -> None:
        """Leave it to the prediction, which looks at its mark between pieces and at its end."""

    def stop(self) -> None:
        self._is_stopped.set()

    def _predict(self, job: Job) -> None:
        with logs.attributed(job), job:
            output = self._predictor.predict(**job.arguments())
            if self._predictor.signature.streams:
                pieces = iter(output)
                try:
                    for piece in pieces:
                        job.emit(piece)
                finally:
                    _close(pieces)
                job.finish_pieces()
            else:
                job.finish(output)


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
        if job.is_begun and (task := self._tasks.get(job.id)):  # A task that did not begin looks at its mark.
            task.cancel()

    async def _predict(self, job: Job) -> None:
        with logs.attributed(job), job:
            async with self._room:
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


def _set_up(predictor: Predictor) -> None:
    given = predictor.setup()
    if inspect.isawaitable(given):
        asyncio.run(_awaited(given))


async def _awaited(given: Awaitable[Any]) -> None:
    await given


def _close(pieces: Any) -> None:
    if close := getattr(pieces, "close", None):
        close()
