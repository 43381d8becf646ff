"""Running plain predictions one by one in the main thread."""

import queue
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from wriftai_runtime.faults import Cancelled
from wriftai_runtime.jobs import Job
from wriftai_runtime.predictors import Predictor, close

_END: Any = object()


class Serial:
    """One prediction at a time in the main thread, where a signal can end even a call that waits."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._inside: Job | None = None  # The prediction whose code runs now.
        signal.signal(signal.SIGUSR1, self._on_signal)

    def run(self, on_ready: Callable[[], None]) -> None:
        self._predictor.set_up()
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
            close(pieces)
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
