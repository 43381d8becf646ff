"""Running plain predictions in threads."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from wriftai_runtime import logs
from wriftai_runtime.jobs import Job
from wriftai_runtime.predictors import Predictor, close


class Threads:
    """Plain predictions side by side; threads cannot be interrupted, they end between pieces or by themselves."""

    def __init__(self, predictor: Predictor, concurrency: int) -> None:
        self._predictor = predictor
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="prediction")
        self._is_stopped = threading.Event()

    def run(self, on_ready: Callable[[], None]) -> None:
        self._predictor.set_up()
        on_ready()
        self._is_stopped.wait()
        self._pool.shutdown()

    def start(self, job: Job) -> None:
        self._pool.submit(self._predict, job)

    def interrupt(self, job: Job) -> None:
        """Leave it to the prediction, which looks at `is_cancelled` between pieces and at its end."""

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
                    close(pieces)
                job.finish_pieces()
            else:
                job.finish(output)
