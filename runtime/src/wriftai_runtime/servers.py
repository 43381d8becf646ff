"""What runs predictions, and which way of it a predictor needs; each is loaded only where it is needed."""

from collections.abc import Callable
from typing import Protocol

from wriftai_runtime.jobs import Job
from wriftai_runtime.predictors import Predictor


class Server(Protocol):
    """Runs predictions. All but `run` is called by the thread that listens to the parent, after `on_ready`."""

    def run(self, on_ready: Callable[[], None]) -> None:
        """Set the predictor up, call `on_ready`, and run predictions in the main thread until the stop."""

    def start(self, job: Job) -> None:
        """Begin a prediction, or let it wait for its turn."""

    def interrupt(self, job: Job) -> None:
        """End a prediction whose `is_cancelled` was set, as soon as its code allows."""

    def stop(self) -> None:
        """Let `run` return when all that began has ended."""


def server_for(predictor: Predictor, concurrency: int) -> Server:
    """Choose how a predictor runs its predictions.

    Args:
        predictor: Made, but not set up; the server does that.
        concurrency: How many predictions run side by side at most, 1 or more.
    """
    if predictor.signature.is_async:
        from wriftai_runtime.loop import Loop

        return Loop(predictor, concurrency)
    if concurrency > 1:
        from wriftai_runtime.threads import Threads

        return Threads(predictor, concurrency)
    from wriftai_runtime.serial import Serial

    return Serial(predictor)
